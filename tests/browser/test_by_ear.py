"""What a screen reader says: controls by their names, headings in order, an answer announced but not spelled out."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from playwright.sync_api import expect

from conversations import services
from conversations.errors import BackendError
from conversations.models import Folder
from tests.browser.test_page import FIELD, ask, conversation_of

ANSWER = "# Top\n\n## Below\n\nA [link](https://example.org/).\n\n```python\nx\n```\n\n| a |\n|---|\n| 1 |\n\nEnd."
CONTROLS = (
    "button|link|textbox|combobox|checkbox|radio|slider|searchbox|option|spinbutton|switch|listbox|dialog|navigation"
)
NAMELESS = re.compile(rf"^\s*- (?:{CONTROLS})(?![^\n]*\")[^\n]*", re.MULTILINE)
LEVELS = """() => [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].filter(one => one.checkVisibility())
    .map(one => Number(one.getAttribute('aria-level') ?? one.tagName[1]))"""
# What live regions come to say, from now on.
LISTEN = """() => {
    window.said = [];
    const live = '[role=status], [role=alert], [aria-live], output:not([aria-hidden=true])';
    const hear = ({ target }) => {
        const region = (target.nodeType === 1 ? target : target.parentElement)?.closest(live);
        const text = region?.textContent.trim();
        if (text && region.isConnected) said.push(`${region.getAttribute('role')}: ${text}`);
    };
    const everything = { subtree: true, childList: true, characterData: true };
    new MutationObserver((all) => all.forEach(hear)).observe(document.body, everything);
}"""


@pytest.fixture
def page(visits, site, alice, cookies_of):
    Folder.objects.create(user=alice, name="Work")
    return cookies_of(visits.window(site), site, alice)


def nameless(page, selector: str = "body") -> list[str]:
    found = NAMELESS.findall(page.locator(selector).aria_snapshot())
    return [f"{page.url} {selector}: {one.strip()}" for one in found]


def in_order(levels: list[int]) -> bool:
    """One heading for the page, and none that skips a level on the way down; the sidebar's stand before it."""
    rest = levels[levels.index(1) :]
    steps = pairwise(rest)
    return levels.count(1) == 1 and all(after <= before + 1 for before, after in steps)


def test_every_page_has_names_for_its_controls_one_main_part_and_headings_in_order(page, alice):
    chat = conversation_of(alice, "A question", ANSWER, "Another", ANSWER)
    inner = [f"/c/{chat.pk}/{one}" for one in ("", "share/", "export/", "rename/", "settings/", "delete/")]
    others = ["/", "/c/", "/c/trash/", "/search/?q=Top", "/models/", "/prompts/new/", "/personas/", "/transfer/"]
    problems = []
    for address in [*inner, *others, "/settings/", "/accounts/preferences/", "/keys/", "/shared/", "/no-such-page/"]:
        page.goto(address)
        problems += nameless(page)
        levels = page.evaluate(LEVELS)
        problems += [] if in_order(levels) else [f"{address}: headings {levels}"]
        mains = page.get_by_role("main").count()
        problems += [] if mains == 1 else [f"{address}: {mains} main parts"]
    assert problems == []


def test_what_opens_over_the_page_has_names_too(page, alice):
    conversation_of(alice, "A question", ANSWER)
    page.goto("/")
    page.locator("body[data-listens]").wait_for()
    problems = []
    for opener, what in {
        "#sidebar .row[data-conversation] [data-menu]": "#chat-menu",
        "#sidebar [data-folders] .row [data-menu]": "#folder-menu",
        "[popovertarget=person-menu]": "#person-menu",
        "[data-compare-button]": "#compare",
        "[data-search-open]": "dialog[data-search]",
        "[data-settings-open]": "dialog[data-settings]:has(form)",
        "#sidebar a[data-dialog]": "[data-dialog-frame]",
    }.items():
        page.locator(opener).focus()
        page.keyboard.press("Enter")
        expect(page.locator(what)).to_be_visible()
        problems += nameless(page, what)
        page.keyboard.press("Escape")
        expect(page.locator(what)).to_be_hidden()
    page.keyboard.press("Control+k")
    page.locator("[data-palette] [role=option]").first.wait_for()
    assert problems + nameless(page, "[data-palette]") == []


def test_an_answer_is_announced_when_it_begins_and_ends_and_never_piece_by_piece(page, scripted):
    page.goto("/")
    page.evaluate(LISTEN)
    scripted.enqueue(*[f"word{number} " for number in range(40)])
    ask(page, "Go")
    expect(page.locator("article.assistant[data-status=completed]")).to_be_visible()
    said = page.evaluate("said")
    assert said == ["status: The answer is being written.", "status: The answer is complete."]


def test_what_went_wrong_is_announced_with_its_reason(page, scripted):
    page.goto("/")
    page.evaluate(LISTEN)
    scripted.enqueue(BackendError("The token is wrong. Ask the administrator."))
    ask(page, "Go")
    expect(page.locator("article.assistant[data-status=failed]")).to_be_visible()
    reason = page.get_by_role("alert").filter(has_text="The token is wrong. Ask the administrator.")
    expect(reason).to_be_visible()
    assert page.evaluate("said")[-1] == "status: The answer failed."
    page.context.set_offline(True)
    ask(page, "Again")
    expect(page.get_by_role("alert").filter(has_text="did not answer")).to_be_visible()
    assert "alert: The message could not be sent" in page.evaluate("said")[-1]
    expect(page.locator(FIELD)).to_have_attribute("aria-describedby", "composer-error")


def test_a_notice_with_undo_is_said_and_stays_while_it_is_used(page, alice):
    services.create(alice, title="Old plans")
    page.goto("/")
    page.locator("body[data-listens]").wait_for()
    page.evaluate(LISTEN)
    page.locator("#sidebar .row[data-conversation] [data-menu]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#chat-menu [data-choose=rename]")).to_be_focused()
    page.locator("#chat-menu [data-choose=trash]").press("Enter")
    expect(page.locator(".toast")).to_be_visible()
    assert any("status: The chat is in the trash." in one for one in page.evaluate("said"))
    page.locator("[data-undo] button").focus()
    states = page.locator(".toast").evaluate("e => e.getAnimations().map(one => one.playState)")
    assert states == ["paused"]
