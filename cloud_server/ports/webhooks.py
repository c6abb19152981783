"""What flows, API and sender ask of the store for webhooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from cloud_server.core.webhooks import Delivery, Webhook, WebhookEvent
from protocol.units import Ms


class WebhookBook(Protocol):
    """Webhooks and their outbox."""

    def tell(self, event: WebhookEvent, subject: str, at_ms: Ms, data: Mapping[str, Any]) -> int:
        """Put an event into the outbox of every webhook that wants it, once; how many were new."""
        ...

    def add(self, webhook: Webhook) -> None: ...

    def webhooks(self) -> list[Webhook]: ...

    def webhook(self, webhook: str) -> Webhook | None: ...

    def end(self, webhook: str, at_ms: Ms) -> bool: ...

    def is_due(self, now_ms: Ms) -> bool: ...

    def claim_due(self, now_ms: Ms, limit: int, lease_ms: Ms) -> list[Delivery]:
        """Deliveries to be tried now, each put off by the lease so that no other process takes it meanwhile."""
        ...

    def save(self, delivery: Delivery) -> None: ...

    def deliveries(self, webhook: str, after: Sequence[str | int] | None, limit: int) -> list[Delivery]: ...

    def forget(self, before_ms: Ms) -> int: ...

    def counts(self) -> dict[str, int]: ...
