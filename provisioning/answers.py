"""How a command of `provision` ends: its exit codes, and what a terminal is shown and asked."""

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any, Final

DONE: Final = 0
NOT_DONE: Final = 1
WRONG_INPUT: Final = 2
NO_ANSWER: Final = 3


def fail(options: argparse.Namespace, code: int, text: str, errors: Sequence[str] = ()) -> int:
    """Say what went wrong, with each error; the exit code."""
    if getattr(options, "json", False):
        print(json.dumps({"error": text, "errors": list(errors)}, ensure_ascii=False))
    else:
        print(f"provision: {text}", file=sys.stderr)
        for error in errors:
            print(f"  {error}", file=sys.stderr)
    return code


def show(options: argparse.Namespace, text: str, **facts: Any) -> int:
    """Show what came of it, as words or as JSON; the exit code."""
    print(json.dumps(facts, ensure_ascii=False) if options.json else text)
    return DONE


def announce(text: str) -> None:
    """Say what is about to be done."""
    print(text)


def agreed(question: str) -> bool:
    """Ask a person; where nobody sits there, the answer is no."""
    return sys.stdin.isatty() and input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
