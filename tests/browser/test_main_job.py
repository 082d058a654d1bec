"""The main job, as a person does it: sign up, ask, see the answer being written, find it again tomorrow."""

from __future__ import annotations

import asyncio
import threading

import pytest
from playwright.sync_api import expect

from conversations import services
from conversations.models import Conversation
from tests.live import serve

ANSWER = "Use **baking soda**:\n\n- flour\n- water\n\n```python\nprint('bread')\n```\n\nEnjoy."
EMAIL, PASSWORD = "nguyen@example.com", "a long and calm password"


@pytest.fixture(params=["database", "s3"])
def store(request, settings):
    """The main job holds wherever transcripts live."""
    if request.param == "s3":
        options = request.getfixturevalue("s3_bucket")
        settings.CONVERSATION_STORE = {"BACKEND": "conversations.stores.s3.S3Store", "OPTIONS": options}
    else:
        settings.CONVERSATION_STORE = settings.CONVERSATION_STORES["database"]


class Gate:
    """Holds a scripted reply until the test has seen enough of it."""

    def __init__(self):
        self._open = threading.Event()

    async def __call__(self):
        while not self._open.is_set():
            await asyncio.sleep(0.01)

    def open(self):
        self._open.set()


def sign_up(page):
    page.goto("/")
    page.get_by_role("link", name="Sign up").click()
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_placeholder("Ask something…")).to_be_visible()


def ask(page, text):
    page.wait_for_load_state()  # before its scripts, Enter breaks the line
    page.get_by_placeholder("Ask something…").fill(text)
    page.get_by_placeholder("Ask something…").press("Enter")


def test_a_person_signs_up_asks_and_finds_it_again_after_a_restart(
    visits, catalogue, scripted, store, django_user_model
):
    gate = Gate()
    scripted.enqueue("Use **baking ", gate, *[ANSWER[13:][i : i + 4] for i in range(0, len(ANSWER) - 13, 4)])
    scripted.enqueue_title("“Bread Without Any Yeast At All.”")
    with serve() as site:
        page = visits.window(site)
        sign_up(page)
        ask(page, "How do I bake bread without yeast?")
        reply = page.locator("article.assistant").last
        expect(reply.locator(".prose")).to_have_text("Use **baking ")
        expect(page.get_by_role("button", name="Stop")).to_be_visible()
        expect(page.get_by_role("navigation").get_by_text("How do I bake bread")).to_be_visible()
        gate.open()
        expect(reply.locator("strong")).to_have_text("baking soda")
        expect(reply.locator("li")).to_have_count(2)
        expect(reply.locator(".code .k, .code .nb").first).to_be_visible()
        expect(page.get_by_role("button", name="Send")).to_be_visible()
        expect(page.get_by_role("navigation").get_by_text("Bread Without Any Yeast At")).to_be_visible()
        assert Conversation.objects.get().title.split() == ["Bread", "Without", "Any", "Yeast", "At"]
        live = reply.locator(".prose [data-settled]").inner_html()
        address = page.url.removeprefix(site)
        cookies = page.context.cookies()
    with serve() as site:
        page = visits.window(site)
        page.context.add_cookies([{"name": c["name"], "value": c["value"], "url": site} for c in cookies])
        page.goto("/")
        page.get_by_role("navigation").get_by_text("Bread Without Any Yeast At").click()
        expect(page).to_have_url(site + address)
        expect(page.locator("article.user .bubble")).to_have_text("How do I bake bread without yeast?")
        again = page.locator("article.assistant .prose [data-settled]")
        assert again.inner_html().strip() == live.strip() or _without_buttons(again) == _without_buttons_text(live)


def _without_buttons(locator) -> str:
    return locator.evaluate(
        "e => { e = e.cloneNode(true); e.querySelectorAll('button').forEach(b => b.remove()); return e.textContent }"
    )


def _without_buttons_text(html: str) -> str:
    from django.utils.html import strip_tags

    return strip_tags(html)


def test_the_main_job_works_without_javascript(visits, catalogue, scripted, store):
    gate = Gate()
    scripted.enqueue("Use **baking ", gate, ANSWER[13:])
    scripted.enqueue_title("Bread Without Yeast")
    with serve() as site:
        page = visits.window(site, javascript=False)
        sign_up(page)
        page.get_by_placeholder("Ask something…").fill("How do I bake bread without yeast?")
        page.get_by_role("button", name="Send").click()
        expect(page.locator("article.assistant .prose")).to_contain_text("Use **baking")
        expect(page.get_by_role("button", name="Stop")).to_be_visible()
        gate.open()
        expect(page.locator("article.assistant strong")).to_have_text("baking soda")  # the page refreshes itself
        expect(page.get_by_role("button", name="Send")).to_be_visible()
        page.get_by_role("navigation").get_by_role("link", name="Rename, move or delete").first.click()
        page.get_by_label("Title").fill("Bánh mì")
        page.get_by_role("button", name="Save").or_(page.get_by_role("button", name="Rename")).first.click()
        expect(page.get_by_role("navigation").get_by_text("Bánh mì")).to_be_visible()
        page.get_by_role("navigation").get_by_role("link", name="Rename, move or delete").first.click()
        page.get_by_role("link", name="Delete").first.click()
        page.get_by_role("button", name="Delete").click()
        expect(page.get_by_role("navigation").get_by_text("Bánh mì")).to_have_count(0)
    assert Conversation.objects.get().trashed_at


def test_stop_works_without_javascript(visits, site, scripted, alice, cookies_of):
    scripted.enqueue("Some words ", asyncio.Event().wait)
    page = cookies_of(visits.window(site, javascript=False), site, alice)
    page.goto("/")
    page.get_by_placeholder("Ask something…").fill("Hi")
    page.get_by_role("button", name="Send").click()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("You stopped this answer.")).to_be_visible()
    expect(page.locator("article.assistant .prose")).to_contain_text("Some words")
    assert services.latest(alice).message_count == 2
