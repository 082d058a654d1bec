"""What is typed is kept until the site has accepted it, and one send is one turn."""

from __future__ import annotations

import asyncio

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import expect

from conversations import services
from conversations.errors import BackendError
from conversations.models import Generation

FIELD = "textarea[name=content]"
SENDING = "**/send/"


@pytest.fixture
def page(visits, site, alice, cookies_of):
    window = cookies_of(visits.window(site), site, alice)
    window.goto("/")
    return window


def send(page, text):
    page.fill(FIELD, text)
    page.press(FIELD, "Enter")


def texts(user):
    return [message.content for message in services.read(services.latest(user)).branch() if message.role == "user"]


def test_a_double_click_sends_one_message(page, alice):
    page.fill(FIELD, "Once")
    page.get_by_role("button", name="Send").dblclick()
    expect(page.locator("article.assistant[data-status=completed]")).to_be_visible()
    assert Generation.objects.count() == 1
    assert texts(alice) == ["Once"]


def test_shift_and_enter_break_the_line(page, alice):
    page.fill(FIELD, "one")
    page.press(FIELD, "Shift+Enter")
    page.keyboard.type("two")
    page.press(FIELD, "Enter")
    expect(page.locator(".bubble")).to_have_text("one\ntwo")
    expect(page.locator("article.assistant[data-status=completed]")).to_be_visible()
    assert texts(alice) == ["one\ntwo"]


def test_a_draft_is_there_again_after_a_reload_and_gone_once_it_was_sent(page):
    page.fill(FIELD, "half a thought")
    page.reload()
    expect(page.locator(FIELD)).to_have_value("half a thought")
    page.press(FIELD, "Enter")
    expect(page.locator("article.assistant[data-status=completed]")).to_be_visible()
    page.goto("/")
    expect(page.locator(FIELD)).to_have_value("")


def test_a_draft_belongs_to_the_person_who_typed_it(page, site, bob, cookies_of):
    page.fill(FIELD, "for my eyes")
    cookies_of(page, site, bob)
    page.reload()
    expect(page.locator(FIELD)).to_have_value("")


def test_a_session_that_ends_while_typing_costs_no_text(page, site, alice, cookies_of):
    page.fill(FIELD, "a long thought")
    Session.objects.all().delete()
    page.press(FIELD, "Enter")
    expect(page.locator("#composer-error")).to_contain_text("logged out")
    expect(page.locator(FIELD)).to_have_value("a long thought")
    page.locator("#composer-error a").click()
    expect(page).to_have_url(f"{site}/accounts/login/?next=/")
    cookies_of(page, site, alice)
    page.goto("/")
    expect(page.locator(FIELD)).to_have_value("a long thought")


def test_a_stale_form_keeps_the_text_and_can_be_sent_again_at_once(page):
    page.locator("form[data-composer] [name=csrfmiddlewaretoken]").evaluate("e => { e.value = 'x'.repeat(64) }")
    send(page, "still here")
    expect(page.locator("#composer-error")).to_contain_text("out of date")
    expect(page.locator(FIELD)).to_have_value("still here")
    expect(page.locator(".greeting")).to_be_visible()
    page.press(FIELD, "Enter")
    expect(page.locator("article.assistant[data-status=completed]")).to_be_visible()
    expect(page.locator("#composer-error")).to_be_empty()


def test_an_answer_that_was_lost_on_the_way_is_one_turn_all_the_same(page, alice):
    keys = []

    def lose(route):
        keys.append(route.request.post_data)
        route.fetch()
        route.abort()

    page.route(SENDING, lose, times=1)
    send(page, "Did it arrive?")
    expect(page.locator("article.assistant[data-status=completed]")).to_be_visible()
    assert len(keys) == 1
    assert texts(alice) == ["Did it arrive?"]
    assert Generation.objects.count() == 1


def test_a_network_that_stays_away_leaves_the_text_and_a_sentence(page):
    page.context.set_offline(True)
    send(page, "into the void")
    expect(page.locator("#composer-error")).to_contain_text("could not be sent")
    expect(page.locator(FIELD)).to_have_value("into the void")
    page.context.set_offline(False)
    page.press(FIELD, "Enter")
    expect(page.locator("article.assistant[data-status=completed]")).to_be_visible()


def test_a_site_that_asks_for_time_is_sent_the_message_again(page):
    form = page.locator("form[data-composer]").evaluate("e => e.outerHTML")
    headers = {"Retry-After": "1", "Content-Type": "text/html"}
    page.route(SENDING, lambda route: route.fulfill(status=503, headers=headers, body=form), times=2)
    send(page, "patience")
    expect(page.locator("article.assistant[data-status=completed]")).to_be_visible()
    assert Generation.objects.count() == 1


def test_what_is_typed_while_a_message_is_on_its_way_stays(page):
    held = []
    page.route(SENDING, lambda route: held.append(route), times=1)
    send(page, "first")
    expect(page.locator(".message.user.is-pending .bubble")).to_have_text("first")
    page.keyboard.type("second")
    held[0].continue_()
    expect(page.locator(".message.user:not(.is-pending) .bubble")).to_have_text("first")
    expect(page.locator(FIELD)).to_have_value("second")
    expect(page.locator(FIELD)).to_be_focused()


def test_stop_turns_into_send_and_a_stopped_answer_can_be_retried(page, scripted):
    scripted.enqueue("Some words ", asyncio.Event().wait)
    send(page, "Go on")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("You stopped this answer.")).to_be_visible()
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    scripted.enqueue("All of it.")
    page.get_by_role("button", name="Retry").click()
    expect(page.locator("article.assistant[data-status=completed] .prose")).to_have_text("All of it.")
    expect(page.locator("article.assistant")).to_have_count(1)


def test_a_failed_answer_says_why_where_it_stands_and_offers_retry(page, scripted):
    scripted.enqueue("Before ", BackendError("The model is out of credit."))
    send(page, "Go on")
    error = page.locator("article.assistant[data-status=failed] .message-error")
    expect(error).to_contain_text("The model is out of credit.")
    expect(page.locator("article.assistant .prose")).to_have_text("Before")
    expect(error.get_by_role("button", name="Retry")).to_be_visible()


def test_an_example_is_sent_with_one_click_and_leaves_what_was_typed(page):
    page.fill(FIELD, "my own words")
    example = page.locator(".example").first
    text = example.inner_text()
    example.click()
    expect(page.locator(".bubble")).to_have_text(text)
    expect(page.locator(FIELD)).to_have_value("my own words")
    expect(page.locator(".example")).to_have_count(0)
