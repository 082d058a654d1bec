"""The content filter as people and administrators meet it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from chatsite.moderation import compiling, lists
from chatsite.moderation.filtering import MASK
from chatsite.moderation.hits import recorder
from chatsite.moderation.models import TermList
from conversations import services
from tests.helpers import Gate
from tests.moderation.conftest import listed

FIELD = "textarea[name=content]"


@pytest.fixture(autouse=True)
def _our_words(transactional_db, monkeypatch):
    monkeypatch.setattr(compiling, "PATIENCE", 30.0)
    TermList.objects.all().delete()
    listed("damn")
    listed("secret plan", action="refuse")
    lists.forget()


@pytest.fixture
def page(visits, site, alice, cookies_of):
    window = cookies_of(visits.window(site), site, alice)
    window.goto("/")
    return window


def send(page, text):
    page.fill(FIELD, text)
    page.press(FIELD, "Enter")


def test_a_refused_message_stays_in_the_composer_with_a_sentence(page):
    send(page, "Tell me the secret plan, please")
    expect(page.locator("#composer-error")).to_contain_text("This site does not take messages with “secret plan”.")
    expect(page.locator(FIELD)).to_have_value("Tell me the secret plan, please")
    expect(page.locator(".message.user")).to_have_count(0)
    send(page, "Tell me the plan, please")
    expect(page.locator("article.assistant[data-status=completed]")).to_be_visible()
    expect(page.locator("#composer-error")).to_be_empty()


def test_without_javascript_a_refused_message_stays_as_well(visits, site, alice, cookies_of):
    page = cookies_of(visits.window(site, javascript=False), site, alice)
    page.goto("/")
    page.fill(FIELD, "the secret plan")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("This site does not take messages with “secret plan”.")).to_be_visible()
    expect(page.locator(FIELD)).to_have_value("the secret plan")


def test_what_is_masked_is_so_in_the_message_and_in_the_answer_at_once_and_after_a_reload(page, scripted):
    gate = Gate()
    scripted.enqueue("Well, da", gate.wait, "mn it, **damn** it")
    send(page, "Oh damn")
    expect(page.locator(".message.user:not(.is-pending) .bubble")).to_have_text(f"Oh {MASK * 4}")
    prose = page.locator("article.assistant .prose")
    expect(prose).to_have_text("Well,")
    gate.open()
    for _time in range(2):
        expect(page.locator("article.assistant[data-status=completed]")).to_be_visible()
        expect(prose).to_have_text(f"Well, {MASK * 4} it, {MASK * 4} it")
        expect(prose.locator("strong")).to_have_text(MASK * 4)
        expect(page.locator(".bubble")).to_have_text(f"Oh {MASK * 4}")
        page.reload()


def test_an_answer_that_is_stopped_keeps_what_was_shown_and_can_be_asked_for_again(page, alice, scripted):
    scripted.enqueue("First we meet. ", "The secret", " plan is", " to win")
    send(page, "Go on")
    reply = page.locator("article.assistant[data-status=failed]")
    expect(reply.locator(".message-error")).to_contain_text("The answer was stopped by this site's content filter.")
    expect(reply.locator(".prose")).to_have_text("First we meet. The")
    expect(page.get_by_role("button", name="Continue")).to_have_count(0)
    assert "secret" not in services.read(services.latest(alice)).branch()[-1].content
    scripted.enqueue("I cannot say.")
    reply.get_by_role("button", name="Retry").click()
    expect(page.locator("article.assistant[data-status=completed] .prose")).to_have_text("I cannot say.")


def test_an_administrator_lists_a_word_tries_it_and_it_counts(visits, site, admin, cookies_of):
    page = cookies_of(visits.window(site), site, admin)
    page.goto("/admin/")
    page.get_by_role("link", name="Lists").first.click()
    page.get_by_role("link", name="Add list").click()
    page.get_by_label("Name:").fill("Our secrets")
    page.get_by_role("button", name="Save and continue editing").click()
    page.get_by_role("link", name="Import").click()
    page.get_by_label("Lines:").fill("Project Zebra\nProject Yak | flag")
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_text("2 lines were read: 2 entries are new")).to_be_visible()
    page.get_by_role("link", name="Try a text").click()
    page.get_by_label("Text:").fill("When does project zebra begin, and Project Yak?")
    page.get_by_role("button", name="Try").click()
    result = page.get_by_role("status")
    expect(result).to_contain_text(f"When does {MASK * 7} {MASK * 5} begin, and Project Yak?")
    expect(result.get_by_role("row")).to_have_count(3)
    page.goto("/")
    send(page, "About PROJECT ZEBRA")
    expect(page.locator(".message.user:not(.is-pending) .bubble")).to_have_text(f"About {MASK * 7} {MASK * 5}")
    assert recorder.wait(10)
    page.goto("/admin/moderation/hit/")
    expect(page.locator("#result_list")).to_contain_text("Project Zebra")
