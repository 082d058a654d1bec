"""What a reader sees: text that grows in peace, a sidebar that can be worked with, pages that fit."""

from __future__ import annotations

import asyncio
import threading

import pytest
from playwright.sync_api import expect

from conversations import services
from conversations.models import Conversation
from conversations.types import Message

FIELD = "textarea[name=content]"
PHONE = {"viewport": {"width": 320, "height": 700}, "is_mobile": True, "has_touch": True}
WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 2
MARKDOWN = (
    "A line\nand the *next*.\n\n## Steps\n\n1. one\n   - deep\n2. two\n\n```python\nx = 1  # note\n```\n\n"
    f"| a | b |\n|---|---|\n| 1 | {WORD} |\n\n> said\n\n`{WORD}`\n\nEnd."
)
PARAGRAPHS = "\n\n".join(f"Paragraph {number} of an answer that is longer than the window." for number in range(40))
# What the document looks like without the buttons that scripts add.
HTML_OF = (
    "e => { e = e.cloneNode(true);"
    " e.querySelectorAll('.code-head button').forEach(b => b.remove()); return e.innerHTML }"
)


@pytest.fixture
def page(visits, site, alice, cookies_of):
    return cookies_of(visits.window(site), site, alice)


@pytest.fixture
def phone(visits, site, alice, cookies_of):
    return cookies_of(visits.window(site, **PHONE), site, alice)


def conversation_of(user, *contents, title="A chat") -> Conversation:
    """What was said in turn, stored."""
    conversation = services.create(user, title=title)
    messages, parent = [], None
    for number, content in enumerate(contents):
        messages.append(Message("assistant" if number % 2 else "user", content, parent_id=parent))
        parent = messages[-1].id
    services.store(conversation, *messages)
    return conversation


def held():
    """A step at which a scripted reply waits, and the function that lets it go on."""
    gate = threading.Event()

    async def wait():
        while not gate.is_set():
            await asyncio.sleep(0.01)

    return wait, gate.set


def ask(page, text):
    page.wait_for_load_state()  # before its scripts, Enter breaks the line
    page.fill(FIELD, text)
    page.press(FIELD, "Enter")


def at_end(page) -> bool:
    return page.evaluate("scrollY + innerHeight >= document.documentElement.scrollHeight - 2")


def test_an_answer_looks_the_same_live_and_reloaded(page, scripted):
    scripted.enqueue(*[MARKDOWN[start : start + 5] for start in range(0, len(MARKDOWN), 5)])
    page.goto("/")
    ask(page, "Show me everything")
    prose = page.locator("article.assistant[data-status=completed] .prose")
    expect(prose).to_contain_text("End.")
    live = prose.evaluate(HTML_OF)
    page.reload()
    assert prose.evaluate(HTML_OF) == live


def test_a_reload_in_mid_answer_misses_nothing(page, scripted):
    wait, go_on = held()
    scripted.enqueue("One.\n\nTwo ", wait, "and more.")
    page.goto("/")
    ask(page, "Count")
    expect(page.locator("article.assistant .prose")).to_contain_text("Two")
    page.reload()
    expect(page.locator("article.assistant .prose")).to_contain_text("Two")
    go_on()
    expect(page.locator("article.assistant[data-status=completed] .prose p")).to_have_text(["One.", "Two and more."])


def test_an_unfinished_list_and_unfinished_code_are_shown_as_what_they_are(page, scripted):
    wait, go_on = held()
    wait_again, end = held()
    scripted.enqueue(
        "- one\n- two\n", "- thr", wait, "ee\n\nThen:\n\n```python\nx = 1\n", "y = ", wait_again, "2\n```\n"
    )
    page.goto("/")
    ask(page, "Step by step")
    expect(page.locator("article[data-status=in_progress] .prose li")).to_have_text(["one", "two", "thr"])
    go_on()
    expect(page.locator("article[data-status=in_progress] .prose pre")).to_have_text("x = 1\ny = ")
    expect(page.locator("article[data-status=in_progress]").get_by_role("button", name="Copy the code")).to_be_visible()
    end()
    expect(page.locator("article[data-status=completed] .prose pre .mi")).to_have_text(["1", "2"])
    expect(page.locator("article[data-status=completed] .prose li")).to_have_text(["one", "two", "three"])


