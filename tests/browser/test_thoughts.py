"""What a model thinks, as a person sees it: folded above the answer, while it comes and whenever they come back."""

from __future__ import annotations

import asyncio
import re
import signal
import threading

import pytest
from playwright.sync_api import expect

from conversations import services
from conversations.models import Generation
from conversations.services.catalogue import forget_catalogue
from conversations.types import Delta
from tests.browser.test_main_job import Gate
from tests.browser.test_tired import ask, completed, field
from tests.serving import free_port, impatient, manage, served
from tests.upstream import HANG, Upstream, chunk

PASSWORD = "correct horse battery"
HOSTILE = """<script>document.title = "taken"</script><img src=x onerror="document.title = 'taken'">
![](https://evil.example/x.png) [x](javascript:alert(1)) </details></template><b>bold</b>"""


def thought(text: str) -> Delta:
    return Delta(metadata={"reasoning": text})


def thoughts(page):
    return page.locator("article.assistant details.thoughts")


def text_of(page):
    return page.locator("article.assistant .thoughts-text")


@pytest.fixture
def page(visits, site, alice, cookies_of):
    page = cookies_of(visits.window(site), site, alice)
    page.goto("/")
    return page


@pytest.fixture
def upstream(settings, transactional_db):
    """A model server that is the only connection."""
    with Upstream() as server:
        backend = "conversations.backends.chat_completions.ChatCompletionsBackend"
        options = {"base_url": server.url, "models": ["test"]}
        settings.CHAT_BACKENDS = settings.CHAT_BACKENDS | {"scripted": {"BACKEND": backend, "OPTIONS": options}}
        settings.CHAT_TITLES = False
        services.seed_catalogue()
        forget_catalogue()
        yield server


@pytest.fixture
def server_page(upstream, page):
    return page


@pytest.mark.parametrize("way", ["fields", "tags"])
def test_a_person_watches_a_model_think_and_then_answer(server_page, upstream, way):
    page, first, second = server_page, threading.Event(), threading.Event()
    if way == "fields":
        steps = (chunk(reasoning_content="First, "), first, chunk(reasoning="second."), second)
    else:
        steps = ("<th", "ink>\nFirst, ", first, "second.</thi", second, "nk>\n\n")
    upstream.enqueue(*steps, "The *answer*.")
    ask(page, "Hi")
    expect(thoughts(page)).to_be_visible()
    expect(thoughts(page).locator("summary")).to_have_text("Thinking…")
    expect(text_of(page)).to_be_hidden()
    expect(page.locator("[data-announcer]")).to_have_text("The model is thinking.")
    expect(page.locator(".waiting-dot")).to_have_css("visibility", "hidden")  # one dot is enough
    thoughts(page).locator("summary").click()
    expect(text_of(page)).to_have_text("First,")
    page.wait_for_timeout(1_000)
    first.set()
    expect(text_of(page)).to_contain_text("First, second.")
    expect(text_of(page)).to_be_visible()  # as the reader left it
    second.set()
    expect(completed(page).locator(".prose em")).to_have_text("answer")
    expect(thoughts(page).locator("summary")).to_have_text(re.compile(r"Thought for [1-9] s"))
    expect(text_of(page)).to_be_visible()
    expect(completed(page).locator(".prose")).to_have_text("The answer.")


def test_it_opens_by_the_keyboard(page, scripted):
    scripted.enqueue(thought("Hm."), "Yes.")
    ask(page, "Hi")
    expect(completed(page)).to_be_visible()
    summary = thoughts(page).locator("summary")
    summary.focus()
    summary.press("Enter")
    expect(text_of(page)).to_have_text("Hm.")
    summary.press("Enter")
    expect(text_of(page)).to_be_hidden()


