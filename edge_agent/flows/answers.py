"""What may be believed of the lines that came back: keys by the root, the answer by its key, nonce and term.

Pure: lines in, a judgement out. Nothing is stored or carried out here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from protocol.envelope import Line, check_signature
from protocol.errors import TheirFault
from protocol.messages import Answer, Keys, Limits
from protocol.payload import read_payload
from protocol.signing import PublicKey, public_key_from_text


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The centre's keys of one generation, as the root signed them."""

    line: Line
    generation: int
    command_keys: Mapping[str, PublicKey]
    answer_keys: Mapping[str, PublicKey]


@dataclass(frozen=True, slots=True)
class Believed:
    """A fresh answer, and the lines that came with it, sorted by type in their order."""

    answer: Answer
    ring: KeyRing
    limits: tuple[Line, ...]
    epochs: tuple[Line, ...]
    commands: tuple[Line, ...]


class Doubtful(TheirFault):
    """The answer is not fresh, not for us, or not signed by a key that counts: nothing of it is taken."""


def read_keys(line: Line, root: PublicKey, site: str) -> KeyRing:
    """Read a `keys` line. Raises TheirFault where the root did not sign it or it is another site's."""
    check_signature(line, {root.keyid: root})
    keys = read_payload(line.payload, Keys)
    if keys.site != site:
        raise Doubtful(f"keys line of site {keys.site}, ours is {site}")
    return KeyRing(
        line=line,
        generation=keys.key_generation,
        command_keys=_by_id(keys.command_keys),
        answer_keys=_by_id(keys.answer_keys),
    )


def read_limits(line: Line, root: PublicKey, site: str, box: str) -> Limits:
    """Read a `limits` line. Raises TheirFault where the root did not sign it or it is not for this box."""
    check_signature(line, {root.keyid: root})
    found = read_payload(line.payload, Limits)
    if found.site != site or found.box not in (None, box):
        raise Doubtful(f"limits of site {found.site}, box {found.box}")
    return found


def judge_answer(
    lines: Sequence[Line], nonce: str, site: str, box: str, term: int, ring: KeyRing, root: PublicKey
) -> Believed:
    """Sort and check what came for the request with this nonce. Raises TheirFault (Doubtful and its kin)."""
    if not lines or lines[-1].type_name != "answer":
        raise Doubtful(f"the last line is no answer but {lines[-1].type_name if lines else 'missing'}")
    for line in lines[:-1]:
        if line.type_name == "keys":
            offered = read_keys(line, root, site)
            ring = offered if offered.generation > ring.generation else ring
        elif line.type_name not in ("limits", "epoch", "command"):
            raise Doubtful(f"a line of type {line.type_name} does not belong in an answer")
    check_signature(lines[-1], ring.answer_keys)
    answer = read_payload(lines[-1].payload, Answer)
    if answer.nonce != nonce:
        raise Doubtful("the nonce is not that of our request: an old answer, played again")
    if (answer.site, answer.box) != (site, box):
        raise Doubtful(f"the answer is for box {answer.box}, we are {box}")
    if answer.term < term:
        raise Doubtful(f"term {answer.term} is lower than {term}, which this box has seen")
    return Believed(
        answer=answer,
        ring=ring,
        limits=tuple(line for line in lines if line.type_name == "limits"),
        epochs=tuple(line for line in lines if line.type_name == "epoch"),
        commands=tuple(line for line in lines if line.type_name == "command"),
    )


def _by_id(texts: Sequence[str]) -> dict[str, PublicKey]:
    keys = [public_key_from_text(text) for text in texts]
    return {key.keyid: key for key in keys}