def test_the_view_follows_only_a_reader_who_is_at_the_end(page, scripted):
    wait, go_on = held()
    scripted.enqueue(PARAGRAPHS + "\n\n", wait, PARAGRAPHS + "\n\nLast words.")
    page.goto("/")
    ask(page, "At length")
    expect(page.locator("article.assistant .prose p").nth(39)).to_be_in_viewport()
    page.mouse.move(700, 300)
    page.mouse.wheel(0, -500)
    button = page.get_by_role("button", name="To the end")
    expect(button).to_be_visible()
    before = page.evaluate("scrollY")
    go_on()
    expect(page.locator("article.assistant[data-status=completed]")).to_be_attached()
    assert page.evaluate("scrollY") == before
    button.click()
    expect(page.get_by_text("Last words.")).to_be_in_viewport()
    expect(button).to_be_hidden()


def test_a_long_conversation_opens_at_its_end(page, alice):
    conversation = conversation_of(alice, *[f"Number {number}. " * 30 for number in range(60)])
    page.goto(f"/c/{conversation.pk}/")
    expect(page.locator("article").last).to_be_in_viewport()
    assert at_end(page)


def test_a_message_is_copied_as_it_was_written_and_code_without_its_head(page, alice):
    conversation = conversation_of(alice, "Question", MARKDOWN)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"/c/{conversation.pk}/")
    button = page.locator("article.assistant").get_by_role("button", name="Copy", exact=True)
    button.click()
    expect(button).to_have_attribute("data-copied", "")
    assert page.evaluate("navigator.clipboard.readText()") == MARKDOWN
    expect(page.locator("[data-announcer]")).to_have_text("Copied.")
    button = page.get_by_role("button", name="Copy the code")
    button.click()
    expect(button).to_have_attribute("data-copied", "")
    assert page.evaluate("navigator.clipboard.readText()").strip() == "x = 1  # note"


def test_a_chat_is_renamed_in_its_place_and_deleted_by_its_menu(page, alice):
    conversation_of(alice, "a", title="First")
    page.goto("/")
    row = page.locator(".row", has_text="First")
    row.hover()
    row.get_by_label("Rename, move or delete").click()
    expect(page.locator("#chat-menu").get_by_role("button", name="Rename")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Title")).to_be_focused()
    page.keyboard.type("Second")
    page.keyboard.press("Enter")
    row = page.locator(".row", has_text="Second")
    expect(row).to_be_visible()
    assert Conversation.objects.get().title == "Second"
    row.hover()
    row.get_by_label("Rename, move or delete").click()
    page.locator("#chat-menu").get_by_role("button", name="Delete").click()
    expect(row).to_have_count(0)
    assert not services.all_of(alice).exists()


def test_an_escaped_rename_changes_nothing(page, alice):
    conversation = conversation_of(alice, "a", title="First")
    page.goto(f"/c/{conversation.pk}/")
    page.locator(".header").get_by_label("Rename, move or delete").click()
    expect(page.locator("#chat-menu").get_by_role("button", name="Rename")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Title")).to_be_focused()
    page.keyboard.type("Second")
    page.keyboard.press("Escape")
    expect(page.locator("h1")).to_have_text("First")
    expect(page.locator(".header").get_by_label("Rename, move or delete")).to_be_focused()
    conversation.refresh_from_db()
    assert conversation.title == "First"


def test_the_theme_and_a_closed_sidebar_are_kept(page):
    page.goto("/")
    page.locator("[popovertarget=person-menu]").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Close the sidebar").click()
    expect(page.get_by_role("button", name="Open the sidebar")).to_be_focused()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator(".sidebar")).to_be_hidden()


def test_the_drawer_of_a_phone_needs_no_script(visits, site, alice, cookies_of):
    page = cookies_of(visits.window(site, javascript=False, **PHONE), site, alice)
    page.goto("/")
    expect(page.locator("#sidebar")).to_be_hidden()
    page.get_by_role("button", name="Open the sidebar").click()
    expect(page.get_by_role("link", name="New chat").first).to_be_visible()
    page.get_by_role("button", name="Close the sidebar").click()
    expect(page.locator("#sidebar")).to_be_hidden()


def test_nothing_scrolls_sideways_on_a_small_phone_and_every_target_is_large_enough(phone, alice):
    conversation = conversation_of(alice, WORD, MARKDOWN, title=WORD)
    for address in ("/", f"/c/{conversation.pk}/", "/c/", f"/c/{conversation.pk}/rename/"):
        phone.goto(address)
        assert phone.evaluate("document.documentElement.scrollWidth") == 320, address
        small = phone.evaluate(
            """() => [...document.querySelectorAll('main :is(button, select, textarea), header :is(a, button)')]
                .filter(e => e.checkVisibility() && !e.matches('.link'))
                .filter(e => Math.min(e.offsetWidth, e.offsetHeight) < 44).map(e => e.outerHTML)"""
        )
        assert small == [], address
