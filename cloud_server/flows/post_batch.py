"""Posting one accepted batch: money, audit, facts, alarms, answers to commands. Part of `receive_batch`'s transaction.

Everything is posted as the box says; what the centre computes differently becomes a finding.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from cloud_server.core import accounts, posting_rules
from cloud_server.core.balances import wallet_differences
from cloud_server.core.batch_facts import AlarmChange, BoxFacts, MeterFacts, WalletFacts, fold
from cloud_server.core.charge_audit import Audit, ChargeFinding, MeterCharge, audit_batch, tariff_findings
from cloud_server.core.energy_sums import energy_of
from cloud_server.core.fleet import Box, CommandFact, FoundDifference, GrantState, StoredBatch, WalletGrant
from cloud_server.core.fleet_health import relay_is_on
from cloud_server.core.money_requests import ReclaimRequest, ReclaimState, refused_state
from cloud_server.core.transaction import Posting, Transaction, merged
from cloud_server.flows.centre import Centre
from cloud_server.flows.sign_lines import stored_body
from cloud_server.flows.tell_programs import tell_of_grants, tell_of_reclaims
from cloud_server.ports import Unit
from protocol.messages import Batch
from protocol.records import CommandResult, Granted, Interval, Reclaimed, Record, Subject
from protocol.units import Ms
from protocol.whole_batch import WholeBatch


@dataclass(frozen=True)
class BatchStory:
    """One batch to post: where it stands, its header, its records, and when it came."""

    box: Box
    stored: StoredBatch
    header: Batch | WholeBatch
    records: Sequence[Record]
    grants: dict[str, WalletGrant]
    """The grants that its records name."""
    reclaims: dict[str, ReclaimRequest]
    """The requests for unused credit that its records answer."""

    @cached_property
    def others(self) -> list[Record]:
        """The records that are no intervals: few, and most steps concern only them."""
        return [record for record in self.records if not isinstance(record, Interval)]

    @property
    def cause(self) -> str:
        return f"batch/{self.stored.box}/{self.stored.epoch}/{self.stored.seq}"

    @property
    def now_ms(self) -> Ms:
        return self.stored.received_at_ms


def post_batch(centre: Centre, unit: Unit, story: BatchStory) -> Box:
    """Post a batch whose content fits; the box's row as it stands after, not yet saved."""
    box, stored = story.box, story.stored
    states = unit.readings.meter_states(box.box)
    charges = {m: charge.with_rates(facts.rates_raw_wh) for m, (facts, charge) in states.items()}
    audit = audit_batch(
        story.records,
        charges,
        box.held_version,
        lambda version: centre.place(unit, box.box, version),
        story.header.rules,
        lambda seq: stored_body(unit, box.box, seq),
        {wallet.wallet for wallet in unit.fleet.wallets_of_box(box.box) if wallet.state == "closed"},
    )
    refused = _answer_commands(unit, story)
    _post_money(centre, unit, story, refused)
    facts = _take_facts(unit, story, {meter: facts for meter, (facts, _) in states.items()}, audit)
    lit = _see_light(unit, box.box, facts, story.now_ms)
    unit.readings.add_records(stored, story.records)
    unit.energy.add(energy_of(story.records, centre.zone))
    unit.alarms.change_alarms(facts.alarms)
    _find(centre, unit, story, audit)
    tell_of_grants(unit, [*story.grants.values(), *refused, *lit], story.now_ms)
    tell_of_reclaims(unit, story.reclaims, story.now_ms)
    return replace(
        box,
        posted_seq=stored.seq,
        posted_at_ms=stored.sealed_at_ms,
        applied_seq=max(box.applied_seq, story.header.commands_applied.seq),
        held_version=audit.config_version,
        key_generation=story.header.key_generation,
        term_seen=story.header.term_seen,
        agent=story.header.agent,
    )


def _answer_commands(unit: Unit, story: BatchStory) -> list[WalletGrant]:
    """Write what became of commands and grants; the grants that were refused."""
    refused = []
    for record in story.others:
        match record:
            case CommandResult():
                command = unit.lines.command(story.box.box, record.command)
                if command is None:
                    continue
                unit.lines.save_command_result(_answered(command, record))
                grant = unit.ledger.grant_of_command(story.box.box, record.command)
                if record.outcome == "refused" and grant is not None and grant.state is GrantState.SIGNED:
                    unit.ledger.save_grant(replace(grant, state=GrantState.REFUSED, reason=record.reason))
                    refused.append(grant)
                _end_reclaim(unit, story, record)
            case Granted():
                grant = replace(
                    story.grants[record.grant],
                    state=GrantState.APPLIED,
                    applied_at_ms=story.now_ms,
                    book_after_micro=record.book_micro,
                )
                unit.ledger.save_grant(grant)
            case Reclaimed():
                request = story.reclaims[record.reclaim]
                after = replace(request, state=ReclaimState.ANSWERED, answered_micro=record.amount_micro)
                unit.money.save_reclaim(replace(after, answered_at_ms=story.now_ms))
            case _:
                pass
    return refused


