"""One world from its seed: `python -m tests.simulation --seed N --steps M [--trace]`; exit code 1 where it breaks."""

import argparse
import logging
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.simulation.happenings import WEIGHTS
from tests.simulation.losses import DEEDS, NOTED
from tests.simulation.world import Breach, run_world

MEMORY = Path("/dev/shm")


def say(text: str) -> None:
    """A line on stdout, at once: a run that hangs shows where."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def sum_up(counts: Counter[str], *, office: bool, losses: bool) -> None:
    """How often each kind of thing happened in all worlds; one that never did is named."""
    wanted = [happening.__name__ for happening in WEIGHTS] + (["office"] if office else [])
    wanted += [*DEEDS, *(f"noted {action}" for action in NOTED)] if losses else []
    for name in [*wanted, *sorted(counts.keys() - set(wanted))]:
        say(f"{counts[name]:8} {name}")
    never = [name for name in wanted if not counts[name]]
    say(f"NEVER HAPPENED: {', '.join(never)}" if never else "everything that can happen did")


def _quiet(text: str) -> None: ...


def main() -> int:
    """Run the worlds that are asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=1, help="how many worlds, from this seed on")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--no-office", action="store_true", help="nobody but the sales desk moves money")
    parser.add_argument("--losses", action="store_true", help="memory is lost and hardware changes")
    parser.add_argument("--late", action="store_true", help="a busy centre takes requests in late, overtaken or twice")
    parser.add_argument("--digest", action="store_true", help="say what came of it, in one word")
    parser.add_argument("--trace", action="store_true", help="tell every step")
    parser.add_argument("--log", action="store_true", help="what the programs log, too")
    parsed = parser.parse_args()
    logging.basicConfig(level=logging.INFO if parsed.log else logging.CRITICAL, stream=sys.stdout)
    counts = Counter[str]()
    try:
        failed = _run_worlds(parsed, counts)
    except KeyboardInterrupt:
        say("ended by hand: what came of the worlds until then")
        failed = 1
    if parsed.seeds > 1:
        sum_up(counts, office=not parsed.no_office, losses=parsed.losses)
    return 1 if failed else 0


def _run_worlds(parsed: argparse.Namespace, counts: Counter[str]) -> int:
    """One after the other; how many broke."""
    failed = 0
    for seed in range(parsed.seed, parsed.seed + parsed.seeds):
        began = time.process_time()
        with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
            try:
                trace = say if parsed.trace else _quiet
                world = run_world(
                    seed, parsed.steps, Path(folder), trace,
                    office=not parsed.no_office, losses=parsed.losses, late=parsed.late,
                )  # fmt: skip
            except Breach as breach:
                say(str(breach))
                failed += 1
                continue
        counts += world.counts
        if parsed.digest:
            say(f"seed {seed}: {world.end_digest}")
        say(f"seed {seed}: held for {world.steps} steps, {time.process_time() - began:.1f} s of a core")
    return failed


if __name__ == "__main__":
    sys.exit(main())
