"""The report of a recovery as a manager reads it, and as a script does."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from cloud_server.core.checkpoint import Checkpoint
from cloud_server.flows.recovery_report import BoxReport, PartStands, RecoveryReport, SaleReport
from protocol.units import amount_to_text


def facts_of(report: RecoveryReport) -> dict[str, Any]:
    """Everything, for JSON."""
    return asdict(report)


def words_of(report: RecoveryReport) -> str:
    """A page of text."""
    state = "under way" if report.under_way else "over"
    lines = [f"Recovery {state}. Term {report.term}; receipts since then are a series of their own."]
    lines.append(f"{report.sales_back} sales were written again from signed lines.")
    lines += [_box(box) for box in report.boxes]
    lines += [_passed_over(point, report) for point in report.passed_over]
    open_ones = [question for question in report.questions if question.answer is None]
    lines.append(f"{len(open_ones)} questions for people, {len(report.questions) - len(open_ones)} answered:")
    for asked in report.questions:
        answer = f"{asked.answer} ({asked.answered_by or 'by what came back'})" if asked.answer else "OPEN"
        lines.append(f"  {asked.kind} {asked.subject}: {answer}  {asked.detail}")
    return "\n".join(lines)


def sale_words(sales: Sequence[SaleReport]) -> str:
    """A line for each sale: its receipt, when, for whom, how much, and where each share of the money is."""
    return "\n".join(_sale(sale) for sale in sales)


def _sale(sale: SaleReport) -> str:
    told = [f"{amount_to_text(part.amount_micro)} {_STANDS[part.stands].format(box=part.box)}" for part in sale.parts]
    if sale.reversed:
        told.append("reversed")
    head = f"{sale.receipt}  {_at(sale.paid_at_ms)}  {sale.account}  {amount_to_text(sale.amount_micro)}"
    return f"  {head}: {', '.join(told) or 'credit at the centre'}"


_STANDS: Final[Mapping[PartStands, str]] = {
    "delivered": "delivered to {box}",
    "on_its_way": "on its way to {box}",
    "waits": "waits at the centre for {box}",
    "refused": "refused by {box}, back at the centre",
    "undone": "undone before {box} got it",
    "unproven": "in flight unproven, {box} has not been heard",
}


def _box(box: BoxReport) -> str:
    heard = f"last heard {_at(box.heard_at_ms)}" if box.heard_at_ms is not None else "never heard"
    if not box.under_way and box.recovery.ended_at_ms is not None:
        back = f"{box.recovery.commands_taken} commands came back"
        return f"  {box.name}: recovered {_at(box.recovery.ended_at_ms)}, {back}"
    awaited, waiting = amount_to_text(box.awaited_micro), amount_to_text(box.waiting_micro)
    by = f"opened by {box.recovery.opened_by} and {box.recovery.opened_second}"
    selling = "closed" if box.selling_closed else by if box.recovery.opened_by is not None else "open"
    money = f"{awaited} in flight unproven, {waiting} wait for it"
    return f"  {box.name}: TO BE HEARD ({heard}); selling {selling}; {money}"


def _passed_over(point: Checkpoint, report: RecoveryReport) -> str:
    name = next((box.name for box in report.boxes if box.box == point.box), point.box)
    gone = amount_to_text(-sum(point.differences.values()))
    lost = f"batches {point.first} to {point.last} of epoch {point.lost_epoch} are on no machine any more"
    if point.within:
        return (
            f"  {name}: {lost}; two people took the word of the box for the balances behind them, {gone} went between"
        )
    return f"  {name}: {lost}; epoch {point.epoch} proves the balances behind them, {gone} went between"


def _at(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
