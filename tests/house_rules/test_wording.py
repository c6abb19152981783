"""No machine's paths, no registry's address, nothing left to do, nothing but the product; ignores with a reason."""

import pytest

from tests.house_rules.source_tree import report, texts
from tests.house_rules.wording import unexplained_ignores, unfit_words


def test_the_tree_speaks_of_the_product_alone() -> None:
    breaches = [breach for path, text in texts() for breach in unfit_words(path, text)]
    assert not breaches, report(breaches)


def test_every_ignore_says_why() -> None:
    python = ((path, text) for path, text in texts() if path.endswith(".py"))
    breaches = [breach for path, text in python for breach in unexplained_ignores(path, text)]
    assert not breaches, report(breaches)


@pytest.mark.parametrize(
    "line",
    [
        "state in /" + "work/main/state",
        "open('/" + "root/box.toml')",
        "cd /" + "home/anna/tallybox",
        "see /" + "Users/anna",
        "https://" + "pypi" + ".org/simple",
        "https://files." + "pythonhosted" + ".org/packages",
        "registry." + "npmjs" + ".org",
        "https://cdn." + "jsdelivr" + ".net/npm/htmx",
        "--extra-index" + "-url https://mirror.example/simple",
        "# TO" + "DO: later",
        "FIX" + "ME",
        "written by an A" + "I",
        "Co-" + "Authored-By: somebody",
        "as the b" + "rief says",
        "see shared/" + "reference/meters.md",
    ],
)
def test_an_unfit_word_is_found(line: str) -> None:
    assert len(unfit_words("docs/page.md", f"first line\n{line}\n")) == 1
    assert unfit_words("docs/page.md", f"first line\n{line}\n")[0].line == 2


@pytest.mark.parametrize(
    "line",
    [
        "the worker stops",
        "GET /workers/1",
        "/var/lib/tallybox/box.toml and /dev/serial/by-id/x",
        "pip-compile --no-emit-" + "index-url --no-emit-" + "find-links --output-file requirements.lock",
        "AT+CMGS, MAIN, a brief outage",
        "the root of trust, a homework",
    ],
)
def test_ordinary_words_pass(line: str) -> None:
    assert unfit_words("docs/page.md", line) == []


@pytest.mark.parametrize(
    "line",
    [
        "x = 1  # " + "type: ignore",
        "x = 1  # " + "type: ignore[misc]",
        "x = 1  # " + "type: ignore  # the library says otherwise",
        "x = 1  # " + "noqa: S311",
        "x = 1  # " + "noqa",
    ],
)
def test_an_ignore_without_code_or_reason_is_found(line: str) -> None:
    assert len(unexplained_ignores("a.py", line)) == 1


@pytest.mark.parametrize(
    "line",
    [
        "x = 1  # " + "type: ignore[misc]  # the library's stub names the wrong type",
        "x = 1  # " + "noqa: S311, B008 - jitter, not a secret",
        "ignored = 1  # the type is ignored here",
    ],
)
def test_an_explained_ignore_passes(line: str) -> None:
    assert unexplained_ignores("a.py", line) == []