@pytest.mark.parametrize("store", ["database", "s3"])
def test_a_reload_in_the_middle_and_another_tomorrow_find_all_of_it(
    visits, catalogue, scripted, settings, alice, cookies_of, request, store
):
    from tests.live import serve

    if store == "s3":
        options = request.getfixturevalue("s3_bucket")
        settings.CONVERSATION_STORE = {"BACKEND": "conversations.stores.s3.S3Store", "OPTIONS": options}
    thinking, answering = Gate(), Gate()
    scripted.enqueue(thought("First, "), thinking, thought("second."), "The ", answering, "answer.")
    with serve() as site:
        page = cookies_of(visits.window(site), site, alice)
        page.goto("/")
        ask(page, "Hi")
        expect(thoughts(page)).to_be_visible()
        page.reload()
        expect(thoughts(page).locator("summary")).to_have_text("Thinking…")
        expect(text_of(page)).to_have_text("First,")
        thinking.open()
        expect(text_of(page)).to_have_text("First, second.")
        page.reload()
        expect(text_of(page)).to_have_text("First, second.")
        expect(page.locator(".prose")).to_have_text("The")
        answering.open()
        expect(completed(page).locator(".prose")).to_have_text("The answer.")
        while Generation.objects.filter(stored_at=None).exists():
            page.wait_for_timeout(20)
        Generation.objects.update(user_text="", reply_text="", reasoning_text="")  # as when two days have gone by
        page.reload()
        expect(text_of(page)).to_have_text("First, second.")
        expect(text_of(page)).to_be_hidden()
        expect(thoughts(page).locator("summary")).to_contain_text("Thought")


def test_a_lost_connection_brings_nothing_twice(page, scripted):
    first, second = Gate(), Gate()
    scripted.enqueue(thought("First, "), first, thought("second, "), second, thought("third."), "Yes.")
    ask(page, "Hi")
    expect(thoughts(page)).to_be_visible()
    page.context.set_offline(True)
    first.open()
    page.wait_for_timeout(300)
    page.context.set_offline(False)
    expect(text_of(page)).to_have_text("First, second,")
    second.open()
    expect(completed(page)).to_be_visible()
    expect(text_of(page)).to_have_text("First, second, third.")


def test_a_second_tab_sees_the_same(page, scripted):
    gate = Gate()
    scripted.enqueue(thought("First, "), gate, thought("second."), "Yes.")
    ask(page, "Hi")
    expect(thoughts(page)).to_be_visible()
    second = page.context.new_page()
    second.goto(page.url)
    expect(text_of(second)).to_have_text("First,")
    gate.open()
    for tab in (page, second):
        expect(completed(tab).locator(".prose")).to_have_text("Yes.")
        expect(text_of(tab)).to_have_text("First, second.")


@pytest.mark.parametrize("steps", [(thought(HOSTILE),), ("<think>", HOSTILE, "</think>")], ids=["fields", "tags"])
def test_hostile_thoughts_execute_nothing(page, scripted, steps):
    gate = Gate()
    scripted.enqueue(*steps, gate, "Yes.")
    ask(page, "Hi")
    expect(text_of(page)).to_have_text(HOSTILE)
    gate.open()
    expect(completed(page)).to_be_visible()
    for _ in range(2):
        expect(text_of(page)).to_have_text(HOSTILE)
        assert text_of(page).locator("*").count() == 0
        assert "taken" not in page.title()
        page.reload()


def test_copying_the_message_leaves_the_thoughts_behind(page, scripted):
    scripted.enqueue(thought("Hm."), "The *answer*.")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ask(page, "Hi")
    expect(completed(page)).to_be_visible()
    page.locator("article.assistant [data-copy=message]").click()
    expect(page.locator("[data-announcer]")).to_have_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == "The *answer*."


def test_who_only_thinks_is_told_about_and_can_be_read(page, scripted):
    scripted.enqueue(thought("Hm."), Delta(finish_reason="length"))
    ask(page, "Hi")
    expect(page.locator(".message-error")).to_contain_text("before it came to its answer")
    expect(page.get_by_role("button", name="Retry")).to_be_visible()
    expect(thoughts(page)).to_be_visible()
    expect(thoughts(page)).not_to_have_attribute("data-running", "")
    thoughts(page).locator("summary").click()
    expect(text_of(page)).to_have_text("Hm.")


