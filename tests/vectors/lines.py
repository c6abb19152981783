"""Every line of the vectors, sealed: one of each type, the whole chain of commands, of money and of batches.

The order of building is the order of a place's life: keys, enrolment, commands, an epoch, batches, one exchange.
"""

from typing import Final

import msgspec

from protocol.box_config import text_hash
from protocol.chain import EMPTY_COMMANDS, Head
from protocol.charging import RULES_VERSION
from protocol.commands import Command
from protocol.envelope import Line, seal, sign_again
from protocol.ids import NO_HASH
from protocol.messages import (
    SIGNED_BY,
    Answer,
    Batch,
    BatchHead,
    Bundle,
    ChainHead,
    Clock,
    Enrol,
    Epoch,
    Hardware,
    Keys,
    Limits,
    Live,
    Money,
    Renew,
    Sync,
    VerdictOn,
    write_record,
)
from protocol.payload import Payload, write_payload
from protocol.records import Record
from protocol.wallet import replay
from tests.vectors.cast import (
    BOOT,
    BOX,
    CONFIG_TEXT,
    DAY_MS,
    KEYS,
    MAIN_METER,
    METER,
    SITE,
    TARIFF,
    TARIFF_TEXT,
    WALLET,
    an_id,
    at,
)
from tests.vectors.chronicle import BOOK_BEFORE_MICRO, FIRST_RECORDS, STATE, second_records
from tests.vectors.orders import COMMANDS, UNREADABLE
from tests.vectors.till import STEPS

TERM: Final = DAY_MS // 1_000 - 30 * 86_400
"""The centre was set up thirty days before."""
EPOCH: Final = 2
BASE: Final = 3
"""Commands up to this number were carried out in the epoch before."""
AGENT: Final = "0.1.0"
RECORD_KEY: Final = KEYS["record"].public.text


def sealed(type_name: str, payload: Payload) -> Line:
    """A line signed by the key that signs lines of its type."""
    return seal(type_name, write_payload(payload), KEYS[SIGNED_BY[type_name]])


KEYS_LINE: Final = sealed(
    "keys",
    Keys(
        site=SITE,
        key_generation=1,
        command_keys=[KEYS["command"].public.text],
        answer_keys=[KEYS["answer"].public.text],
        issued_at_ms=DAY_MS - 30 * 86_400_000,
    ),
)
LIMITS_LINE: Final = sealed(
    "limits",
    Limits(
        site=SITE,
        box=BOX,
        limits_generation=1,
        greatest_grant_micro=50_000_000_000,
        greatest_price_micro=5_000_000,
        protected_always=[MAIN_METER],
    ),
)
BUNDLE_LINE: Final = sealed(
    "bundle",
    Bundle(site=SITE, version="0.2.0", files={"tallybox-0.2.0.whl": text_hash("a program")}, issued_at_ms=at(12)),
)
ENROL_LINE: Final = sealed(
    "enrol",
    Enrol(
        site=SITE,
        box=BOX,
        token="00112233445566778899aabbccddeeff",
        record_key=RECORD_KEY,
        csr="-----BEGIN CERTIFICATE REQUEST-----\n(left out here)\n-----END CERTIFICATE REQUEST-----\n",
        csr_proof="KGxlZnQgb3V0IGhlcmUp",
        hardware=Hardware(model="fanless industrial PC", serial="SN-0001"),
        agent=AGENT,
    ),
)
RENEW_LINE: Final = sealed(
    "renew",
    Renew(
        site=SITE,
        box=BOX,
        csr="-----BEGIN CERTIFICATE REQUEST-----\n(left out here)\n-----END CERTIFICATE REQUEST-----\n",
        csr_proof="KGxlZnQgb3V0IGhlcmUp",
        nonce=an_id("nonce of a renewal"),
    ),
)


def _command_chain() -> dict[int, Line]:
    chain: dict[int, Line] = {}
    head = EMPTY_COMMANDS
    bodies = [(kind, msgspec.Raw(msgspec.json.encode(body)), expires) for kind, body, expires in COMMANDS]
    bodies += [(kind, msgspec.Raw(body), None) for kind, body in UNREADABLE]
    for seq, (kind, body, expires_at_ms) in enumerate(bodies, start=1):
        frame = Command(
            site=SITE,
            box=BOX,
            seq=seq,
            prev=head.hash,
            term=TERM,
            issued_at_ms=at(10) + seq * 1_000,
            expires_at_ms=expires_at_ms,
            kind=kind,
            body=body,
        )
        chain[seq] = sealed("command", frame)
        head = Head(seq, chain[seq].hash)
    return chain


COMMAND_LINES: Final = _command_chain()
"""By number."""
ROTATED_LINE: Final = sign_again(COMMAND_LINES[5], KEYS["next_command"])
"""The grant once more, with a second signature by the key that comes next: the same hash."""


def _head(seq: int) -> ChainHead:
    return ChainHead(seq=seq, hash=COMMAND_LINES[seq].hash)


