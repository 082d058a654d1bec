"""A slash in the composer calls saved prompts, by keyboard and by finger."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from conversations import services

FIELD = "[data-composer] textarea"


@pytest.fixture
def page(visits, site, alice, cookies_of):
    services.save_prompt(alice, name="Thư xin nghỉ", text="Viết thư xin nghỉ phép, ngắn gọn.")
    services.save_prompt(alice, name="summary", text="Summarize this in three sentences:")
    window = cookies_of(visits.window(site), site, alice)
    window.goto("/")
    return window


def test_a_slash_lists_them_and_enter_takes_one_without_sending(page):
    page.locator(FIELD).press_sequentially("/thu")
    option = page.get_by_role("option", name="/thư-xin-nghỉ")
    expect(option).to_be_visible()
    expect(page.get_by_role("option", name="/summary")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page.locator(FIELD)).to_have_value("Viết thư xin nghỉ phép, ngắn gọn.")
    expect(page.locator(FIELD)).to_be_focused()
    expect(page.locator("[data-messages] article")).to_have_count(0)


def test_escape_leaves_the_slash_for_what_is_no_prompt(page):
    field = page.locator(FIELD)
    field.press_sequentially("/")
    expect(page.get_by_role("listbox", name="Prompts").get_by_role("option")).to_have_count(2)
    page.keyboard.press("Escape")
    expect(page.get_by_role("option", name="/summary")).to_be_hidden()
    field.press_sequentially("etc/hosts")
    expect(page.locator("#prompt-menu")).to_be_hidden()
    expect(field).to_have_value("/etc/hosts")


def test_it_is_chosen_by_a_tap_too(page):
    page.locator(FIELD).press_sequentially("/")
    page.get_by_role("option", name="/summary").click()
    expect(page.locator(FIELD)).to_have_value("Summarize this in three sentences:")
