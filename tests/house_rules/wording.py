"""Rules on text, in every file of the tree that is ours: what the project never says, and what an ignore must say.

The patterns are written so that none of them matches itself (`[w]ork`), so this file needs no exception.
"""

import re

from tests.house_rules.source_tree import Breach

NEVER: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "a path of one machine; take it from an argument or from where the file lies",
        re.compile(r"(?<![\w.])/(?:[w]ork|[r]oot|[h]ome/[a-z]\w*|[U]sers/\w+|[o]pt/pypi[\w-]*)(?:/|\b)"),
    ),
    (
        "the address of a package registry; an ordinary client knows its own",
        re.compile(
            r"\b(?:[p]ypi|[p]ythonhosted|[n]pmjs|[y]arnpkg|[a]naconda|[j]sdelivr|[u]npkg|[c]dnjs)\.(?:org|com|io|net)\b"
            r"|[i]ndex-url[= ]+\S*://|[f]ind-links[= ]+\S+/",
            re.IGNORECASE,
        ),
    ),
    (
        "what is left to do; it belongs with the issues",
        re.compile(r"\b(?:[T]ODO|[F]IXME|[X]XX|[H]ACK)\b"),
    ),
    (
        "a word about how the project came about; it speaks of itself alone",
        re.compile(
            r"\b(?:[A]I|[L]LM|[G]PT)\b"
            r"|(?i:\b[l]anguage model|\b[c]o-authored-by\b|\b[g]enerated (?:with|using) "
            r"|\b(?:the|this|my|your) [b]rief\b|\b[s]hared/(?:design|reference)\b|\b[n]otes/contracts\b"
            r"|\bas (?:asked|instructed|requested) by the [u]ser\b)",
        ),
    ),
)
"""What it is, and how to know it."""

_IGNORE = re.compile(
    r"#\s*(?:[t]ype: ignore|[n]oqa|[m]ypy: |[r]uff: noqa)(?P<codes>\[[^\]]*\]|:[ A-Z0-9,]+(?=\s|$))?(?P<rest>.*)"
)
IGNORE_REASON_CHARACTERS_MIN = 10
"""Shorter than this nothing has been explained."""


def unfit_words(path: str, text: str) -> list[Breach]:
    """Lines that say what the project never says."""
    return [
        Breach(path, number, f"{found.group().strip()!r} is {what}")
        for number, line in enumerate(text.splitlines(), start=1)
        for what, pattern in NEVER
        for found in pattern.finditer(line)
    ]


def unexplained_ignores(path: str, text: str) -> list[Breach]:
    """Checks that are switched off in a line without a word why."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        ignore = _IGNORE.search(line)
        if ignore is None:
            continue
        reason = ignore["rest"].strip(" #-:")
        if ignore["codes"] is None or len(reason) < IGNORE_REASON_CHARACTERS_MIN:
            what = "switches a check off; name its code, and the reason behind it in the same line"
            found.append(Breach(path, number, what))
    return found
