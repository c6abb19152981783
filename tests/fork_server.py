"""A process that has loaded one of our programs, and forks it: started by `quick_start`, which says why.

Until it forks it runs one thread and nothing of the program, only its imports. The fork then runs `python -m PROGRAM`
as Python itself does, to its own end; it shares with its maker what was loaded, and nothing else.
"""

import atexit
import gc
import json
import os
import runpy
import select
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from importlib import import_module
from typing import Any, Final

LOADED: Final = {
    "cloud_server": ("cloud_server.cli", "cloud_server.app"),
    "edge_agent": ("edge_agent.cli",),
}
"""Program -> what is loaded for it. The agent takes care itself of what a box does not have."""
REQUEST_BYTES_MAX: Final = 1 << 18
"""A command line and its environment."""
DESCRIPTORS: Final = 4
"""Standard input, output and errors of the program, and the pipe that is told how it ended."""


def main() -> None:
    """Serve until the other end is closed; a fork comes out of `serve` and runs the program."""
    program, number = sys.argv[1:]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    load(program)
    gc.collect()
    # A look for garbage would write to every page, and so copy it.
    gc.freeze()
    assert threading.active_count() == 1, "a fork would take one thread of several with it"
    with socket.socket(fileno=int(number)) as asked:
        asked.send(b"ready")
        request = serve(asked)
    if request is not None:
        become(program, request)


def load(program: str) -> None:
    """Import what the program will."""
    for name in LOADED[program]:
        import_module(name)
    if program == "edge_agent":
        # Only after its own word on what is not for boxes.
        from edge_agent.cli import NOT_FOR_BOXES

        nothing: dict[str, Any] = dict.fromkeys(NOT_FOR_BOXES)
        sys.modules.update(nothing)
        import_module("edge_agent.agent.commands")


def serve(asked: socket.socket) -> dict[str, Any] | None:
    """Fork for each request. In the fork: the request. In the server: None, when nobody asks any more."""
    running: dict[int, int] = {}
    woken, waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    signal.set_wakeup_fd(waker)
    sources: list[Any] = [asked, woken]
    while True:
        ready, _, _ = select.select(sources, [], [])
        if woken in ready:
            os.read(woken, REQUEST_BYTES_MAX)
            tell_ends(running)
        if asked not in ready:
            continue
        message, descriptors, _, _ = socket.recv_fds(asked, REQUEST_BYTES_MAX, DESCRIPTORS)
        if not message:
            return None
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            for kept in (woken, waker, descriptors[-1], *running.values()):
                os.close(kept)
            request: dict[str, Any] = json.loads(message)
            return request | {"descriptors": descriptors[:-1]}
        for given in descriptors[:-1]:
            os.close(given)
        running[pid] = descriptors[-1]
        asked.send(str(pid).encode())


def tell_ends(running: dict[int, int]) -> None:
    """Say how each ended that has."""
    for pid, told in list(running.items()):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            with suppress(BrokenPipeError):
                os.write(told, str(os.waitstatus_to_exitcode(status)).encode())
            os.close(told)
            del running[pid]


def become(program: str, request: dict[str, Any]) -> None:
    """Run the program in this process, as if Python had been started with `-m`."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for place, given in enumerate(request["descriptors"]):
        os.dup2(given, place)
        os.close(given)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    sys.argv = [program, *request["words"]]
    end(exit_code(program))


def exit_code(program: str) -> int:
    """Run it; what it ends with. Any other error than an exit ends this process as it ends Python."""
    try:
        runpy.run_module(program, run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        if isinstance(ended.code, str):
            sys.stderr.write(f"{ended.code}\n")
            return 1
        return ended.code or 0
    return 0


def end(code: int) -> None:
    """End as Python does, but for taking apart what was loaded: that would copy every page of it first."""
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads, and ends those of pools
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
