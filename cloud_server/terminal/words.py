"""The words about memory lost on the command line: `backup`, `restore`, `reprocess`."""

import argparse
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cloud_server.config import Config
from cloud_server.flows.recovery_report import recovery_report, sales_report
from cloud_server.flows.reprocess import reprocess
from cloud_server.terminal.backups import backup_now, check_backup
from cloud_server.terminal.came import Came
from cloud_server.terminal.histories import accept_history
from cloud_server.terminal.recovery_words import facts_of, sale_words, words_of
from cloud_server.terminal.wired import wired

Run = Callable[[Config, argparse.Namespace], Came]


def add_words(add: Callable[..., argparse.ArgumentParser], said: Callable[[Run], Any]) -> None:
    """Add them; `said` turns a command into one that prints what it came to."""
    add("backup", said(backup_now), "Make a backup now: database, configuration and keys, encrypted to a passphrase.")
    restored = add("restore", said(_restore), "Prove a backup, or put one in the place of a database that is gone.")
    restored.add_argument("file", type=Path, nargs="?", help="the backup; left out with --in-place")
    restored.add_argument("--in-place", action="store_true", help="the database was put back by other means")
    restored.add_argument("--from-journal", action="store_true", help="no backup is left: new books out of the journal")
    restored.add_argument(
        "--journal", type=Path, action="append", default=[], metavar="FILE", help="another host's journal beside ours"
    )
    restored.add_argument("--passphrase-file", type=Path, metavar="FILE", help="else that of the configuration")
    restored.add_argument("--check", action="store_true", help="open it, check its books, change nothing")
    told = add(
        "recovery", said(_recovery), "How far a recovery has come: boxes heard, sales back, questions for people."
    )
    told.add_argument("--sales", action="store_true", help="also each sale that came back, and where its money is")
    lost = add(
        "accept-history",
        said(accept_history),
        "Show history of which only a box tells, or take its word: two people.",
    )
    lost.add_argument("--box", metavar="NAME", help="the box's name or id in the plan")
    lost.add_argument("--person", metavar="NAME", help="who asks or confirms; their password is asked for")
    lost.add_argument("--reason", metavar="TEXT", help="why, where it is asked for")
    add("reprocess", said(_reprocess), "Post what was parked, in order, with this program; what still waits is named.")


def _restore(config: Config, options: argparse.Namespace) -> Came:
    passphrase_file = options.passphrase_file or (config.backup.passphrase_file if config.backup is not None else None)
    if sum((options.file is not None, options.in_place, options.from_journal)) != 1:
        return Came(1, {"fault": "file"}, "one of them is needed: the backup's FILE, --in-place or --from-journal")
    if options.check and options.file is not None:
        if passphrase_file is None:
            return Came(1, {"fault": "passphrase"}, "--passphrase-file FILE is needed: there is no [backup] configured")
        return check_backup(config, options.file, passphrase_file)
    from cloud_server.terminal import restore  # noqa: PLC0415  # the web framework is loaded where it is needed

    if options.from_journal:
        return restore.restore_from_journal(config, options.journal)
    return restore.restore(config, options.file, passphrase_file)


def _recovery(config: Config, options: argparse.Namespace) -> Came:
    with wired(config) as parts:
        report = recovery_report(parts.centre)
        sales = sales_report(parts.centre) if options.sales else ()
    if report is None:
        return Came(0, {}, "there was no recovery")
    facts, words = facts_of(report), words_of(report)
    if options.sales:
        facts |= {"sales": [asdict(sale) for sale in sales]}
        words = f"{words}\n{sale_words(sales)}"
    return Came(0, facts, words)


def _reprocess(config: Config, _options: argparse.Namespace) -> Came:
    with wired(config) as parts:
        done = reprocess(parts.centre)
    facts = [{"box": r.box, "posted": r.posted, "stopped_at": r.stopped_at, "fault": r.fault} for r in done]
    words = [
        f"{r.name}: {r.posted} posted" + ("" if r.fault is None else f"; batch {r.stopped_at or '-'} waits: {r.fault}")
        for r in done
    ]
    stopped = any(r.fault is not None for r in done)
    return Came(1 if stopped else 0, facts, "\n".join(words) or "nothing is parked")
