"""A real browser: Debian's Chromium, driven by Playwright. Every page reports what its policy blocked."""

from __future__ import annotations

import os
import shutil

import pytest

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
PATIENCE_MS = 15_000  # a guard against hanging, on a machine that does other work too
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


def pytest_collection_modifyitems(items):
    for item in items:
        if "/browser/" in str(item.path):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.django_db(transaction=True))
    # Last: once Playwright runs its loop in this thread, no asynchronous test can run its own.
    items.sort(key=lambda item: "/browser/" in str(item.path))


@pytest.fixture(scope="session")
def chromium():
    if not CHROMIUM:
        pytest.skip("No Chromium. Install it (Debian: apt-get install chromium) or name it in CHROMIUM.")
    from playwright.sync_api import expect, sync_playwright

    # Playwright's synchronous interface runs a loop in the test's own thread; the ORM must not mistake that for a view.
    os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


class Visits:
    """Opens windows, and remembers what went wrong in them."""

    def __init__(self, browser):
        self._browser = browser
        self._contexts = []
        self.complaints: list[str] = []
        self.foreign: list[str] = []

    def window(self, site: str, *, javascript: bool = True, **options):
        # Without its worker, unless a test is about that: what a worker fetches, tests can neither hold up nor cut.
        usual = {"viewport": {"width": 1280, "height": 800}, "locale": "en-US", "service_workers": "block"}
        options = usual | options
        context = self._browser.new_context(base_url=site, java_script_enabled=javascript, **options)
        context.set_default_timeout(PATIENCE_MS)
        self._contexts.append(context)
        context.on("request", lambda request: self._note_request(site, request.url))
        page = context.new_page()
        page.on("console", self._note_console)
        page.on("pageerror", lambda error: self.complaints.append(f"script error: {error}"))
        return page

    def _note_console(self, message):
        if "Content Security Policy" in message.text or "Content-Security-Policy" in message.text:
            self.complaints.append(message.text)

    def _note_request(self, site, url):
        if not url.startswith((site, "data:", "blob:")):
            self.foreign.append(url)

    def close(self):
        for context in self._contexts:
            context.close()


@pytest.fixture
def visits(chromium):
    """Windows onto the site; at the end nobody has run a foreign script or called another origin."""
    opened = Visits(chromium)
    yield opened
    opened.close()
    assert opened.complaints == []
    assert opened.foreign == []


@pytest.fixture
def cookies_of(client):
    """What a browser needs to be logged in as a person, where logging in is not what is tested."""

    def log_in(page, site: str, user):
        client.force_login(user)
        page.context.add_cookies([{"name": "sessionid", "value": client.session.session_key, "url": site}])
        return page

    return log_in
