"""Whoever works by keyboard is never thrown back to the start of the page: the focus has a place after every deed."""

from __future__ import annotations

import asyncio

import pytest
from playwright.sync_api import expect

from conversations.models import Folder
from tests.browser.test_page import FIELD, ask, conversation_of
from tests.test_organising import chats

# Of what has the focus: whether something else lies over all of it.
IS_COVERED = """() => {
    const one = document.activeElement, box = one.getBoundingClientRect();
    const x = Math.min(innerWidth - 1, Math.max(0, box.left + Math.min(box.width / 2, 20)));
    const isSeen = (part) => {
        const over = document.elementFromPoint(x, box.top + box.height * part);
        return over !== null && (one.contains(over) || over.contains(one) && !over.matches('.dock, .dock *, .header'));
    };
    return ![0.1, 0.5, 0.9].some(isSeen) && `${one.outerHTML.slice(0, 120)} at ${Math.round(box.top)}`;
}"""


@pytest.fixture
def page(visits, site, alice, cookies_of):
    return cookies_of(visits.window(site), site, alice)


def opened(page, url: str):
    page.goto(url)
    page.locator("body[data-listens]").wait_for()
    return page


def press(page, selector: str, key: str = "Enter") -> None:
    page.locator(selector).last.focus()
    page.keyboard.press(key)


def has_focus(page, selector: str) -> None:
    expect(page.locator(f"{selector}:focus")).to_have_count(1)


def choose(page, title: str, choice: str) -> None:
    page.locator("#sidebar .row", has_text=title).locator("[data-menu]").focus()
    page.keyboard.press("Enter")
    page.locator("#chat-menu").get_by_role("button", name=choice, exact=True).focus()
    page.keyboard.press("Enter")


def test_asking_stopping_retrying_editing_and_other_versions_keep_the_focus(page, scripted):
    opened(page, "/")
    scripted.enqueue("Endless ", asyncio.Event().wait)
    ask(page, "Go")
    expect(page.get_by_text("Endless")).to_be_visible()
    has_focus(page, FIELD)
    press(page, "[data-stop]")
    expect(page.locator("article.assistant[data-status=cancelled]")).to_be_visible()
    has_focus(page, FIELD)
    press(page, "[data-retry]:not([data-continue])")
    expect(page.locator("article.assistant[data-status=completed]")).to_be_visible()
    has_focus(page, FIELD)
    press(page, "[data-again]")
    has_focus(page, "[data-again-same]")
    page.keyboard.press("Escape")
    has_focus(page, "[data-again]")
    press(page, "[data-edit]")
    has_focus(page, "[data-edit-form] textarea")
    page.keyboard.type("!")
    page.keyboard.press("Enter")
    expect(page.locator(".message.user .versions")).to_contain_text("2/2")
    has_focus(page, FIELD)
    press(page, ".message.user [aria-label='Previous version']")
    expect(page.locator(".message.user .versions")).to_contain_text("1/2")
    has_focus(page, ".message.user")


def test_a_refused_stop_can_be_pressed_again_where_it_is(page, scripted):
    opened(page, "/")
    scripted.enqueue("Endless ", asyncio.Event().wait)
    ask(page, "Go")
    expect(page.get_by_text("Endless")).to_be_visible()
    page.route("**/stop/", lambda route: route.abort())
    press(page, "[data-stop]")
    expect(page.get_by_role("alert").filter(has_text="could not be stopped")).to_be_visible()
    has_focus(page, "[data-stop]")
    page.unroute("**/stop/")
    page.keyboard.press("Enter")
    expect(page.locator("article.assistant[data-status=cancelled]")).to_be_visible()


