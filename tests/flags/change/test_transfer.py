"""Flags as a file and by command: round trip, comparison, all or nothing, and files that mean harm."""

from __future__ import annotations

import io
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from django.core.management import CommandError, call_command

from flags import catalog, change
from flags.change import transfer
from flags.errors import ConflictError, InvalidError
from flags.models import Flag, FlagChange, Override, Proposal
from tests.flags.change.made import BEN, DID, NOW, WHY
from tests.flags.make import make_flag

pytestmark = pytest.mark.django_db


def manage(*words: str) -> str:
    out = io.StringIO()
    call_command("flags", *words, stdout=out)
    return out.getvalue()


@pytest.fixture
def flags() -> list[Flag]:
    rule = {"if": [{"attribute": "plan", "operator": "in", "values": ["pro", 3, True]}], "then": True}
    made = [
        make_flag(percent="12.345", salt="s", rules=[rule], needs=["other"], starts_at=NOW, expires_on=NOW.date()),
        make_flag("other", percent=None, everyone=True, note="ünïcode: yes\n- no", owner="on"),
        make_flag("third.flag-3", percent=100, is_locked=True),
    ]
    for unit, is_on in (("mara", True), ("17", False), ("on", True)):
        Override.objects.create(flag=made[0], unit=unit, is_on=is_on, actor="ana", reason=WHY, at=NOW)
    return made


def test_what_is_exported_comes_back_the_same_and_check_tells_each_difference(
    flags: list[Flag], tmp_path: Path
) -> None:
    file = tmp_path / "flags.yaml"
    file.write_text(manage("export"))
    assert manage("import", str(file), "--check") == "No difference.\n"
    assert manage("import", str(file), "--reason", WHY) == "Everything is so already.\n"
    rows = list(Flag.objects.order_by("name").values("name", *change.FIELDS))
    units = list(Override.objects.order_by("unit").values_list("unit", "is_on"))
    change.change("enhanced", expect=1, edit={"percent": 50, "needs": [], "starts_at": None}, **DID)
    change.override("enhanced", "mara", None, **DID)
    change.override("enhanced", "zoe", True, **DID)
    change.delete("other", expect=1, **DID)
    make_flag("newer", percent=1)
    with pytest.raises(CommandError, match="6 differences"):
        manage("import", str(file), "--check")
    assert next(str(each) for each in transfer.compared(file.read_text())) == (
        "enhanced percent: '50' here, '12.345' in the file"
    )
    said = manage("import", str(file), "--reason", WHY, "--as", "carla")
    assert "other: created, now version 1" in said
    assert list(Flag.objects.exclude(name="newer").order_by("name").values("name", *change.FIELDS)) == rows
    assert list(Override.objects.order_by("unit").values_list("unit", "is_on")) == units
    assert change.history("enhanced")[0].actor == "carla"
    assert [str(each) for each in transfer.compared(file.read_text())] == ["newer: only here"]


def test_a_file_is_brought_in_whole_or_not_at_all_and_in_the_order_of_needs(flags: list[Flag]) -> None:
    text = yaml.safe_dump(
        {"form": 1, "flags": {"a": {"needs": ["b"]}, "b": {"percent": 5}, "other": {"percent": 101}, "c": {"unit": 1}}}
    )
    with pytest.raises(InvalidError) as refused:
        transfer.apply(text, **DID)
    assert [field for field, _ in refused.value.faults] == ["c.unit"]
    assert Flag.objects.count() == 3
    made = transfer.apply("form: 1\nflags:\n  a: {needs: [b]}\n  b: {percent: 5, overrides: {x: on}}\n", **DID)
    assert [each.name for each in made if isinstance(each, FlagChange)] == ["b", "b", "a"]
    change.require_approval(Decimal(50), by=BEN, reason=WHY, now=NOW)
    (asked,) = transfer.apply("form: 1\nflags:\n  b: {percent: 60, owner: ana}\n", **DID)
    assert isinstance(asked, Proposal)
    change.freeze(True, **DID)
    for text in ("form: 1\nflags:\n  b: {overrides: {}}\n", "form: 1\nflags:\n  d: {}\n"):
        with pytest.raises(ConflictError, match="frozen"):
            transfer.apply(text, **DID)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "form: 1"),
        ("form: 2\nflags: {}", "form: 1"),
        ("form: 1\nflags: []", "form: 1"),
        ("form: 1\nflags: {a: ", "no YAML"),
        ("form: 1\nflags:\n  a: &x {percent: 1}\n  b: *x\n", "alias"),
        ("form: 1\nflags:\n  a: {percent: 1}\n  a: {percent: 2}\n", "'a' is there twice, at line 3"),
        ("form: 1\nflags: " + "[" * 50_000, "nested deeper"),
        ("form: 1\nflags:\n  a: !!python/object/apply:os.getcwd []\n", "no YAML"),
        ("form: 1\nflags: {12: {}}", "in quotes"),
        ("form: 1\nflags: {a: 3}", "has fields"),
        ("form: 1\nflags: {a: {share: 3}}", "no field of a flag"),
        ("form: 1\nflags: {a: {overrides: {17: true}}}", "in quotes"),
        ("form: 1\nflags: {a: {starts_at: 2026-99-99T00:00:00Z}}", "no YAML"),
        ("form: 1\nflags: {a: {percent: .nan}}", "0 to 100"),
        ("form: 1\nflags: {A B: {}}", "a-z"),
        ("\0", "no YAML"),
        (" " * 2_000_001, "at most 2,000,000"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused_before_anything_is_written(text: str, said: str) -> None:
    with pytest.raises(InvalidError, match=said):
        transfer.apply(text, **DID)
    assert not Flag.objects.exists()


def test_the_command_lists_what_the_environment_pins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLAG_FORCE_ENHANCED", "on")
    catalog.reread()
    make_flag(percent=10)
    make_flag("other")
    pinned, other = manage("list").splitlines()
    assert pinned.endswith("enhanced  pinned by FLAG_FORCE_ENHANCED")
    assert other.endswith("other")


def test_the_command_changes_by_the_same_rules() -> None:
    make_flag(percent=10)
    assert manage("set", "enhanced", "--share", "12.5", "--reason", WHY) == "enhanced: raised, now version 2\n"
    assert manage("kill", "enhanced", "--reason", WHY, "--as", "ana") == "enhanced: killed, now version 3\n"
    assert "off        user          v3     enhanced" in manage("list")
    shown = manage("show", "enhanced")
    assert "kill by ana: everyone None → False" in shown
    assert manage("seed")
    assert "no owner" in manage("stale")
    for words, said in (
        (("set", "enhanced", "--share", "5", "--version", "1", "--reason", WHY), "you saw 1"),
        (("set", "enhanced", "--share", "5"), "reason"),
        (("set", "nobody", "--share", "5", "--reason", WHY), "no flag"),
        (("show", "nobody"), "no flag"),
        (("import", "no-such-file", "--reason", WHY), "can't be read"),
    ):
        with pytest.raises(CommandError, match=said):
            manage(*words)
