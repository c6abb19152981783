"""What pages and programs read of the store, in few statements whatever the size of the site."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from cloud_server.core.batch_facts import MeterFacts, WalletFacts
from cloud_server.core.fleet import SaleFact, WalletGrant
from cloud_server.core.shown import ShownInterval, StandingAlarm
from cloud_server.core.views import AccountState
from protocol.records import Alarm, MeterTest, Relay, ReplacementNoted


class ReadRows(Protocol):
    """What pages read, in few statements whatever the size of the site."""

    def plan_version(self) -> int: ...

    def meter_facts(self, meter: str | None = None) -> dict[str, tuple[MeterFacts, int | None, int | None]]:
        """Facts, last register, when it was read."""
        ...

    def facts_of_meters(self, meters: Iterable[str]) -> dict[str, tuple[MeterFacts, int | None, int | None]]: ...

    def wallet_facts(self, wallets: Iterable[str] | None = None) -> dict[str, WalletFacts]:
        """Of some, or of all; so are those below."""
        ...

    def account_states(self, accounts: Iterable[str] | None = None) -> dict[str, AccountState]: ...

    def balances(self, kind: str, names: Iterable[str] | None = None) -> dict[str, int]: ...

    def posting_times(self, boxes: Iterable[str] | None = None) -> dict[str, int]: ...

    def alarms_standing(self) -> list[StandingAlarm]: ...

    def intervals(self, meter: str, from_ms: int, to_ms: int) -> list[ShownInterval]: ...

    def switchings(self, meter: str, from_ms: int, to_ms: int) -> list[Relay]: ...

    def meter_tests(self, meter: str, from_ms: int, to_ms: int) -> list[MeterTest]: ...

    def noted_replacements(self, since_ms: int) -> list[ReplacementNoted]:
        """Replacements noted on the spot, newest first."""
        ...

    def alarm_records(self, meter: str, wallet: str | None, from_ms: int, to_ms: int) -> list[Alarm]: ...

    def sales(
        self, *, sale: str | None = None, day: str | None = None, account: str | None = None, limit: int | None = None
    ) -> list[SaleFact]: ...

    def grants_of_sales(self, sales: list[str]) -> dict[str, list[WalletGrant]]: ...

    def prints(self, sales: list[str]) -> dict[str, int]: ...

    def waiting_commands(self) -> dict[str, int]: ...
