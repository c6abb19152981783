"""A command key rotated while a box is away, with real processes: the sale of before and the sale of after arrive."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.end_to_end.shaft import Shaft, shaft, wait_for

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shaft]:
    with shaft(tmp_path_factory.mktemp("rotated")) as made:
        yield made


def test_a_key_is_rotated_while_a_box_is_away(place: Shaft) -> None:
    place.delivered(place.sell("10.00"))
    place.box.kill()
    before = place.sell("20.00")
    place.cut()
    site = place.centre.config.path.parent
    words = ("rotate-command-key", "--dir", str(site), "--root", str(place.folder / "root"), "--no-passphrase", "--yes")
    done = subprocess.run(
        [sys.executable, "-m", "provisioning", *words], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    place.mend()
    after = place.sell("30.00")
    place.box.start()
    place.delivered(before)
    place.delivered(after)
    wait_for(lambda: place.box.status()["key_generation"] == 2, "the new key on the box", place.box.log)
    place.verify()
