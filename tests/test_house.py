"""The house's own rules: sizes, names, and no reaching around the import contracts."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
APPS = ("holdfast", "memory", "flags", "monitoring")
# names that Django gives: they say nothing of what an app is about
DJANGOS = {"__init__.py", "admin", "admin.py", "apps.py", "management", "migrations", "models", "models.py"} | {
    "tasks.py",
    "templatetags",
    "urls.py",
    "views",
    "views.py",
}
MODULE_LINES, FUNCTION_LINES, TEMPLATE_LINES, SETTINGS_LINES = 400, 50, 150, 250
BANNED_NAMES = {"utils.py", "helpers.py", "services.py", "misc.py", "common.py"}
PRODUCT = sorted(file for app in APPS for file in (ROOT / app).rglob("*.py") if "migrations" not in file.parts)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def name(file: Path) -> str:
    return str(file.relative_to(ROOT))


def functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


@pytest.fixture(scope="module", params=PRODUCT, ids=name)
def module(request: pytest.FixtureRequest) -> Path:
    file: Path = request.param
    return file


def test_a_module_is_small_and_says_what_it_is_for(module: Path) -> None:
    text = module.read_text()
    assert len(text.splitlines()) <= MODULE_LINES
    assert module.name not in BANNED_NAMES
    if text.strip() and module.name not in {"__init__.py", "apps.py"}:
        assert ast.get_docstring(ast.parse(text)), "a module starts with the sentence that says what it is for"


def test_functions_are_short_and_import_nothing_of_ours_inside(module: Path) -> None:
    for function in functions(ast.parse(module.read_text())):
        lines = (function.end_lineno or 0) - function.lineno + 1
        assert lines <= FUNCTION_LINES, f"{function.name} has {lines} lines"
        # AppConfig.ready runs when the models exist, which is not yet the case when its module is imported
        inside = [name for node in ast.walk(function) for name in imported(node) if name.split(".")[0] in APPS]
        assert not inside or function.name == "ready", f"{function.name} imports {inside}"


def test_nothing_is_reached_by_string(module: Path) -> None:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Attribute):
            assert node.attr not in {"get_model", "import_module", "import_string"}


@pytest.mark.parametrize("app", ["memory", "flags", "monitoring"])
def test_an_apps_folder_can_be_taken_in_at_a_glance(app: str) -> None:
    entries = {entry.name for entry in (ROOT / app).iterdir() if not entry.name.startswith((".", "__pycache__"))}
    assert len(entries - DJANGOS) <= 16, sorted(entries - DJANGOS)


@pytest.mark.parametrize("template", sorted((ROOT / "templates").rglob("*.html")), ids=name)
def test_a_template_is_short_and_carries_no_script_or_style(template: Path) -> None:
    text = template.read_text()
    assert len(text.splitlines()) <= TEMPLATE_LINES
    assert "<style" not in text
    assert "onclick=" not in text
    assert "<script>" not in text


def test_the_settings_are_one_short_file() -> None:
    assert len((ROOT / "holdfast/settings.py").read_text().splitlines()) <= SETTINGS_LINES


def test_nothing_that_is_committed_names_a_machine_or_a_package_index() -> None:
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True)
    banned = [b"/" + b"root/", b"/" + b"work/", b"--index" + b"-url", b"pypi" + b".org"]
    for line in listed.stdout.decode().splitlines():
        file = ROOT / line
        if file.is_file() and file.suffix not in {".png", ".woff2"}:
            text = file.read_bytes()
            assert not [word for word in banned if word in text], line
