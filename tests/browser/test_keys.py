"""The site by keyboard: shortcuts, the dialog that tells them, and the palette of commands."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from conversations import services

FIELD = "[data-composer] textarea"


@pytest.fixture
def page(visits, site, alice, cookies_of, scripted):
    services.create(alice, title="Trips to Đà Nẵng")
    window = cookies_of(visits.window(site), site, alice)
    window.goto("/")
    return listening(window)


def listening(window):
    """Once shortcuts count; their code comes right after the page."""
    window.locator("body[data-listens]").wait_for()
    return window


def send(page, text: str) -> None:
    page.locator(FIELD).fill(text)
    page.keyboard.press("Enter")
    expect(page.locator("article.assistant[data-status=completed]").last).to_be_visible()


def test_the_palette_leads_to_a_chat_that_is_typed_without_accents(page):
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="Search chats and commands")
    expect(field).to_be_focused()
    field.press_sequentially("da nang")
    expect(page.get_by_role("option", name="Trips to Đà Nẵng")).to_have_attribute("aria-selected", "true")
    expect(page.locator("[data-palette]").get_by_role("option")).to_have_count(2)  # the other searches all messages
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Trips to Đà Nẵng")).to_be_visible()


def test_arrows_lead_through_the_palette_and_escape_gives_the_message_back(page):
    page.locator(FIELD).fill("Half a thought")
    page.keyboard.press("Control+k")
    first = page.locator("[data-palette] [aria-selected=true]")
    expect(first).to_have_text(re.compile("New chat"))
    expect(page.get_by_role("option", name="Stop the answer")).to_be_hidden()  # there is none
    page.keyboard.press("ArrowDown")
    expect(first).not_to_have_text(re.compile("New chat"))
    page.locator(".palette-field").press_sequentially("qqqq")
    expect(first).to_have_text(re.compile("Search in all messages"))
    page.keyboard.press("Escape")
    expect(page.locator(FIELD)).to_be_focused()
    expect(page.locator(FIELD)).to_have_value("Half a thought")


def test_pages_of_the_persons_menu_can_be_reached_from_it(page):
    page.keyboard.press("Control+k")
    page.locator(".palette-field").press_sequentially("personas")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Personas")).to_be_visible()


def test_shortcuts_edit_copy_and_begin_anew(page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    send(page, "Hello")
    page.keyboard.press("Control+Shift+c")
    page.wait_for_function("async () => (await navigator.clipboard.readText()).length > 0")
    page.keyboard.press("Control+Shift+e")
    expect(page.locator("article.user textarea")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+Shift+o")
    expect(page.locator(".greeting")).to_be_visible()


def test_escape_stops_the_answer(page, scripted):
    import asyncio

    scripted.enqueue("Endless ", asyncio.Event().wait)
    page.locator(FIELD).fill("Go")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Endless")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("article.assistant[data-status=cancelled]")).to_be_visible()


def test_the_shortcuts_are_told_in_a_dialog_and_on_a_page(page, visits, site, alice, cookies_of):
    page.keyboard.press("Control+/")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog.get_by_text("Copy the last answer")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    plain = cookies_of(visits.window(site, javascript=False), site, alice)
    plain.goto("/keys/")
    expect(plain.get_by_text("Copy the last answer")).to_be_visible()


def test_what_fits_no_command_is_searched_in_all_messages(page):
    page.keyboard.press("Control+k")
    page.locator(".palette-field").press_sequentially("bánh mì")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/search/\?q=b%C3%A1nh%20m%C3%AC$"))
    expect(page.get_by_label("Search titles and messages")).to_have_value("bánh mì")
