"""`cloud-server courier`: lines carried by hand to and from a box whose fibre is cut."""

import argparse
from dataclasses import asdict

from cloud_server.config import Config
from cloud_server.flows.courier import all_files, take_file
from cloud_server.terminal.came import Came, Misused
from cloud_server.terminal.wired import wired
from protocol.courier import FILE_BYTES_MAX, STICK_FOLDER, box_that_wrote, write_file


def export_files(config: Config, options: argparse.Namespace) -> Came:
    """What a box lacks, keys, epoch and commands, written into files."""
    with wired(config) as parts:
        files = all_files(parts.centre, options.box)
    folder = None
    if options.to.is_dir():
        inner = options.to / STICK_FOLDER
        folder = inner if inner.is_dir() else options.to
    chosen = files[:1] if folder is None else files
    told, words = [], []
    for file in chosen:
        path = options.to if folder is None else folder / file.name
        try:
            path.write_bytes(write_file(file.lines))
        except OSError as fault:
            raise Misused(str(path), [f"{fault.strerror}; right would be a place that can be written"]) from fault
        commands = file.last - file.first + 1 if file.first else 0
        told.append({"file": str(path), "lines": len(file.lines), "commands": commands})
        words.append(f"{path}: {commands} commands, {len(file.lines) - commands} lines beside them")
    if len(files) > len(chosen):
        words.append("There is more than one file holds: give a folder to get all of it.")
    return Came(0, {"files": told, "more": len(files) > len(chosen)}, "\n".join(words))


def import_file(config: Config, options: argparse.Namespace) -> Came:
    """Batches that a box wrote into a file, taken in; each gets a verdict."""
    box = options.box or box_that_wrote(options.file.name)
    if box is None:
        raise Misused(str(options.file), ["its name does not say which box wrote it; right would be --box ID"])
    try:
        with options.file.open("rb") as file:
            body = file.read(FILE_BYTES_MAX + 1)
    except OSError as fault:
        raise Misused(str(options.file), [f"{fault.strerror}; right would be a file that a box wrote"]) from fault
    with wired(config) as parts:
        verdicts = take_file(parts.centre, box, body)
    text = [f"line {said.number}: {said.epoch}/{said.seq}: {said.verdict}" for said in verdicts]
    return Came(0 if all(said.good for said in verdicts) else 1, [asdict(said) for said in verdicts], "\n".join(text))
