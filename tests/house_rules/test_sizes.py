"""Modules and functions stay short, but for a short list of exceptions with their reasons."""

from tests.house_rules.exceptions import LONG_FUNCTIONS, LONG_MODULES
from tests.house_rules.sizes import (
    FUNCTION_LINES_MAX,
    MODULE_LINES_MAX,
    long_functions,
    long_module,
    unexcused,
    useless,
)
from tests.house_rules.source_tree import Breach, module_from_text, modules, report


def all_long_modules() -> dict[str, Breach]:
    return {key: breach for module in modules() for key, breach in long_module(module).items()}


def all_long_functions() -> dict[str, Breach]:
    return {key: breach for module in modules() for key, breach in long_functions(module).items()}


def test_modules_are_short() -> None:
    breaches = unexcused(all_long_modules(), LONG_MODULES)
    assert not breaches, report(breaches)


def test_functions_are_short() -> None:
    breaches = unexcused(all_long_functions(), LONG_FUNCTIONS)
    assert not breaches, report(breaches)


def test_every_exception_is_needed_and_has_a_reason() -> None:
    assert useless(all_long_modules(), LONG_MODULES) == []
    assert useless(all_long_functions(), LONG_FUNCTIONS) == []


def test_a_module_at_the_stop_passes_and_one_line_more_does_not() -> None:
    assert long_module(module_from_text("a.py", "x = 1\n" * MODULE_LINES_MAX)) == {}
    assert list(long_module(module_from_text("a.py", "x = 1\n" * (MODULE_LINES_MAX + 1)))) == ["a.py"]


def test_a_function_at_the_stop_passes_and_one_line_more_does_not() -> None:
    body = "        x = 1\n"
    exact = "class Box:\n    def poll(self) -> None:\n" + body * (FUNCTION_LINES_MAX - 1)
    assert long_functions(module_from_text("a.py", exact)) == {}
    assert list(long_functions(module_from_text("a.py", exact + body))) == ["a.py::Box.poll"]


def test_a_long_function_is_found_inside_another_and_under_a_condition() -> None:
    body = "            x = 1\n" * (FUNCTION_LINES_MAX + 1)
    inner = f"if True:\n    async def outer() -> None:\n        def inner() -> None:\n{body}"
    assert list(long_functions(module_from_text("a.py", inner))) == ["a.py::outer", "a.py::outer.inner"]


def test_exceptions_excuse_only_what_they_name_and_must_be_needed() -> None:
    found = {"a.py": Breach("a.py", 1, "too long"), "b.py": Breach("b.py", 1, "too long")}
    assert unexcused(found, {"a.py": "one table"}) == [found["b.py"]]
    assert useless(found, {"a.py": "one table", "c.py": "short by now", "b.py": " "}) == ["c.py", "b.py"]
