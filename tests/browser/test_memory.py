"""What the model remembers, as a person sees it: the line where its memory begins, and how full its context is."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from conversations import services
from conversations.models import ChatModel, Conversation, Generation
from conversations.services import forget_catalogue
from conversations.types import Message
from tests.browser.test_main_job import ask
from tests.helpers import Gate

STORY = "The ferry came in late and nobody looked up. " * 10  # about 100 tokens
LINE = "The model remembers from here"


def resize(size: int | None, **model) -> None:
    ChatModel.objects.filter(**(model or {"backend": "scripted"})).update(context_size=size)
    forget_catalogue()


@pytest.fixture
def page(visits, site, alice, cookies_of):
    page = cookies_of(visits.window(site), site, alice)
    page.goto("/")
    return page


def talk(page, *texts: str) -> None:
    for text in texts:
        count = page.locator("article.assistant").count()
        ask(page, text)
        expect(page.locator("article.assistant:not(.is-pending)")).to_have_count(count + 1)
        expect(page.locator("article.assistant").last).to_have_attribute("data-status", "completed")


def first_remembered(page):
    return page.locator("[data-memory-begins] + article .bubble")


def meter(page):
    return page.get_by_role("button", name=re.compile("context is"))


def test_the_line_stands_before_the_third_last_turn_live_and_after_a_reload(page):
    talk(page, "one", "two", "three")
    expect(page.get_by_role("button", name=LINE)).to_have_count(0)
    talk(page, "four")
    expect(first_remembered(page)).to_have_text("two")
    talk(page, "five")
    expect(first_remembered(page)).to_have_text("three")
    expect(page.get_by_role("button", name=LINE)).to_have_count(1)
    page.reload()
    expect(first_remembered(page)).to_have_text("three")


def test_the_line_says_what_to_do_about_it_by_mouse_and_keyboard(page):
    talk(page, "one", "two", "three", "four")
    page.get_by_role("button", name=LINE).click()
    expect(page.get_by_text("Your next message takes the last 3 turns of this chat along")).to_be_visible()
    expect(page.get_by_text("One older turn is left out, because of the memory set")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_text("One older turn is left out, because of the memory set")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page.get_by_text("One older turn is left out, because of the memory set")).to_be_visible()


def test_while_an_answer_is_written_its_turn_is_one_of_those_remembered(page, scripted):
    gate = Gate()
    talk(page, "one", "two", "three")
    scripted.enqueue("Well ", gate.wait, "then")
    ask(page, "four")
    expect(page.locator("article.assistant").last.locator(".prose")).to_have_text("Well")
    expect(first_remembered(page)).to_have_text("two")
    page.reload()
    expect(first_remembered(page)).to_have_text("two")
    gate.open()
    expect(page.locator("article.assistant").last).to_have_attribute("data-status", "completed")
    expect(first_remembered(page)).to_have_text("two")


def test_each_branch_has_its_own_line(page):
    talk(page, "one", "two", "three", "four")
    conversation = Conversation.objects.get()
    question = services.read(conversation).branch()[0]
    services.store(conversation, Message("assistant", "another", parent_id=question.id))
    page.reload()
    page.locator("article.assistant").first.get_by_role("button", name="Next version").click()
    expect(page.locator("article")).to_have_count(2)
    expect(page.get_by_role("button", name=LINE)).to_have_count(0)
    talk(page, "five", "six", "seven")
    expect(first_remembered(page)).to_have_text("five")
    page.locator("article.assistant").first.get_by_role("button", name="Previous version").click()
    expect(first_remembered(page)).to_have_text("two")


def test_the_memory_of_the_chat_moves_the_line(page):
    talk(page, "one", "two", "three")
    Conversation.objects.update(options={"memory": 1})
    page.reload()
    expect(first_remembered(page)).to_have_text("three")
    page.get_by_role("button", name=LINE).click()
    expect(page.get_by_text("Your next message takes the last turn of this chat along")).to_be_visible()
    Conversation.objects.update(options={"memory": 0})
    page.reload()
    expect(page.get_by_role("button", name=LINE)).to_have_count(0)


def test_the_line_leads_to_the_settings_and_moves_as_they_change(page):
    talk(page, "one", "two", "three", "four")
    page.get_by_role("button", name=LINE).click()
    page.get_by_role("link", name="Open the settings").click()
    page.get_by_label("Memory", exact=True).select_option("1")
    expect(first_remembered(page)).to_have_text("four")
    page.get_by_label("Memory", exact=True).select_option("0")
    expect(page.get_by_role("button", name=LINE)).to_have_count(0)


def test_the_meter_grows_with_the_chat_live_and_says_about_what(page):
    resize(4096)
    page.reload()
    expect(meter(page)).to_have_count(0)
    talk(page, STORY)
    expect(meter(page)).to_have_accessible_name(re.compile(r"about 6% full"))
    talk(page, STORY)
    expect(meter(page)).to_have_accessible_name(re.compile(r"about 12% full"))
    meter(page).click()
    expect(page.get_by_text(re.compile(r"^About [45]\d0 of 4,096 tokens$"))).to_be_visible()
    expect(page.get_by_text("Your next message takes this whole chat along.")).to_be_visible()
    shown = meter(page).text_content().strip()
    page.reload()
    expect(meter(page)).to_have_text(shown)


def test_no_meter_where_nobody_knows_the_size(page):
    talk(page, "one")
    expect(meter(page)).to_have_count(0)


def test_turns_that_have_no_room_are_left_out_and_the_line_says_why(page):
    resize(1000)
    talk(page, *(f"{i} {STORY}" for i in range(3)))
    expect(first_remembered(page)).to_contain_text("2 The ferry")
    page.get_by_role("button", name=LINE).click()
    words = page.get_by_text("There is no room for 2 more turns in “Scripted”")
    expect(words).to_be_visible()


def test_another_model_has_another_context(page):
    resize(2048)
    ChatModel.objects.create(backend="scripted", model_id="large", label="Large", context_size=131_072, order=200)
    forget_catalogue()
    page.reload()
    talk(page, STORY, STORY)
    expect(meter(page)).to_have_accessible_name(re.compile(r"about 2\d% full"))
    page.get_by_label("Model", exact=True).select_option(label="Large")
    expect(meter(page)).to_have_accessible_name(re.compile(r"about 1% full"))


def test_a_message_that_cannot_fit_is_refused_and_its_text_stays(page, alice):
    resize(1000)
    ChatModel.objects.create(backend="scripted", model_id="large", label="Large", context_size=131_072, order=200)
    forget_catalogue()
    page.reload()
    ask(page, STORY * 10)
    alert = page.get_by_role("alert").filter(has_text="This message has about")
    expect(alert).to_contain_text("but “Scripted” has room for only about")
    expect(alert).to_contain_text("Shorten it, or choose “Large”, which has room for it.")
    expect(page.get_by_placeholder("Ask something…")).to_have_value(STORY * 10)
    expect(page.locator("article")).to_have_count(0)
    assert not Generation.objects.exists()
    page.get_by_label("Model", exact=True).select_option(label="Large")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("article.assistant")).to_have_attribute("data-status", "completed")


def test_all_of_it_works_without_javascript(visits, site, alice, cookies_of):
    resize(1000)
    page = cookies_of(visits.window(site, javascript=False), site, alice)
    page.goto("/")
    for text in ("one", "two", "three", "four"):
        page.get_by_placeholder("Ask something…").fill(text)
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_role("button", name="Send")).to_be_visible()
    expect(first_remembered(page)).to_have_text("two")
    meter(page).click()
    expect(page.get_by_text(re.compile(r"^About \d+ of 1,000 tokens$"))).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_placeholder("Ask something…").fill(STORY * 10)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("alert").filter(has_text="This message has about")).to_contain_text("Shorten it.")
    expect(page.get_by_placeholder("Ask something…")).to_have_value(STORY * 10)
    expect(first_remembered(page)).to_have_text("two")
