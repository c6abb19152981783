"""Kill a child process at the n-th line of our own code that it executes, further each time until it runs through."""

import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

THROUGH = 0
FAILED = 3
LINES_MAX = 3_000
"""A sweep that is still being killed after so many lines has lost its way."""

Begin = Callable[[], None]


def kill_at_each_line(
    files: Sequence[str],
    prepare: Callable[[int], None],
    work: Callable[[Begin], None],
    check: Callable[[], None],
    stride: int = 1,
) -> int:
    """Run `work` in children that die at line 1, 1 + stride, … of the named files; `check` after each.

    Returns the number of the last line at which one died.

    `prepare` runs before each child, in the parent, with the number of the line; `work` calls what it is given where
    the counting shall begin.
    """
    for line in range(1, LINES_MAX, stride):
        prepare(line)
        child = os.fork()
        if child == 0:
            _die_at(line, files, work)
        _, status = os.waitpid(child, 0)
        check()
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == THROUGH, f"the child failed at line {line}"
            return line - stride
        assert os.WTERMSIG(status) == signal.SIGKILL
    raise AssertionError(f"not through after {LINES_MAX} lines")


def _die_at(line: int, files: Sequence[str], work: Callable[[Begin], None]) -> None:
    """The child: counts, dies, or says how it went. Never returns to the test."""
    left = line

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal left
        if not frame.f_code.co_filename.endswith(tuple(files)):
            return None
        if event == "line":
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    code = FAILED
    try:
        work(lambda: sys.settrace(trace))
        code = THROUGH
    finally:
        sys.settrace(None)
        if code == FAILED:
            traceback.print_exc()
        os._exit(code)


def copy_files(source: Path, target: Path) -> None:
    """A state directory as it stands, in a fresh folder."""
    target.mkdir()
    for file in source.iterdir():
        if file.is_file():
            (target / file.name).write_bytes(file.read_bytes())
