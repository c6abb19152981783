"""What a connection shows of itself beside its requests: the box that its client certificate names."""

from typing import Final

from fastapi import Request

EXTENSION: Final = "tallybox.client_certificate"
"""Under `extensions` of the ASGI scope: {"box": the id that the certificate names, or None}."""


def box_in_certificate(request: Request) -> str | None:
    """The box id that this connection's certificate names; None where it showed none."""
    shown = request.scope.get("extensions", {}).get(EXTENSION, {})
    box = shown.get("box")
    return box if isinstance(box, str) else None
