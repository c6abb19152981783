"""Commands: what the centre asks of one box, imperative (wire.md, Commands). Types and the two-step reading only.

First the frame is read (number, link, term): that must always work. Then the body by its kind: an unknown
kind or a bad body is refused by the box, uses up its number and never blocks what stands behind it.
"""

from typing import Annotated, Final, Literal

import msgspec

from protocol.errors import BadPayload
from protocol.limits import CONFIG_CHARACTERS_MAX
from protocol.payload import Count, HashText, IdempotencyKey, IdText, Instant, Int, Name, Payload, Seq, Text, read_part
from protocol.state import MeterState

GrantCause = Literal["sale", "move", "adjustment", "opening", "undo"]
ReclaimPurpose = Literal["refund", "move", "close", "adjustment"]
Mode = Literal["prepaid", "protected", "forced_off"]


class TypedReading(Payload, frozen=True, kw_only=True):
    """A register typed by two people because the meter or its box can no longer be read.

    `raw_wh` is what stands on the display; the box unwraps it (`protocol.display`).
    """

    meter: IdText
    raw_wh: Int
    who: Name
    second: Name
    reason: Text


TypedReadings = Annotated[list[TypedReading], msgspec.Meta(min_length=1, max_length=100)]
"""One register for each meter of a wallet that cannot be read; a wallet may feed several."""


class SalePart(Payload, frozen=True, kw_only=True):
    """One wallet's share of a sale."""

    wallet: IdText
    box: IdText
    amount_micro: Int


class Configure(Payload, frozen=True, kw_only=True):
    """The whole wanted configuration: `config` is the JSON text of `protocol.box_config.BoxConfig`."""

    config_version: Seq
    config: Annotated[str, msgspec.Meta(max_length=CONFIG_CHARACTERS_MAX)]
    hash: HashText


class Grant(Payload, frozen=True, kw_only=True):
    """Credit for a wallet; carries enough to write its sale again in an empty ledger.

    A minus grant (`cause` undo) names the grant it undoes, or is one with cause adjustment.
    """

    grant: IdText
    wallet: IdText
    amount_micro: Int
    cause: GrantCause
    sale: IdText | None = None
    receipt: Name | None = None
    parts: Annotated[list[SalePart], msgspec.Meta(min_length=1, max_length=100)]
    undoes: IdText | None = None
    account: IdText
    method: Name | None = None
    operator: Name
    second: Name | None = None
    idempotency_key: IdempotencyKey
    paid_at_ms: Instant


class Withdraw(Payload, frozen=True, kw_only=True):
    """Take back a reclaim that has not been answered."""

    reclaim: IdText


class Reclaim(Payload, frozen=True, kw_only=True):
    """Ask for unused credit: at most `amount_micro`, leaving at least `floor_micro`."""

    reclaim: IdText
    wallet: IdText
    amount_micro: Count
    floor_micro: Int
    purpose: ReclaimPurpose
    request: IdText
    typed: TypedReadings | None = None


class CloseWallet(Payload, frozen=True, kw_only=True):
    """Last reading, last interval, all money given back, wallet and meters parted: in one transaction."""

    wallet: IdText
    request: IdText
    typed: TypedReadings | None = None


class SetMode(Payload, frozen=True, kw_only=True):
    """Control mode of a meter, with an end where `until_ms` stands."""

    meter: IdText
    mode: Mode
    until_ms: Instant | None = None
    no_trip_before_ms: Instant | None = None


class InService(Payload, frozen=True, kw_only=True):
    """Put a meter in service, or back to `observe`."""

    meter: IdText
    on: bool


class LockOutCommand(Payload, frozen=True, kw_only=True):
    """Hang a lock-out on a meter: open until it is taken off by name."""

    meter: IdText
    who: Name


class LiftLockOut(Payload, frozen=True, kw_only=True):
    """Take a lock-out off."""

    meter: IdText
    who: Name


class ReleaseOverload(Payload, frozen=True, kw_only=True):
    """Release an overload latch that stays open."""

    meter: IdText


