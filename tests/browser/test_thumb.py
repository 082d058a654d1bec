"""The site by thumb: the flows of a day on a phone of 390 px, with taps alone."""

from __future__ import annotations

import asyncio

import pytest
from playwright.sync_api import expect

from conversations import services
from tests.browser.test_any_size import PHONE
from tests.browser.test_sidebar import folder, row, toast
from tests.browser.test_tired import completed, field
from tests.browser.test_turns import answers, questions


@pytest.fixture
def phone(visits, site, alice, cookies_of):
    services.create(alice, title="Trips to Đà Nẵng")
    phone = cookies_of(visits.window(site, **PHONE), site, alice)
    phone.goto("/")
    return phone


def send(phone, text: str) -> None:
    field(phone).tap()
    field(phone).fill(text)
    phone.get_by_role("button", name="Send").tap()


def open_drawer(phone) -> None:
    phone.get_by_role("button", name="Open the sidebar").filter(visible=True).tap()


def choose(phone, title: str, choice: str) -> None:
    row(phone, title).locator("[data-menu]").tap()
    phone.locator("#chat-menu").get_by_role("button", name=choice, exact=True).tap()


def test_a_chat_is_led_from_the_first_message_to_a_new_chat(phone, scripted):
    send(phone, "one")
    expect(completed(phone)).to_have_count(1)
    scripted.enqueue("Endless ", asyncio.Event().wait)
    send(phone, "two")
    expect(phone.get_by_text("Endless")).to_be_visible()
    phone.locator("[data-stop]").tap()
    expect(phone.locator("article.assistant[data-status=cancelled]")).to_have_count(1)
    questions(phone).last.get_by_role("link", name="Edit and send again").tap()
    box = questions(phone).last.get_by_role("textbox", name="Your message")
    box.fill("three")
    questions(phone).last.get_by_role("button", name="Send").tap()
    expect(completed(phone)).to_have_count(2)
    phone.get_by_role("button", name="Previous version").tap()
    expect(questions(phone).last).to_contain_text("two")
    phone.get_by_role("button", name="Next version").tap()
    expect(questions(phone).last).to_contain_text("three")
    answers(phone).last.get_by_role("button", name="Good answer").tap()
    expect(answers(phone).last.get_by_role("button", name="Good answer")).to_have_attribute("aria-pressed", "true")
    expect(phone.locator("[data-feedback-form]")).to_be_visible()  # it comes after a moment, and moves what is above it
    phone.get_by_role("button", name="Take back").tap()
    expect(questions(phone)).to_have_count(1)
    phone.locator("[data-clear]").tap()
    expect(questions(phone)).to_have_count(0)
    phone.get_by_role("button", name="Bring it back").tap()
    expect(questions(phone).first).to_contain_text("one")
    open_drawer(phone)
    phone.locator("[data-new-chat]").filter(visible=True).first.tap()
    expect(questions(phone)).to_have_count(0)
    expect(field(phone)).to_be_visible()


def test_chats_are_put_in_order(phone):
    open_drawer(phone)
    choose(phone, "Trips to Đà Nẵng", "Pin")
    expect(phone.locator("[data-pins] .row")).to_have_count(1)
    choose(phone, "Trips to Đà Nẵng", "Unpin")
    expect(phone.locator("[data-pins]")).to_have_count(0)
    choose(phone, "Trips to Đà Nẵng", "Move to a folder…")
    phone.get_by_role("dialog").get_by_label("Or a new folder").fill("Huế")
    phone.get_by_role("dialog").get_by_role("button", name="Move").tap()
    toast(phone).filter(has_text="Huế").get_by_role("button", name="Undo").tap()
    expect(phone.locator("[data-recent] .row")).to_have_count(1)
    open_drawer(phone)  # what is tapped beside it closes it
    expect(folder(phone, "Huế")).to_be_visible()
    choose(phone, "Trips to Đà Nẵng", "Delete")
    expect(phone.locator("[data-recent] .row")).to_have_count(0)
    toast(phone).filter(has_text="in the trash").get_by_role("button", name="Undo").tap()
    open_drawer(phone)
    expect(row(phone, "Trips to Đà Nẵng")).to_be_visible()


def test_a_chat_is_found_and_shared_and_the_site_made_dark(phone):
    open_drawer(phone)
    phone.locator("[data-search-open]").tap()
    phone.get_by_role("combobox", name="Search").fill("da nang")
    phone.get_by_role("option").filter(has_text="Trips to").tap()
    send(phone, "Tell me of the sea")
    expect(completed(phone)).to_have_count(1)
    phone.locator(".header [data-menu]").tap()
    phone.locator("#chat-menu").get_by_role("link", name="Share", exact=True).tap()
    phone.get_by_role("button", name="Make a link").tap()
    expect(phone.get_by_role("textbox", name="Link to “")).to_be_visible()
    phone.goto("/accounts/preferences/")
    phone.get_by_label("Dark").tap()
    phone.get_by_role("button", name="Save").first.tap()
    expect(phone.locator("html")).to_have_attribute("data-theme", "dark")
