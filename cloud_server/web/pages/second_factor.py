"""The second factor: set up, given after the password, and the fresh proof before a grave step. Without scripts."""

import logging

from starlette.responses import Response

from cloud_server.flows.second_factor import Standing
from cloud_server.web import guard
from cloud_server.web.codes import picture_of
from cloud_server.web.kept_form import PROOF_FIELD, kept_fields, lost_files
from cloud_server.web.pages.page import Console
from cloud_server.web.render import see_other
from cloud_server.web.visit import Visit

log = logging.getLogger(__name__)


def show(console: Console, visit: Visit) -> Response:
    """Whatever this session still lacks; who lacks nothing goes on, or sets a factor up of their own will."""
    if visit.trust.standing is Standing.WHOLE and visit.trust.has_factor:
        return see_other(_to(visit))
    return _form(console, visit, 200, failed=False)


def take(console: Console, visit: Visit) -> Response:
    """A code from the phone: the first one sets the factor up, a later one completes the sign-in."""
    second, code = visit.services.second, visit.form.get("code", "")
    if visit.trust.has_factor:
        token = second.give(visit.actor, visit.secret, code, visit.address)
        if token is None:
            log.warning("second_factor_failed", extra={"person": visit.actor.name, "address": visit.address})
            return _form(console, visit, 401, failed=True)
        response = see_other(_to(visit))
        guard.set_session(response, token)
        return response
    confirmed = second.confirm(visit.actor, visit.secret, code, visit.address)
    if confirmed is None:
        return _form(console, visit, 401, failed=True)
    token, recovery = confirmed
    response = console.renderer.page(visit, "recovery_codes.html", codes=recovery, next=_to(visit))
    guard.set_session(response, token)
    return response


def ask_proof(console: Console, visit: Visit) -> Response:
    """Before a grave step: a code, or the password again."""
    return console.renderer.page(visit, "proof.html", failed=False, next=_to(visit))


def take_proof(console: Console, visit: Visit) -> Response:
    """The proof; then back to what was to be done."""
    typed = visit.form.get("code" if visit.trust.has_factor else "password", "")
    if not visit.services.second.prove(visit.actor, visit.secret, typed, visit.address):
        return console.renderer.page(visit, "proof.html", 401, failed=True, next=_to(visit))
    return see_other(_to(visit))


def prove_sender(console: Console, visit: Visit, *, upload: bool) -> Response | None:
    """A form came when the last proof had grown old: None where the proof came with it, else the page that asks for it
    and keeps what was typed."""
    second, proof = visit.services.second, visit.proof
    if proof is not None and second.prove(visit.actor, visit.secret, proof, visit.address):
        return None
    return console.renderer.page(
        visit,
        "proof.html",
        403 if proof is None else 401,
        failed=proof is not None,
        kept=kept_fields(visit.form, visit.files),
        field=PROOF_FIELD,
        upload=upload,
        lost=lost_files(visit.files),
    )


def _form(console: Console, visit: Visit, status: int, *, failed: bool) -> Response:
    if visit.trust.has_factor:
        return console.renderer.page(visit, "second_factor.html", status, failed=failed, next=_to(visit))
    offer = visit.services.second.offer(visit.actor)
    grouped = " ".join(offer.secret[start : start + 4] for start in range(0, len(offer.secret), 4))
    return console.renderer.page(
        visit,
        "second_factor_setup.html",
        status,
        failed=failed,
        next=_to(visit),
        secret=grouped,
        picture=picture_of(offer.address),
        demanded=visit.trust.standing is Standing.TO_SET_UP,
    )


def _to(visit: Visit) -> str:
    return guard.safe_next(visit.form.get("next") or visit.query.get("next", ""))