class ReplaceMeter(Payload, frozen=True, kw_only=True):
    """Another meter serves this point: last register of the old, serial and first register of the new one.

    `old_raw_wh` is what stands on the old meter's display; the box unwraps it (`protocol.display`).
    """

    point: IdText
    old: IdText
    old_raw_wh: Int
    new: IdText
    serial: Name
    new_raw_wh: Int
    typed: TypedReading | None = None


class ReleaseMeter(Payload, frozen=True, kw_only=True):
    """Give a meter up: the answer is a `released` record with its registers."""

    meter: IdText
    typed: TypedReading | None = None


class AdoptMeter(Payload, frozen=True, kw_only=True):
    """Take a meter over from another box at exactly these registers."""

    meter: IdText
    state: MeterState


class ResolveRegister(Payload, frozen=True, kw_only=True):
    """A person's judgement of a held register: accept what it says, or set the base from which it counts."""

    meter: IdText
    accept: bool | None = None
    base_raw_wh: Int | None = None
    who: Name
    second: Name


class Upgrade(Payload, frozen=True, kw_only=True):
    """Install a signed bundle, not before an instant."""

    version: Name
    bundle_hash: HashText
    not_before_ms: Instant


Body = (
    Configure | Grant | Withdraw | Reclaim | CloseWallet | SetMode | InService | LockOutCommand | LiftLockOut
    | ReleaseOverload | ReplaceMeter | ReleaseMeter | AdoptMeter | ResolveRegister | Upgrade
)  # fmt: skip

BODIES: Final[dict[str, type[Body]]] = {
    "configure": Configure,
    "grant": Grant,
    "withdraw": Withdraw,
    "reclaim": Reclaim,
    "close_wallet": CloseWallet,
    "set_mode": SetMode,
    "in_service": InService,
    "lock_out": LockOutCommand,
    "lift_lock_out": LiftLockOut,
    "release_overload": ReleaseOverload,
    "replace_meter": ReplaceMeter,
    "release_meter": ReleaseMeter,
    "adopt_meter": AdoptMeter,
    "resolve_register": ResolveRegister,
    "upgrade": Upgrade,
}
"""Every kind of command of version 1 and the type of its body."""

KIND_OF: Final[dict[type[Body], str]] = {body: kind for kind, body in BODIES.items()}

MONEY_KINDS: Final = frozenset({"grant", "withdraw", "reclaim", "close_wallet"})
"""Commands that never expire and go before anything else when the disk is nearly full."""


class Command(Payload, frozen=True, kw_only=True):
    """The frame of a command line. `body` stays raw until `read_body`."""

    site: IdText
    box: IdText
    seq: Seq
    prev: HashText
    term: Seq
    issued_at_ms: Instant
    expires_at_ms: Instant | None = None
    kind: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    body: msgspec.Raw

    READ_LATER = frozenset({"body"})


class UnknownKind(BadPayload):
    """A command kind that this version does not know."""


def read_body(command: Command) -> Body:
    """Read the body by its kind. Raises UnknownKind (refuse as not_supported) or BadPayload (refuse as bad_body)."""
    kind = BODIES.get(command.kind)
    if kind is None:
        raise UnknownKind(f"command kind {command.kind!r} is not known in version 1")
    body: Body = read_part(command.body, kind)
    mistake = _mistake_in(body)
    if mistake is not None:
        raise BadPayload(f"{command.kind}: {mistake}")
    return body


def _mistake_in(body: Body) -> str | None:
    """What the types of single fields cannot say."""
    match body:
        case ResolveRegister(accept=accept, base_raw_wh=base_raw_wh):
            if (accept is None) == (base_raw_wh is None) or accept is False:
                return "exactly one of accept (true) and base_raw_wh must stand"
        case Grant(cause="undo", undoes=undoes, amount_micro=amount_micro):
            if undoes is None or amount_micro >= 0:
                return f"undo takes back: undoes must name the grant, amount_micro {amount_micro} must be below 0"
        case Grant(cause=cause, amount_micro=amount_micro) if amount_micro < 0 and cause != "adjustment":
            return f"amount_micro {amount_micro} with cause {cause}: only undo and adjustment take money away"
    return None


def write_command_body(body: Body) -> msgspec.Raw:
    """Encode a body for a command frame."""
    return msgspec.Raw(msgspec.json.encode(body))
