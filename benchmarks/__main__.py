"""Run the benchmarks, one after the other, each in a process of its own so that none warms the next.

`python -m benchmarks` runs all, `python -m benchmarks bus agent` those, `--list` names them.
"""

import argparse
import pkgutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def names() -> list[str]:
    """The benchmarks that stand here."""
    found = [module for module in pkgutil.iter_modules([str(HERE)]) if module.name != "__main__"]
    return [module.name for module in found if not module.ispkg or (HERE / module.name / "__main__.py").exists()]


def main() -> int:
    """Run what is named; exit code 1 when one of them fails."""
    there = names()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure, against a limit or a peer.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of: {', '.join(there) or 'none yet'}")
    parser.add_argument("--list", action="store_true", help="name them and stop")
    chosen = parser.parse_args()
    if chosen.list:
        print("\n".join(there))
        return 0
    unknown = sorted(set(chosen.names) - set(there))
    if unknown:
        parser.error(f"no such benchmark: {', '.join(unknown)}; there are: {', '.join(there) or 'none yet'}")
    failed = []
    for name in chosen.names or there:
        print(f"== {name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], cwd=HERE.parent, check=False).returncode != 0:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
