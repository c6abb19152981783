"""The centre's API as provisioning uses it. Home of httpx in this package; decides nothing.

The connection trusts the site's own CA and nothing else, and speaks TLS 1.3.
"""

import ssl
from pathlib import Path
from typing import Any, Final, Self
from uuid import uuid4

import httpx
import msgspec

from protocol.site_plan import SitePlan

TIMEOUT_S: Final = 30.0
"""A plan of 2,000 meters is checked and signed for each box within it."""


class ApiFault(Exception):
    """A step at the centre did not come about."""


class Unreachable(ApiFault):
    """The world's fault: nobody answers, or not with the certificate of this site."""


class Refused(ApiFault):
    """The centre said no; `errors` has field, value and message of each mistake that it names."""

    def __init__(self, text: str, errors: list[str]) -> None:
        super().__init__(text)
        self.errors = errors


class BoxAtCentre(msgspec.Struct, frozen=True):
    """A box as the centre lists it; further fields are left alone."""

    box: str
    name: str
    state: str
    fingerprint: str | None = None
    epoch: int | None = None
    seen_at_ms: int | None = None
    replacement: str | None = None
    """Fingerprint of other hardware that waits to take this place over."""


class CentreApi:
    """One signed-in connection. Use as a context; raises Unreachable and Refused from every call."""

    def __init__(self, url: str, ca_file: Path, token: str) -> None:
        try:
            trust = ssl.create_default_context(cafile=str(ca_file))
        except (OSError, ssl.SSLError) as fault:
            raise ApiFault(f"{ca_file}: no certificate of an authority can be read there: {fault}") from None
        trust.minimum_version = ssl.TLSVersion.TLSv1_3
        self.url = url
        self._client = httpx.Client(
            base_url=f"{url}/api/v1",
            verify=trust,
            headers={"Authorization": f"Bearer {token}"},
            timeout=TIMEOUT_S,
            # A proxy between a provisioner and the centre would have to break TLS.
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def is_up(self) -> bool:
        """Whether the centre answers at /healthz. Raises nothing."""
        try:
            return self._client.get(f"{self.url}/healthz").is_success
        except httpx.TransportError:
            return False

    def put_plan(self, plan: SitePlan) -> Any:
        """Send the whole plan of the site; the same plan again changes nothing."""
        return self._call("PUT", "/site/plan", content=msgspec.json.encode(plan))

    def claim(self, box: str) -> str:
        """A new claim for a box: the text of its claim file, with a token for one use within 24 hours."""
        return self._send("POST", f"/boxes/{box}/claim").text

    def replacement(self, box: str) -> str:
        """A claim for other hardware at a place that has some; that serves until the other is confirmed."""
        return self._send("POST", f"/boxes/{box}/replacement").text

    def end_box(self, box: str, how: str, reason: str) -> Any:
        """`revocation`: believe its key no more; `retirement`: give the place up, once a second person says yes."""
        headers = {"Idempotency-Key": uuid4().hex}
        return self._call("POST", f"/boxes/{box}/{how}", json={"reason": reason}, headers=headers)

    def decide_hardware(self, box: str, goes_on: str, reason: str) -> Any:
        """After a fork, which hardware goes on: `present` or `new`."""
        return self._call("POST", f"/boxes/{box}/hardware", json={"goes_on": goes_on, "reason": reason})

    def boxes(self) -> list[BoxAtCentre]:
        """All boxes with how far they have come."""
        return msgspec.convert(self._all("/boxes"), list[BoxAtCentre])

    def confirm(self, box: str, fingerprint: str) -> Any:
        """Say that the box with this fingerprint is the one that stands in the shaft."""
        return self._call("POST", f"/boxes/{box}/confirm", json={"fingerprint": fingerprint})

    def put_in_service(self, meter: str, *, on: bool = True) -> Any:
        """Let enforcement switch the relay of a tested meter, or stop it."""
        return self._call("POST", f"/meters/{meter}/in-service", json={"on": on})

    def set_mode(self, meter: str, mode: str) -> Any:
        """prepaid, protected or forced_off."""
        return self._call("POST", f"/meters/{meter}/mode", json={"mode": mode})

    def add_person(self, name: str, display_name: str, password: str, roles: list[str]) -> Any:
        """Someone who may sign in at the console."""
        body = {"name": name, "display_name": display_name, "password": password, "roles": roles}
        return self._call("POST", "/staff", json=body)

    def add_token(self, name: str, scopes: list[str], days: int) -> str:
        """A bearer token for another program, good for so many days."""
        return str(self._call("POST", "/tokens", json={"name": name, "scopes": scopes, "days": days})["token"])

    def points(self) -> list[dict[str, Any]]:
        """Every supply point with its state, all pages."""
        return self._all("/points")

    def _all(self, path: str) -> list[dict[str, Any]]:
        """Every row of a list, page by page."""
        found: list[dict[str, Any]] = []
        after: str | None = ""
        while after is not None:
            page = self._call("GET", path, params={"after": after} if after else {})
            found += page["items"]
            after = page.get("next")
        return found

    def _call(self, method: str, path: str, **how: Any) -> Any:
        answer = self._send(method, path, **how)
        return answer.json() if answer.content else None

    def _send(self, method: str, path: str, **how: Any) -> httpx.Response:
        if "content" in how:
            how["headers"] = {"Content-Type": "application/json"}
        try:
            answer = self._client.request(method, path, **how)
        except httpx.TransportError as fault:
            raise Unreachable(f"{self.url}: the centre does not answer: {fault}") from None
        if answer.is_success:
            return answer
        raise _refusal(answer)


def _refusal(answer: httpx.Response) -> Refused:
    """The words of a problem document (RFC 9457), or what there is."""
    try:
        problem = answer.json()
    except ValueError:
        problem = {}
    if not isinstance(problem, dict):
        problem = {}
    errors = [
        ": ".join(str(error[key]) for key in ("field", "value", "message") if error.get(key) is not None)
        for error in problem.get("errors", [])
        if isinstance(error, dict)
    ]
    said = [str(problem[key]) for key in ("title", "detail") if problem.get(key)]
    text = f"the centre refused ({answer.status_code}): {'. '.join(said) or answer.text[:200]}"
    return Refused(text, errors)
