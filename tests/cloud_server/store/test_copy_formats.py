"""Rows in COPY's two formats come back from the server as they were given."""

from collections.abc import Sequence

import psycopg
import pytest

from cloud_server.store import postgres_copy
from tests.postgres_server import PostgresServer

TYPES = ("TEXT", "BIGINT", "BOOL")
ROWS = [
    ("plain", 1, True),
    ("", -(2**53), False),
    ("tab\tand\nline\rand \\ and \\N and \\.", 0, None),
    (None, None, True),
    ("电表 NUL\0 here", 2**62, False),
]


def kept(rows: Sequence[tuple[object, ...]]) -> list[tuple[object, ...]]:
    return [tuple(v.replace("\0", "\ufffd") if isinstance(v, str) else v for v in row) for row in rows]


def test_text_escapes_what_would_end_a_value() -> None:
    written = postgres_copy.text(TYPES, ROWS)
    assert written.count("\n") == len(ROWS)
    assert written.splitlines()[2].split("\t") == ["tab\\tand\\nline\\rand \\\\ and \\\\N and \\\\.", "0", "\\N"]
    assert written.splitlines()[3].split("\t") == ["\\N", "\\N", "t"]
    assert postgres_copy.text(("TEXT",), [("a",), ("b",)]) == "a\nb\n"


@pytest.mark.postgres
@pytest.mark.parametrize("binary", [False, True])
def test_the_server_has_what_was_given(postgres_server: PostgresServer, postgres_template: str, binary: bool) -> None:
    address = postgres_server.make_database(postgres_template)
    rows = [(*row, b"\0\xff\n\t\\" * 3) for row in ROWS] if binary else ROWS
    with psycopg.connect(address.text, autocommit=True) as connection:
        connection.execute("CREATE TEMP TABLE t (a TEXT, b BIGINT, c BOOL, d BYTEA)")
        with connection.cursor() as cursor:
            if binary:
                with cursor.copy("COPY t FROM STDIN (FORMAT binary)") as copy:
                    copy.write(postgres_copy.binary((*TYPES, "BLOB"), rows))
            else:
                with cursor.copy("COPY t (a, b, c) FROM STDIN") as copy:
                    copy.write(postgres_copy.text(TYPES, rows))
        found = connection.execute("SELECT * FROM t").fetchall()
    assert [row if binary else row[:3] for row in found] == kept(rows)
