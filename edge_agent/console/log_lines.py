"""Log lines: one event a line, to stderr: time, level, constant event name, key=value fields.

Callers give fields as `extra={"fields": {...}}`; secrets and phone numbers are never among them.
"""

import json
import logging
import sys
from datetime import UTC, datetime


class EventFormatter(logging.Formatter):
    """`2026-11-22T03:04:05.678Z info batch_sealed epoch=1 seq=7`."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        fields = getattr(record, "fields", {})
        words = [f"{at} {record.levelname.lower()} {record.getMessage()}"]
        words += [f"{key}={_value(value)}" for key, value in fields.items() if value is not None]
        if record.exc_info:
            words.append(f"trace={json.dumps(self.formatException(record.exc_info))}")
        return " ".join(words)


def _value(value: object) -> str:
    text = str(value)
    plain = text and not any(c.isspace() or c in '"=' for c in text) and text.isprintable()
    return text if plain else json.dumps(text, ensure_ascii=False)


def log_to_stderr(level: int = logging.INFO) -> None:
    """Send every event of ours to stderr, and only warnings of the libraries."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(EventFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("edge_agent").setLevel(level)
