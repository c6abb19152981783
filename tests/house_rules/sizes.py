"""Rules on size: the aim is 300 lines a module and 40 a function; these are the stops."""

import ast
from collections.abc import Iterator

from tests.house_rules.source_tree import Breach, Module

MODULE_LINES_MAX = 400
"""Longer than this nobody holds a module in mind; it wants a second name."""
FUNCTION_LINES_MAX = 70
"""Longer than a screen: its parts want names. Counted from `def` to the last line, docstring included."""

type_of_function = (ast.FunctionDef, ast.AsyncFunctionDef)


def functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Every function with its qualified name, methods and inner functions too."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, type_of_function):
            yield f"{prefix}{node.name}", node
            yield from functions(node, f"{prefix}{node.name}.")
        elif isinstance(node, ast.ClassDef):
            yield from functions(node, f"{prefix}{node.name}.")
        else:
            yield from functions(node, prefix)


def long_module(module: Module) -> dict[str, Breach]:
    """The module itself when it is too long, by its path."""
    lines = len(module.text.splitlines())
    if lines <= MODULE_LINES_MAX:
        return {}
    return {module.path: Breach(module.path, lines, f"{lines} lines; a module ends at {MODULE_LINES_MAX}")}


def long_functions(module: Module) -> dict[str, Breach]:
    """Functions that are too long, by `path::qualified.name`."""
    found = {}
    for name, node in functions(module.tree):
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        if lines > FUNCTION_LINES_MAX:
            what = f"{name} has {lines} lines; a function ends at {FUNCTION_LINES_MAX}"
            found[f"{module.path}::{name}"] = Breach(module.path, node.lineno, what)
    return found


def unexcused(found: dict[str, Breach], reasons: dict[str, str]) -> list[Breach]:
    """Breaches without an exception."""
    return [breach for key, breach in found.items() if key not in reasons]


def useless(found: dict[str, Breach], reasons: dict[str, str]) -> list[str]:
    """Exceptions that excuse nothing, or give no reason."""
    return [key for key, reason in reasons.items() if key not in found or not reason.strip()]
