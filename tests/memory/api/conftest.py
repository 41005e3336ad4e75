"""A client of the API with a key of its own workspace."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client, TestCase

from memory.models import Workspace
from tests.make import make_key, make_workspace


@dataclass
class Api:
    """Calls operations with JSON and a key; answers are (status, JSON)."""

    workspace: Workspace
    key: str

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        sent = {"Authorization": f"Bearer {self.key}"} | headers
        # the test's own transaction never commits: what waits for a commit runs after each call
        with TestCase.captureOnCommitCallbacks(execute=True):
            response = Client().generic(
                method, f"/api/v1/{path}", data=_json(body), content_type="application/json", headers=sent
            )
        return response.status_code, response.json() if response.content else None

    def get(self, path: str) -> tuple[int, Any]:
        return self.call("GET", path)

    def post(self, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        return self.call("POST", path, body, **headers)


def _json(body: Any) -> bytes:
    if isinstance(body, bytes):
        return body
    return b"" if body is None else json.dumps(body).encode()


@pytest.fixture
def make_api(db: None) -> Callable[..., Api]:
    def make(**key: Any) -> Api:
        workspace = make_workspace()
        return Api(workspace, make_key(workspace, **key))

    return make


@pytest.fixture
def api(make_api: Callable[..., Api]) -> Api:
    return make_api()
