"""What pages ask of how centre and boxes stand."""

from typing import Protocol

from cloud_server.core.state_views import CentreState, RecoveryView


class StateBook(Protocol):
    """Reads states; changes nothing."""

    def journal_fault(self) -> str | None:
        """Why the journal cannot be written, None where it can. Cheap: asked by every page."""
        ...

    def recovery(self) -> RecoveryView | None:
        """What a restored centre still waits for, None where it waits for nothing. Cheap: asked by every page."""
        ...

    def state(self) -> CentreState:
        """The centre and all of its boxes now."""
        ...
