"""What flows ask of the store about the site itself, its boxes, and what was agreed with each of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, Protocol

from cloud_server.core.enrolment import Claim, Enrolment
from cloud_server.core.fleet import (
    Account,
    Box,
    OpenedEpoch,
    Wallet,
)
from cloud_server.core.planned_site import KnownSite
from protocol.site_plan import SaleLimits, SitePlan
from protocol.units import Ms

SiteFact = Literal["schema", "term", "set_up_at_ms", "journal_bytes", "sale_limits", "energy_zone", "plan_told"]


class Site(Protocol):
    """Facts on the database itself."""

    def fact(self, name: SiteFact | str) -> str | None:
        """One of the closed list, or the journal's mark of one host, `journal_bytes@<host>`."""
        ...

    def put_fact(self, name: SiteFact | str, value: str) -> None: ...


class Fleet(Protocol):
    """Boxes, meters, accounts, wallets. Inside a writing unit a row read is the caller's until the unit ends."""

    def box(self, box: str) -> Box | None: ...

    def boxes(self, names: Iterable[str] | None = None) -> list[Box]: ...

    def silent_boxes(self, since_ms: Ms) -> list[str]:
        """Boxes that serve and were not heard since an instant."""
        ...

    def save_box(self, box: Box) -> None: ...

    def account(self, account: str) -> Account | None: ...

    def wallets_of_account(self, account: str) -> list[Wallet]: ...

    def wallets_of_box(self, box: str) -> list[Wallet]: ...

    def meters_of_box(self, box: str) -> set[str]: ...

    def box_of_meter(self, meter: str) -> str | None: ...

    def plan(self) -> SitePlan | None: ...

    def plan_with(self, name: str) -> SitePlan | None:
        """The newest one in which an id stands."""
        ...

    def sale_limits(self) -> SaleLimits: ...

    def known_site(self, zone: str, currency: str) -> KnownSite: ...

    def put_plan(self, plan: SitePlan, text: str, made_at_ms: int, made_by: str) -> int: ...


class Enrolments(Protocol):
    """Claims, requests, epochs, certificates, signed configurations."""

    def claim(self, box: str) -> Claim | None: ...

    def put_claim(self, claim: Claim) -> None: ...

    def enrolment(self, box: str) -> Enrolment | None: ...

    def enrolments(self) -> dict[str, Enrolment]: ...

    def put_enrolment(self, enrolment: Enrolment) -> None: ...

    def add_epoch(self, epoch: OpenedEpoch) -> None:
        """Store it and fence all earlier ones of its box."""
        ...

    def epochs(self, box: str) -> list[OpenedEpoch]: ...

    def box_of_key(self, keyid: str) -> str | None: ...

    def add_certificate(
        self, box: str, serial: str, keyid: str, pem: str, made_at_ms: int, ends_at_ms: int
    ) -> None: ...

    def newest_certificate(self, box: str) -> str | None: ...

    def add_configuration(self, box: str, version: int, text_hash: str, text: str, made_at_ms: int) -> None: ...

    def configuration(self, box: str, version: int) -> tuple[str, str] | None:
        """Hash and text."""
        ...

    def newest_configuration_with(self, box: str, meter: str) -> str | None:
        """The text of the newest one in which a meter stands."""
        ...


class ManyBoxes(Protocol):
    """Asks at once what the exchanges of many boxes would ask one by one; answers stay in the unit."""

    def lock(self, keyids: Sequence[str]) -> dict[str, Box]: ...

    def learn(self, boxes: Sequence[Box]) -> None: ...

    def learn_to_post(self, boxes: Sequence[Box], unread: Iterable[tuple[str, int]]) -> None: ...
