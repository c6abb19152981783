"""Tables for a technician's terminal: status and live values. Text in, text out; prints nothing."""

from collections.abc import Iterable
from typing import Any

_COLUMNS = ("meter", "unit", "relay", "wanted", "why", "power W", "balance", "age", "faults", "state")


def status_text(status: dict[str, Any]) -> str:
    """The whole status as people read it."""
    if status.get("waits_for_epoch"):
        return _lost_text(status)
    batches, centre = status["batches"], status["centre"]
    lines = [
        f"box {status['box']}  epoch {status['epoch']}  configuration {status['config_version']}"
        f"  {status['agent']}{'' if status['running'] else '  (agent is not running)'}",
        f"batches: {batches['seq']} sealed, {batches['records_not_sealed']} records wait"
        f"{', not acknowledged from ' + _place(batches['waiting_from']) if batches['waiting_from'] else ''}",
        f"centre: {_centre(centre)}",
    ]
    if batches["set_back"]:
        lines.append(f"STORE SET BACK: {batches['set_back']}")
    lines += [_bus(bus) for bus in status["buses"]]
    lines += [f"alarm: {alarm}" for alarm in status["alarms"]]
    upgrade = status.get("upgrade") or {}
    if upgrade.get("fault"):
        lines.append(f"ordered is version {upgrade['ordered']}, which does not run: {upgrade['fault']}")
    lines += ["", *_table([_COLUMNS, *(_row(meter) for meter in status["meters"])])]
    return "\n".join(lines)


def _lost_text(status: dict[str, Any]) -> str:
    """An agent whose store is gone."""
    kept = f"{status['kept_closed']} relays are kept closed" if status["kept_closed"] else "relays stay as they are"
    return "\n".join(
        (
            f"box {status['box']}  {status['agent']}",
            f"STORE LOST: {status['store_lost']}",
            f"This box waits for an epoch of the centre; until then it charges nothing, and {kept}.",
            f"centre: {_centre(status['centre'])}",
        )
    )


def _place(waiting: list[int]) -> str:
    return f"{waiting[0]}/{waiting[1]}"


def _centre(centre: dict[str, Any]) -> str:
    if centre["failure"]:
        return f"not reached ({centre['failure']})"
    return "not heard yet" if centre["fresh_s"] is None else f"fresh answer {centre['fresh_s']} s ago"


def _bus(bus: dict[str, Any]) -> str:
    if bus["down"]:
        return f"bus {bus['name']}: DOWN, {bus['down']}"
    pace = "" if bus["cycle_ms"] is None else f", a round takes {bus['cycle_ms'] / 1000:.1f} s"
    foreign = ", ANOTHER MASTER: no relay is written" if bus["foreign_master"] else ""
    return f"bus {bus['name']}: {bus['meters']} meters, {bus['lost']} lost{pace}{foreign}"


def _row(meter: dict[str, Any]) -> tuple[str, ...]:
    states = [name for name in ("lost", "held") if meter[name]]
    if meter.get("locked_out"):
        states.append(f"locked out by {meter['locked_out']}, which is no isolation: lock the breaker too")
    if meter.get("mode") not in (None, "prepaid"):
        states.append(meter["mode"])
    if meter.get("ordered") == "armed" and meter.get("seen") == "open":
        states.append("armed: press the button at the meter")
    if meter.get("service") == "observe":
        states.append("observe")
    states += meter.get("alarms", [])
    return (
        meter["name"],
        str(meter["unit"]),
        meter.get("seen", "unknown"),
        meter.get("wanted", "unknown"),
        meter.get("cause", ""),
        "" if meter["power_w"] is None else str(meter["power_w"]),
        "" if meter["balance"] is None else meter["balance"],
        "never" if meter["age_s"] is None else f"{meter['age_s']} s",
        ", ".join(f"{kind} {count}" for kind, count in sorted(meter.get("faults", {}).items())),
        ", ".join(dict.fromkeys(states)),
    )


def _table(rows: Iterable[tuple[str, ...]]) -> list[str]:
    kept = list(rows)
    widths = [max(len(row[i]) for row in kept) for i in range(len(_COLUMNS))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in kept]
