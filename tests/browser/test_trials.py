"""Trials, as visitors meet them: on the site itself, in a frame of another site, and where no cookie is kept."""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from chatsite.sharing.models import Guest, Trial
from conversations.models import Conversation
from tests.browser.conftest import ARGUMENTS, CHROMIUM, PATIENCE_MS
from tests.browser.test_main_job import ask

TWO_SITES = ["--host-resolver-rules=MAP chat.test 127.0.0.1, MAP shop.test 127.0.0.1"]


@pytest.fixture
def trial(catalogue) -> Trial:
    return Trial.objects.create(name="Our pirate", model=catalogue["scripted"], enabled=True)


@contextmanager
def embedding(address: str):
    """Another site, whose one page shows the address in a frame. Yields its port."""
    page = f'<!doctype html><title>Shop</title><h1>Shop</h1><iframe src="{address}" width="380" height="600"></iframe>'

    class Shop(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *args):
            """Nothing to say."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def shop_window(browser):
    context = browser.new_context(viewport={"width": 420, "height": 800}, locale="en-US")
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.complaints = []
    page.on("console", lambda message: page.complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.complaints.append(f"script error: {error}"))
    return page


def chat_in(page):
    """Start in the frame, say something, and see the answer come; returns the frame."""
    frame = page.frame_locator("iframe")
    frame.get_by_role("button", name="Start the chat").click()
    frame.get_by_placeholder("Ask something…").fill("Ahoy from the shop")
    frame.get_by_role("button", name="Send").click()
    expect(frame.locator("[data-role=assistant][data-status=completed]")).to_have_count(1)
    return frame


def test_a_tester_chats_without_an_account_and_finds_the_chat_again(visits, site, trial):
    Trial.objects.filter(pk=trial.pk).update(messages_per_guest=2)
    page = visits.window(site)
    page.goto(reverse("sharing:trial", args=[trial.token]))
    page.get_by_role("button", name="Start the chat").click()
    ask(page, "Ahoy there")
    expect(page.locator("[data-role=assistant][data-status=completed]")).to_have_count(1)
    assert "~" not in page.url  # the cookie holds who it is, not the address
    page.reload()
    expect(page.locator(".bubble", has_text="Ahoy there")).to_be_visible()
    ask(page, "And again")
    expect(page.locator("[data-role=assistant][data-status=completed]")).to_have_count(2)
    ask(page, "Once too often")
    expect(page.get_by_text("You have sent all 2 messages of this trial.")).to_be_visible()
    expect(page.get_by_placeholder("Ask something…")).to_have_value("Once too often")


def test_the_page_of_a_tester_asks_for_nothing_that_is_not_there(visits, site, trial):
    page = visits.window(site, service_workers="allow")
    lost = []
    page.context.on("response", lambda answer: lost.append(answer.url) if answer.status == 404 else None)
    page.goto(reverse("sharing:trial", args=[trial.token]))
    page.get_by_role("button", name="Start the chat").click()
    expect(page.locator("body[data-listens]")).to_be_attached()
    page.keyboard.press("Control+k")
    page.wait_for_timeout(2_500)  # what comes later has come
    assert lost == []


def test_a_tester_without_scripts_chats_too(visits, site, trial):
    page = visits.window(site, javascript=False)
    page.goto(reverse("sharing:trial", args=[trial.token]))
    page.get_by_role("button", name="Start the chat").click()
    page.get_by_placeholder("Ask something…").fill("Ahoy there")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".bubble", has_text="Ahoy there")).to_be_visible()


def test_an_answer_that_failed_is_asked_for_again_by_a_guest(visits, site, trial, scripted):
    scripted.enqueue(RuntimeError("broken"))
    page = visits.window(site)
    page.goto(reverse("sharing:trial", args=[trial.token]))
    page.get_by_role("button", name="Start the chat").click()
    ask(page, "Ahoy there")
    page.locator("[data-status=failed]").get_by_role("button", name="Retry").click()
    expect(page.locator("[data-role=assistant][data-status=completed]")).to_have_count(1)


def test_the_chat_works_in_a_frame_of_another_site_and_is_found_again_there(chromium, site, trial):
    chat = site.replace("127.0.0.1", "localhost")  # another site than the one that embeds it, and trusted all the same
    with embedding(chat + reverse("sharing:embed", args=[trial.token])) as port:
        Trial.objects.filter(pk=trial.pk).update(origins=f"http://127.0.0.1:{port}")
        page = shop_window(chromium)
        page.goto(f"http://127.0.0.1:{port}/")
        chat_in(page)
        assert "~" not in page.frames[1].url
        page.reload()
        again = page.frame_locator("iframe").locator(".bubble", has_text="Ahoy from the shop")
        expect(again).to_be_visible()
        cookie = next(cookie for cookie in page.context.cookies() if cookie["name"] == "guest")
        assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) == (True, True, "None")
        assert cookie["partitionKey"].startswith("http://127.0.0.1")
        assert [text for text in page.complaints if "autofocusing" not in text] == []
        page.goto(chat + reverse("sharing:trial", args=[trial.token]))
        expect(
            page.get_by_role("button", name="Start the chat")
        ).to_be_visible()  # nobody is followed from site to site
        page.context.close()
    assert Guest.objects.count() == 1


def test_a_site_that_is_not_named_cannot_show_it(chromium, site, trial):
    chat = site.replace("127.0.0.1", "localhost")
    with embedding(chat + reverse("sharing:embed", args=[trial.token])) as port:
        Trial.objects.filter(pk=trial.pk).update(origins="https://shop.example")
        page = shop_window(chromium)
        page.goto(f"http://127.0.0.1:{port}/")
        page.wait_for_load_state()
        expect(page.frame_locator("iframe").get_by_role("button", name="Start the chat")).to_have_count(0)
        assert any("frame-ancestors" in complaint for complaint in page.complaints)
        page.context.close()


def test_where_no_cookie_is_kept_in_a_frame_the_chat_works_all_the_same(chromium, site, trial, settings, monkeypatch):
    """Two names without encryption: there no browser takes the cookie that a frame would need."""
    settings.ALLOWED_HOSTS = ["chat.test"]
    monkeypatch.setattr("chatsite.sharing.origins.LOCAL", re.compile(r"http://shop\.test:\d+"))
    browser = chromium.browser_type.launch(executable_path=CHROMIUM, args=ARGUMENTS + TWO_SITES)
    chat = site.replace("127.0.0.1", "chat.test")
    with embedding(chat + reverse("sharing:embed", args=[trial.token])) as port:
        Trial.objects.filter(pk=trial.pk).update(origins=f"http://shop.test:{port}")
        page = shop_window(browser)
        page.goto(f"http://shop.test:{port}/")
        frame = chat_in(page)
        assert "/chat/~" in page.frames[1].url
        assert page.context.cookies() == []
        frame.get_by_placeholder("Ask something…").fill("And again")
        frame.get_by_role("button", name="Send").click()
        expect(frame.locator("[data-role=assistant][data-status=completed]")).to_have_count(2)
        browser.close()
    assert Conversation.objects.get().user == Guest.objects.get().user
