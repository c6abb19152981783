"""A stretch of a box's history that is on no machine any more, passed over by the state that the centre signed. Pure.

An epoch line says what every wallet held and where every meter stood when its epoch was opened. Where the batches
before it are gone, the books go on from that line: what the line proves is booked, nothing is invented beside it. Where
no such line stands behind them, the box's own first batch that is left says it, and two people accept it
(`rest_of_history`).
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from cloud_server.core import accounts, posting_rules
from cloud_server.core.batch_facts import MeterFacts, WalletFacts
from cloud_server.core.charge_audit import MeterCharge
from cloud_server.core.fleet import GrantState, Wallet, WalletGrant
from cloud_server.core.money_requests import ReclaimRequest, ReclaimState
from cloud_server.core.posting_rules import Postings
from cloud_server.core.transaction import Posting
from protocol.config_text import read_config
from protocol.messages import Epoch
from protocol.state import EpochState, MeterState, WalletState
from protocol.units import Micro, Ms

ACTION: Final = "history_passed_over"
"""Of the audit row in which a checkpoint stands; its detail is hash-chained with all others."""
KIND: Final = "checkpoint"
UNTOLD: Final = "untold"
"""Reason of grants and requests of which no batch tells any more what became of them: a checkpoint answers for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a signed line says of a box as it stood where its history goes on."""

    commands_seq: int
    """Commands up to this number were answered before."""
    at_ms: Ms
    balances: Mapping[str, Micro]


def said_by(epoch: Epoch) -> Said:
    """By the state in an epoch line."""
    return Said(
        commands_seq=epoch.commands_base.seq,
        at_ms=epoch.issued_at_ms,
        balances={state.wallet: state.book_micro for state in epoch.state.wallets},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What was passed over, and by which line: batches `first` to `last` of the epoch before `epoch`.

    Within one epoch (`lost_epoch` is `epoch`) the line is the batch behind `last`, and two people have accepted it.
    """

    box: str
    epoch: int
    line_hash: str
    lost_epoch: int
    first: int
    last: int
    commands_seq: int
    """Commands up to this number were answered in what is lost, or before."""
    differences: Mapping[str, Micro]
    """Wallet -> what its lost records came to beside grants and credit given back: charges and fees, below 0."""
    at_ms: int = 0

    @property
    def within(self) -> bool:
        """Whether the same epoch goes on behind it."""
        return self.lost_epoch == self.epoch

    @property
    def cause(self) -> str:
        whole = f"{KIND}/{self.box}/{self.epoch}"
        return f"{whole}/{self.last}" if self.within else whole

    def detail(self) -> dict[str, object]:
        """As it stands in the audit."""
        return {
            "epoch": self.epoch,
            "line": self.line_hash,
            "lost_epoch": self.lost_epoch,
            "first": self.first,
            "last": self.last,
            "commands_seq": self.commands_seq,
            "differences": dict(sorted(self.differences.items())),
        }


def read_checkpoint(box: str, detail: str, at_ms: int) -> Checkpoint:
    """A checkpoint from its audit row. Raises KeyError, ValueError where that is none."""
    told = json.loads(detail)
    return Checkpoint(
        box=box,
        epoch=int(told["epoch"]),
        line_hash=str(told["line"]),
        lost_epoch=int(told["lost_epoch"]),
        first=int(told["first"]),
        last=int(told["last"]),
        commands_seq=int(told["commands_seq"]),
        differences={str(wallet): int(micro) for wallet, micro in told["differences"].items()},
        at_ms=at_ms,
    )


def covering(checkpoints: Sequence[Checkpoint], told: WalletGrant | ReclaimRequest) -> Checkpoint | None:
    """The checkpoint that answers for what no batch tells of; `checkpoints` in the order in which they were taken."""
    command = told.command
    if command is None or told.reason != UNTOLD:
        return None
    return next((point for point in checkpoints if point.box == told.box and command <= point.commands_seq), None)


def refused_since_given_anew(grants: Iterable[WalletGrant]) -> set[str]:
    """Grants that their box must have refused: a later command gave the same share of the same sale again."""
    newest: dict[tuple[str, str], WalletGrant] = {}
    refused = set[str]()
    signed = [grant for grant in grants if grant.command is not None and grant.sale is not None and not grant.undoes]
    for grant in sorted(signed, key=lambda one: one.command or 0):
        share = grant.sale or "", grant.wallet
        if share in newest and newest[share].state is GrantState.SIGNED:
            refused.add(newest[share].grant)
        newest[share] = grant
    return refused


