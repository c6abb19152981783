"""Every step that the log holds has a word: actions are collected from the code, so that a new one is not forgotten."""

import ast
from itertools import product
from typing import get_args

from cloud_server.core.batch_verifier import EVIDENCE
from cloud_server.core.contracts import ChangeKind
from cloud_server.core.mistakes import ConflictCode, FieldErrorCode
from cloud_server.ports import OperationKind
from cloud_server.web.event_words import ACTION
from cloud_server.web.refusal_words import CONFLICT, FIELD
from tests.house_rules.source_tree import ROOT

FAMILIES: dict[str, tuple[str, ...]] = {
    "ordered_": get_args(OperationKind),
    "meter_": (
        *get_args(ChangeKind),
        *(f"{kind}_{end}" for kind, end in product(get_args(ChangeKind), ("done", "refused"))),
    ),
    "second_": ("done", "rejected", "withdrawn"),
    "refund_": ("paid", "returned"),
    "box_": ("revoked",),
    "evidence_": tuple(EVIDENCE),
}
"""Beginnings of actions that are put together from a closed list."""


def actions() -> tuple[set[str], set[str]]:
    """Actions that stand in the code as they are, and the beginnings of those that are put together."""
    whole, begun = set(), set()
    for path in (ROOT / "cloud_server").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            named = ast.unparse(node.func)
            at = 2 if named.endswith("audit.append") or (named.endswith(").append") and "AuditRows" in named) else None
            at = 3 if named == "self._audit" else at
            if at is None or len(node.args) <= at:
                continue
            action = node.args[at]
            if isinstance(action, ast.Constant):
                whole.add(str(action.value))
            elif isinstance(action, ast.JoinedStr) and isinstance(action.values[0], ast.Constant):
                begun.add(str(action.values[0].value))
    return whole, begun


def test_every_action_of_the_log_has_a_word() -> None:
    whole, begun = actions()
    assert len(whole) > 40
    assert begun <= FAMILIES.keys()
    expected = whole | {f"{head}{end}" for head, ends in FAMILIES.items() for end in ends}
    assert sorted(expected - ACTION.keys()) == []


def test_every_conflict_and_every_mistake_of_a_field_has_a_word() -> None:
    assert sorted(set(get_args(ConflictCode)) - CONFLICT.keys()) == []
    assert sorted(set(get_args(FieldErrorCode)) - FIELD.keys()) == []
