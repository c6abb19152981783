"""Server processes of one centre telling each other what has come, and taking turns at work that one does for all.

PostgreSQL's LISTEN and NOTIFY carry the words; an advisory lock, held by the listening connection, is the turn. A
process that dies or loses its database loses its turn with the connection.
"""

import logging
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import psycopg

from cloud_server.ports.database import PostgresAddress
from cloud_server.store.postgres import connect_apart

WAKE_ALL: Final = "wake *"
"""What a process tells itself when it may have missed a word: all who wait look again."""
LISTEN_FOR_S: Final = 1.0
"""How long one wait for words lasts: so soon is the end of the program noticed, and a turn that has become free."""
GATHER_S: Final = 0.03
"""Words are gathered for a moment and told at once, each of them once: many batches are one `changed`."""
CONNECT_AGAIN_S: Final = 0.5
WORD_BYTES_MAX: Final = 7_900
"""PostgreSQL refuses a NOTIFY of 8000 bytes or more; the sender's name goes before the word."""
_TURN: Final = "SELECT pg_try_advisory_lock(hashtext('tallybox turn'), hashtext(%s))"
_TELL: Final = "SELECT pg_notify(%s, word) FROM unnest(%s::text[]) AS word"

log = logging.getLogger(__name__)


class Alone:
    """The only process: every turn is its own and nobody is to be told."""

    def start(self, hear: Callable[[str], None]) -> None:
        """Nobody will ever say anything."""

    def tell(self, word: str) -> None:
        """Nobody is there."""

    def has_turn(self) -> bool:
        return True

    def close(self) -> None:
        """Nothing is open."""


class PostgresNeighbours:
    """Processes on one PostgreSQL database; satisfies `ports.Neighbours`."""

    def __init__(self, address: PostgresAddress, site: str) -> None:
        self._address = address
        self._site = site
        self._channel = f"tallybox_{site}"
        self._name = uuid.uuid4().hex
        self._ends = threading.Event()
        self._turn = False
        self._some = threading.Event()
        self._lock = threading.Lock()
        self._words: dict[str, None] = {}
        self._threads: list[threading.Thread] = []
        self._teller: threading.Thread | None = None

    def start(self, hear: Callable[[str], None]) -> None:
        """Listen from now on; returns when it does, or when the database did not answer at first."""
        listening = threading.Event()
        self._begin("neighbours-listen", lambda: self._again(lambda: self._listen(hear, listening)))
        listening.wait(CONNECT_AGAIN_S * 4)

    def tell(self, word: str) -> None:
        """Gather a word for the others; it is on its way within a few hundredths of a second."""
        if len(word.encode()) > WORD_BYTES_MAX:
            log.error("word_too_long_to_tell", extra={"bytes": len(word.encode())})
            return
        with self._lock:
            self._words[word] = None
            if self._teller is None:
                self._teller = self._begin("neighbours-tell", lambda: self._again(self._tell))
        self._some.set()

    def has_turn(self) -> bool:
        """Whether this process holds the lock."""
        return self._turn

    def close(self) -> None:
        """Stop listening; give the turn up."""
        self._ends.set()
        self._some.set()
        for thread in self._threads:
            thread.join(LISTEN_FOR_S * 3)

    def _begin(self, name: str, work: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=work, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def _again(self, work: Callable[[], None]) -> None:
        """Do it until the program ends, with a new connection whenever one is lost."""
        while not self._ends.is_set():
            with suppress(psycopg.Error):
                work()
            self._turn = False
            self._ends.wait(CONNECT_AGAIN_S)

    def _listen(self, hear: Callable[[str], None], listening: threading.Event) -> None:
        with connect_apart(self._address) as connection:
            connection.execute(f'LISTEN "{self._channel}"'.encode())
            if listening.is_set():
                hear(WAKE_ALL)  # what was said while nobody listened is found by looking
            self._take_turn(connection)
            listening.set()
            while not self._ends.is_set():
                for notice in connection.notifies(timeout=LISTEN_FOR_S, stop_after=1):
                    self._heard(notice.payload, hear)
                if not self._turn:
                    self._take_turn(connection)

    def _take_turn(self, connection: psycopg.Connection[Any]) -> None:
        row = connection.execute(_TURN, (self._site,)).fetchone()
        self._turn = row is not None and bool(row[0])

    def _heard(self, payload: str, hear: Callable[[str], None]) -> None:
        name, _, word = payload.partition(" ")
        if name == self._name:
            return
        try:
            hear(word)
        except (ValueError, KeyError):
            log.exception("word_not_understood")

    def _tell(self) -> None:
        with connect_apart(self._address) as connection:
            while not self._ends.is_set():
                self._some.wait()
                self._ends.wait(GATHER_S)
                with self._lock:
                    self._some.clear()
                    words, self._words = self._words, {}
                if words:
                    connection.execute(_TELL, (self._channel, [f"{self._name} {word}" for word in words]))
