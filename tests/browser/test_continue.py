"""An answer that was cut goes on in its place: at its limit, after Stop, and after the server was killed."""

from __future__ import annotations

import asyncio
import signal
import threading

import pytest
from playwright.sync_api import expect

from conversations.errors import BackendError
from conversations.types import Delta
from tests.browser.test_main_job import Gate
from tests.browser.test_tired import ask, completed, field
from tests.serving import free_port, impatient, manage, served
from tests.upstream import HANG, Upstream

LIMIT = Delta(finish_reason="length")
BEGINNING = "First paragraph.\n\nSecond *paragraph* beg"
PASSWORD = "correct horse battery"
# What a person sees of the answers, frame by frame.
WATCH = """() => {
  window.seen = [];
  const look = () => {
    const answers = [...document.querySelectorAll('article.assistant .prose')];
    window.seen.push(answers.map((answer) => answer.textContent.trim()).join('|'));
    requestAnimationFrame(look);
  };
  look();
}"""


@pytest.fixture
def page(visits, site, alice, cookies_of):
    page = cookies_of(visits.window(site), site, alice)
    page.goto("/")
    return page


def answer(page):
    return page.locator("article.assistant")


def continue_button(page):
    return page.get_by_role("button", name="Continue")


def test_an_answer_cut_at_its_limit_grows_in_its_place(page, scripted):
    gate = Gate()
    scripted.enqueue(BEGINNING, LIMIT)
    scripted.enqueue(gate, "ins, and ends.")
    ask(page, "Hi")
    expect(page.get_by_text("The answer reached its length limit.")).to_be_visible()
    page.evaluate(WATCH)
    continue_button(page).click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    expect(answer(page)).to_have_attribute("data-status", "in_progress")
    page.wait_for_timeout(200)  # the connection to the reply has brought what was there
    gate.open()
    expect(completed(page)).to_contain_text("Second paragraph begins, and ends.")
    expect(completed(page).locator("em")).to_have_text("paragraph")
    expect(answer(page)).to_have_count(1)
    expect(page.locator(".versions")).to_have_count(0)
    expect(continue_button(page)).to_have_count(0)
    for seen in page.evaluate("seen"):
        assert seen.startswith("First paragraph.")
        assert "beg" in seen
        assert "|" not in seen  # never two answers
    page.reload()
    expect(answer(page)).to_have_count(1)
    expect(answer(page)).to_contain_text("Second paragraph begins, and ends.")


def test_a_stopped_answer_offers_to_go_on_or_to_begin_anew(page, scripted):
    scripted.enqueue("Some wor", asyncio.Event().wait)
    scripted.enqueue("ds")
    ask(page, "Hi")
    expect(page.get_by_text("Some wor")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Retry")).to_be_visible()
    continue_button(page).press("Enter")
    expect(completed(page).locator(".prose")).to_have_text("Some words")
    expect(field(page)).to_be_focused()


def test_a_failure_to_go_on_stands_in_the_same_place(page, scripted):
    scripted.enqueue("Some wor", LIMIT)
    scripted.enqueue(BackendError("The model is away."))
    scripted.enqueue("ds")
    ask(page, "Hi")
    continue_button(page).click()
    expect(page.get_by_text("The model is away.")).to_be_visible()
    expect(answer(page)).to_have_count(1)
    expect(answer(page).locator(".prose")).to_have_text("Some wor")
    expect(page.get_by_role("button", name="Retry")).to_be_visible()
    continue_button(page).click()
    expect(completed(page).locator(".prose")).to_have_text("Some words")


def test_what_was_typed_meanwhile_is_kept(page, scripted):
    gate = Gate()
    scripted.enqueue("Some wor", LIMIT)
    scripted.enqueue(gate, "ds")
    ask(page, "Hi")
    expect(continue_button(page)).to_be_visible()
    field(page).fill("my next question")
    continue_button(page).click()
    gate.open()
    expect(completed(page).locator(".prose")).to_have_text("Some words")
    expect(field(page)).to_have_value("my next question")


def test_who_began_it_goes_on_whatever_is_chosen_for_the_next_message(page, scripted, catalogue):
    scripted.enqueue("Some wor", LIMIT)
    scripted.enqueue("ds")
    ask(page, "Hi")
    expect(continue_button(page)).to_be_visible()
    page.locator("select[name=model]").select_option(str(catalogue["guide"].pk))
    continue_button(page).click()
    expect(completed(page).locator(".prose")).to_have_text("Some words")
    expect(page.locator("select[name=model]")).to_have_value(str(catalogue["guide"].pk))


def test_it_goes_on_without_javascript(visits, site, alice, cookies_of, scripted):
    scripted.enqueue("Some wor", LIMIT)
    scripted.enqueue("ds")
    page = cookies_of(visits.window(site, javascript=False), site, alice)
    page.goto("/")
    field(page).fill("Hi")
    page.get_by_role("button", name="Send").click()
    continue_button(page).click()
    expect(answer(page).locator(".prose")).to_have_text("Some words")
    expect(answer(page)).to_have_count(1)


def test_a_thumb_finds_both_ways_on_a_phone(visits, site, alice, cookies_of, scripted):
    scripted.enqueue(
        "word " * 40, BackendError("The connection to the model broke off. Try again, or go on from here.")
    )
    page = cookies_of(visits.window(site, viewport={"width": 390, "height": 844}, has_touch=True), site, alice)
    page.goto("/")
    field(page).fill("Hi")
    page.locator("[data-send]").click()
    expect(continue_button(page)).to_be_visible()
    for name in ("Continue", "Retry"):
        box = page.get_by_role("button", name=name).bounding_box()
        assert box["height"] >= 44
        assert box["x"] + box["width"] <= 390
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_server_that_went_comes_back_and_the_open_page_finds_its_answer(visits, tmp_path, how):
    port, gate = free_port(), threading.Event()
    with Upstream() as upstream:
        env = impatient(tmp_path, upstream.url)
        upstream.enqueue("Half an ans", HANG)
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
            expect(answer(page)).to_contain_text("Half an ans")
            page.wait_for_timeout(500)  # the clock has written it down
            site.signal(how)
            site.wait()
            expect(page.get_by_text("The connection is lost.")).to_be_visible()
        upstream.enqueue(gate, "wer, and the rest.")
        with served(env, tmp_path, port):
            expect(page.get_by_text("The answer was interrupted.").first).to_be_visible(timeout=40_000)
            expect(answer(page).locator(".prose")).to_have_text("Half an ans")
            expect(page.get_by_text("The connection is lost.")).to_be_hidden()
            expect(page.get_by_role("button", name="Retry")).to_be_visible()
            continue_button(page).click()
            gate.set()
            expect(completed(page)).to_contain_text("wer, and the rest.")
            expect(answer(page)).to_have_count(1)
            assert completed(page).locator(".prose").inner_text().startswith("Half an ans")
