"""Commands: what is carried out, what is refused and why, and that each uses up its number exactly once."""

import msgspec
import pytest

from edge_agent.core.orders import Standing, judge_command
from edge_agent.core.state import Marks
from protocol.box_config import Ratio, text_hash
from protocol.commands import (
    Body,
    Command,
    Configure,
    InService,
    LiftLockOut,
    LockOutCommand,
    SetMode,
    Upgrade,
    write_command_body,
)
from protocol.config_text import write_config
from protocol.ids import NO_HASH
from protocol.records import CommandResult
from tests.edge_agent.core.street import (
    BOX,
    FLAT,
    METERS,
    SITE,
    START_MS,
    YUAN,
    Street,
    box_config,
    meter_config,
    tariff,
    wallet_config,
)

NOBODY = "f" * 32
CT_40 = Ratio(version=1, from_ms=0, ct=(200, 5), pt=(1, 1))
"""On a meter that tells primary energy already it would be multiplied twice."""


def last_result(street: Street) -> tuple[str, str | None]:
    result = street.of(CommandResult)[-1]
    assert isinstance(result, CommandResult)
    return result.outcome, result.reason


def configure(street: Street, config: object, version: int = 2) -> Configure:
    text = config if isinstance(config, str) else write_config(config)  # type: ignore[arg-type]  # a BoxConfig or its text
    return Configure(config_version=version, config=text, hash=text_hash(text))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (SetMode(meter=NOBODY, mode="protected"), "unknown_meter"),
        (LockOutCommand(meter=NOBODY, who="Li"), "unknown_meter"),
        (LiftLockOut(meter=NOBODY, who="Li"), "unknown_meter"),
        (InService(meter=METERS[0], on=True), "not_tested"),
        (Upgrade(version="two", bundle_hash="0" * 64, not_before_ms=0), "bad_body"),
    ],
)
def test_refusals_name_their_reason_and_use_up_the_number(body: Body, reason: str) -> None:
    street = Street()
    street.command(body)
    assert last_result(street) == ("refused", reason)
    assert street.state.marks.commands_seq == 1
    street.grant(0, 10)
    assert last_result(street) == ("done", None), "a refused command never blocks a recharge behind it"


def test_the_same_grant_id_is_applied_once() -> None:
    street = Street()
    street.grant(0, 10, grant=7)
    street.grant(0, 10, grant=7)
    assert last_result(street) == ("refused", "money_id_known")
    assert street.book(0) == 10 * YUAN


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"wallet": NOBODY}, "unknown_wallet"),
        ({"amount_micro": 300_000 * YUAN}, "over_limit"),
    ],
)
def test_grants_that_may_not_be(changes: dict[str, object], reason: str) -> None:
    street = Street()
    street.grant(0, 10, None, **changes)
    assert last_result(street)[1] == reason
    assert street.book(0) == 0


def test_credit_for_a_closed_wallet_is_refused() -> None:
    street = Street(box_config(wallets=(wallet_config(0, account_state="closed"),)))
    street.grant(0, 10)
    assert last_result(street) == ("refused", "wallet_closed")


def test_too_late_or_of_a_lower_term() -> None:
    street = Street()
    street.command(SetMode(meter=METERS[0], mode="protected"), expires_at_ms=START_MS - 1)
    assert last_result(street) == ("refused", "expired")
    street.command(SetMode(meter=METERS[0], mode="protected"), term=5)
    assert last_result(street) == ("done", None)
    street.command(SetMode(meter=METERS[0], mode="prepaid"), term=4)
    assert last_result(street) == ("refused", "lower_term")
    assert street.state.meters[METERS[0]].state.mode == "protected"


def test_an_unknown_kind_and_a_bad_body_are_refused() -> None:
    street = Street()
    street.command(SetMode(meter=METERS[0], mode="protected"), kind="dance")
    assert last_result(street) == ("refused", "not_supported")
    street.command(SetMode(meter=METERS[0], mode="protected"), body=msgspec.Raw(b'{"meter":1}'))
    assert last_result(street) == ("refused", "bad_body")


def test_a_new_configuration_replaces_the_former_as_one() -> None:
    street = Street()
    street.read(0, 0)
    street.grant(0, 100)
    street.at_s = 60
    street.read(0, 1_000)
    dearer = tariff(FLAT.replace("1000000", "2000000"), 2)
    config = box_config(
        meters=(meter_config(0), meter_config(1)), wallets=(wallet_config(0), wallet_config(1)), tariffs=(dearer,)
    )
    street.command(configure(street, config))
    assert last_result(street) == ("done", None)
    assert street.book(0) == 99 * YUAN, "old energy at the old price, closed when the new one takes hold"
    assert street.state.meters[METERS[1]].state.service == "observe"
    assert street.book(1) == 0


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (box_config(wallets=()), "wallet_not_closed"),
        (box_config(meters=(meter_config(1),), wallets=(wallet_config(0, (1,)),)), "meter_not_released"),
        (box_config(meters=(meter_config(0, profile="nobody_knows"),)), "config_invalid"),
        (box_config(meters=(meter_config(0, profile="eastron_sdm630", ratios=[CT_40]),)), "config_invalid"),
        (box_config(tariffs=(tariff(FLAT.replace("1000000", "50000000")),)), "over_limit"),
        ("{}", "config_invalid"),
    ],
)
def test_a_configuration_that_may_not_hold_changes_nothing(config: object, reason: str) -> None:
    street = Street()
    before = street.state.marks.config_hash
    street.command(configure(street, config))
    assert last_result(street) == ("refused", reason)
    assert street.state.marks.config_hash == before


def _frame(seq: int, prev: str) -> Command:
    body = write_command_body(SetMode(meter=METERS[0], mode="prepaid"))
    return Command(site=SITE, box=BOX, seq=seq, prev=prev, term=1, issued_at_ms=1, kind="set_mode", body=body)


@pytest.mark.parametrize(
    ("seq", "prev", "kept", "expected"),
    [
        (4, "3" * 64, None, Standing.NEXT),
        (5, "4" * 64, None, Standing.GAP),
        (4, "9" * 64, None, Standing.EQUIVOCATION),
        (3, "2" * 64, "a" * 64, Standing.KNOWN),
        (3, "2" * 64, "b" * 64, Standing.EQUIVOCATION),
        (2, NO_HASH, None, Standing.KNOWN),
    ],
)
def test_standing_of_a_command(seq: int, prev: str, kept: str | None, expected: Standing) -> None:
    marks = Marks(site=SITE, box=BOX, commands_seq=3, commands_hash="3" * 64)
    assert judge_command(marks, _frame(seq, prev), "a" * 64, kept) is expected