def batch_line(
    seq: int, prev: str, records: tuple[Record, ...], applied: int, wallets: dict[str, int], epoch: int = EPOCH
) -> Line:
    """A batch of the vectors' box."""
    batch = Batch(
        site=SITE,
        box=BOX,
        epoch=epoch,
        seq=seq,
        prev=prev,
        boot_id=BOOT,
        mono_ms=seq * 60_000,
        sealed_at_ms=at(18, 31, 2) + (seq - 1) * 5 * 3_600_000,
        clock=Clock(sure=True, source="server"),
        agent=AGENT,
        rules=RULES_VERSION,
        commands_applied=_head(applied),
        key_generation=1,
        term_seen=TERM,
        audit_head_seen=text_hash("audit head") if seq > 1 else None,
        tariff_hashes={TARIFF: {"1": text_hash(TARIFF_TEXT)}},
        records=[write_record(record) for record in records],
        wallets=wallets,
    )
    return sealed("batch", batch)


LAST_BATCH_BEFORE: Final = batch_line(
    41, text_hash("batch 40 of the epoch before"), (), BASE, {WALLET: BOOK_BEFORE_MICRO}, EPOCH - 1
)
"""What the epoch before ended with, as the centre posted it."""
EPOCH_LINE: Final = sealed(
    "epoch",
    Epoch(
        site=SITE,
        box=BOX,
        epoch=EPOCH,
        term=TERM,
        record_key=RECORD_KEY,
        closes=BatchHead(epoch=EPOCH - 1, seq=41, hash=LAST_BATCH_BEFORE.hash),
        commands_base=_head(BASE),
        config_version=6,
        config=CONFIG_TEXT,
        state=STATE,
        why="store_lost",
        issued_at_ms=at(17, 45),
    ),
)


SECOND_RECORDS: Final = second_records((COMMAND_LINES[8].hash, text_hash("the other content of command 8")))
_BOOK: Final = {WALLET: BOOK_BEFORE_MICRO}
_FIRST_BOOK: Final = replay(_BOOK, FIRST_RECORDS)
FIRST_BATCH: Final = batch_line(1, EPOCH_LINE.hash, FIRST_RECORDS, 5, _FIRST_BOOK)
SECOND_BATCH: Final = batch_line(2, FIRST_BATCH.hash, SECOND_RECORDS, 7, replay(_FIRST_BOOK, SECOND_RECORDS))

NONCE: Final = an_id("nonce of an exchange")
SYNC_LINE: Final = sealed(
    "sync",
    Sync(
        site=SITE,
        box=BOX,
        epoch=EPOCH,
        nonce=NONCE,
        sent_at_ms=at(24, 9),
        batch_head=ChainHead(seq=2, hash=SECOND_BATCH.hash),
        command_head=_head(7),
        key_generation=1,
        term_seen=TERM,
        agent=AGENT,
        wait_s=25,
        limits_generation=1,
        live=[
            Live(
                meter=METER,
                at_ms=at(24, 8, 59),
                power_w=1_234,
                power_estimated=False,
                relay="closed",
                balance_micro=103_000_000,
                values={"voltage_a_mv": 229_800, "current_a_ma": 5_370},
            ),
            Live(meter=MAIN_METER, at_ms=at(24, 8, 58), power_estimated=True, relay="unknown", values={}),
        ],
    ),
)
ANSWER_LINE: Final = sealed(
    "answer",
    Answer(
        site=SITE,
        box=BOX,
        nonce=NONCE,
        server_time_ms=at(24, 9, 1),
        term=TERM,
        batch_ack=BatchHead(epoch=EPOCH, seq=2, hash=SECOND_BATCH.hash),
        command_head=_head(8),
        audit_head=text_hash("audit head"),
        verdicts=[
            VerdictOn(epoch=EPOCH, seq=1, verdict="known"),
            VerdictOn(epoch=EPOCH, seq=2, verdict="accepted"),
        ],
        live_until_ms=at(24, 10),
        read_now=(METER,),
    ),
)


def _money_chain() -> dict[int, Line]:
    chain: dict[int, Line] = {}
    prev = NO_HASH
    for number, step in enumerate(STEPS, start=1):
        line = Money(
            site=SITE,
            term=TERM,
            number=number,
            prev=prev,
            kind=step.kind,
            body=msgspec.Raw(msgspec.json.encode(step.body)),
            operator="chen",
            second=step.second,
            reason=step.reason,
            idempotency_key=an_id(f"form {number}"),
            posted_at_ms=at(9) + number * 60_000,
        )
        chain[number] = sealed("money", line)
        prev = chain[number].hash
    return chain


MONEY_LINES: Final = _money_chain()
"""By number."""

ONE_OF_EACH: Final = {
    "keys": KEYS_LINE,
    "limits": LIMITS_LINE,
    "bundle": BUNDLE_LINE,
    "enrol": ENROL_LINE,
    "renew": RENEW_LINE,
    "epoch": EPOCH_LINE,
    "command": COMMAND_LINES[5],
    "batch": FIRST_BATCH,
    "sync": SYNC_LINE,
    "answer": ANSWER_LINE,
    "money": MONEY_LINES[4],
}
"""One line of each type of version 1."""