def test_stopping_while_it_thinks_keeps_what_was_thought(page, scripted):
    scripted.enqueue(thought("Hm, let me see"), asyncio.Event().wait)
    ask(page, "Hi")
    expect(thoughts(page)).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("You stopped this answer.")).to_be_visible()
    expect(text_of(page)).to_have_text("Hm, let me see")
    expect(thoughts(page)).not_to_have_attribute("data-running", "")


def test_what_was_thought_survives_a_killed_server(visits, tmp_path):
    port = free_port()
    with Upstream() as upstream:
        env = impatient(tmp_path, upstream.url)
        upstream.enqueue(chunk(reasoning="First, "), chunk(reasoning="second."), HANG)
        with served(env, tmp_path, port) as site:
            secret = {"DJANGO_SUPERUSER_PASSWORD": PASSWORD}
            who = ("--username", "carol", "--email", "carol@example.com")
            manage(env | secret, "createsuperuser", "--noinput", *who)
            page = visits.window(f"http://127.0.0.1:{port}")
            page.goto("/accounts/login/")
            page.locator("input[name=login]").fill("carol")
            page.locator("input[type=password]").fill(PASSWORD)
            page.get_by_role("button", name="Log in").click()
            ask(page, "Hi")
            expect(text_of(page)).to_have_text("First, second.")
            page.wait_for_timeout(500)  # the clock has written it down
            site.signal(signal.SIGKILL)
            site.wait()
        with served(env, tmp_path, port):
            expect(page.get_by_text("The answer was interrupted.").first).to_be_visible(timeout=40_000)
            for _ in range(2):
                expect(text_of(page)).to_have_text("First, second.")
                expect(thoughts(page)).not_to_have_attribute("data-running", "")
                page.reload()


def test_an_answer_that_goes_on_keeps_its_thoughts(page, scripted):
    scripted.enqueue(thought("One."), "Some wor", Delta(finish_reason="length"))
    scripted.enqueue(thought("Two."), "ds")
    ask(page, "Hi")
    page.get_by_role("button", name="Continue").click()
    expect(completed(page).locator(".prose")).to_have_text("Some words")
    expect(thoughts(page)).to_have_count(1)
    expect(text_of(page)).to_have_text("One.\n\nTwo.")


def test_a_model_that_does_not_think_shows_nothing_of_it(page, scripted):
    scripted.enqueue("Yes.")
    ask(page, "Hi")
    expect(completed(page)).to_be_visible()
    expect(thoughts(page)).to_be_hidden()
    page.reload()
    expect(thoughts(page)).to_have_count(0)


def test_it_works_without_javascript(visits, site, alice, cookies_of, scripted):
    gate = Gate()
    scripted.enqueue(thought("Hm."), gate, "Yes.")
    page = cookies_of(visits.window(site, javascript=False), site, alice)
    page.goto("/")
    field(page).fill("Hi")
    page.get_by_role("button", name="Send").click()
    expect(thoughts(page).locator("summary")).to_have_text("Thinking…")
    gate.open()
    expect(completed(page).locator(".prose")).to_have_text("Yes.")
    thoughts(page).locator("summary").click()
    expect(text_of(page)).to_have_text("Hm.")


def test_a_phone_shows_it_in_its_width(visits, site, alice, cookies_of, scripted):
    scripted.enqueue(thought("word " * 60 + "unbroken" * 40), "Yes.")
    page = cookies_of(visits.window(site, viewport={"width": 390, "height": 844}, has_touch=True), site, alice)
    page.goto("/")
    field(page).fill("Hi")
    page.locator("[data-send]").click()
    expect(completed(page)).to_be_visible()
    summary = thoughts(page).locator("summary")
    summary.click()
    expect(text_of(page)).to_be_visible()
    assert summary.bounding_box()["height"] >= 44
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
