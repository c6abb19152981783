"""A text judged whole: what both sides say of it, and texts that were made to break whoever reads them."""

import pytest

from protocol.limits import PROFILE_CHARACTERS_MAX
from protocol.meter_profile.checking import check_profile
from protocol.meter_profile.reasons import REASONS
from tests.edge_agent.bus.profile_texts import ARMABLE, BOARD


def test_a_meter_and_a_board_are_told_apart_and_explained() -> None:
    meter, board = check_profile(ARMABLE, "site_armable", 3), check_profile(BOARD, "site_b4", 200)
    assert (meter.title, meter.grade, meter.is_board) == ("Nobody armable", "manual", False)
    assert "    03 03 01 00 00 0A C5 D3" in map(str, meter.plan)
    assert (board.title, board.is_board) == ("Nobody B4", True)
    assert str(board.plan[0]) == "Nobody B4: relay board with 4 channel(s), grade manual"


def test_all_mistakes_come_at_once_and_nothing_else() -> None:
    wrong = ARMABLE.replace('unit = "kWh"', 'unit = "W"').replace("phases = 3", "phases = 9")
    found = check_profile(wrong.replace("closed = [1]", "closed = [0]"), "x")
    keys = [mistake.key for mistake in found.mistakes]
    assert keys == ["quantities.energy.unit", "phases", "relay.contact.open"]
    assert (found.described, found.plan, found.title, found.grade) == (None, (), "", "")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x = " + "[" * 10_000, "nested deeper"),
        ("x = " + "9" * 10_000, "not TOML"),
        ("x" * (PROFILE_CHARACTERS_MAX + 1), f"at most {PROFILE_CHARACTERS_MAX} characters"),
        ("\x00", "not TOML"),
        (ARMABLE.replace('"0.01"', '"1/' + "9" * 5_000 + '"', 1), "an exact factor above 0"),
        (ARMABLE.replace('"0.01"', '"0.' + "1" * 5_000 + '"', 1), "an exact factor above 0"),
    ],
)
def test_a_text_made_to_break_its_reader_is_a_mistake_like_any_other(text: str, says: str) -> None:
    (mistake,) = check_profile(text, "x").mistakes
    assert says in str(mistake)
    assert len(str(mistake)) < 400


def test_each_sentence_stands_once() -> None:
    patterns = [reason.pattern for reason in REASONS]
    assert len(patterns) == len(set(patterns)) > 35
