"""The first form of the store. What each table is for stands in `edge_agent/store/schema.py`."""

from typing import Final

STATEMENTS: Final = (
    """CREATE TABLE head (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        epoch INTEGER NOT NULL CHECK (epoch >= 0),
        step INTEGER NOT NULL CHECK (step >= 0),
        hashes TEXT NOT NULL CHECK (length(hashes) >= 64)
    ) STRICT""",
    """CREATE TABLE mark (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        body BLOB NOT NULL
    ) STRICT""",
    """CREATE TABLE configuration (
        version INTEGER PRIMARY KEY,
        hash TEXT NOT NULL CHECK (length(hash) = 64),
        text TEXT NOT NULL
    ) STRICT""",
    """CREATE TABLE meter (
        meter TEXT PRIMARY KEY,
        body BLOB NOT NULL
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE wallet (
        wallet TEXT PRIMARY KEY,
        body BLOB NOT NULL
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE money_id (
        number INTEGER PRIMARY KEY,
        money_id TEXT NOT NULL UNIQUE
    ) STRICT""",
    """CREATE TABLE line (
        number INTEGER PRIMARY KEY,
        type TEXT NOT NULL,
        seq INTEGER,
        hash TEXT NOT NULL UNIQUE CHECK (length(hash) = 64),
        prev TEXT CHECK (length(prev) = 64),
        body BLOB NOT NULL,
        CHECK ((type = 'command') = (seq IS NOT NULL AND prev IS NOT NULL)),
        UNIQUE (type, seq)
    ) STRICT""",
    """CREATE TABLE pending (
        number INTEGER PRIMARY KEY CHECK (number > 0),
        step INTEGER NOT NULL CHECK (step > 0),
        commands_seq INTEGER NOT NULL CHECK (commands_seq >= 0),
        commands_hash TEXT NOT NULL CHECK (length(commands_hash) = 64),
        body BLOB NOT NULL
    ) STRICT""",
    """CREATE TABLE batch (
        epoch INTEGER NOT NULL CHECK (epoch > 0),
        seq INTEGER NOT NULL CHECK (seq > 0),
        hash TEXT NOT NULL UNIQUE CHECK (length(hash) = 64),
        prev TEXT NOT NULL CHECK (length(prev) = 64),
        sealed_at_ms INTEGER NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (epoch, seq)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE acknowledged (
        epoch INTEGER PRIMARY KEY CHECK (epoch > 0),
        seq INTEGER NOT NULL CHECK (seq > 0)
    ) STRICT""",
)
