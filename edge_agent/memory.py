"""Memory kept small: what a boundary took is given back, and what stays is set apart from what comes and goes.

An agent that runs for a year in 64 MiB must not keep the room of its worst second: the heap of each thread, and free
room between what is in use, stay the process's own unless the library is told otherwise (man 3 mallopt, malloc_trim).
"""

import ctypes
import gc
from typing import Final

_ARENA_MAX: Final = -8
_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
"""Numbers of glibc's malloc.h."""
ARENAS: Final = 2
"""Heaps for all threads together; each keeps free room of its own. A dozen threads that wait on lines need no more."""
KEPT_BYTES: Final = 131_072
"""Free room at the heap's end that stays, and the size from which a piece is mapped alone and given back at once. Both
are glibc's first values; said aloud, they no longer grow with the largest piece that was ever freed."""

_library = ctypes.CDLL(None)


def keep_heap_small() -> None:
    """To be called before threads begin. Does nothing where the C library is none of GNU's."""
    mallopt = getattr(_library, "mallopt", None)
    if mallopt is not None:
        for what, value in ((_ARENA_MAX, ARENAS), (_TRIM_THRESHOLD, KEPT_BYTES), (_MMAP_THRESHOLD, KEPT_BYTES)):
            mallopt(what, value)


def set_apart_what_stays() -> None:
    """To be called once, when all is loaded: modules and state are no longer walked through for objects that hang on
    each other alone. Python looks through what has lived long only when a quarter as much again has come. A quarter of
    two hundred thousand is the garbage of an hour; it lies about and takes fresh pages, which stay."""
    gc.collect()
    gc.freeze()
    # Counts anew what has lived long: next to nothing is left of it.
    gc.collect()


def give_back_memory() -> None:
    """Give whole free pages back to the system; a millisecond, and nothing where the C library is none of GNU's."""
    trim = getattr(_library, "malloc_trim", None)
    if trim is not None:
        trim(0)
