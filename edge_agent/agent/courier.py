"""`edge-agent courier export | import`: files and sticks. What a file may do is decided by the running agent.

Nothing on a stick is carried out or unpacked; it is read as lines of text, and gets lines of text.
"""

import json
import os
from pathlib import Path
from typing import Any

from edge_agent.agent.offline import stored_pieces
from edge_agent.agent.terminal import FAILED, OK, Terminal
from edge_agent.config import BadConfig, BoxFile
from edge_agent.console.local_socket import AgentUnreachable, ask
from edge_agent.flows.courier import RESULT_ENDING, words_of
from protocol.courier import ENDING, FILE_BYTES_MAX, STICK_FOLDER, box_of_name


def export_lines(box_file: BoxFile, to: Path, terminal: Terminal, *, in_json: bool) -> int:
    """Write what the centre has not acknowledged. A folder gets all of it, a file name the first piece."""
    folder = _folder(to)
    found = _pieces(box_file, all_of_them=folder is not None)
    if found is None:
        terminal.complain("the agent did not hand out what it holds; ask it for its status")
        return FAILED
    pieces, more = found
    written = []
    for piece in pieces:
        path = to if folder is None else folder / piece["name"]
        _write(path, "".join(f"{line}\n" for line in piece["lines"]))
        written.append({"file": str(path), "batches": len(piece["lines"]), "last": piece["last"]})
    if in_json:
        terminal.say(json.dumps({"files": written, "more": more}, ensure_ascii=False))
        return OK
    for file in written:
        epoch, seq = file["last"]
        terminal.say(f"{file['file']}: {file['batches']} batches, the last is {epoch}/{seq}")
    if not written:
        terminal.say("nothing to carry: the centre has acknowledged all that is sealed")
    if more:
        terminal.say("There is more than one file holds: give a folder to get all of it.")
    return OK


def _pieces(box_file: BoxFile, *, all_of_them: bool) -> tuple[list[dict[str, Any]], bool] | None:
    """The pieces, and whether there are more; from the running agent, or from the store of one that is down."""
    found: list[dict[str, Any]] = []
    try:
        piece = ask(box_file.state_dir, "courier_export")
        while piece.get("lines") and (all_of_them or not found):
            found.append(piece)
            piece = ask(box_file.state_dir, "courier_export", after=piece["last"])
    except AgentUnreachable:
        if found:
            raise
        stored = stored_pieces(box_file)
        return (stored, False) if all_of_them else (stored[:1], len(stored) > 1)
    return None if "error" in piece else (found, bool(piece.get("lines")))


def import_lines(box_file: BoxFile, source: Path, terminal: Terminal, *, in_json: bool) -> int:
    """Hand each file to the agent and say, line by line, what came of it. 1 where a line was refused."""
    files = _files(box_file, source)
    told, code = [], OK
    for path in files:
        answer = ask(box_file.state_dir, "courier_import", text=_read(path))
        lines = answer.get("lines", [])
        refused = "error" in answer or any(line["outcome"] == "refused" for line in lines)
        code = FAILED if refused else code
        words = [answer["error"]] if "error" in answer else [words_of(line) for line in lines]
        if path.parent.name == STICK_FOLDER:
            _leave_result(path, words, terminal)
        told.append({"file": str(path), **answer})
        if not in_json:
            terminal.say("\n".join([f"{path}:", *(f"  {text}" for text in words)]))
    if in_json:
        terminal.say(json.dumps({"files": told}, ensure_ascii=False))
    return code


def _files(box_file: BoxFile, source: Path) -> list[Path]:
    """The file itself, or those in a folder that are named for this box, oldest first. Raises BadConfig."""
    folder = _folder(source)
    if folder is None:
        return [source]
    box = ask(box_file.state_dir, "status")["box"]
    found = sorted(path for path in folder.glob(f"*{ENDING}") if box_of_name(path.name) == box)
    if not found:
        raise BadConfig([f"{folder}: no file for box {box}; right would be a name that begins with to-box-{box}"])
    return found


def _folder(path: Path) -> Path | None:
    """Where files lie when a folder is given: a stick's own folder where it has one."""
    if not path.is_dir():
        return None
    inner = path / STICK_FOLDER
    return inner if inner.is_dir() else path


def _read(path: Path) -> str:
    """A file's text; bytes that are none make their line unreadable, and no other. Raises BadConfig."""
    try:
        with path.open("rb") as file:
            body = file.read(FILE_BYTES_MAX + 1)
    except OSError as fault:
        raise BadConfig([f"{path}: {fault.strerror}; right would be the centre's file for this box"]) from None
    if len(body) > FILE_BYTES_MAX:
        raise BadConfig([f"{path}: more than {FILE_BYTES_MAX} bytes; a courier file is shorter"])
    return body.decode("ascii", "replace")


def _write(path: Path, text: str) -> None:
    """Write a file so that it is whole or not there, and on the stick when the command ends. Raises BadConfig."""
    beside = path.with_name(f"{path.name}.part")
    try:
        with beside.open("w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as fault:
        raise BadConfig([f"{path}: {fault.strerror}; right would be a place that can be written"]) from None


def _leave_result(path: Path, words: list[str], terminal: Terminal) -> None:
    result = path.with_name(f"{path.name}{RESULT_ENDING}")
    try:
        result.write_text("\n".join(words) + "\n", encoding="utf-8")
    except OSError as fault:
        terminal.complain(f"{result}: {fault.strerror}; the file was taken all the same")
