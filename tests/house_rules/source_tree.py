"""The tree as the rules see it: its files, its Python modules, their imports, and the form of a breach.

It reads; it judges nothing.
"""

import ast
import gc
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("protocol", "edge_agent", "cloud_server", "provisioning")
"""What is shipped. The rules on architecture hold for these; the rules on size also for tests and benchmarks."""
VENDORED = "cloud_server/web/static/vendor/"
"""Files made by others, kept as they came."""
_NOT_OURS = {".git", ".venv", "__pycache__", "build", "dist", "node_modules", "demo-state", "test-artifacts"}


@dataclass(frozen=True)
class Breach:
    """One place where a rule does not hold, with what would be right."""

    path: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


@dataclass(frozen=True)
class Import:
    """One imported module, by its full dotted name."""

    line: int
    module: str

    @property
    def top(self) -> str:
        """The name of the distribution's package: `pymodbus` of `pymodbus.pdu`."""
        return self.module.partition(".")[0]


@dataclass(frozen=True)
class Module:
    """One Python file of the tree: its path from the root, its text and its syntax."""

    path: str
    text: str
    tree: ast.Module

    @property
    def name(self) -> str:
        """Dotted name: `edge_agent.core.supply`; a package is named without `__init__`."""
        parts = self.path.removesuffix(".py").split("/")
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def package(self) -> str:
        """First part of the name: `edge_agent`."""
        return self.name.partition(".")[0]

    def is_in(self, *places: str) -> bool:
        """Tell whether the module is one of these dotted names or lies inside one."""
        return any(self.name == place or self.name.startswith(f"{place}.") for place in places)

    def imports(self) -> Iterator[Import]:
        """Every import anywhere in the file: at the top, inside a function, under TYPE_CHECKING, or by name."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (Import(node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
                yield Import(node.lineno, node.module)
            elif isinstance(node, ast.Call) and _called_name(node) in {"import_module", "__import__"} and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    yield Import(node.lineno, first.value)


def _called_name(call: ast.Call) -> str | None:
    if isinstance(call.func, ast.Name):
        return call.func.id
    return call.func.attr if isinstance(call.func, ast.Attribute) else None


def module_from_text(path: str, text: str) -> Module:
    """Read a module from text, as a planted breach is."""
    return Module(path, text, ast.parse(text, path))


@cache
def files() -> tuple[str, ...]:
    """Paths of all files that are in the tree or about to be: what git tracks or would track.

    A tree that is no checkout (an unpacked archive) is walked instead.
    """
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0:
        found = [path for path in listed.stdout.split("\0") if path and (ROOT / path).is_file()]
    else:
        every = (path for path in ROOT.rglob("*") if path.is_file())
        found = [path.relative_to(ROOT).as_posix() for path in every if not _NOT_OURS & set(path.parts)]
    return tuple(sorted(set(found)))


@cache
def modules() -> tuple[Module, ...]:
    """Every Python file of the tree, parsed: millions of objects that stay, among which nobody looks for garbage. With
    such looks parsing takes six times as long."""
    paths = [path for path in files() if path.endswith(".py")]
    gc.disable()
    try:
        return tuple(module_from_text(path, (ROOT / path).read_text(encoding="utf-8")) for path in paths)
    finally:
        gc.freeze()
        gc.enable()


def shipped_modules() -> tuple[Module, ...]:
    """The modules of the four packages."""
    return tuple(module for module in modules() if module.package in PACKAGES)


def texts() -> Iterator[tuple[str, str]]:
    """Path and content of every text file that is ours."""
    for path in files():
        if path.startswith(VENDORED):
            continue
        try:
            yield path, (ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def report(breaches: list[Breach]) -> str:
    """Breaches as lines for a failing test."""
    return "\n".join(["", *(str(breach) for breach in breaches)])
