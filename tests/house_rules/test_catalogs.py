"""Both catalogs say every word of the centre, and nothing is guessed, stale, or without its placeholders."""

from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo

from tests.house_rules import catalogs


def test_our_catalogs_are_complete_and_fresh() -> None:
    found = catalogs.check()
    assert not found, "\n".join(["", *found])


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A small centre with words in code and in a template."""
    package = tmp_path / "cloud_server"
    (package / "web" / "templates").mkdir(parents=True)
    (package / "web" / "static" / "vendor").mkdir(parents=True)
    (package / "web" / "pages.py").write_text(
        '_("Sell")\nngettext("%(n)d shop", "%(n)d shops", n)\npgettext("relay", "open")\n', encoding="utf-8"
    )
    (package / "web" / "templates" / "sale.html").write_text(
        "<h1>{{ _('Balance of {name}') }}</h1>{% trans %}Paid{% endtrans %}", encoding="utf-8"
    )
    return package


def translated(template: Catalog) -> Catalog:
    """A whole Chinese catalog for the small centre."""
    chinese = Catalog(locale="zh_CN")
    words = {"Sell": "售电", "open": "分闸", "Balance of {name}": "{name}的余额", "Paid": "已付"}
    for message in template:
        if isinstance(message.id, str) and message.id:
            chinese.add(message.id, words[message.id], context=message.context)
        elif message.id:
            chinese.add(message.id, ("%(n)d 个商户",))
    return chinese


def test_words_are_collected_from_code_and_templates(package: Path) -> None:
    ids = {message.id for message in catalogs.collected(package) if message.id}
    assert ids == {"Sell", ("%(n)d shop", "%(n)d shops"), "open", "Balance of {name}", "Paid"}


def test_a_whole_catalog_passes(package: Path) -> None:
    template = catalogs.collected(package)
    assert catalogs.shortcomings(template, translated(template)) == []


def test_a_word_that_is_missing_left_over_untranslated_or_guessed_is_found(package: Path) -> None:
    template = catalogs.collected(package)
    chinese = translated(template)
    chinese.delete("Sell")
    chinese.add("Refund", "退电")
    chinese.get("Paid").string = ""  # type: ignore[union-attr]  # it was added above
    chinese.get("open", "relay").flags.add("fuzzy")  # type: ignore[union-attr]  # it was added above
    assert catalogs.shortcomings(template, chinese) == [
        "not collected: 'Sell'",
        "not used any more: 'Refund'",
        "guessed, not translated (fuzzy): 'open'",
        "not translated: 'Paid'",
    ]


@pytest.mark.parametrize("wrong", ["余额", "{customer}的余额", "{name}{name}的余额"])
def test_other_placeholders_are_found(package: Path, wrong: str) -> None:
    template = catalogs.collected(package)
    chinese = translated(template)
    chinese.get("Balance of {name}").string = wrong  # type: ignore[union-attr]  # it was added above
    assert [line.partition(":")[0] for line in catalogs.shortcomings(template, chinese)] == [
        f"other placeholders in [{wrong!r}]"
    ]


def test_update_fills_english_keeps_chinese_and_drops_what_is_gone(package: Path) -> None:
    locale = package / "locale"
    catalogs.update(package, locale)
    assert {line.partition(":")[0] for line in catalogs.check(package, locale)} == {"zh_CN"}

    path = catalogs.catalog_path("zh_CN", locale)
    path.write_text(path.read_text(encoding="utf-8").replace('msgid "Sell"\nmsgstr ""', 'msgid "Sell"\nmsgstr "售电"'))
    (package / "web" / "templates" / "sale.html").write_text("{{ _('New') }}", encoding="utf-8")
    catalogs.update(package, locale)
    chinese = catalogs.read(path, "zh_CN")
    assert "Paid" not in path.read_text(encoding="utf-8")
    assert {message.id: message.string for message in chinese if isinstance(message.id, str) and message.id} == {
        "Sell": "售电",
        "New": "",
        "open": "",
    }


def test_updating_twice_changes_nothing(package: Path) -> None:
    locale = package / "locale"
    catalogs.update(package, locale)
    first = [catalogs.catalog_path(language, locale).read_bytes() for language in catalogs.LANGUAGES]
    catalogs.update(package, locale)
    assert [catalogs.catalog_path(language, locale).read_bytes() for language in catalogs.LANGUAGES] == first


def test_compiled_catalogs_speak(package: Path) -> None:
    locale = package / "locale"
    catalogs.update(package, locale)
    catalogs.compile_stale(locale)
    with catalogs.catalog_path("en", locale).with_suffix(".mo").open("rb") as file:
        compiled = read_mo(file)
    message = compiled.get("Sell")
    assert message is not None
    assert message.string == "Sell"
