from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from pytest_django.live_server_helper import LiveServer

from memory.models import Conversation, Memory, Message
from monitoring.metrics import record, snapshot
from monitoring.metrics.snapshot import Snapshot
from monitoring.models import Event
from tests.make import make_key
from tests.monitoring.blobs import NOON, client

PAGE = (Path(settings.BASE_DIR) / "docs/integration.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
(SHELL,) = (code for language, code in BLOCKS if language == "sh")
OVER_HTTP, IN_PROCESS = (code for language, code in BLOCKS if language == "python")


@pytest.fixture
def door(live_server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The address and a key, as the page has them in the environment."""
    told = {"API": f"{live_server.url}/api/v1", "KEY": make_key()}
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    snapshot.publish(Snapshot(NOON, processes=2, expected=2), client())
    return told


def run(code: str) -> dict[str, Any]:
    """The names that the code has made."""
    names: dict[str, Any] = {}
    exec(compile(code, "docs/integration.md", "exec"), names)
    return names


@pytest.mark.django_db(transaction=True)
def test_the_shell_lines_do_what_the_page_says(door: dict[str, str]) -> None:
    command = ["bash", "-euo", "pipefail", "-c", SHELL]
    done = subprocess.run(command, env=os.environ | door, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "I am allergic to peanuts." in done.stdout
    assert Memory.objects.get().text == "Runs 10 km every Tuesday"
    assert '"reporting":2' in done.stdout


@pytest.mark.django_db(transaction=True)
def test_the_lines_with_httpx_do_what_the_page_says(door: dict[str, str]) -> None:
    names = run(OVER_HTTP)
    names["holdfast"].close()
    assert "I moved to Leeds." in names["prompt"][0]["content"]
    assert names["is_degraded"] is False
    assert Conversation.objects.get().external_id == "chat-2"


@pytest.mark.django_db
def test_the_lines_in_the_same_process_do_what_the_page_says() -> None:
    record.drain()
    names = run(IN_PROCESS)
    assert names["is_new"]
    assert names["style"] == "long"
    assert Message.objects.get().content == "I keep bees."
    assert Event.objects.get(kind="deploy").text == "my-app 2.4.0"
    delta = record.drain()
    assert (delta.latencies["my_app.model"].count, delta.latencies["my_app.answer"].count) == (1, 1)
    assert delta.counters["my_app.answers"] == 1
    assert delta.gauges["my_app.sessions"] == 17


@pytest.mark.parametrize("verb", sorted(set(re.findall(r"`((?:memory|flags|monitoring)\.[\w.]+)`", PAGE))))
def test_the_verbs_of_the_table_are_there(verb: str) -> None:
    module, _, name = verb.rpartition(".")
    assert callable(run(f"from {module} import {name} as verb")["verb"])
