"""Searching as a person does: typing, going by keys, on a phone, without a script; and arriving at the message."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from conversations import services
from conversations.models import Folder
from conversations.types import Message

PHONE = {"viewport": {"width": 390, "height": 800}, "is_mobile": True, "has_touch": True}
HOSTILE = "<img src=x onerror=alert(1)> walrus <b>bold</b>"


@pytest.fixture
def chats(alice, catalogue):
    """A long chat with two versions of an answer, the one with the octopus not shown; and a few others."""
    long = services.create(alice, title="Sea animals", model=catalogue["scripted"])
    said, parent = [], None
    for number in range(80):
        said.append(Message("assistant" if number % 2 else "user", f"Line {number} of much text.", parent_id=parent))
        parent = said[-1].id
    other = Message("assistant", "In the other version there was an octopus.", parent_id=said[2].id)
    services.store(long, *said, other)
    food = services.create(alice, title="Công thức nấu phở", model=catalogue["guide"])
    services.store(food, Message("user", f"Nước dùng phở bò. {HOSTILE}"))
    return {"long": long, "food": food, "octopus": other.id, "line": said[4].id}


@pytest.fixture
def page(visits, site, alice, cookies_of, chats):
    window = cookies_of(visits.window(site), site, alice)
    window.goto("/")
    return window


def field(page):
    return page.get_by_role("combobox", name="Search titles and messages")


def hits(panel):
    return panel.locator("[role=option]")  # those of the filters' selects are options, too


def opened(page):
    page.get_by_role("link", name="Search chats").click()
    expect(field(page)).to_be_focused()
    return page.get_by_role("dialog", name="Search chats")


def test_typing_finds_titles_and_messages_and_says_how_many(page, chats):
    panel = opened(page)
    expect(panel.get_by_role("option", name="Sea animals")).to_be_visible()  # a recent chat
    page.keyboard.type("pho")
    expect(panel.get_by_role("group", name="Chats", exact=True).get_by_role("option")).to_contain_text(
        "Công thức nấu phở"
    )
    expect(panel.locator("mark").first).to_have_text("phở")
    expect(panel.get_by_role("status")).to_have_text("2 results")
    expect(hits(panel).nth(1)).to_contain_text(HOSTILE)
    page.keyboard.type("nix")
    expect(panel.get_by_role("status")).to_contain_text("Nothing was found")


def test_the_keys_choose_and_enter_leads_to_the_very_message_on_another_branch(page, chats):
    opened(page)
    page.keyboard.type("octop")
    expect(field(page)).to_have_attribute("aria-activedescendant", "search-hit-1")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/c/{chats['long'].pk}/**")
    expect(page.locator(f"#m-{chats['octopus']}")).to_be_in_viewport()


def test_arrows_go_through_the_list_and_escape_gives_the_focus_back(page, chats):
    panel = opened(page)
    page.keyboard.type("line 1")
    expect(hits(panel).first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    expect(hits(panel).nth(1)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(page.locator("[data-search-open]")).to_be_focused()
    opened(page)
    expect(field(page)).to_have_value("line 1")  # where one was


def test_a_message_far_up_in_a_long_chat_is_shown(page, chats):
    opened(page)
    page.keyboard.type('"line 4"')
    page.keyboard.press("ArrowDown")
    page.get_by_role("option", name="Line 4 of much text").click()
    expect(page.locator(f"#m-{chats['line']}")).to_be_in_viewport()


def test_filters_narrow_what_is_found(page, alice, chats):
    folder = Folder.objects.create(user=alice, name="Kitchen")
    chats["food"].folder = folder
    chats["food"].save(update_fields=["folder"])
    panel = opened(page)
    page.keyboard.type("line")
    expect(hits(panel).first).to_be_visible()
    panel.get_by_text("Filters").click()
    panel.get_by_label("Folder").select_option("Kitchen")
    expect(panel.get_by_role("status")).to_contain_text("with these filters")
    panel.get_by_label("Folder").select_option("Any folder")
    panel.get_by_label("Model").select_option(label="Guide")
    expect(panel.get_by_role("status")).to_contain_text("with these filters")


def test_the_page_works_without_a_script(visits, site, alice, cookies_of, chats):
    window = cookies_of(visits.window(site, javascript=False), site, alice)
    window.goto("/")
    window.get_by_role("link", name="Search chats").click()
    window.get_by_role("searchbox").fill("walrus")
    window.get_by_role("button", name="Search", exact=True).click()
    expect(window.get_by_role("main")).to_contain_text("1 result")
    window.get_by_role("main").get_by_role("link").filter(has_text="walrus").click()
    assert urlsplit(window.url).path == f"/c/{chats['food'].pk}/"


def test_on_a_phone_it_fills_the_page_and_scrolls_nothing_sideways(visits, site, alice, cookies_of, chats):
    phone = cookies_of(visits.window(site, **PHONE), site, alice)
    phone.goto("/")
    phone.get_by_role("button", name="Open the sidebar").first.tap()
    phone.get_by_role("link", name="Search chats").tap()
    field(phone).fill("line")
    expect(phone.get_by_role("dialog").get_by_role("status")).to_contain_text("results")
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
    box = phone.locator("dialog[data-search]").bounding_box()
    assert (box["width"], box["x"]) == (390, 0)
    for hit in hits(phone).all():
        assert hit.bounding_box()["height"] >= 44
    phone.get_by_role("dialog").get_by_role("button", name="Close").tap()
    expect(phone.locator("dialog[data-search]")).to_be_hidden()


def test_a_lost_connection_is_told_and_the_panel_goes_on_afterwards(page, chats):
    panel = opened(page)
    page.route("**/search/?**", lambda route: route.abort())
    page.keyboard.type("walrus")
    expect(panel.get_by_role("status")).to_contain_text("The site did not answer")
    page.unroute("**/search/?**")
    page.keyboard.type(" ")
    expect(panel.get_by_role("status")).to_have_text(re.compile("1 result"))
