"""argon2id, and the limit on how many hashes are computed at a time. Knows no names and no sessions."""

import threading
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

HASHES_AT_ONCE: Final = 2
"""One hash takes 64 MiB and about 150 ms of a core: two at a time leave room for the sales desk."""
WAITING_MOST: Final = 16
"""Beyond this many waiting, a sign-in fails at once: a flood must not fill the threads that serve everybody."""


class ArgonPasswords:
    """Argon2id with the library's defaults (RFC 9106, second recommended option)."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._slots = threading.BoundedSemaphore(HASHES_AT_ONCE)
        self._places = threading.BoundedSemaphore(HASHES_AT_ONCE + WAITING_MOST)
        self._nobody = self._hasher.hash("nobody has this password")

    def make(self, password: str) -> str:
        """A new salted hash. Made by those who are signed in or hold a link: it waits its turn."""
        with self._slots:
            return self._hasher.hash(password)

    def fits(self, password_hash: str | None, password: str) -> bool:
        """Check a password; takes as long for None. False where too many wait already."""
        if not self._places.acquire(blocking=False):
            return False
        try:
            with self._slots:
                return self._verify(password_hash or self._nobody, password) and password_hash is not None
        finally:
            self._places.release()

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (Argon2Error, InvalidHashError):
            return False
