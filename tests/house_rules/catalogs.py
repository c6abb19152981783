"""The two catalogs of the centre, Chinese and English: collect, check, compile.

`python -m tests.house_rules.catalogs` checks them and fails with a list of what is missing; with `update` it collects
the words anew into both. Words are written in English in code and templates, so the English catalog fills itself; the
Chinese one is written by hand. Words too long to be their own key may have a short one, then English is by hand too.
"""

import re
import sys
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from tests.house_rules.source_tree import ROOT

LANGUAGES = ("zh_CN", "en")
SOURCE_LANGUAGE = "en"
"""The language in which the words stand in the code."""
LINE_WIDTH = 120
PACKAGE = ROOT / "cloud_server"
LOCALE = PACKAGE / "locale"
_HEADER = "# The words of Tallybox in {language}. Collected by `make translations`, which keeps what is translated."
_PLACEHOLDER = re.compile(r"%\((\w+)\)\w|\{(\w*)\}|%[sd]")


def catalog_path(language: str, locale: Path = LOCALE) -> Path:
    """Where the catalog of a language lies."""
    return locale / language / "LC_MESSAGES" / "messages.po"


def collected(package: Path = PACKAGE) -> Catalog:
    """All words to translate that stand in code and templates now."""
    with (ROOT / "babel.cfg").open(encoding="utf-8") as mapping:
        methods, options = parse_mapping_cfg(mapping)
    template = Catalog(project="Tallybox", charset="utf-8")
    found = extract_from_dir(package, methods, options, comment_tags=("Translators:",), strip_comment_tags=True)
    for path, line, words, comments, context in found:
        template.add(words, None, [(f"{package.name}/{path}", line)], auto_comments=comments, context=context)
    return template


def read(path: Path, language: str) -> Catalog:
    """A catalog as it lies in the tree."""
    with path.open("rb") as file:
        return read_po(file, locale=language)


def shortcomings(template: Catalog, catalog: Catalog) -> list[str]:
    """What keeps a catalog from saying all that the template asks, and nothing else."""
    asked = {(message.id, message.context) for message in template if message.id}
    there = {(message.id, message.context) for message in catalog if message.id}
    found = [f"not collected: {words!r}" for words, _ in sorted(asked - there, key=repr)]
    found += [f"not used any more: {words!r}" for words, _ in sorted(there - asked, key=repr)]
    for message in catalog:
        if message.id and (message.id, message.context) in asked:
            found += [f"{fault}: {message.id!r}" for fault in _faults(message, catalog)]
    return found


def _faults(message: Message, catalog: Catalog) -> list[str]:
    forms = _texts(message.string)
    if message.fuzzy:
        return ["guessed, not translated (fuzzy)"]
    if not forms or not all(forms) or (message.pluralizable and len(forms) != catalog.num_plurals):
        return ["not translated"]
    allowed = [_placeholders(text) for text in _texts(message.id)]
    if any(_placeholders(form) not in allowed for form in forms):
        return [f"other placeholders in {forms!r}"]
    return [str(error) for error in message.check(catalog)]


def _texts(words: str | list[str] | tuple[str, ...] | None) -> list[str]:
    if words is None:
        return []
    return [words] if isinstance(words, str) else list(words)


def _placeholders(text: str) -> list[str]:
    return sorted(match.group() for match in _PLACEHOLDER.finditer(text.replace("%%", "")))


def check(package: Path = PACKAGE, locale: Path = LOCALE) -> list[str]:
    """What is wrong with the catalogs, by language; empty when both are complete and fresh."""
    template = collected(package)
    found = []
    for language in LANGUAGES:
        path = catalog_path(language, locale)
        catalog = read(path, language) if path.exists() else Catalog(locale=language)
        found += [f"{language}: {fault}" for fault in shortcomings(template, catalog)]
    return found


def update(package: Path = PACKAGE, locale: Path = LOCALE) -> None:
    """Collect the words anew into both catalogs; what is translated stays, what is not used goes."""
    template = collected(package)
    for language in LANGUAGES:
        path = catalog_path(language, locale)
        catalog = (
            read(path, language) if path.exists() else Catalog(locale=language, project="Tallybox", charset="utf-8")
        )
        catalog.update(template, no_fuzzy_matching=True, update_creation_date=False)
        catalog.header_comment = _HEADER.format(language=language)
        catalog.fuzzy = False
        if language == SOURCE_LANGUAGE:
            for message in catalog:
                if message.id and not any(_texts(message.string)):
                    message.string = message.id
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            write_po(file, catalog, width=LINE_WIDTH, sort_by_file=True, include_lineno=False, ignore_obsolete=True)


def compile_stale(locale: Path = LOCALE) -> None:
    """Make the compiled catalogs that are missing or older than their text."""
    for language in LANGUAGES:
        text = catalog_path(language, locale)
        compiled = text.with_suffix(".mo")
        if text.exists() and (not compiled.exists() or compiled.stat().st_mtime < text.stat().st_mtime):
            with compiled.open("wb") as file:
                write_mo(file, read(text, language))


def main(arguments: list[str]) -> int:
    """Check, or `update`; exit code 1 when something is missing."""
    if arguments == ["update"]:
        update()
    found = check()
    sys.stdout.writelines(f"{line}\n" for line in found)
    if found:
        sys.stdout.write(f"{len(found)} words to see to: `make translations`, then fill in cloud_server/locale\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
