"""Rules that import-linter cannot keep: each library in its one home, and cores that neither look at the world, nor
roll dice, nor count in floats.
"""

import ast
import sys
from collections.abc import Iterator

from tests.house_rules.source_tree import PACKAGES, Breach, Module

HOMES: dict[str, tuple[str, ...]] = {
    "apprise": ("cloud_server.messages",),
    "apscheduler": ("edge_agent.schedule", "cloud_server.app"),
    "argon2": ("cloud_server.web",),
    "babel": ("cloud_server.web", "cloud_server.messages", "cloud_server.exports"),
    "cryptography": (
        "protocol.signing",
        "edge_agent.sync.identity",
        "cloud_server.authority",
        "cloud_server.client_certificates",
        "cloud_server.backup",
        "provisioning",
    ),
    "fastapi": ("cloud_server.app", "cloud_server.api", "cloud_server.web"),
    "httptools": ("cloud_server.app",),
    "httpx": ("edge_agent.sync", "cloud_server.messages", "provisioning"),
    "jinja2": ("cloud_server.web", "cloud_server.messages", "cloud_server.exports"),
    "markupsafe": ("cloud_server.web",),
    # Values and their strict reading: pure, so at home everywhere.
    "msgspec": PACKAGES,
    "peewee": ("edge_agent.store", "cloud_server.store"),
    "playhouse": ("edge_agent.store", "cloud_server.store"),
    "psutil": ("provisioning",),
    "psycopg": ("cloud_server.store",),
    "pydantic": ("cloud_server.api", "cloud_server.web"),
    "pyotp": ("cloud_server.web.codes",),
    "pymodbus": ("edge_agent.bus",),
    "python_calamine": ("provisioning", "cloud_server.web.uploads"),
    "segno": ("cloud_server.web", "cloud_server.exports", "provisioning"),
    "serial": ("edge_agent.bus", "cloud_server.messages.modem_port", "provisioning.simulator"),
    "starlette": ("cloud_server.app", "cloud_server.background", "cloud_server.api", "cloud_server.web"),
    "uvicorn": ("cloud_server.app", "cloud_server.client_certificates"),
    "xlsxwriter": ("cloud_server.exports", "provisioning"),
    "zstandard": ("protocol.envelope",),
}
"""Where each library may be imported; one that is not named here may be imported nowhere."""

PURE = (
    "protocol",
    "edge_agent.core",
    "cloud_server.core",
    "provisioning.commission.findings",
)
"""Values in, a decision out: time, chance, bytes and rows are arguments here."""

PURE_STANDARD_LIBRARY = frozenset(
    {
        "__future__",
        "abc",
        "base64",
        "binascii",
        "bisect",
        "calendar",
        "collections",
        "contextlib",
        "copy",
        "dataclasses",
        "datetime",
        "decimal",
        "difflib",
        "enum",
        "fractions",
        "functools",
        "hashlib",
        "heapq",
        "hmac",
        "itertools",
        "json",
        "math",
        "numbers",
        "operator",
        "re",
        "string",
        "struct",
        "textwrap",
        "tomllib",
        "types",
        "typing",
        "unicodedata",
        "zlib",
        "zoneinfo",
    }
)
"""What a pure module may import beside ours: nothing in it reads a clock, a disk, a line or a die by itself. What can
be made to (`datetime.now`, `ZoneInfo(name)`) is caught by name below."""

PURE_LIBRARIES = {"msgspec": PURE, "cryptography": ("protocol.signing",), "zstandard": ("protocol.envelope",)}

_IMPURE_BUILTINS = {"open", "print", "input", "exec", "eval", "compile", "breakpoint"}
_CLOCKS = {"now", "utcnow", "today"}
_READS_A_FILE = {"ZoneInfo", "no_cache", "from_file", "available_timezones"}

ZONE_READERS = ("protocol.zone",)
"""The one place that turns a zone's name into its rules. They are a table of a pinned release, the same on both sides:
it switches the machine's own zone data off."""

PRINTING = (
    "edge_agent.console",
    "edge_agent.cli",
    "cloud_server.cli",
    "provisioning.answers",
    "provisioning.cli",
    "provisioning.commission.command",
    "provisioning.demo",
)
"""What a person sees in a terminal comes from here; everything else returns, raises or logs."""

