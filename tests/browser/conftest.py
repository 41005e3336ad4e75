"""Chromium, a signed-in page, and a record of everything on it that should not be."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
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
        page.on("console", lambda said: self.console.append(said.text) if said.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: self.console.append(str(error)))
        page.on("request", lambda request: self._asked(request.url))

    def _asked(self, url: str) -> None:
        if not url.startswith((self.origin, "data:", "blob:")):
            self.elsewhere.append(url)

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


@dataclass
class Door:
    """Opens pages, signed in or not."""

    browser: Browser
    server: LiveServer
    watch: Watch
    opened: list[BrowserContext] = field(default_factory=list)

    def page(self, *, viewport: dict[str, int] = DESKTOP, scripts: bool = True) -> Page:
        context = self.browser.new_context(
            base_url=self.server.url,
            viewport={"width": viewport["width"], "height": viewport["height"]},
            java_script_enabled=scripts,
        )
        self.opened.append(context)
        page = context.new_page()
        self.watch.follow(page)
        return page

    def signed_in(self, path: str = "/", *, viewport: dict[str, int] = DESKTOP, scripts: bool = True) -> Page:
        page = self.page(viewport=viewport, scripts=scripts)
        sign_in(page, path=path)
        return page


@pytest.fixture
def door(chromium: Browser, live_server: LiveServer, watch: Watch, ops: User) -> Iterator[Door]:
    door = Door(chromium, live_server, watch)
    yield door
    for context in door.opened:
        context.close()


def sign_in(page: Page, *, path: str = "/", password: str = PASSWORD) -> None:
    page.goto(f"/sign-in/?next={path}")
    page.fill("#id_username", "ops")
    page.fill("#id_password", password)
    if Watermark.objects.exists():
        publish(now=timezone.now())  # figures that a slow machine let grow old while it signed in
    page.click("main button[type=submit]")


def wait_for_charts(page: Page) -> None:
    page.wait_for_selector("html[data-charts=ready]", state="attached")
