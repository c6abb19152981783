"""What `write_toml` writes, Python's own reader reads back as it was."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.toml_text import TomlValue, write_toml

_PLAIN = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.integers(-(2**53), 2**53) | st.booleans()
_TABLES = st.recursive(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=8), _PLAIN | st.lists(_PLAIN), max_size=4
    ),
    lambda inner: st.dictionaries(st.text("ab-.\"' 尖", max_size=4), inner | _PLAIN, max_size=3),
    max_leaves=8,
)


@given(_TABLES)
def test_reads_back_as_written(table: dict[str, TomlValue]) -> None:
    assert tomllib.loads(write_toml(table)) == table


def test_is_pleasant_to_read() -> None:
    table: dict[str, TomlValue] = {
        "bus": {"A1-1": {"serial": "/dev/ttyS0"}},
        "claim": "claim.toml",
        "sync": {"wait_s": 5},
    }
    assert write_toml(table) == ('claim = "claim.toml"\n\n[bus.A1-1]\nserial = "/dev/ttyS0"\n\n[sync]\nwait_s = 5\n')


@pytest.mark.parametrize("text", ["a\x7fb", "line\nfeed", 'quote"', "反斜杠\\"])
def test_awkward_texts(text: str) -> None:
    assert tomllib.loads(write_toml({"name": text})) == {"name": text}
