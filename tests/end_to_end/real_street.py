"""A console over a centre of real parts behind TLS, for browser tests: boxes that speak the protocol, and history."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from cloud_server.flows import plan_site
from protocol.site_plan import SitePlan
from tests.cloud_server.console_rig import wire_console
from tests.cloud_server.site_rig import SiteRig, open_rig
from tests.cloud_server.speaking_box import SpeakingBox
from tests.cloud_server.street import FLAT_TARIFF, customer_id, meter_id, street
from tests.end_to_end.conftest import Served

HALF_HOUR_MS = 1_800_000
TIME_OF_USE = """name = "商铺分时 2026"
starts_at = 2026-01-01T00:00:00
fallback_rate = "flat"
[rates.peak]
price_micro = 1200000
[rates.flat]
price_micro = 800000
[rates.valley]
price_micro = 400000
[days.workday]
switches = ["00:00 valley", "08:00 flat", "18:00 peak", "22:00 flat"]
[days.weekend]
switches = ["00:00 valley", "10:00 flat"]
[calendar]
default = "workday"
weekdays = { sat = "weekend", sun = "weekend" }
dates = { "2026-10-01" = "weekend", "2026-10-02" = "weekend" }
"""


@dataclass
class RealStreet:
    """The console, the centre behind it, and the box that a test moves."""

    address: str
    rig: SiteRig
    box: SpeakingBox

    def settle(self) -> None:
        """The box hears what waits for it, and answers."""
        self.rig.settle(self.box)


@dataclass
class ServedRig:
    """The console over any centre of real parts."""

    address: str
    rig: SiteRig


def plan_of(site: str) -> SitePlan:
    """Six shops in two boxes: one is the building's main meter, one has no account; prices by time of use."""
    plan = street(site, boxes=2, shops=6)
    tariffs = [msgspec.structs.replace(plan.tariffs[0], text=FLAT_TARIFF)]
    gone = {customer_id(1, 1), customer_id(2, 6)}
    points = [msgspec.structs.replace(p, use="main", name="总表") if p.number == "A01" else p for p in plan.points]
    accounts = [account for account in plan.accounts if account.customer not in gone]
    kept = {account.account for account in accounts}
    return msgspec.structs.replace(
        plan,
        name="测试街",
        tariffs=tariffs,
        points=points,
        customers=[customer for customer in plan.customers if customer.customer not in gone],
        accounts=accounts,
        wallets=[wallet for wallet in plan.wallets if wallet.account in kept],
    )


def use_for_days(rig: SiteRig, box: SpeakingBox, days: int) -> None:
    """Half hours of use, more in the evening and at the week's end."""
    for half_hour in range(days * 48):
        hour = half_hour % 48
        load = 40 + (180 if 16 <= hour < 44 else 0) + (120 if 36 <= hour < 44 else 0) + half_hour // 48 % 7 * 15
        for shop in range(1, 7):
            box.use(meter_id(1, shop), load * (6 if shop == 1 else 1) + shop * 7)
        if half_hour % 48 == 47:
            box.seal()
            rig.exchange(box)


@contextmanager
def open_real_street(folder: Path, certificate: Path) -> Iterator[RealStreet]:
    """Start it, with three days of use and a few sales."""
    with open_served_rig(folder, certificate) as served:
        rig = served.rig
        plan_site.take_plan(rig.centre, plan_of(rig.site), "provisioner")
        box = rig.enrol(1)
        for shop in range(2, 7):
            rig.sell("200.00" if shop < 5 else "3000.00", shop=shop)
        rig.settle(box)
        use_for_days(rig, box, 3)
        rig.clock.advance(3 * 86_400_000)
        rig.settle(box)
        yield RealStreet(served.address, rig, box)


@contextmanager
def open_served_rig(folder: Path, certificate: Path) -> Iterator[ServedRig]:
    """Start a console over a centre in which nothing is planned yet."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    address = f"https://127.0.0.1:{port}"
    with open_rig(folder) as rig:
        app = wire_console(rig, address)
        served = Served(
            address=address,
            app=app,
            port=port,
            certificate=certificate,
            let_go=lambda ends: rig.live.close() if ends else None,
        )
        served.start()
        try:
            yield ServedRig(address, rig)
        finally:
            served.stop()
