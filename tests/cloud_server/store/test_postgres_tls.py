"""A PostgreSQL server elsewhere has to show who it is, unless the address says otherwise: OWASP ASVS 5.0, 12.3.1."""

import pytest

from cloud_server.ports.database import PostgresAddress
from cloud_server.store.postgres import tls_mode
from cloud_server.store.server_check import tls_warnings


@pytest.mark.parametrize(
    ("address", "mode"),
    [
        ("postgresql://tallybox@db1.example/tallybox", "verify-full"),
        ("postgresql://tallybox@db1.example,db2.example/tallybox?target_session_attrs=read-write", "verify-full"),
        ("postgresql://tallybox@localhost,db2.example/tallybox", "verify-full"),
        ("postgresql://tallybox@10.0.0.7:5433/tallybox", "verify-full"),
        ("postgresql://tallybox@localhost/tallybox", None),
        ("postgresql://tallybox@127.0.0.1:5432/tallybox", None),
        ("postgresql://tallybox@/tallybox?host=/run/postgresql", None),
        ("postgresql://tallybox@/tallybox", None),
        ("postgresql://tallybox@db1.example/tallybox?sslmode=verify-ca", "verify-ca"),
        ("postgresql://tallybox@db1.example/tallybox?sslmode=prefer", "prefer"),
    ],
)
def test_a_server_elsewhere_has_to_show_its_certificate(address: str, mode: str | None) -> None:
    assert tls_mode(PostgresAddress(address)) == mode


@pytest.mark.parametrize(("mode", "warned"), [("verify-full", 0), ("verify-ca", 0), ("require", 1), ("disable", 1)])
def test_a_weaker_mode_is_told(mode: str, warned: int) -> None:
    address = PostgresAddress(f"postgresql://tallybox@db1.example/tallybox?sslmode={mode}")
    assert len(tls_warnings(address)) == warned
