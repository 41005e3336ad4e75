"""The guard's statistics and decision stay arithmetic: no Django, no database, no clock."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import flags.guard

MODULES = sorted(Path(flags.guard.__file__).parent.rglob("*.py"))
ALLOWED = {"__future__", "collections", "dataclasses", "enum", "flags", "math", "numpy", "statistics", "typing"}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_a_module_imports_only_arithmetic_and_its_own(module: Path) -> None:
    nodes = list(ast.walk(ast.parse(module.read_text())))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in names} <= ALLOWED
    assert all(name.startswith("flags.guard") for name in names if name.startswith("flags"))
