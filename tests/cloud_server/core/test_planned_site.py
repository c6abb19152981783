"""A site plan judged: every mistake at once, and what a plan cannot change."""

import msgspec
import pytest

from cloud_server.core.planned_site import KnownSite, config_of, plan_mistakes
from protocol.box_config import TariffText, text_hash
from protocol.config_text import find_mistakes
from protocol.site_plan import SitePlan
from tests.cloud_server.street import (
    FLAT_TARIFF,
    TARIFF,
    YUAN,
    account_id,
    box_id,
    customer_id,
    meter_id,
    street,
    wallet_id,
)

SITE = "1" * 32
PLAN = street(SITE)
NEW = KnownSite(SITE, "Asia/Shanghai", "CNY")


def changed(**fields: object) -> SitePlan:
    return msgspec.structs.replace(PLAN, **fields)


def texts(plan: SitePlan, known: KnownSite = NEW) -> list[str]:
    return [f"{m.place}: {m.value}: {m.message}" for m in plan_mistakes(plan, known)]


def test_a_good_plan_has_no_mistakes() -> None:
    assert texts(PLAN) == []
    for box in PLAN.boxes:
        assert find_mistakes(config_of(PLAN, box, {})) == []


def test_five_mistakes_are_named_together() -> None:
    wrong = TariffText(tariff=TARIFF, version=1, text="name = 3", hash="0" * 64)
    wallets = [msgspec.structs.replace(PLAN.wallets[0], box="9" * 32, opening_micro=-1), *PLAN.wallets[1:]]
    plan = changed(site="2" * 32, tariffs=[wrong], wallets=wallets, buildings=[])
    found = texts(plan)
    assert len(found) >= 5
    for word in ("site: 2222", "name", "opening_micro", "9" * 32, "building"):
        assert any(word in text for text in found), word


def test_mistakes_of_a_boxs_configuration_are_found_too() -> None:
    wallets = [msgspec.structs.replace(PLAN.wallets[0], reconnect_micro=0), *PLAN.wallets[1:]]
    assert any("reconnect_micro" in text for text in texts(changed(wallets=wallets)))


@pytest.mark.parametrize("rate", ["fixed", "a/b"])
def test_a_rate_may_not_break_the_chart_of_accounts(rate: str) -> None:
    text = FLAT_TARIFF.replace("rates.flat", f'rates."{rate}"').replace('"flat"', f'"{rate}"')
    text = text.replace("00:00 flat", f"00:00 {rate}")
    tariff = TariffText(tariff=TARIFF, version=1, text=text, hash=text_hash(text))
    assert any("rate may not" in found for found in texts(changed(tariffs=[tariff])))


KNOWN = KnownSite(
    SITE,
    "Asia/Shanghai",
    "CNY",
    boxes={box_id(1): {meter_id(1, 1), meter_id(1, 2)}},
    wallets={wallet_id(1, 1): (account_id(1, 1), box_id(1), 0)},
    accounts={account_id(1, 1): customer_id(1, 1)},
    tariffs={(TARIFF, 1): text_hash(FLAT_TARIFF)},
)


def test_the_same_plan_again_is_good() -> None:
    assert texts(PLAN, KNOWN) == []


@pytest.mark.parametrize(
    ("plan", "word"),
    [
        (changed(boxes=PLAN.boxes[1:]), "is enrolled and cannot be left out"),
        (
            changed(boxes=[msgspec.structs.replace(PLAN.boxes[0], meters=PLAN.boxes[0].meters[:1]), PLAN.boxes[1]]),
            f"meter {meter_id(1, 2)}",
        ),
        (changed(accounts=PLAN.accounts[1:]), f"account {account_id(1, 1)}"),
        (changed(wallets=PLAN.wallets[1:]), f"wallet {wallet_id(1, 1)}"),
        (
            changed(wallets=[msgspec.structs.replace(PLAN.wallets[0], opening_micro=5 * YUAN), *PLAN.wallets[1:]]),
            "was entered once, as 0",
        ),
        (
            changed(
                tariffs=[
                    TariffText(tariff=TARIFF, version=1, text=FLAT_TARIFF + "\n", hash=text_hash(FLAT_TARIFF + "\n"))
                ]
            ),
            "a version never changes its text",
        ),
    ],
)
def test_what_a_plan_cannot_change(plan: SitePlan, word: str) -> None:
    assert any(word in text for text in texts(plan, KNOWN))


def test_a_closed_account_is_told_to_the_box() -> None:
    config = config_of(PLAN, PLAN.boxes[0], {account_id(1, 1): "closed"})
    assert [wallet.account_state for wallet in config.wallets] == ["closed", "in_use", "in_use"]
