"""What docs/flags.md shows is executed: the shell's lines and Python's."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from openfeature import api
from pytest_django.live_server_helper import LiveServer

from flags import snapshot
from flags.api.ofrep import limit
from flags.change.asked import targeting
from flags.models import FlagChange
from memory.models import Scope
from tests.flags.make import make_flag
from tests.make import make_key

PAGE = (Path(settings.BASE_DIR) / "docs/flags.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
CHANGES, REMOTE = (code for language, code in BLOCKS if language == "sh")
ASKED, MEASURED, OVER_HTTP, IN_PROCESS = (code for language, code in BLOCKS if language == "python")
(RULES,) = (code for language, code in BLOCKS if language == "json")


@pytest.fixture
def door(live_server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The address and a key, as the page has them in the environment."""
    limit.forget()
    told = {"HOST": live_server.url, "API": f"{live_server.url}/api/v1", "KEY": make_key(scope=Scope.ADMIN)}
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    yield told
    api.clear_providers()


def shell(code: str, door: dict[str, str]) -> str:
    command = ["bash", "-euo", "pipefail", "-c", code]
    done = subprocess.run(command, env=os.environ | door, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run(code: str) -> dict[str, Any]:
    """The names that the code has made."""
    names: dict[str, Any] = {}
    exec(compile(code, "docs/flags.md", "exec"), names)
    return names


@pytest.mark.django_db(transaction=True)
def test_the_commands_do_what_the_page_says(door: dict[str, str]) -> None:
    shell(CHANGES, door)
    actions = FlagChange.objects.filter(name="short_answers").order_by("at").values_list("action", flat=True)
    assert list(actions) == ["create", "raise", "override", "kill"]
    make_flag("short_answers_2", 100)
    said = shell(REMOTE.replace("flags/short_answers", "flags/short_answers_2"), door)
    assert '"value":true' in said
    assert said.strip().endswith("304")
    told = run(OVER_HTTP.replace('"short_answers"', '"short_answers_2"'))["told"]
    assert (told.value, told.reason) == (True, "SPLIT")
    api.get_client().provider.session.close()  # type: ignore[attr-defined]


@pytest.mark.django_db
def test_the_lines_in_the_process_do_what_the_page_says() -> None:
    make_flag("short_answers", 100)
    snapshot.forget()
    assert run(ASKED)["said"].startswith("True by split")
    assert run(MEASURED)["style"] == "short"
    assert run(IN_PROCESS)["is_short"] is True
    api.clear_providers()
    assert targeting.rules(json.loads(RULES))[0]["then"] is True
