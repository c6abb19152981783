"""Work that nobody asks for, each at its pace, and the word to the service manager that the process lives."""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Callable
from typing import Any, Final

from starlette.concurrency import run_in_threadpool

from cloud_server.core.mistakes import NotNow
from cloud_server.flows.centre import Centre
from cloud_server.flows.office import WORK_EVERY_S
from cloud_server.flows.watch_centre import watch_journal
from cloud_server.flows.watch_fleet import watch_fleet
from cloud_server.messages.webhooks import WebhookSender
from cloud_server.store.schema import make_months_ahead
from cloud_server.wiring import Parts

JOURNAL_EVERY_S: Final = 3.0
"""A line that a crash left out of the journal is in it this soon."""
WATCH_EVERY_S: Final = 10.0
"""How soon a box that has gone silent is told of, beyond its limit."""
HEARD_EVERY_S: Final = 1.0
"""That boxes were heard is shown to the minute; a second of them is one statement."""
BACKUP_EVERY_S: Final = 600.0
"""How soon a night's backup is begun, and one that was missed is told of."""
WEBHOOKS_EVERY_S: Final = 2.0
"""A gateway hears of its sale within two seconds of the box's word."""
TIDY_EVERY_S: Final = 3_600.0
"""Sessions that are over do no harm; once an hour they are removed."""
FEED_EVERY_S: Final = 10.0
"""The service manager's watchdog waits for a minute; the loop and its threads have to move to feed it."""

log = logging.getLogger("cloud_server")


def background(parts: Parts) -> list[Any]:
    """What is to run beside the server, on the monotonic clock."""
    webhooks = WebhookSender(parts.centre.store, parts.centre.clock)
    return [
        _every(JOURNAL_EVERY_S, lambda: append_unmarked(parts.centre)),
        _every(TIDY_EVERY_S, webhooks.forget),
        _every(WEBHOOKS_EVERY_S, webhooks.send_due),
        _every(HEARD_EVERY_S, parts.rest.note_heard),
        _every(WATCH_EVERY_S, lambda: watch_journal(parts.centre)),
        _every(BACKUP_EVERY_S, parts.backups.look),
        _every(WATCH_EVERY_S, _in_turn(parts, lambda: watch_fleet(parts.centre))),
        _every(WORK_EVERY_S, _in_turn(parts, parts.office.work)),
        _every(TIDY_EVERY_S, _in_turn(parts, parts.sign_in.tidy)),
        _every(TIDY_EVERY_S, _in_turn(parts, parts.second.tidy)),
        _every(TIDY_EVERY_S, _in_turn(parts, lambda: _make_months(parts))),
        _every(FEED_EVERY_S, lambda: tell_service_manager("WATCHDOG=1")),
    ]


def _in_turn(parts: Parts, work: Callable[[], int]) -> Callable[[], int]:
    """Work that one process does for all, done where it is this one's turn."""
    return lambda: work() if parts.neighbours.has_turn() else 0


def _make_months(parts: Parts) -> int:
    return len(make_months_ahead(parts.engine, parts.centre.clock.wall_ms()))


def append_unmarked(centre: Centre) -> int:
    """The fault is kept by the keeper and shown; here it only must not end the task."""
    try:
        return centre.journal.append_unmarked()
    except NotNow:
        return 0


def tell_service_manager(words: str) -> int:
    """Send a notification to systemd's socket where there is one (man 3 sd_notify); how many were sent."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return 0
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(words.encode(), f"\0{address[1:]}" if address.startswith("@") else address)
        return 1
    return 0


async def _every(pause_s: float, work: Callable[[], int]) -> None:
    while True:
        await asyncio.sleep(pause_s)
        try:
            await run_in_threadpool(work)
        except Exception:  # whatever it was is told with its trace, and the next turn tries again
            log.exception("background_work_failed")
