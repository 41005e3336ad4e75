"""A real web server that is asked to stop: it says that it isn't ready, serves on for a while, and ends."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress

import pytest
from django.conf import settings

from tests.chaos.workers import environment

pytestmark = [pytest.mark.chaos, pytest.mark.django_db(transaction=True)]
DRAIN_S = 1.5
PATIENCE_S = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(port: int, path: str) -> tuple[int, str]:
    """Status and body; 0 where nobody listens."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except OSError:
        return 0, ""
    finally:
        connection.close()


def wait_for(port: int, path: str, status: int) -> str:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        found, body = ask(port, path)
        if found == status:
            return body
        time.sleep(0.02)
    raise AssertionError(f"{path} never answered {status}; the last was {ask(port, path)}")


def test_a_server_that_is_to_stop_is_not_ready_first_and_still_serves() -> None:
    port = free_port()
    command = [sys.executable, "-m", "holdfast.supervisor.web", "--port", str(port), "--workers", "1"]
    drains = environment(HOLDFAST_DRAIN_S=str(DRAIN_S), HOLDFAST_DB_POOL="4")
    with subprocess.Popen(command, cwd=settings.BASE_DIR, env=drains, start_new_session=True) as server:
        try:
            wait_for(port, "/startupz", 200)
            assert ask(port, "/readyz")[0] == 200
            server.send_signal(signal.SIGTERM)
            asked = time.monotonic()
            assert "draining" in wait_for(port, "/readyz", 503)
            assert ask(port, "/livez") == (200, "ok\n"), "it serves on, and is not to be restarted"
            assert ask(port, "/api/v1/jobs")[0] == 401
            assert server.wait(PATIENCE_S) == 0
            assert time.monotonic() - asked >= DRAIN_S
        finally:
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)
