"""Chromium, a signed-in page, and a record of everything on it that should not be."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, Request, sync_playwright
from pytest_django.live_server_helper import LiveServer

from monitoring.models import Watermark
from tests.monitoring.recorded import publish, record_hour

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-prefers-reduced-motion",  # what pulses is drawn sixty times a second, by a processor
)
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
PASSWORD = "watch-and-wait"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        if os.environ.get("HOLDFAST_REQUIRE_BROWSER") == "1":
            pytest.fail("HOLDFAST_REQUIRE_BROWSER is 1, and there is no Chromium on PATH.")
        pytest.skip("No Chromium on PATH.")
    # Playwright's loop runs in this thread, and Django would refuse its queries there
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()
    os.environ.pop("DJANGO_ALLOW_ASYNC_UNSAFE")
    if before is not None:
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = before


@dataclass
class Watch:
    """What a page did that it should not: errors on its console, requests to another origin."""

    origin: str
    console: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def follow(self, page: Page) -> None:
        page.on("console", self._said)
        page.on("pageerror", self._failed)
        page.on("request", self._asked)

    def leave(self, page: Page) -> None:
        page.remove_listener("console", self._said)
        page.remove_listener("pageerror", self._failed)
        page.remove_listener("request", self._asked)

    def _said(self, said: ConsoleMessage) -> None:
        if said.type in {"error", "warning"}:
            self.console.append(said.text)

    def _failed(self, error: Error) -> None:
        self.console.append(str(error))

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.origin, "data:", "blob:")):
            self.elsewhere.append(request.url)

    def assert_quiet(self) -> None:
        assert self.console == []
        assert self.elsewhere == []


@pytest.fixture
def watch(live_server: LiveServer) -> Watch:
    return Watch(live_server.url)


@pytest.fixture
def ops(transactional_db: None) -> User:
    return User.objects.create_superuser("ops", password=PASSWORD)


@pytest.fixture
def figures(transactional_db: None) -> None:
    record_hour(now=timezone.now())


@pytest.fixture(scope="session")
def contexts(django_db_setup: None, chromium: Browser, live_server: LiveServer) -> Iterator[dict[bool, BrowserContext]]:
    """One with scripts and one without, for all tests: each would fetch and compile Plotly anew."""
    made = {
        scripts: chromium.new_context(base_url=live_server.url, java_script_enabled=scripts)
        for scripts in (True, False)
    }
    yield made
    for context in made.values():
        context.close()
    # before the database goes: the server doesn't wait for its threads, which hold connections to it
    for thread in threading.enumerate():
        if thread.name.endswith("(process_request_thread)"):
            thread.join(10)


@dataclass
class Door:
    """Opens pages, signed in or not. What they keep in the browser goes with them.

    The first page is left open for the next test, since another would compile Plotly anew, in two seconds; unless the
    test marks it as `spent`.
    """

    contexts: dict[bool, BrowserContext]
    server: LiveServer
    watch: Watch
    user: User
    used: list[Page] = field(default_factory=list)
    spent: list[Page] = field(default_factory=list)

    def page(self, *, viewport: dict[str, int] = DESKTOP, scripts: bool = True) -> Page:
        idle = [page for page in self.contexts[scripts].pages if page not in self.used]
        page = idle[0] if idle else self.contexts[scripts].new_page()
        self.used.append(page)
        page.set_viewport_size({"width": viewport["width"], "height": viewport["height"]})
        self.watch.follow(page)
        return page

    def signed_in(self, path: str = "/", *, viewport: dict[str, int] = DESKTOP, scripts: bool = True) -> Page:
        """Past the form, which has tests of its own."""
        page = self.page(viewport=viewport, scripts=scripts)
        client = Client()
        client.force_login(self.user)
        cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
        page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": self.server.url}])
        if Watermark.objects.exists():
            publish(now=timezone.now())  # figures that a slow machine let grow old meanwhile
        page.goto(path)
        return page

    def close(self) -> None:
        for context in self.contexts.values():
            for page in context.pages:
                if page in self.used:
                    self.watch.leave(page)
                    self._clear(page)
            context.clear_cookies()

    def _clear(self, page: Page) -> None:
        session = page.context.new_cdp_session(page)
        session.send("Storage.clearDataForOrigin", {"origin": self.server.url, "storageTypes": "local_storage"})
        session.detach()
        if page in self.spent or page != page.context.pages[0]:
            page.close()
        else:
            page.goto("/static/icons/holdfast.svg")  # asks for nothing, and the process that shows the page stays


@pytest.fixture
def door(contexts: dict[bool, BrowserContext], live_server: LiveServer, watch: Watch, ops: User) -> Iterator[Door]:
    door = Door(contexts, live_server, watch, ops)
    yield door
    door.close()


def sign_in(page: Page, *, path: str = "/", password: str = PASSWORD) -> None:
    page.goto(f"/sign-in/?next={path}")
    page.fill("#id_username", "ops")
    page.fill("#id_password", password)
    page.click("main button[type=submit]")


def wait_for_charts(page: Page) -> None:
    page.wait_for_selector("html[data-charts=ready]", state="attached")
