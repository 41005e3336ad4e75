"""A client of /ofrep/v1/ with a key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from flags.api.ofrep import limit
from memory.models import Scope, Workspace
from tests.make import make_key, make_workspace

Ask = Callable[..., Any]  # gives the test client's response


@pytest.fixture(autouse=True)
def nobody_asked_before() -> None:
    limit.forget()


@pytest.fixture
def workspace() -> Workspace:
    return make_workspace()


@pytest.fixture
def ask(client: Client, workspace: Workspace) -> Ask:
    """`ask("name", {context})` for one flag, `ask("", {context})` for all; `body` sends just that."""
    key = make_key(workspace, scope=Scope.READ)

    def asked(name: str = "", context: Any = None, *, body: Any = None, **headers: str) -> Any:
        path = f"/ofrep/v1/evaluate/flags/{name}" if name else "/ofrep/v1/evaluate/flags"
        sent = {"context": context or {}} if body is None else body
        headers = {"Authorization": f"Bearer {key}"} | {k.replace("_", "-"): v for k, v in headers.items()}
        return client.post(path, sent, content_type="application/json", headers=headers)

    return asked
