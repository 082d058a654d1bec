"""A tired person on a bad network: reloads, second tabs, lost sessions, double clicks; nothing typed is lost."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from conversations import services
from conversations.errors import BackendError
from conversations.models import Generation
from tests.browser.test_main_job import Gate

ANSWER = "First paragraph.\n\nSecond *paragraph* here.\n\nThe end."


def field(page):
    return page.get_by_placeholder("Ask something…")


def ask(page, text):
    page.wait_for_load_state()  # before its scripts, Enter breaks the line
    field(page).fill(text)
    field(page).press("Enter")


@pytest.fixture
def page(visits, site, alice, cookies_of):
    page = cookies_of(visits.window(site), site, alice)
    page.goto("/")
    return page


def completed(page):
    return page.locator("article.assistant[data-status=completed]")


def test_a_reload_in_mid_reply_misses_nothing(page, scripted):
    gate = Gate()
    scripted.enqueue(ANSWER[:24], gate, ANSWER[24:])
    ask(page, "Hi")
    expect(page.get_by_text("First paragraph.")).to_be_visible()
    page.reload()
    expect(page.get_by_text("First paragraph.")).to_be_visible()
    gate.open()
    expect(completed(page).locator("em")).to_have_text("paragraph")
    expect(completed(page).locator("p").last).to_have_text("The end.")


def test_a_second_tab_sees_the_same_and_may_stop(page, visits, site, scripted):
    gate = Gate()
    scripted.enqueue(ANSWER[:24], gate, ANSWER[24:])
    ask(page, "Hi")
    expect(page.get_by_text("First paragraph.")).to_be_visible()
    second = page.context.new_page()
    second.goto(page.url)
    expect(second.get_by_text("First paragraph.")).to_be_visible()
    second.get_by_role("button", name="Stop").click()
    for tab in (page, second):
        expect(tab.get_by_text("You stopped this answer.")).to_be_visible()
        expect(tab.get_by_role("button", name="Send")).to_be_visible()
    assert scripted.closed >= 1


def test_a_closed_tab_does_not_stop_the_answer(page, scripted):
    gate = Gate()
    scripted.enqueue(ANSWER[:24], gate, ANSWER[24:])
    ask(page, "Hi")
    expect(page.get_by_text("First paragraph.")).to_be_visible()
    address, context = page.url, page.context
    page.close()
    gate.open()
    again = context.new_page()
    again.goto(address)
    expect(completed(again).locator("p").last).to_have_text("The end.")


def test_a_network_that_comes_back_brings_the_rest(page, scripted):
    gate = Gate()
    scripted.enqueue(ANSWER[:24], gate, ANSWER[24:])
    ask(page, "Hi")
    expect(page.get_by_text("First paragraph.")).to_be_visible()
    page.context.set_offline(True)
    page.evaluate("dispatchEvent(new Event('pagehide'))")
    gate.open()
    page.wait_for_timeout(300)
    page.context.set_offline(False)
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    expect(completed(page).locator("p").last).to_have_text("The end.")


def test_what_is_typed_survives_a_reload(page):
    field(page).fill("half a thought")
    page.reload()
    expect(field(page)).to_have_value("half a thought")


def test_what_is_typed_before_the_scripts_arrive_is_kept(page):
    held = []
    page.route("**/js/chat.js", lambda route: held.append(route))
    page.goto("/", wait_until="commit")
    field(page).fill("typed on a slow line")
    while not held:
        page.wait_for_timeout(20)
    held[0].continue_()
    page.wait_for_load_state()
    expect(field(page)).to_have_value("typed on a slow line")
    page.unroute("**/js/chat.js")
    page.reload()
    expect(field(page)).to_have_value("typed on a slow line")


def test_a_session_that_ended_while_typing_costs_no_text(page, client, alice, scripted):
    field(page).fill("typed for an hour")
    page.context.clear_cookies()
    field(page).press("Enter")
    expect(page.get_by_text("You have been logged out")).to_be_visible()
    expect(field(page)).to_have_value("typed for an hour")
    page.get_by_role("link", name="Log in").click()
    page.locator("input[name=login]").fill("alice")
    page.locator("input[type=password]").fill("correct horse battery")
    page.get_by_role("button", name="Log in").click()
    expect(field(page)).to_have_value("typed for an hour")
    field(page).press("Enter")
    expect(completed(page)).to_be_visible()
    expect(field(page)).to_have_value("")


def test_a_store_that_is_down_leaves_the_text_in_the_composer(page, settings):
    settings.CONVERSATION_STORE = {"BACKEND": "tests.helpers.BrokenStore"}
    ask(page, "my text")
    expect(page.get_by_text("The storage does not answer.")).to_be_visible(timeout=30_000)
    expect(field(page)).to_have_value("my text")


def test_a_hasty_double_send_is_one_message(page, scripted):
    gate = Gate()
    scripted.enqueue(gate, "Hello")
    field(page).fill("Hi")
    page.evaluate(
        "() => { const f = document.querySelector('[data-composer]'); f.requestSubmit(); f.requestSubmit(); }"
    )
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    gate.open()
    expect(completed(page)).to_have_count(1)
    assert Generation.objects.count() == 1


def test_a_failed_answer_is_retried_in_its_place(page, scripted):
    scripted.enqueue("half ", BackendError("The token is wrong. Ask the administrator."))
    scripted.enqueue("Now it works")
    ask(page, "Hi")
    expect(page.get_by_text("The token is wrong.")).to_be_visible()
    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_text("Now it works")).to_be_visible()
    expect(page.get_by_text("The token is wrong.")).to_have_count(0)
    page.reload()
    expect(page.get_by_text("Now it works")).to_be_visible()
    expect(page.locator("article")).to_have_count(2)


def test_a_retry_goes_on_when_its_button_is_replaced_meanwhile(page, scripted):
    scripted.enqueue("half ", BackendError("No."))
    scripted.enqueue("Now it works")
    ask(page, "Hi")
    held = []
    page.route("**/retry/", lambda route: held.append(route))
    page.get_by_role("button", name="Retry").click()
    while not held:
        page.wait_for_timeout(20)
    page.evaluate("document.querySelector('article.assistant [data-footer]').replaceChildren()")
    held[0].continue_()
    expect(page.get_by_text("Now it works")).to_be_visible()
    expect(page.locator("article.assistant")).to_have_count(1)


def test_another_version_of_an_answer_is_one_click_away(page, scripted):
    scripted.enqueue("half ", BackendError("No."))
    scripted.enqueue("Now it works")
    ask(page, "Hi")
    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_text("Now it works")).to_be_visible()
    expect(page.locator(".versions")).to_contain_text("2/2")
    page.get_by_role("button", name="Previous version").click()
    expect(page.locator("article.assistant .prose")).to_contain_text("half")
    expect(page.locator(".versions")).to_contain_text("1/2")
    page.get_by_role("button", name="Next version").click()
    expect(page.get_by_text("Now it works")).to_be_visible()


def test_an_input_method_s_enter_does_not_send(page):
    field(page).fill("tiếng Việ")
    page.evaluate(
        "() => document.querySelector('[name=content]').dispatchEvent("
        "new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true, cancelable: true}))"
    )
    field(page).press("Shift+Enter")
    expect(field(page)).to_have_value("tiếng Việ\n")
    assert not Generation.objects.exists()


def test_an_example_is_one_click(page, scripted):
    page.get_by_role("button", name="What can this site do?").click()
    expect(completed(page)).to_be_visible()
    expect(page.locator("article.user .bubble")).to_have_text("What can this site do?")


def test_renaming_and_deleting_in_the_sidebar(page, alice):
    services.create(alice, title="Old name")
    page.reload()
    row = page.locator(".row", has_text="Old name")
    row.hover()
    row.get_by_label("Rename, move or delete").click()
    page.get_by_role("menuitem", name="Rename").or_(page.locator("#chat-menu").get_by_text("Rename")).first.click()
    page.keyboard.type("Tên mới")
    page.keyboard.press("Enter")
    expect(page.locator(".row", has_text="Tên mới")).to_be_visible()
    assert services.latest(alice).title == "Tên mới"
    page.locator(".row").first.hover()
    page.locator(".row").first.get_by_label("Rename, move or delete").click()
    page.locator("#chat-menu").get_by_text("Delete").click()
    expect(page.locator(".row")).to_have_count(0)
    assert services.latest(alice) is None


def test_nothing_scrolls_sideways_on_a_phone(visits, site, alice, cookies_of, scripted):
    scripted.enqueue(
        "```\n"
        + "x" * 400
        + "\n```\n\n| "
        + " | ".join("abcdefghijklmnop" * 2)
        + " |\n"
        + "|---" * 32
        + "|\n\n"
        + "y" * 500
    )
    page = cookies_of(visits.window(site, viewport={"width": 390, "height": 844}), site, alice)
    page.goto("/")
    ask(page, "z" * 300)
    expect(completed(page)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
