"""A form that came when the proof of who sends it had grown old: kept in the page that asks for the proof, and taken up
again with it, so that nothing typed is lost. Nothing of it is stored here."""

from base64 import b64decode, b64encode
from binascii import Error as BadBase64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cloud_server.web.uploads import TEXT_BYTES_MOST

PROOF_FIELD: Final = "proof_of_sender"
"""The code or password that goes with a form that was kept."""
_FILE_FIELD: Final = "kept_file_"
KEPT_FILE_BYTES_MOST: Final = TEXT_BYTES_MOST * 3 // 4 - 3
"""What fits into one field as text; a profile has 32 kB, and a greater logo is chosen once more."""
_NOT_KEPT: Final = frozenset({"form_token", PROOF_FIELD})


@dataclass(frozen=True, slots=True)
class SentForm:
    """A form as it came, with what was kept of it put back; `proof` is None where none was sent."""

    fields: dict[str, str]
    files: dict[str, bytes]
    proof: str | None


def taken_up(fields: Mapping[str, str], files: Mapping[str, bytes]) -> SentForm:
    """The form with its kept files in their places and the proof beside it."""
    plain = {name: value for name, value in fields.items() if name != PROOF_FIELD and not name.startswith(_FILE_FIELD)}
    kept = {
        name.removeprefix(_FILE_FIELD): _file(value) for name, value in fields.items() if name.startswith(_FILE_FIELD)
    }
    return SentForm(plain, {**kept, **{name: body for name, body in files.items() if body}}, fields.get(PROOF_FIELD))


def kept_fields(fields: Mapping[str, str], files: Mapping[str, bytes]) -> list[tuple[str, str]]:
    """What the page that asks for the proof carries, unseen."""
    found = [(name, value) for name, value in fields.items() if name not in _NOT_KEPT]
    return found + [
        (f"{_FILE_FIELD}{name}", b64encode(body).decode())
        for name, body in files.items()
        if 0 < len(body) <= KEPT_FILE_BYTES_MOST
    ]


def lost_files(files: Mapping[str, bytes]) -> bool:
    """Whether a file is too great to be kept and has to be chosen once more."""
    return any(len(body) > KEPT_FILE_BYTES_MOST for body in files.values())


def _file(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except BadBase64:
        return b""
