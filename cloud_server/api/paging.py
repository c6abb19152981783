"""Lists page by page, all in one shape: `items`, and `next`, which is given back as `after` for the page behind.

A cursor names the last row of a page by its place in the order, so that rows which come meanwhile neither repeat nor
hide others. Programs take it as it is; what stands in it is not promised.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Annotated, Final, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel

from cloud_server.api.problems import ApiProblem, field_error

PAGE_MAX: Final = 1_000
PAGE: Final = 100
CURSOR_CHARACTERS_MAX: Final = 400

After = Annotated[
    str, Query(max_length=CURSOR_CHARACTERS_MAX, description="`next` of the page before; absent for the first page")
]
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX, description="rows of a page")]
Item = TypeVar("Item")
Row = TypeVar("Row")
Key = tuple[str | int, ...]


class Page(BaseModel, Generic[Item]):
    """One page of a list; `next` is null at the end."""

    items: list[Item]
    next: str | None


def cursor(key: Key) -> str:
    """A place in an order as text."""
    text = json.dumps(key, ensure_ascii=False, separators=(",", ":"))
    return urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def place(after: str, *kinds: type) -> Key | None:
    """The place that a cursor names, None for the beginning. Raises ApiProblem where it is none of this list."""
    if not after:
        return None
    try:
        found = json.loads(urlsafe_b64decode(after.encode("ascii") + b"=" * (-len(after) % 4)))
    except ValueError:
        found = None
    fits = isinstance(found, list) and [type(part) for part in found] == list(kinds)
    if not fits or any(isinstance(part, int) and abs(part) >= 2**53 for part in found):
        error = field_error("after", after, "the `next` of an earlier page of the same list")
        raise ApiProblem(422, "The request cannot be taken", errors=[error])
    return tuple(found)


def page_of(rows: Sequence[Row], limit: int, key: Callable[[Row], Key], show: Callable[[Row], Item]) -> Page[Item]:
    """A page of rows of which one more than `limit` was asked for."""
    last = cursor(key(rows[limit - 1])) if len(rows) > limit else None
    return Page(items=[show(row) for row in rows[:limit]], next=last)


def page_in_memory(
    rows: Iterable[Row], after: str, limit: int, key: Callable[[Row], str], show: Callable[[Row], Item]
) -> Page[Item]:
    """A page of rows that are all there already, in the order of one text."""
    behind = place(after, str)
    ordered = sorted(rows, key=key)
    rest = ordered if behind is None else (row for row in ordered if key(row) > str(behind[0]))
    return page_of(list(islice(rest, limit + 1)), limit, lambda row: (key(row),), show)


def whole(items: Iterable[Item]) -> Page[Item]:
    """A list that is short by its nature, in the shape of all others."""
    return Page(items=list(items), next=None)
