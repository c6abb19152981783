"""A command as pages and API show it: queued, delivered, done, refused."""

from cloud_server.core.fleet import Box, CommandFact
from cloud_server.core.views import CommandRow, CommandState
from protocol.units import Ms


def command_row(command: CommandFact, box: Box, now_ms: Ms) -> CommandRow:
    """How far a command has come, by its box's own words."""
    return CommandRow(
        command=command.seq,
        kind=command.kind,
        what=command.what,
        who=command.who,
        issued_at_ms=command.issued_at_ms,
        state=_state(command, box, now_ms),
        state_at_ms=command.state_at_ms,
        until_ms=command.until_ms,
        reason=command.reason,
    )


def _state(command: CommandFact, box: Box, now_ms: Ms) -> CommandState:
    if command.state == "refused":
        return "expired" if command.reason == "expired" else "refused"
    if command.state == "done":
        return "done"
    if command.seq <= max(box.fetched_seq, box.applied_seq):
        return "delivered"
    return "expired" if command.expires_at_ms is not None and now_ms > command.expires_at_ms else "queued"
