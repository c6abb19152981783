"""Whether the content of a batch fits what the centre knows, so that it can be posted. Pure.

What does not fit is parked: kept, acknowledged, shown, and posted later by a mended program. A charge that differs
from ours is no such fault: it is posted as the box says, with a finding (see `charge_audit`).
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field

from cloud_server.core.fleet import GrantState, WalletGrant
from cloud_server.core.money_requests import ReclaimRequest, ReclaimState
from protocol.messages import Batch
from protocol.records import CommandResult, Fee, Granted, Interval, Reclaimed, Record
from protocol.whole_batch import WholeBatch


@dataclass(frozen=True, slots=True)
class KnownContent:
    """What records of one box may name. `grants` and `reclaims` hold those that the batch names, if any."""

    box: str
    meters: Set[str]
    wallets: Set[str]
    grants: Mapping[str, WalletGrant]
    commands_seq: int
    reclaims: Mapping[str, ReclaimRequest] = field(default_factory=dict)


def content_fault(batch: Batch | WholeBatch, records: Iterable[Record], known: KnownContent) -> str | None:
    """Why the batch cannot be posted (place, value), or None."""
    strange = sorted(set(batch.wallets) - known.wallets)
    if strange:
        return f"wallets: {strange[0]} is no wallet of this box"
    seen: set[str] = set()
    for index, record in enumerate(records):
        if isinstance(record, Interval):
            fault = _interval_fault(record, known)
        else:
            fault, name = _fault(record, known), _money_id(record)
            if fault is None and name is not None and name in seen:
                fault = f"{name} stands twice"
            if name is not None:
                seen.add(name)
        if fault is not None:
            return f"record {index} ({type(record).__name__}): {fault}"
    return None


def _fault(record: Record, known: KnownContent) -> str | None:
    match record:
        case Fee(wallet=wallet):
            return None if wallet in known.wallets else f"{wallet} is no wallet of this box"
        case Granted():
            return _granted_fault(record, known)
        case Reclaimed():
            return _reclaimed_fault(record, known)
        case CommandResult(command=command):
            return None if command <= known.commands_seq else f"command {command} was never signed"
        case _:
            return None


def _money_id(record: Record) -> str | None:
    match record:
        case Granted(grant=grant):
            return f"grant {grant}"
        case Reclaimed(reclaim=reclaim):
            return f"reclaim {reclaim}"
        case _:
            return None


def _interval_fault(said: Interval, known: KnownContent) -> str | None:
    if said.meter not in known.meters:
        return f"{said.meter} is no meter of this box"
    if said.wallet is not None and said.wallet not in known.wallets:
        return f"{said.wallet} is no wallet of this box"
    if said.energy_carry[1] <= 0:
        return f"energy_carry {said.energy_carry} is no fraction"
    charge_micro = energy_wh = 0
    for part in said.parts:
        charge_micro += part.charge_micro
        energy_wh += part.energy_wh
        if "/" in part.rate or part.rate == "fixed":
            return f"rate {part.rate!r} cannot be the name of an account"
    if said.charge_micro != charge_micro:
        return f"charge_micro {said.charge_micro} is not the sum of its parts"
    if said.energy_wh != energy_wh:
        return f"energy_wh {said.energy_wh} is not the sum of its parts"
    if said.wallet is None and said.charge_micro:
        return f"charge_micro {said.charge_micro} without a wallet"
    return None


def _granted_fault(said: Granted, known: KnownContent) -> str | None:
    grant = known.grants.get(said.grant)
    if grant is None or grant.box != known.box:
        return f"grant {said.grant} was never made for this box"
    if grant.state is not GrantState.SIGNED:
        return f"grant {said.grant} is {grant.state}, not on its way"
    if (said.wallet, said.amount_micro, said.command) != (grant.wallet, grant.amount_micro, grant.command):
        return (
            f"grant {said.grant} was signed as {grant.amount_micro} for wallet {grant.wallet} in command "
            f"{grant.command}; the box says {said.amount_micro} for {said.wallet} in {said.command}"
        )
    return None


def _reclaimed_fault(said: Reclaimed, known: KnownContent) -> str | None:
    asked = known.reclaims.get(said.reclaim)
    if asked is None or asked.box != known.box:
        return f"reclaim {said.reclaim} was never asked for"
    if asked.state is not ReclaimState.ASKED:
        return f"reclaim {said.reclaim} is {asked.state}, no answer to it is awaited"
    if (said.wallet, said.command) != (asked.wallet, asked.command) or said.amount_micro > asked.amount_micro:
        return (
            f"reclaim {said.reclaim} asked for at most {asked.amount_micro} of wallet {asked.wallet} in command "
            f"{asked.command}; the box says {said.amount_micro} of {said.wallet} in {said.command}"
        )
    return None
