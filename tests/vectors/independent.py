"""The wire a second time, written from the published format and nothing of `protocol`: the vectors' other witness.

PAE by securesystemslib, Ed25519 by PyNaCl, hashes by hashlib, prices by walking over minutes, money by fractions.
Slow and plain on purpose.
"""

import base64
import hashlib
import json
import math
import tomllib
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey
from securesystemslib.dsse import Envelope

FAMILY = "application/vnd.tallybox."
KINDS = (
    "interval", "fee", "granted", "reclaimed", "relay", "alarm", "command_result", "config_applied", "released",
    "replaced", "replacement_noted", "lock_out", "meter_test", "meter_event", "link", "would", "boot", "clock_step",
    "evidence",
)  # fmt: skip
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def pae(payload_type: str, payload: bytes) -> bytes:
    """What a DSSE signature covers."""
    encoded: bytes = Envelope(payload, payload_type, {}).pae()
    return encoded


def sign(seed: bytes, message: bytes) -> bytes:
    """An Ed25519 signature; the same key and message always give the same."""
    return SigningKey(seed).sign(message).signature


def public_of(seed: bytes) -> bytes:
    """The public key that belongs to a seed."""
    return SigningKey(seed).verify_key.encode()


def fits(public: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether libsodium takes the signature."""
    try:
        VerifyKey(public).verify(message, signature)
    except (BadSignatureError, ValueError):
        return False
    return True


@dataclass(frozen=True)
class OpenLine:
    """A line taken apart: its type, payload bytes, hash, and the keys (raw) whose signatures fit."""

    kind: str
    payload: bytes
    hash: str
    signed_by: tuple[bytes, ...]


def open_line(text: str, publics: list[bytes]) -> OpenLine:
    """Take a line apart and try its signatures against the keys they name."""
    envelope = json.loads(text)
    payload = base64.b64decode(envelope["payload"])
    message = pae(envelope["payloadType"], payload)
    by_id = {hashlib.sha256(public).hexdigest(): public for public in publics}
    good = tuple(
        by_id[one["keyid"]]
        for one in envelope["signatures"]
        if one["keyid"] in by_id and fits(by_id[one["keyid"]], message, base64.b64decode(one["sig"]))
    )
    kind = envelope["payloadType"].removeprefix(FAMILY).removesuffix(".v1+json")
    return OpenLine(kind, payload, hashlib.sha256(message).hexdigest(), good)


# ------------------------------------------------------------------------------------------------------------- charging


@dataclass
class Prices:
    """One book of the charging vectors: the rate of a minute is looked up by the clock on the wall."""

    zone: ZoneInfo
    versions: list[dict[str, Any]]
    known: dict[tuple[int, date], list[tuple[int, str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.starts = [text["starts_at"].replace(tzinfo=self.zone).astimezone(UTC) for text in self.versions]

    def version(self, at: datetime) -> int:
        """Index of the version in force: the one that started last (of two at once the higher), else the first."""
        begun = [(start, n) for n, start in enumerate(self.starts) if start <= at]
        return max(begun)[1] if begun else min((start, n) for n, start in enumerate(self.starts))[1]

    def day(self, version: int, local: datetime) -> list[tuple[int, str]]:
        """The switches of a local date as (minute of the day, rate)."""
        if (version, local.date()) not in self.known:
            self.known[version, local.date()] = self._look_up(version, local)
        return self.known[version, local.date()]

    def _look_up(self, version: int, local: datetime) -> list[tuple[int, str]]:
        calendar = self.versions[version]["calendar"]
        today, weekday = local.date().isoformat(), WEEKDAYS[local.weekday()]
        name = calendar.get("weekdays", {}).get(weekday, calendar["default"])
        for season in reversed(calendar.get("seasons", [])):
            first, last, now = season["from"], season["to"], today[5:]
            if first <= now <= last or (first > last and (now >= first or now <= last)):
                name = season.get("weekdays", {}).get(weekday, season["default"])
        name = calendar.get("dates", {}).get(today, name)
        switches = (text.split() for text in self.versions[version]["days"][name]["switches"])
        return [(int(time[:2]) * 60 + int(time[3:]), rate) for time, rate in switches]

    def price(self, version: int, rate: str) -> int:
        price: int = self.versions[version]["rates"][rate]["price_micro"]
        return price


def book(zone: str, texts: list[str]) -> Prices:
    """Read a book's texts."""
    return Prices(ZoneInfo(zone), [tomllib.loads(text) for text in texts])


def walk(prices: Prices, from_ms: int, to_ms: int) -> list[dict[str, Any]]:
    """The stretches between two instants, found minute by minute.

    Where clocks go back, a switch that came once does not come again: the latest time seen that day counts.
    """
    first = datetime.fromtimestamp(from_ms // 1000, prices.zone)
    at = datetime.combine(first.date(), datetime.min.time(), prices.zone).astimezone(UTC)
    found: list[dict[str, Any]] = []
    today, latest = first.date(), -1
    while at.timestamp() * 1000 < to_ms:
        local = at.astimezone(prices.zone)
        minute = local.hour * 60 + local.minute
        latest = minute if local.date() != today else max(latest, minute)
        today = local.date()
        version = prices.version(at)
        rate = [rate for since, rate in prices.day(version, local) if since <= latest][-1]
        begin = max(int(at.timestamp()) * 1000, from_ms)
        at += timedelta(minutes=1)
        end = min(int(at.timestamp()) * 1000, to_ms)
        key = (rate, version, today)
        if end <= begin:
            continue
        if found and found[-1]["key"] == key:
            found[-1]["to_ms"] = end
        else:
            found.append({"key": key, "from_ms": begin, "to_ms": end, "rate": rate, "version": version})
    return found


def shared(total: int, lengths: list[int]) -> list[int]:
    """A whole number shared by lengths: largest remainder, ties to the earlier."""
    exact = [Fraction(total * length, sum(lengths)) for length in lengths]
    shares = [math.floor(share) for share in exact]
    while sum(shares) < total:
        index = max(range(len(exact)), key=lambda i: (exact[i] - shares[i], -i))
        shares[index] += 1
    return shares


def stepped(steps: list[dict[str, int]], one: dict[str, Any], share: int, month_wh: int) -> list[dict[str, Any]]:
    """One stretch cut where a step of price begins; time is cut in the same proportion, rounded down."""
    found = []
    for n, step in enumerate(steps):
        begins = step["from_kwh"] * 1000
        ends = steps[n + 1]["from_kwh"] * 1000 if n + 1 < len(steps) else math.inf
        low, high = max(begins, month_wh), min(ends, month_wh + share)
        if high > low or (share == 0 and begins <= month_wh < ends):
            found.append({"step": n, "add": step["add_micro"], "energy_wh": int(high - low)})
    used, at, length = 0, one["from_ms"], one["to_ms"] - one["from_ms"]
    for piece in found:
        used += piece["energy_wh"]
        piece["from_ms"] = at
        at = one["to_ms"] if piece is found[-1] else one["from_ms"] + math.floor(Fraction(length * used, share))
        piece["to_ms"] = at
    return found


def stretches_of(prices: Prices, case: dict[str, Any]) -> tuple[list[dict[str, Any]], list[str]]:
    """The stretches of a vector and its flags."""
    from_ms, to_ms = case["from"]["at_ms"], case["to"]["at_ms"]
    if not case["clock_sure"] or to_ms < from_ms:
        version = prices.version(datetime.fromtimestamp(to_ms // 1000, UTC))
        rate = prices.versions[version]["fallback_rate"]
        whole = {"from_ms": min(from_ms, to_ms), "to_ms": to_ms, "rate": rate, "version": version, "month": None}
        return [whole], ["clock_unsure", "fallback_rate"]
    if from_ms == to_ms:
        walked = [dict(walk(prices, from_ms, to_ms + 1)[0], to_ms=to_ms)]
    else:
        walked = walk(prices, from_ms, to_ms)
    flags = ["estimated_split"] if len({(one["rate"], one["version"]) for one in walked}) > 1 else []
    flags += ["midnight"] if len({one["key"][2] for one in walked}) > 1 else []
    return [one | {"month": one["key"][2].isoformat()[:7]} for one in walked], flags


def price_case(prices: Prices, case: dict[str, Any]) -> dict[str, Any]:
    """The result of one charging vector, by fractions."""
    raw = case["to"]["raw_wh"] - case["from"]["raw_wh"]
    exact_wh = raw * Fraction(*case["ratio"]) + Fraction(*case["energy_carry"])
    energy_wh = math.floor(exact_wh)
    walked, flags = stretches_of(prices, case)
    lengths = [one["to_ms"] - one["from_ms"] for one in walked]
    shares = [energy_wh] if len(walked) == 1 else shared(energy_wh, lengths)
    parts, money = [], Fraction(case["money_carry_nano"], 1000)
    month, month_wh = walked[0]["month"], case["month_wh"]
    for one, share in zip(walked, shares, strict=True):
        if one["month"] != month:
            month, month_wh = one["month"], 0
        steps = prices.versions[one["version"]].get("steps", [{"from_kwh": 0, "add_micro": 0}])
        for piece in stepped(steps, one, share, month_wh):
            price = prices.price(one["version"], one["rate"]) + piece.pop("add")
            before = math.floor(money)
            money += Fraction(piece["energy_wh"] * price, 1000) if case["charged"] else 0
            parts.append(
                {"rate": one["rate"], "tariff_version": one["version"] + 1, "price_micro": price}
                | piece
                | {"charge_micro": math.floor(money) - before}
            )
        month_wh += share
    end = datetime.fromtimestamp(case["to"]["at_ms"] // 1000, prices.zone).isoformat()[:7]
    carry = exact_wh - energy_wh
    return {
        "energy_wh": energy_wh,
        "energy_carry": [carry.numerator, carry.denominator],
        "parts": parts,
        "charge_micro": math.floor(money),
        "money_carry_nano": int((money - math.floor(money)) * 1000),
        "month_wh": month_wh if month in (None, end) else 0,
        "flags": flags,
    }


# ------------------------------------------------------------------------------------------------------------- verdicts


@dataclass
class Centre:
    """What a centre holds of one box, and its verdict on each line that comes."""

    site: str
    box: str
    record_key: bytes
    epoch: int
    commands_seq: int
    head: tuple[int, str]
    hashes: dict[tuple[int, int], str] = field(default_factory=dict)
    parked: bool = False

    def verdict(self, text: str, row: str) -> tuple[str, int | None]:
        """The first that applies, and from where to send again."""
        line = open_line(text, [self.record_key])
        if row != "enrolled":
            return ("unknown_box" if row == "unknown" else row), None
        if not line.signed_by:
            return "bad_signature", None
        batch = json.loads(line.payload)
        if (batch["site"], batch["box"]) != (self.site, self.box):
            return "wrong_box", None
        if self.hashes.get((batch["epoch"], batch["seq"])) == line.hash:
            return "known", None
        if batch["epoch"] > self.epoch or batch["commands_applied"]["seq"] > self.commands_seq:
            return "ahead", None
        if batch["epoch"] < self.epoch:
            return "superseded_epoch", None
        if batch["seq"] > self.head[0] + 1:
            return "gap", self.head[0] + 1
        if batch["seq"] <= self.head[0] or batch["prev"] != self.head[1]:
            return "forked", None
        self.head = (batch["seq"], line.hash)
        self.hashes[batch["epoch"], batch["seq"]] = line.hash
        if self.parked:
            return "behind_parked", None
        self.parked = not all(understood(record) for record in batch["records"])
        return ("parked" if self.parked else "accepted"), None


def understood(record: dict[str, Any]) -> bool:
    """Whether a record's kind is of version 1 and its numbers are whole: what the verdict vectors ask."""
    return record["kind"] in KINDS and not any(isinstance(value, float) for value in record.values())
