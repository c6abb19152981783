"""A batch read whole, and a batch of which only what is about some meters is read."""

import json

import pytest

from protocol.errors import BadPayload
from protocol.records import Interval
from protocol.whole_batch import read_batch, read_batch_about
from tests.vectors.chronicle import FIRST_RECORDS
from tests.vectors.lines import FIRST_BATCH

PLAIN = FIRST_BATCH.payload
BLANKS = json.dumps(json.loads(PLAIN), indent=1).encode()
"""The same, as our own agent would not write it."""
METERS = {record.meter for record in FIRST_RECORDS if isinstance(record, Interval)}
ANOTHER = "f" * 32


@pytest.mark.parametrize("payload", [PLAIN, BLANKS])
@pytest.mark.parametrize("meters", [METERS, {ANOTHER}, set()])
def test_only_intervals_of_other_meters_are_left_out(payload: bytes, meters: set[str]) -> None:
    whole, records = read_batch(payload)
    batch, about = read_batch_about(payload, meters)
    assert about == [one for one in records if not isinstance(one, Interval) or one.meter in meters]
    assert (batch.seq, batch.prev, batch.tariff_hashes) == (whole.seq, whole.prev, whole.tariff_hashes)
    assert any(isinstance(one, Interval) for one in records)
    assert any(not isinstance(one, Interval) for one in about)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"energy_wh":', b'"energy":'),
        (b'"kind":"interval"', b'"kind":"eclipse"'),
        (b'"kind":"interval"', b'"kind":7'),
        (b'"seq":1', b'"seq":1.0'),
        (b'"records":[', b'"records":[7,'),
    ],
)
def test_what_is_not_as_it_should_be_is_told(old: bytes, new: bytes) -> None:
    assert old in PLAIN
    with pytest.raises(BadPayload):
        read_batch_about(PLAIN.replace(old, new, 1), METERS)
