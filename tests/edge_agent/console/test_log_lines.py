"""Log lines: one event a line, fields that a program can take apart again."""

import logging
import shlex

import pytest

from edge_agent.console.log_lines import EventFormatter


@pytest.mark.parametrize(
    ("value", "said"),
    [(7, "7"), ("open", "open"), ("two words", '"two words"'), ('a"b', '"a\\"b"'), ("x=y", '"x=y"'),
     ("line\nbreak", '"line\\nbreak"'), ("", '""'), ("鲜果铺", "鲜果铺")],
)  # fmt: skip
def test_one_event_is_one_line(value: object, said: str) -> None:
    record = logging.LogRecord("edge_agent.x", logging.WARNING, "", 0, "batch_sealed", None, None)
    record.fields = {"value": value, "nothing": None}
    line = EventFormatter().format(record)
    at, level, event, field = line.split(" ", 3)
    assert at.endswith("Z")
    assert (level, event, field) == ("warning", "batch_sealed", f"value={said}")
    assert "\n" not in line
    assert len(shlex.split(line)) == 4


def test_a_fault_of_ours_is_one_line_too() -> None:
    try:
        raise ValueError("what went\nwrong")
    except ValueError as fault:
        info = (type(fault), fault, fault.__traceback__)
    record = logging.LogRecord("edge_agent.x", logging.ERROR, "", 0, "failed", None, info)
    line = EventFormatter().format(record)
    assert "\n" not in line
    assert "ValueError" in line
