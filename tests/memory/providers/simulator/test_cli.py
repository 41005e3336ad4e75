"""`provider_simulator`: running one, and turning the knobs of one that runs."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import override_settings

from memory.providers.simulator import Knobs, Simulator


def said(*arguments: str) -> str:
    out = io.StringIO()
    call_command("provider_simulator", *arguments, stdout=out)
    return out.getvalue()


def test_a_running_simulator_is_broken_shown_and_healed(simulator: Simulator) -> None:
    turned = json.loads(said("set", "--url", simulator.url, "--error-rate", "1", "--fail-next", "3", "--wrong-key"))
    assert (turned["error_rate"], turned["fail_next"], turned["wrong_key"]) == (1.0, 3, True)
    assert simulator.knobs == Knobs(error_rate=1.0, fail_next=3, wrong_key=True)
    assert json.loads(said("show", "--url", simulator.url))["knobs"] == turned
    said("heal", "--url", simulator.url)
    assert simulator.knobs == Knobs()


def test_the_simulator_of_up_is_found_without_naming_it(simulator: Simulator, tmp_path: Path) -> None:
    (tmp_path / "simulator_url").write_text(f"{simulator.url}\n")
    with override_settings(HOLDFAST_DIR=tmp_path):
        said("set", "--latency-ms", "5")
    assert simulator.knobs.latency_ms == 5


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["set", "--error-rate", "2"], "error_rate must be a number from 0 to 1, got 2.0"),
        (["set"], "Name at least one knob"),
    ],
)
def test_what_can_not_be_set_is_refused_in_words(simulator: Simulator, arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        said(*arguments, "--url", simulator.url)


@pytest.mark.parametrize("url", ["file:///etc/hostname", "http://127.0.0.1:1"])
def test_an_address_where_none_is_is_refused_in_words(url: str) -> None:
    with pytest.raises(CommandError, match=r"must begin with http|No simulated provider answers"):
        said("show", "--url", url)


def test_one_runs_without_django_until_it_is_asked_to_end() -> None:
    command = [sys.executable, "-m", "memory.providers.simulator", "--port", "0", "--error-rate", "1"]
    with subprocess.Popen(command, cwd=settings.BASE_DIR, text=True, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[-1]
            assert httpx.post(f"{url}/v1/embeddings", json={"input": "tea"}).status_code == 500
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        finally:
            process.kill()


def test_a_port_in_use_is_named(simulator: Simulator) -> None:
    port = simulator.url.rpartition(":")[2]
    with pytest.raises(CommandError, match=f"can't listen on port {port}"):
        said("run", "--port", port)