def answered_by(grants: Iterable[WalletGrant], reclaims: Iterable[ReclaimRequest]) -> Postings:
    """What grants and requests come to that are answered by a checkpoint alone."""
    found: list[Posting] = []
    for grant in grants:
        if grant.state is GrantState.REFUSED:
            found += posting_rules.grant_refused(grant.account, grant.wallet, grant.amount_micro)
        else:
            found += posting_rules.grant_applied(grant.wallet, grant.amount_micro)
    for request in reclaims:
        if request.state is ReclaimState.ANSWERED:
            found += posting_rules.reclaimed(request.purpose, request.account, request.wallet, request.answered_micro)
    return tuple(found)


def differences(
    before: Said, wallets: Iterable[Wallet], sums: Mapping[str, Micro], answered: Postings, taken: Mapping[str, Micro]
) -> dict[str, Micro]:
    """What each wallet of the box lacks to be what the line says, when grants and requests are `answered`.

    A wallet that is closed holds nothing; of one that the line does not name nothing is known, and nothing is changed.
    `taken`: what was taken over from a wallet after the line was signed.
    """
    said = before.balances
    after = dict(sums)
    for posting in answered:
        after[posting.account] = after.get(posting.account, 0) + posting.amount_micro
    found = {}
    for wallet in wallets:
        if wallet.wallet in said:
            right = said[wallet.wallet] - taken.get(wallet.wallet, 0)
        elif wallet.state == "closed":
            right = 0
        else:
            continue
        lacks = right - after.get(accounts.wallet(wallet.wallet), 0)
        if lacks:
            found[wallet.wallet] = lacks
    return found


def opening_postings(point: Checkpoint) -> Postings:
    """opening -> wallet: charges and fees of the lost batches as one sum for each wallet, below 0."""
    found: list[Posting] = []
    for wallet, micro in sorted(point.differences.items()):
        found += posting_rules.move(accounts.OPENING, accounts.wallet(wallet), micro)
    return tuple(found)


def read_energy(epoch: Epoch, begun: EpochState | None, wallet: str) -> int | None:
    """By how much the registers of a wallet's meters rose from one line to the next, raw; None where that is not told.

    Where the line before is not complete either, it is from wherever its meters began.
    """
    fed = next((w.meters for w in read_config(epoch.config).wallets if w.wallet == wallet), ())
    first = {said.meter: said.raw_wh for said in begun.meters} if begun is not None else {}
    last = {said.meter: said.raw_wh for said in epoch.state.meters}
    rises = [(first.get(meter), last.get(meter)) for meter in fed]
    known = [after - before for before, after in rises if before is not None and after is not None]
    return sum(known) if known and len(known) == len(rises) else None


def meters_of(state: EpochState, known: Mapping[str, MeterFacts]) -> dict[str, tuple[MeterFacts, MeterCharge]]:
    """Facts and charging of each meter as the line has them; its relay as it was `known`, if it was."""
    return {said.meter: (_facts(said, known.get(said.meter)), charge_of(said)) for said in state.meters}


def charge_of(said: MeterState) -> MeterCharge:
    """Where a meter's charging stands by a signed state."""
    return MeterCharge(
        said.raw_wh,
        said.read_at_ms,
        Fraction(*said.energy_carry),
        said.money_carry_nano,
        said.month_wh,
        said.rates_raw_wh,
    )


def _facts(said: MeterState, known: MeterFacts | None) -> MeterFacts:
    before = known if known is not None else MeterFacts(meter=said.meter)
    return MeterFacts(
        meter=said.meter,
        wanted=before.wanted,
        seen=before.seen,
        cause=before.cause,
        relay_at_ms=before.relay_at_ms,
        mode=said.mode,
        mode_until_ms=said.mode_until_ms,
        no_trip_before_ms=said.no_trip_before_ms,
        service=said.service,
        locked_out_by=said.locked_out.who if said.locked_out is not None else None,
        locked_out_at_ms=said.locked_out.at_ms if said.locked_out is not None else None,
        held=said.held,
        overload=said.overload_latched,
        tests=tuple(said.tests),
        rates_raw_wh=said.rates_raw_wh,
        other_raw=said.other_raw,
        ratio_version=said.ratio_version,
    )


def wallets_of(state: EpochState) -> list[WalletFacts]:
    """Facts of each wallet as the line has them."""
    return [_wallet(said) for said in state.wallets]


def _wallet(said: WalletState) -> WalletFacts:
    return WalletFacts(
        wallet=said.wallet,
        alarm1=said.alarm_level >= 1,
        alarm2=said.alarm_level == 2,
        alarm2_at_ms=said.alarm2_at_ms,
        arrears=said.arrears_open,
        last_fee_day=said.last_fee_day,
    )
