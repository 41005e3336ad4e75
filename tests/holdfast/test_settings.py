from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

ROOT = Path(settings.BASE_DIR)
CALL = re.compile(r'env\.(?:text|boolean|choice|integer|number|listing|generated)\(\s*"(\w+)"')
ROW = re.compile(r"^\| `(\w+)`", re.MULTILINE)


def read_settings(**variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "import holdfast.settings"]
    return subprocess.run(command, cwd=ROOT, env=os.environ | variables, capture_output=True, text=True, check=False)


def test_the_readme_lists_every_setting_and_no_other() -> None:
    sources = [ROOT / "holdfast/settings.py", ROOT / "holdfast/management/commands/up.py"]
    read = {name for file in sources for name in CALL.findall(file.read_text())}
    table = (ROOT / "README.md").read_text().partition("## Settings")[2].partition("\n## ")[0]
    assert set(ROW.findall(table)) == read


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("HOLDFAST_JOB_LEASE_S", "abc", "HOLDFAST_JOB_LEASE_S must be a positive integer, got 'abc'"),
        ("HOLDFAST_JOB_LEASE_S", "0", "HOLDFAST_JOB_LEASE_S must be a positive integer, got '0'"),
        ("HOLDFAST_LOG_FORMAT", "xml", "HOLDFAST_LOG_FORMAT must be one of text, json, got 'xml'"),
        ("HOLDFAST_DEBUG", "maybe", "HOLDFAST_DEBUG must be true or false, got 'maybe'"),
        ("HOLDFAST_SECRET_KEY_FILE", "nowhere", "HOLDFAST_SECRET_KEY_FILE names 'nowhere', which can't be read"),
    ],
)
def test_nonsense_stops_the_start_with_a_sentence(
    name: str, value: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured) as stopped:
        runpy.run_path(str(ROOT / "holdfast/settings.py"))
    assert sentence in str(stopped.value)


def test_the_sentence_is_the_last_line_of_a_process_that_could_not_start() -> None:
    result = read_settings(HOLDFAST_JOB_LEASE_S="abc")
    assert result.returncode != 0
    assert "HOLDFAST_JOB_LEASE_S must be a positive integer, got 'abc'" in result.stderr.splitlines()[-1]


def test_a_data_folder_that_is_none_stops_up_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    command = [sys.executable, "manage.py", "up"]
    folder = {"HOLDFAST_DIR": str(tmp_path / "file")}
    result = subprocess.run(command, cwd=ROOT, env=os.environ | folder, capture_output=True, text=True, check=False)
    assert result.returncode != 0
    assert result.stderr.startswith("Holdfast can't start: HOLDFAST_SECRET_KEY is not set, and can't be kept in")
    assert len(result.stderr.splitlines()) == 1


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("postgresql://me:pw@db.example/other\n")
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    command = [sys.executable, "-c", "from holdfast.settings import DATABASES as d; print(d['default']['NAME'])"]
    result = subprocess.run(
        command,
        cwd=ROOT,
        env=environment | {"DATABASE_URL_FILE": str(secret)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.strip() == "other"
