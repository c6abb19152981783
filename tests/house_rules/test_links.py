"""Pages of the project link to files that exist."""

import re
from pathlib import Path

from tests.house_rules.source_tree import ROOT, VENDORED, files

_LINK = re.compile(
    r"!?\[[^\]]*\]\((?P<target>[^)\s]+)(?: \"[^\"]*\")?\)|<(?:img|a)\s[^>]*(?:src|href)=\"(?P<html>[^\"]+)\""
)
_CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def dead_links(page: Path) -> list[str]:
    """Relative links of a page whose file is not there."""
    text = _CODE.sub("", page.read_text(encoding="utf-8"))
    targets = [found["target"] or found["html"] for found in _LINK.finditer(text)]
    local = [target.partition("#")[0] for target in targets if not re.match(r"[a-z]+:", target)]
    return [f"{page.name}: {target}" for target in local if target and not (page.parent / target).exists()]


def test_no_page_links_to_a_missing_file() -> None:
    pages = [ROOT / path for path in files() if path.endswith(".md") and not path.startswith(VENDORED)]
    assert pages
    assert [link for page in pages for link in dead_links(page)] == []


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "there.md").touch()
    page = tmp_path / "page.md"
    page.write_text(
        "[a](there.md#part) [b](gone.md) ![c](images/gone.png) [d](https://example.org/x) [e](#here)\n"
        '<img alt="f" src="images/lost.png"> `[g](code.md)`\n```\n[h](block.md)\n```\n',
        encoding="utf-8",
    )
    assert dead_links(page) == ["page.md: gone.md", "page.md: images/gone.png", "page.md: images/lost.png"]
