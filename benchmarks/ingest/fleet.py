"""A fleet of boxes of sixty meters each, put straight into a database: enrolled, configured, with nothing told yet.

Planning and enrolling ten thousand boxes through the front door would take an hour and is not what is measured.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from cloud_server.core.fleet import BoxState
from cloud_server.core.planned_site import config_of
from cloud_server.store import tables_enrolment as te
from cloud_server.store import tables_fleet as tf
from cloud_server.store.database import Engine
from cloud_server.store.fleet import _new_box
from cloud_server.store.rows import Rows
from protocol.box_config import BoxConfig, TariffText, text_hash
from protocol.chain import Head
from protocol.config_text import write_config
from protocol.signing import SigningKey, signing_key
from protocol.site_plan import BoxPlan, SitePlan
from tests.cloud_server import street

METERS: Final = 60
TARIFF_TEXT: Final = """
name = "商铺分时 2026"
starts_at = 2026-01-01T00:00:00
fallback_rate = "flat"
[rates.peak]
price_micro = 1200000
[rates.flat]
price_micro = 800000
[rates.valley]
price_micro = 400000
[days.workday]
switches = ["00:00 valley", "08:00 flat", "10:00 peak", "12:00 flat", "18:00 peak", "22:00 flat"]
[calendar]
default = "workday"
"""
"""Three rates that change six times a day, as the tables of meters in the field have them."""
BOXES_AT_ONCE: Final = 200


@dataclass(frozen=True)
class FleetBox:
    """A box as the load generator needs it."""

    number: int
    box: str
    key: SigningKey
    epoch_hash: str
    config: BoxConfig


def make_fleet(engine: Engine, site: str, numbers: range) -> list[FleetBox]:
    """Put boxes into the database; what speaks for them."""
    made = [_box(site, number) for number in numbers]
    for first in range(0, len(made), BOXES_AT_ONCE):
        some = made[first : first + BOXES_AT_ONCE]
        with engine.write() as database:
            rows = Rows(database, site)
            rows._insert(tf.Box, [_box_row(box) for box in some])
            rows._insert(te.Epoch, [_epoch_row(box) for box in some])
            rows._insert(te.BoxConfiguration, [_configuration_row(box) for box in some])
            rows._insert(tf.Meter, [row for box in some for row in _meter_rows(box)])
            rows._insert(tf.Wallet, [row for box in some for row in _wallet_rows(box)])
            rows._insert(tf.WalletMeter, [row for box in some for row in _binding_rows(box)])
    return made


def make_buyer(engine: Engine, site: str, box: FleetBox) -> None:
    """Somebody to whom a box's first wallet can be sold."""
    account, customer = street.account_id(box.number, 1), street.customer_id(box.number, 1)
    text = msgspec.json.encode(street.street(site, boxes=1, shops=1)).decode()
    with engine.write() as database:
        rows = Rows(database, site)
        rows._insert(tf.Plan, [{"version": 1, "text": text, "made_at_ms": 0, "made_by": "load"}])
        rows._insert(tf.Customer, [{"customer": customer, "name": "张记", "phones": "[]"}])
        row = {"account": account, "number": "K1", "customer": customer, "state": "in_use"}
        rows._insert(tf.Account, [row])


def _box(site: str, number: int) -> FleetBox:
    plan = _plan(site, number)
    config = config_of(plan, plan.boxes[0], {})
    key = signing_key(text_hash(f"key of box {number}").encode()[:32])
    return FleetBox(number, plan.boxes[0].box, key, text_hash(f"epoch of box {number}"), config)


def _plan(site: str, number: int) -> SitePlan:
    """The plan of one box alone."""
    whole = street.street(site, boxes=1, shops=1)
    box: BoxPlan = street._box(number, METERS)
    tariff = TariffText(tariff=street.TARIFF, version=1, text=TARIFF_TEXT, hash=text_hash(TARIFF_TEXT))
    return SitePlan(
        site=site,
        name=whole.name,
        settings=whole.settings,
        defaults=whole.defaults,
        limits=whole.limits,
        buildings=whole.buildings,
        boxes=[box],
        points=[],
        customers=[],
        accounts=[],
        wallets=[street._wallet(number, shop, 0) for shop in range(1, METERS + 1)],
        tariffs=[tariff],
    )


def _box_row(box: FleetBox) -> dict[str, Any]:
    row = dict(_new_box(_plan("0" * 32, box.number).boxes[0], box.number))
    text = write_config(box.config)
    return row | {
        "state": BoxState.ENROLLED.value,
        "epoch": 1,
        "record_key": box.key.public.text,
        "batch_hash": box.epoch_hash,
        "config_version": 1,
        "config_hash": text_hash(text),
        "held_version": 1,
    }


def _epoch_row(box: FleetBox) -> dict[str, Any]:
    return {
        "box": box.box,
        "epoch": 1,
        "hash": box.epoch_hash,
        "record_key": box.key.public.text,
        "keyid": box.key.public.keyid,
        "closes_epoch": None,
        "closes_seq": None,
        "closes_hash": None,
        "why": "enrolled",
        "opened_at_ms": 0,
        "fenced_at_ms": None,
    }


def _configuration_row(box: FleetBox) -> dict[str, Any]:
    text = write_config(box.config)
    return {"box": box.box, "version": 1, "hash": text_hash(text), "text": text, "made_at_ms": 0}


def _meter_rows(box: FleetBox) -> Iterator[dict[str, Any]]:
    for meter in box.config.meters:
        yield {
            "meter": meter.meter, "box": box.box, "bus": meter.bus, "device": meter.device, "point": meter.point,
            "unit": meter.unit, "name": meter.name, "use": meter.use, "tariff": meter.tariff, "config": "{}",
        }  # fmt: skip


def _wallet_rows(box: FleetBox) -> Iterator[dict[str, Any]]:
    for wallet in box.config.wallets:
        yield {
            "wallet": wallet.wallet, "account": wallet.account, "box": box.box, "state": "in_use",
            "alarm1_micro": 0, "alarm2_micro": 0, "credit_limit_micro": 0, "reconnect_micro": 0, "opening_micro": 0,
        }  # fmt: skip


def _binding_rows(box: FleetBox) -> Iterator[dict[str, Any]]:
    for wallet in box.config.wallets:
        for meter in wallet.meters:
            yield {"meter": meter, "wallet": wallet.wallet}


def start_of(box: FleetBox) -> Head:
    """Where a box's chain of batches begins."""
    return Head(0, box.epoch_hash)
