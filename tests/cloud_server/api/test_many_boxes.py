"""A whole street that returns at once after its centre was gone: all are served, some may be asked to come slower."""

import asyncio
import random
import signal
import ssl
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from cloud_server.flows.read_wishes import SLOWER_MAX_S
from protocol.envelope import read_body, write_body
from tests.cloud_server.api.site_process import SiteProcess, free_port, now_ms, run, wait_until_up
from tests.cloud_server.site_rig import make_folder, open_rig
from tests.cloud_server.speaking_box import SpeakingBox
from tests.cloud_server.street import meter_id
from tests.fakes.centre_clock import FakeClock

pytestmark = pytest.mark.timeout(240)

BOXES = 60
ASK_AGAIN_S = 0.5


@dataclass
class Returned:
    """What came of all boxes together."""

    asked_to_wait: list[int] = field(default_factory=list)
    turned_away: int = 0
    lost: int = 0


async def come_in(site: SiteProcess, box: SpeakingBox, seen: Returned) -> None:
    """As an agent does: send until all that was sealed is acknowledged, later where that is asked for."""
    async with httpx.AsyncClient(verify=site.trust, timeout=60, trust_env=False) as wire:
        while box.acked_seq < len(box.sealed):
            box.now_ms = now_ms()
            try:
                answer = await wire.post(
                    f"{site.url}/v1/box/sync",
                    content=write_body(box.request(), "zstd"),
                    headers={"Content-Encoding": "zstd"},
                )
            except httpx.TransportError:
                seen.lost += 1
                await asyncio.sleep(ASK_AGAIN_S * random.uniform(0.5, 1))
                continue
            if answer.status_code == 503:
                seen.turned_away += 1
                await asyncio.sleep(int(answer.headers["Retry-After"]) * random.uniform(1, 1.5))
                continue
            assert answer.status_code == 200, answer.text
            said = box.take(read_body(answer.content))
            if said.retry_after_s is not None:
                seen.asked_to_wait.append(said.retry_after_s)
                if box.acked_seq < len(box.sealed):
                    await asyncio.sleep(said.retry_after_s * random.uniform(1, 1.5))


def all_at_once(site: SiteProcess, boxes: list[SpeakingBox]) -> Returned:
    async def story() -> Returned:
        seen = Returned()
        await asyncio.gather(*(come_in(site, box, seen) for box in boxes))
        return seen

    return asyncio.run(story())


def use(boxes: list[SpeakingBox]) -> None:
    """Each box has a batch to bring."""
    for number, box in enumerate(boxes, start=1):
        box.use(meter_id(number, 1), 100, for_ms=60_000)
        box.seal()


def test_a_street_returns_at_once_and_all_are_served(tmp_path: Path) -> None:
    config = make_folder(tmp_path, free_port())
    clock = FakeClock(now_ms() - 7_200_000)
    with open_rig(tmp_path, clock) as rig:
        rig.plan(boxes=BOXES, shops=1)
        boxes = [rig.enrol(number) for number in range(1, BOXES + 1)]
    trust = ssl.create_default_context(cafile=str(config.keys_dir / "ca.pem"))
    settings, log = tmp_path / "site" / "centre.toml", tmp_path / "log"
    site = SiteProcess(config, run(settings, log=log), config.site.public_url, trust, "")
    try:
        wait_until_up(site, log)
        use(boxes)
        first = all_at_once(site, boxes)
        assert first.lost == 0
        assert all(0 < wait_s <= SLOWER_MAX_S for wait_s in first.asked_to_wait), "how many are depends on the machine"
        site.process.send_signal(signal.SIGKILL)
        site.process.wait(15)
        use(boxes)
        site.process = run(settings, log=log)
        again = all_at_once(site, boxes)
        assert again.lost > 0, "they came while nobody was there"
        assert all(box.acked_seq == len(box.sealed) for box in boxes)
        assert site.stop() == 0
    finally:
        if site.process.poll() is None:
            site.process.send_signal(signal.SIGKILL)
        site.process.wait(15)
    with open_rig(tmp_path, FakeClock(now_ms())) as rig:
        assert rig.breaches() == []
        with rig.store.read() as unit:
            assert [box.batch_head.seq for box in unit.fleet.boxes()] == [2] * BOXES
