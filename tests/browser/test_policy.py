from __future__ import annotations

import pytest
from django.template.loader import render_to_string
from django.test import Client

from holdfast.middleware import ADMIN, HEADER, STRICT
from tests.browser.conftest import Door, Watch


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path", ["/sign-in/", "/", "/overview/live/", "/queues/", "/queues/live/", "/rollouts/panel/", "/livez", "/nowhere"]
)
def test_the_console_allows_nothing_inline_and_no_other_origin(client: Client, path: str) -> None:
    assert client.get(path)[HEADER] == STRICT


def test_the_page_of_a_failure_needs_no_context_and_names_the_request() -> None:
    text = render_to_string("500.html")
    assert "Something failed" in text
    assert '<span class="mono">' in text


@pytest.mark.django_db
def test_the_admin_may_evaluate_and_still_asks_no_other_origin(client: Client) -> None:
    policy = client.get("/admin/login/")[HEADER]
    assert policy == ADMIN
    assert "unsafe-eval" in policy
    assert "http" not in policy


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_inline_script_does_not_run_on_the_console(door: Door, watch: Watch) -> None:
    page = door.signed_in()
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x: onerror=\"window.broken = 1\">')")
    page.wait_for_timeout(300)
    assert page.evaluate("window.broken") is None
    assert any("Content Security Policy" in said for said in watch.console)


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/admin/", "/admin/memory/memory/", "/admin/flags/flag/", "/admin/flags/flag/add/"])
def test_the_admin_works_under_its_policy(door: Door, watch: Watch, path: str) -> None:
    page = door.signed_in(path)
    page.wait_for_load_state("networkidle")
    watch.assert_quiet()