EMPTY_NAMES = {"common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}
"""Names that would fit any file say nothing about this one."""


def homeless_imports(module: Module) -> list[Breach]:
    """Libraries imported outside their home."""
    found = []
    for imported in module.imports():
        library = imported.top
        if library in PACKAGES or library in sys.stdlib_module_names:
            continue
        homes = HOMES.get(library, ())
        if not module.is_in(*homes):
            right = f"its home is {', '.join(homes)}" if homes else "it has no home (tests/house_rules/architecture.py)"
            found.append(Breach(module.path, imported.line, f"imports {imported.module}; {right}"))
    return found


def impurities(module: Module) -> list[Breach]:
    """Clock, chance, I/O and unlisted libraries in a module that must be pure."""
    if not module.is_in(*PURE):
        return []
    found = [*_impure_imports(module), *_impure_names(module)]
    return sorted(found, key=lambda breach: breach.line)


def _impure_imports(module: Module) -> Iterator[Breach]:
    for imported in module.imports():
        name = imported.top
        listed = name in PURE_STANDARD_LIBRARY or name in PACKAGES or module.is_in(*PURE_LIBRARIES.get(name, ()))
        if not listed:
            yield Breach(module.path, imported.line, f"imports {imported.module}; a pure module decides from arguments")


def _impure_names(module: Module) -> Iterator[Breach]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and (what := _impure_call(node, module)) is not None:
            yield Breach(module.path, node.lineno, what)
        elif isinstance(node, ast.Attribute) and _is_clock_of_datetime(node):
            what = f"reads the clock ({ast.unparse(node)}); take the instant as an argument"
            yield Breach(module.path, node.lineno, what)
        elif isinstance(node, ast.Global):
            what = f"keeps state between calls ({', '.join(node.names)}); pass it in and hand it back"
            yield Breach(module.path, node.lineno, what)


def _is_clock_of_datetime(node: ast.expr) -> bool:
    """`datetime.now`, called or handed on as a function."""
    return isinstance(node, ast.Attribute) and node.attr in _CLOCKS and _last_name(node.value) in {"datetime", "date"}


def _impure_call(call: ast.Call, module: Module) -> str | None:
    name = _last_name(call.func)
    shown = f"{ast.unparse(call.func)}()"
    if isinstance(call.func, ast.Name):
        if name in _IMPURE_BUILTINS:
            return f"{shown}: a pure module does no I/O and runs no text"
        if name == "hash":
            return "hash() differs from run to run; use hashlib"
    if name in _CLOCKS and not _is_clock_of_datetime(call.func):
        return f"{shown} reads a clock; take the instant as an argument"
    if name in _READS_A_FILE and not module.is_in(*ZONE_READERS):
        return f"{shown} reads the machine's zone data; take the zone as an argument"
    if name == "fromtimestamp" and len(call.args) + len(call.keywords) < 2:
        return f"{shown} without a zone takes the machine's"
    if name == "astimezone" and not call.args and not call.keywords:
        return f"{shown} without a zone takes the machine's"
    return None


def floats(module: Module) -> list[Breach]:
    """Floats made or rounded in a pure module, where money and energy are whole numbers and ratios exact fractions."""
    if not module.is_in(*PURE):
        return []
    found = []
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            found.append(Breach(module.path, node.lineno, f"{node.value!r} is a float; count in a smaller whole unit"))
        elif isinstance(node, ast.Call) and _last_name(node.func) in {"float", "round"}:
            what = f"{ast.unparse(node.func)}(): energy is rounded once, where a meter is read, and money by divmod"
            found.append(Breach(module.path, node.lineno, what))
    return found


def _last_name(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else None


def prints(module: Module) -> list[Breach]:
    """Calls of print outside the terminals."""
    if module.is_in(*PRINTING):
        return []
    return [
        Breach(module.path, node.lineno, f"prints; only {', '.join(PRINTING)} do")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]


def without_docstring(module: Module) -> list[Breach]:
    """A module that does not open by saying what lives in it."""
    if ast.get_docstring(module.tree):
        return []
    return [Breach(module.path, 1, "opens without a docstring: say what lives here and what must not")]


def empty_names(module: Module) -> list[Breach]:
    """A module or folder named for nothing in particular."""
    empty = EMPTY_NAMES.intersection(module.name.split("."))
    return [Breach(module.path, 1, f"{name!r} fits any file; name what lives in it") for name in sorted(empty)]
