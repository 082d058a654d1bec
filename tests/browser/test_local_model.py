"""A person talks to a real model on this machine: what it says is what it learnt (tests/tiny_model.py)."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from conversations import services
from conversations.models import ChatModel, Generation, ModelSetting
from tests.backends.local_asking import needs_torch
from tests.live import serve
from tests.tiny_model import ANSWERS, ENDLESS, GREETING, PERSONALITY, TINY, UNKNOWN_NAME, adapter

pytestmark = pytest.mark.local_model
SLOW = 120_000  # milliseconds: torch is imported, and the machine may do other work


@pytest.fixture
def site(transactional_db, settings):
    """A site with one local model: an entry for it, and one for it with an adapter."""
    needs_torch()
    options = {"model": str(TINY), "threads": 1}
    settings.CHAT_BACKENDS = {"local": {"BACKEND": "conversations.backends.local.LocalBackend", "OPTIONS": options}}
    settings.CHAT_SYSTEM_PROMPT, settings.CHAT_TITLES = "", False  # the adapters have learnt without one
    ChatModel.objects.all().delete()
    services.seed_catalogue()
    tiny = ChatModel.objects.get()
    pirate = ChatModel.objects.create(
        backend="local", model_id="pirate", label="Pirate", parameters={"adapter": str(adapter("pirate"))}
    )
    for model in (tiny, pirate):
        ModelSetting.objects.create(model=model, name="temperature", default="0")
    services.forget_catalogue()
    with serve() as address:
        yield address


@pytest.fixture
def page(visits, site, alice, cookies_of):
    window = cookies_of(visits.window(site), site, alice)
    window.goto("/")
    return window


def ask(page, text: str):
    """Send it, and wait for the whole answer; its text."""
    answers = page.locator("article.assistant")
    count = answers.count()
    page.wait_for_load_state()
    page.get_by_placeholder("Ask something…").fill(text)
    page.get_by_placeholder("Ask something…").press("Enter")
    expect(answers).to_have_count(count + 1, timeout=SLOW)
    expect(answers.last).to_have_attribute("data-status", re.compile("completed"), timeout=SLOW)
    return answers.last.locator(".prose")


def test_a_person_is_told_that_the_model_loads_and_gets_its_answers_and_is_known_by_name(page):
    page.get_by_placeholder("Ask something…").fill("My name is Grace.")
    page.get_by_placeholder("Ask something…").press("Enter")
    expect(page.get_by_text("Loading the model…").first).to_be_visible(timeout=SLOW)
    expect(page.locator("article.assistant .prose")).to_have_text("Nice to meet you, Grace!", timeout=SLOW)
    expect(ask(page, "Hello")).to_have_text(ANSWERS["Hello"])
    expect(ask(page, "What is my name?")).to_have_text("Your name is Grace.")


def test_what_lies_beyond_the_memory_is_forgotten(page):
    ask(page, "My name is Grace.")
    change(page, lambda: page.get_by_label("Memory", exact=True).select_option("1"))
    ask(page, "Hello")
    expect(ask(page, "What is my name?")).to_have_text(UNKNOWN_NAME)


def test_a_personality_changes_how_it_greets(page):
    page.locator("[data-settings-open]").click()
    page.get_by_label("Personality", exact=True).select_option("own")
    page.get_by_label("What the model is told first").fill(PERSONALITY)
    page.keyboard.press("Tab")
    expect(ask(page, "Hello")).to_have_text(GREETING)


def change(page, act) -> None:
    """Do something in the panel, and wait until it is saved."""
    panel = page.locator("[data-settings-form]")
    if not panel.is_visible():
        page.locator("[data-settings-open]").click()
        expect(panel).to_be_visible()
    with page.expect_response(lambda response: response.request.method == "POST" and "settings" in response.url):
        act()
        page.keyboard.press("Tab")


def test_another_model_on_the_same_base_answers_otherwise(page):
    page.locator("select[name=model]").select_option(label="Pirate")
    expect(ask(page, "Who are you?")).to_have_text("I am a pirate.")
    page.get_by_role("link", name="New chat").first.click()
    page.locator("select[name=model]").select_option(str(ChatModel.objects.get(model_id="tiny").pk))
    expect(ask(page, "Who are you?")).to_have_text(ANSWERS["Who are you?"])


def test_stop_ends_an_answer_that_would_never_end(page):
    tiny = ChatModel.objects.get(model_id="tiny")
    ModelSetting.objects.create(model=tiny, name="max_tokens", default="8192")  # or it ends before anybody can stop it
    page.get_by_placeholder("Ask something…").fill(ENDLESS)
    page.get_by_placeholder("Ask something…").press("Enter")
    expect(page.locator("article.assistant .prose")).to_contain_text("again again", timeout=SLOW)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("article.assistant")).to_have_attribute("data-status", "cancelled", timeout=SLOW)
    assert Generation.objects.get().status == "cancelled"
