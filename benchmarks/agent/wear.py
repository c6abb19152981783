"""`python -m benchmarks.agent.wear [--meters N] [--hours H] [--folder DIR] [--json]`: what a box writes to its flash.

The agent's own loop over a real store, in virtual time; the kernel counts what this process wrote (/proc/self/io), so
the folder must lie on a disk and not in memory. Exit code 1 when a day of sixty meters is more than it may be.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from benchmarks.agent.virtual_box import virtual_box

HOUR_MS: Final = 3_600_000
SETTLE_HOURS: Final = 2
MIB_A_DAY_MAX: Final = 8.0
"""For sixty meters and intervals of half an hour: "a few megabytes"; an eMMC of 8 GB bears that for decades."""


@dataclass(frozen=True)
class Row:
    """One measurement, as if it had lasted a day."""

    meters: int
    hours: float
    written_mib_a_day: float
    to_files_mib_a_day: float
    commits_a_day: float
    batches_a_day: float
    store_kib: int


def _counted() -> dict[str, int]:
    """What the kernel says of this process (man 5 proc): wchar was asked of files, write_bytes of the disk."""
    lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    return {name: int(value) for name, value in (line.split(": ") for line in lines)}


def measure(meters: int, hours: float, folder: Path | None) -> Row:
    """Let hours pass and count."""
    with (
        tempfile.TemporaryDirectory(prefix="tallybox-wear-", dir=folder) as name,
        virtual_box(Path(name), meters) as box,
    ):
        box.time.go_on(SETTLE_HOURS * HOUR_MS)
        before, steps, batches = _counted(), box.store.step, box.centre.batches
        box.time.go_on(round(hours * HOUR_MS))
        after = _counted()
        a_day = 24 / hours
        return Row(
            meters=meters,
            hours=hours,
            written_mib_a_day=round((after["write_bytes"] - before["write_bytes"]) / 2**20 * a_day, 2),
            to_files_mib_a_day=round((after["wchar"] - before["wchar"]) / 2**20 * a_day, 2),
            commits_a_day=(box.store.step - steps) * a_day,
            batches_a_day=(box.centre.batches - batches) * a_day,
            store_kib=sum(path.stat().st_size for path in Path(name).glob("box.db*")) // 1024,
        )


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.agent.wear", description=__doc__)
    parser.add_argument("--meters", type=int, default=60)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--folder", type=Path, help="where the store lies, on a disk (the usual temporary folder)")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    chosen = parser.parse_args()
    row = measure(chosen.meters, chosen.hours, chosen.folder)
    most = MIB_A_DAY_MAX * chosen.meters / 60
    if chosen.json:
        print(json.dumps(asdict(row)))
    else:
        print(f"one box of {row.meters} meters, intervals of half an hour, {row.hours:g} hours of virtual time")
        print(
            f"written to the disk {row.written_mib_a_day:8} MiB a day, {row.written_mib_a_day / most:.2f} of the limit"
        )
        print(f"asked of the files  {row.to_files_mib_a_day:8} MiB a day")
        print(f"commits             {row.commits_a_day:8.0f} a day, {row.batches_a_day:.0f} batches")
        print(f"store               {row.store_kib:8} KiB, journal included")
    if row.written_mib_a_day > most:
        print(f"missed: {row.written_mib_a_day} MiB a day; at most {most}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
