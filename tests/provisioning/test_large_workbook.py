"""A workbook of 2,000 meters: read, checked and taken whole, in time that grows with the meters and no faster.

What it costs is compared with a workbook of an eighth of it, in processor time of the same run.
"""

import time
from pathlib import Path

import pytest
import xlsxwriter

from cloud_server.flows import plan_site
from protocol.site_plan import SitePlan
from provisioning.plan_file import PlanFile
from tests.cloud_server.site_rig import SiteRig, open_rig

METERS_PER_BUS, BUSES_PER_BOX = 20, 3
GROWS_AT_MOST = 2.5
"""Times the eightfold that eight times the meters cost; what looked at all meters for each one would cost eight."""
SECONDS_AT_MOST = 30.0
"""Of a processor, for 2,000: reading takes 1.2, taking in 6.9 with 2,000 opening balances and their signed lines."""


_METER_HEADS = (
    *("Meter *", "Bus *", "Address *", "Model *", "Serial number", "Shop number *", "Shop *", "Phases"),
    *("Rated current (A) *", "Tariff *"),
)


def _meter(number: int) -> tuple[object, ...]:
    return ("acrel_dtsy1352", f"{202600000000 + number}", f"S{number}", f"Shop {number}", 3, 80, "Shops")


def write_site(path: Path, site: str, meters: int) -> Path:
    """A street with so many shops, each with its meter, account and opening balance."""
    book = xlsxwriter.Workbook(path)
    buses = [f"B{number // BUSES_PER_BOX}-{number % BUSES_PER_BOX}" for number in range(-(-meters // METERS_PER_BUS))]
    rows: dict[str, list[tuple[object, ...]]] = {
        "Site": [("Site id", site), ("Site name", "Long Street"), ("Time zone", "Asia/Shanghai"), ("Currency", "CNY")],
        "Boxes": [
            ("Box *", "Building *", "Bus *", "Baud", "Parity", "Stop bits"),
            *((bus.partition("-")[0], "East", bus, 9_600, "", "") for bus in buses),
        ],
        "Tariffs": [
            ("Tariff *", "From *", "Rate *", "Price per kWh *", "Begins at"),
            ("Shops", "2026-01-01", "flat", "0.95", ""),
        ],
        "Meters": [
            (*_METER_HEADS,),
            *(
                (f"M{number}", buses[number // METERS_PER_BUS], number % METERS_PER_BUS + 1, *_meter(number))
                for number in range(meters)
            ),
        ],
        "Customers": [
            ("Account *", "Customer *", "Phones", "Meters *", "Alarm 1 *", "Alarm 2 *", "Opening balance"),
            *(
                (f"2026{number:05}", f"Tenant {number}", f"138{number:08}", f"M{number}", 50, 10, "120.00")
                for number in range(meters)
            ),
        ],
    }
    for name, lines in rows.items():
        page = book.add_worksheet(name)
        for number, line in enumerate(lines):
            page.write_row(number, 0, line)
    book.close()
    return path


def read_in_s(path: Path) -> tuple[float, SitePlan]:
    """Processor time of what `provision site import` does before it sends."""
    began = time.process_time()
    read = PlanFile(path)
    took = time.process_time() - began
    assert read.mistakes == []
    assert read.plan is not None
    return took, read.plan


def taken_in_s(rig: SiteRig, plan: SitePlan, *, changes: bool = True) -> float:
    """Processor time of what the centre does with it."""
    began = time.process_time()
    taken = plan_site.take_plan(rig.centre, plan, "provisioner")
    took = time.process_time() - began
    assert taken.changed is changes
    return took


@pytest.mark.parametrize(("few", "many"), [(100, 800), pytest.param(250, 2_000, marks=pytest.mark.slow)])
def test_eight_times_the_meters_cost_eight_times_as_much(tmp_path: Path, few: int, many: int) -> None:
    read_s, taken_s = {}, {}
    for meters in (few, many):
        folder = tmp_path / str(meters)
        folder.mkdir()
        with open_rig(folder) as rig:
            read_s[meters], plan = read_in_s(write_site(folder / "site.xlsx", rig.site, meters))
            assert sum(len(box.meters) for box in plan.boxes) == len(plan.points) == len(plan.wallets) == meters
            taken_s[meters] = taken_in_s(rig, plan)
            assert taken_in_s(rig, plan, changes=False) < taken_s[meters]
    for took in (read_s, taken_s):
        assert took[many] < SECONDS_AT_MOST, took
        assert took[many] < took[few] * (many / few) * GROWS_AT_MOST, took
