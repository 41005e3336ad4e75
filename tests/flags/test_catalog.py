from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from flags import catalog, rollout, snapshot
from flags.catalog import Entry
from flags.models import Flag
from flags.rollout import Why
from tests.flags.make import make_flag

ROOT = Path(settings.BASE_DIR)
APPS = ("holdfast", "memory", "flags", "monitoring")
ASKING = {"is_on", "exposed", "decide"}
OWNERS = {"rollout", "cohorts"}
ENTRY = Entry("enhanced", "About", is_enabled=True, percent=Decimal(25))


@pytest.fixture(autouse=True)
def one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flags.catalog.entry._entries", {"enhanced": ENTRY})


def said(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    catalog.reread()
    snapshot.forget()


def test_a_name_that_no_url_can_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="a flag's name has 1 to 100"):
        Entry("No Spaces", "About")


def test_the_environment_says_where_a_flag_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    assert catalog.seeded(ENTRY) == ENTRY
    said(monkeypatch, ENABLE_ENHANCED="false", ENHANCED_ROLLOUT="12.5")
    assert catalog.seeded(ENTRY) == Entry("enhanced", "About", is_enabled=False, percent=Decimal("12.5"))
    said(monkeypatch, ENABLE_A_B_C="1", A_B_C_ROLLOUT="3")
    assert catalog.seeded(Entry("a.b-c", "About")) == Entry("a.b-c", "About", is_enabled=True, percent=Decimal(3))


@pytest.mark.django_db
def test_without_a_row_the_entry_holds_and_with_one_the_row(monkeypatch: pytest.MonkeyPatch) -> None:
    assert snapshot.current().flags["enhanced"].percent == 25
    said(monkeypatch, ENHANCED_ROLLOUT="100")
    assert rollout.is_on("enhanced", "mara")
    said(monkeypatch, ENABLE_ENHANCED="off")
    assert rollout.decide("enhanced", "mara").why is Why.OFF
    make_flag(percent=100)
    assert rollout.is_on("enhanced", "mara")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("value", "is_on", "why"),
    [("on", True, Why.PINNED), ("off", False, Why.PINNED), ("0", False, Why.SPLIT), ("100", True, Why.SPLIT)],
)
@pytest.mark.parametrize("fields", [{"percent": 50}, {"everyone": True}, {"everyone": False}, {"needs": ["gone"]}])
def test_a_pin_holds_whatever_the_database_says(
    fields: dict[str, Any], value: str, is_on: bool, why: Why, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_flag(**fields)
    said(monkeypatch, FLAG_FORCE_ENHANCED=value)
    decision = rollout.decide("enhanced", "mara")
    assert (decision.is_on, decision.why) == (is_on, why)
    assert rollout.is_on("enhanced", "mara") is is_on
    assert snapshot.current().flags["enhanced"].is_pinned


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"ENABLE_ENHANCED": "maybe"}, "ENABLE_ENHANCED must be true or false, got 'maybe'"),
        ({"ENHANCED_ROLLOUT": "101"}, "ENHANCED_ROLLOUT must be a number from 0 to 100 with at most three decimals"),
        ({"ENHANCED_ROLLOUT": "0.0005"}, "got '0.0005'"),
        ({"ENHANCED_ROLLOUT": "nan"}, "got 'nan'"),
        ({"FLAG_FORCE_ENHANCED": "ten"}, "FLAG_FORCE_ENHANCED must be on, off, or a number from 0 to 100"),
        ({"FLAG_FORCE_ENHANCED": "-1"}, "got '-1'"),
        ({"FLAG_FORCE_ENHANSED": "on"}, "FLAG_FORCE_ENHANSED pins a flag that no code asks for."),
    ],
)
def test_what_cannot_be_meant_is_told_with_what_to_write(
    variables: dict[str, str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said(monkeypatch, **variables)
    (found,) = catalog.check()
    assert sentence in found.msg
    assert found.hint


def test_variables_of_others_are_left_alone_and_empty_ones_say_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    said(monkeypatch, ENABLE_SOMETHING="maybe", LOG_ROLLOUT="weekly", ENABLE_ENHANCED="", FLAG_FORCE_ENHANCED=" ")
    assert [found.msg for found in catalog.check() if found.is_serious()] == []
    assert catalog.seeded(ENTRY) == ENTRY
    assert catalog.pin("enhanced") is None


def test_nonsense_in_the_environment_stops_the_start() -> None:
    command = [sys.executable, "manage.py", "check"]
    variables = os.environ | {"FLAG_FORCE_REAL_TIME_DEDUP": "perhaps"}
    result = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    assert result.returncode != 0
    assert "FLAG_FORCE_REAL_TIME_DEDUP must be on, off" in result.stderr
    assert "HINT: Write on, off, or a share" in result.stderr


# --- what the code asks for is in the catalogue


def asked_for(tree: ast.AST) -> Iterator[ast.expr]:
    """The first argument of each question, as it is written."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ASKING:
            owner = node.func.value
            if isinstance(owner, ast.Name) and owner.id in OWNERS and node.args:
                yield node.args[0]


def unknown(tree: ast.AST, known: set[str], constants: set[str]) -> list[str]:
    """Questions by a literal, or by a constant's `.name`, that no entry answers. Names in variables say nothing."""
    found = []
    for name in asked_for(tree):
        if isinstance(name, ast.Constant) and name.value not in known:
            found.append(str(name.value))
        if isinstance(name, ast.Attribute) and name.attr == "name":
            written = ast.unparse(name.value).rpartition(".")[2]
            if written.isupper() and written not in constants:
                found.append(written)
    return found


def test_the_walk_finds_a_flag_that_is_asked_for_and_not_catalogued() -> None:
    code = """
rollout.is_on("a", u); cohorts.exposed(B.name, u); rollout.decide(flags.C.name)
rollout.is_on(name, u); x.is_on("z")
"""
    assert unknown(ast.parse(code), set(), set()) == ["a", "B", "C"]
    assert unknown(ast.parse(code), {"a"}, {"B", "C"}) == []


def test_every_flag_that_the_code_asks_for_is_catalogued(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    known = {entry.name for entry in catalog.entries()}
    files = [file for app in APPS for file in (ROOT / app).rglob("*.py")]
    trees = {file: ast.parse(file.read_text()) for file in files}
    constants = {name for tree in trees.values() for name in entries_made_in(tree)}
    missing = {
        str(file.relative_to(ROOT)): found for file, tree in trees.items() if (found := unknown(tree, known, constants))
    }
    assert missing == {}
    assert known, "the apps have told of theirs"


def entries_made_in(tree: ast.AST) -> Iterator[str]:
    """Constants that hold an entry of the catalogue."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call):
            made = ast.unparse(node.value.func).rpartition(".")[2]
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if made == "Entry" and isinstance(target, ast.Name):
                yield target.id


@pytest.mark.django_db
def test_each_entry_can_be_a_row() -> None:
    for entry in catalog.entries():
        Flag(name=entry.name, percent=entry.percent, unit=entry.unit, kind=entry.kind).full_clean()