def test_order_among_the_chats_is_kept_without_losing_ones_place(page, alice):
    chats(alice, 4)
    Folder.objects.create(user=alice, name="Work")
    opened(page, "/")
    choose(page, "Chat 3", "Rename")
    page.keyboard.type("First")
    page.keyboard.press("Enter")
    has_focus(page, "#sidebar .row:has-text('First') [data-menu]")
    choose(page, "Chat 2", "Delete")
    has_focus(page, "#sidebar .row:has-text('Chat 1') .row-link")
    expect(page.locator(".toast", has_text="in the trash")).to_be_visible()
    press(page, "[data-undo] button")
    has_focus(page, "#sidebar .row:has-text('Chat 2') .row-link")
    choose(page, "Chat 2", "Move to a folder…")
    has_focus(page, "[data-dialog-frame] button:has-text('Work')")
    page.keyboard.press("Escape")
    has_focus(page, "#sidebar .row:has-text('Chat 2') [data-menu]")
    choose(page, "Chat 2", "Move to a folder…")
    page.locator("[data-dialog-frame]").get_by_role("button", name="Work").press("Enter")
    has_focus(page, "#sidebar .row:has-text('Chat 1') [data-menu]")
    press(page, "a[data-dialog]")
    page.locator("[data-dialog-frame] input[name=name]").fill("Work")
    page.keyboard.press("Enter")
    expect(page.locator("[data-dialog-frame] .field-error")).to_be_visible()
    has_focus(page, "[data-dialog-frame] input[name=name]")


def test_what_is_undone_by_its_key_is_undone_nowhere_else(page, alice):
    chats(alice, 2)
    opened(page, "/")
    choose(page, "Chat 1", "Archive")
    expect(page.locator(".toast")).to_have_count(1)
    page.fill(FIELD, "typed")
    page.keyboard.type(" more")
    page.keyboard.press("Control+z")
    expect(page.locator(FIELD)).not_to_have_value("typed more")
    expect(page.locator("#sidebar .row[data-conversation]")).to_have_count(1)
    page.locator("#sidebar .row-link").last.focus()
    page.keyboard.press("Control+z")
    expect(page.locator("#sidebar .row[data-conversation]")).to_have_count(2)


def test_after_a_deed_on_many_one_goes_on_at_its_notice_which_waits(page, alice):
    chats(alice, 3)
    opened(page, "/c/")
    for place in (0, 1):
        page.locator("[data-rows] input[type=checkbox]").nth(place).press("Space")
    press(page, "[data-actions] [value=archive]")
    has_focus(page, ".toast")
    state = page.locator(".toast").evaluate("e => e.getAnimations().map(one => one.playState)")
    assert state == ["paused"]
    page.keyboard.press("Tab")
    has_focus(page, "[data-undo] button")
    page.keyboard.press("Enter")
    expect(page.locator("[data-rows] .row")).to_have_count(3)


@pytest.mark.parametrize(
    ("opener", "inside"),
    [
        ("[data-settings-open]", "dialog[data-settings] [data-close]"),
        ("[data-search-open]", "dialog[data-search] [role=combobox]"),
        ("[popovertarget=person-menu]", None),
        ("[data-compare-button]", None),
        ("#sidebar a[data-dialog]", "[data-dialog-frame] input[name=name]"),
        ("#sidebar .row[data-conversation] [data-menu]", "#chat-menu [data-choose=rename]"),
    ],
)
def test_what_is_closed_gives_the_focus_back_to_what_opened_it(page, alice, opener, inside):
    chats(alice, 1)
    opened(page, "/")
    press(page, opener)
    has_focus(page, inside or opener)
    if not inside:
        page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    has_focus(page, opener)


def test_what_has_the_focus_is_never_under_the_header_or_the_composer(page, alice):
    answer = (
        "A [link](https://example.org/).\n\n```python\nprint('hello')\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nEnd."
    )
    chat = conversation_of(alice, *["A question", answer] * 4)
    chats(alice, 30)
    page.set_viewport_size({"width": 1280, "height": 600})
    opened(page, f"/c/{chat.pk}/")
    hidden = walk(page, "Shift+Tab", 45) + walk(page, "Tab", 45)
    opened(page, "/c/")
    page.locator("[data-rows] a.row-link").last.focus()
    assert hidden + walk(page, "Shift+Tab", 60) == []


def walk(page, key: str, steps: int) -> list[str]:
    found = []
    for _ in range(steps):
        page.keyboard.press(key)
        found.append(page.evaluate(IS_COVERED))
    return [one for one in found if one]