def _end_reclaim(unit: Unit, story: BatchStory, record: CommandResult) -> None:
    """A request that its box refused has come to nothing, for the reason it says; a wallet that it closed is closed."""
    request = unit.money.reclaim_of_command(story.box.box, record.command)
    if record.outcome == "done" and request is not None and request.purpose == "close":
        unit.contracts.close_wallet(request.wallet)
        if request.state is ReclaimState.ASKED:
            unit.money.save_reclaim(replace(request, state=ReclaimState.ANSWERED, answered_at_ms=story.now_ms))
    if record.outcome == "refused" and request is not None and request.state is ReclaimState.ASKED:
        ended = replace(request, state=refused_state(record.reason), reason=record.reason)
        unit.money.save_reclaim(replace(ended, answered_at_ms=story.now_ms))


def _given_back(story: BatchStory) -> list[Posting]:
    return [
        posting
        for record in story.others
        if isinstance(record, Reclaimed)
        for request in (story.reclaims[record.reclaim],)
        for posting in posting_rules.reclaimed(request.purpose, request.account, record.wallet, record.amount_micro)
    ]


def _answered(command: CommandFact, record: CommandResult) -> CommandFact:
    return replace(command, state=record.outcome, state_at_ms=record.at_ms, reason=record.reason, detail=record.detail)


def _post_money(centre: Centre, unit: Unit, story: BatchStory, refused: Sequence[WalletGrant]) -> None:
    """One entry for the whole batch, by wallet and rate; its intervals are the detail."""
    postings = [*posting_rules.for_records(story.records), *_given_back(story)]
    for grant in refused:
        postings += posting_rules.grant_refused(grant.account, grant.wallet, grant.amount_micro)
    together = merged(postings)
    if not together:
        return
    unit.ledger.post(
        Transaction(
            kind="batch",
            cause=story.cause,
            effective_at_ms=story.stored.sealed_at_ms,
            posting_day=centre.posting_day(unit, story.now_ms),
            who=f"box:{story.box.box}",
            key=story.cause,
            postings=together,
        ),
        story.now_ms,
    )


def _take_facts(unit: Unit, story: BatchStory, meters: dict[str, MeterFacts], audit: Audit) -> BoxFacts:
    """Fold the records into what is known of meters and wallets, and write what changed."""
    box = story.box.box
    facts = BoxFacts(meters, unit.readings.wallet_states(box))
    fold(facts, story.records, lambda seq: stored_body(unit, box, seq))
    changed = facts.changed_meters | audit.changed
    unit.readings.save_meter_states(
        box,
        {
            meter: _state(facts.meters.get(meter, MeterFacts(meter=meter)), audit.meters.get(meter, MeterCharge()))
            for meter in changed
        },
    )
    unit.readings.save_wallet_states(
        box, [facts.wallets.get(wallet, WalletFacts(wallet=wallet)) for wallet in facts.changed_wallets]
    )
    return facts


def _state(facts: MeterFacts, charge: MeterCharge) -> tuple[MeterFacts, MeterCharge]:
    """Both say alike whether it is told where the meter stands."""
    return (facts if facts.untold == charge.untold else replace(facts, untold=charge.untold)), charge


def _see_light(unit: Unit, box: str, facts: BoxFacts, now_ms: Ms) -> list[WalletGrant]:
    """A sale has reached its end when the relays of its wallet's meters are closed as far as one knows. Its grants."""
    waiting = unit.ledger.grants_not_on(box)
    if not waiting:
        return []
    lit = []
    meters = {wallet.wallet: wallet.meters for wallet in unit.fleet.wallets_of_box(box)}
    for grant in waiting:
        fed = [facts.meters.get(meter, MeterFacts(meter=meter)) for meter in meters.get(grant.wallet, ())]
        if all(relay_is_on(meter) for meter in fed):
            unit.ledger.save_grant(replace(grant, on_at_ms=now_ms))
            lit.append(grant)
    return lit


def _find(centre: Centre, unit: Unit, story: BatchStory, audit: Audit) -> None:
    """Store every difference: in charges, in tariff texts, in balances."""
    place = centre.place(unit, story.box.box, audit.config_version)
    found = [_charge_finding(story, f) for f in (*audit.findings, *tariff_findings(story.header.tariff_hashes, place))]
    sums = unit.ledger.sums(map(accounts.wallet, story.header.wallets))
    differing = wallet_differences(story.header.wallets, sums)
    taken = unit.contracts.settlements(difference.wallet for difference in differing)
    for difference in differing:
        if difference.wallet in taken and difference.explained_by(taken[difference.wallet].taken_micro):
            continue
        text = f"the box has {difference.box_micro - difference.ledger_micro} micro-units more than the ledger"
        found.append(
            FoundDifference(
                kind="wallet",
                box=story.box.box,
                epoch=story.stored.epoch,
                seq=story.stored.seq,
                wallet=difference.wallet,
                detail=text,
                standing=True,
            )
        )
    if unit.alarms.add_findings(found, story.now_ms):
        raised = AlarmChange("finding", Subject(box=story.box.box), True, story.now_ms, story.stored.seq)
        unit.alarms.change_alarms([raised])


def _charge_finding(story: BatchStory, found: ChargeFinding) -> FoundDifference:
    return FoundDifference(
        kind=found.kind,
        box=story.box.box,
        epoch=story.stored.epoch,
        seq=story.stored.seq,
        meter=found.meter or None,
        detail=f"record {found.index}: {found.detail}",
    )
