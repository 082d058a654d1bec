"""What one does with turns: another answer, another question, one step back, everything cleared, a thumb."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from conversations import services
from conversations.models import Feedback
from tests.browser.test_compare import opened
from tests.browser.test_main_job import Gate
from tests.browser.test_tired import ask, completed, field


@pytest.fixture
def page(visits, site, alice, cookies_of):
    page = cookies_of(visits.window(site), site, alice)
    page.goto("/")
    return page


def answers(page):
    return page.locator("article.assistant")


def questions(page):
    return page.locator("article.user")


def said(page, *texts):
    """Questions asked one after the other; the scripted model repeats each."""
    for number, text in enumerate(texts, start=1):
        ask(page, text)
        expect(completed(page)).to_have_count(number)


def test_any_answer_can_be_asked_for_again_and_the_first_one_stays(page, scripted):
    said(page, "one", "two")
    scripted.enqueue("another one")
    first = answers(page).first
    first.hover()
    first.get_by_role("link", name="Another answer").click()
    page.get_by_role("button", name="Try again").click()
    expect(answers(page)).to_have_count(1)
    expect(completed(page)).to_contain_text("another one")
    expect(questions(page)).to_have_count(1)  # what followed the first answer belongs to it
    expect(page.locator(".assistant .versions")).to_contain_text("2/2")
    page.get_by_role("button", name="Previous version").click()
    expect(answers(page)).to_have_count(2)
    expect(questions(page).last).to_contain_text("two")


def test_another_model_answers_again_and_stays_chosen(page, scripted):
    said(page, "hello")
    page.get_by_role("link", name="Another answer").click()
    page.locator("[data-again-menu]").get_by_role("button", name="Guide").click()
    expect(page.locator(".assistant .versions")).to_contain_text("2/2")
    expect(page.get_by_label("Model", exact=True)).to_have_value(str(_pk("guide")))
    expect(completed(page)).to_have_count(1)


def _pk(backend):
    return next(model.pk for model in services.available_models() if model.backend == backend)


def test_a_message_is_edited_in_its_place_and_keeps_its_first_version(page, scripted):
    said(page, "What is a cta?", "thanks")
    first = questions(page).first
    first.hover()
    first.get_by_role("link", name="Edit and send again").click()
    box = first.get_by_role("textbox", name="Your message")
    expect(box).to_have_value("What is a cta?")
    box.fill("What is a cat?")
    box.press("Enter")
    expect(answers(page)).to_have_count(1)
    expect(completed(page)).to_contain_text("What is a cat?")
    expect(page.locator(".user .versions")).to_contain_text("2/2")
    assert [message.content for message in scripted.requests[-1].messages if message.role == "user"] == [
        "What is a cat?"
    ]
    page.get_by_role("button", name="Previous version").click()
    expect(questions(page).last).to_contain_text("thanks")


def test_an_edit_survives_a_reload_and_a_lost_network(page, scripted):
    said(page, "hello")
    page.get_by_role("link", name="Edit and send again").click()
    box = questions(page).first.get_by_role("textbox")
    box.fill("hello again")
    page.reload()
    box = questions(page).first.get_by_role("textbox")
    expect(box).to_have_value("hello again")
    page.context.set_offline(True)
    box.press("Enter")
    expect(questions(page).first.get_by_text("The message could not be sent")).to_be_visible()
    expect(box).to_have_value("hello again")
    page.context.set_offline(False)
    box.press("Enter")
    expect(completed(page)).to_contain_text("hello again")


def test_the_last_exchange_is_taken_back_into_the_composer_and_can_come_again(page, scripted):
    said(page, "one", "two")
    page.get_by_role("button", name="Take back").click()
    expect(questions(page)).to_have_count(1)
    expect(field(page)).to_have_value("two")
    page.get_by_role("button", name="Bring it back").click()
    expect(questions(page)).to_have_count(2)
    expect(field(page)).to_have_value("")
    page.get_by_role("button", name="Take back").click()
    field(page).fill("three")
    field(page).press("Enter")
    expect(completed(page)).to_have_count(2)
    expect(page.get_by_text("was taken back")).to_have_count(0)
    said_to_model = [message.content for message in scripted.requests[-1].messages if message.role == "user"]
    assert said_to_model == ["one", "three"]


def test_taking_back_costs_no_draft(page):
    said(page, "one")
    field(page).fill("half a thought")
    page.get_by_role("button", name="Take back").click()
    expect(field(page)).to_have_value("half a thought\none")


def test_a_cleared_chat_remembers_nothing_and_can_be_brought_back(page, scripted):
    said(page, "My name is Lan.")
    page.get_by_role("button", name="Clear the chat").click()
    expect(page.get_by_text("This chat is cleared.")).to_be_visible()
    expect(questions(page)).to_have_count(0)
    ask(page, "Who am I?")
    expect(completed(page)).to_have_count(1)
    request = scripted.requests[-1]
    assert [message.role for message in request.messages] == ["system", "user"]
    assert "Lan" not in str(request)
    page.get_by_role("button", name="Previous version").click()
    expect(questions(page)).to_contain_text("My name is Lan.")


def test_a_cleared_chat_comes_back_at_once(page):
    said(page, "My name is Lan.")
    page.get_by_role("button", name="Clear the chat").click()
    page.get_by_role("button", name="Bring it back").click()
    expect(questions(page)).to_contain_text("My name is Lan.")


def test_a_thumb_is_given_explained_and_taken_back(page):
    said(page, "hello")
    down = page.get_by_role("button", name="Bad answer")
    down.click()
    page.get_by_label("What was wrong with it?").fill("Too short.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your feedback is saved.")).to_be_visible()
    row = Feedback.objects.get()
    assert (row.thumb, row.reason, row.model.backend) == ("down", "Too short.", "scripted")
    page.reload()
    expect(down).to_have_attribute("aria-pressed", "true")
    down.click()
    expect(down).to_have_attribute("aria-pressed", "false")
    expect(page.locator("[data-announcer]")).to_have_text("Your thumb is taken back.")
    assert not Feedback.objects.exists()


def test_a_thumb_that_was_given_beside_others_stays_with_the_answer_that_is_kept(page):
    picker = opened(page)
    for name in ("Scripted", "Guide"):
        picker.get_by_role("checkbox", name=name).set_checked(True)
    picker.get_by_role("button", name="Done").click()
    ask(page, "Which?")
    expect(completed(page)).to_have_count(2)
    answers(page).first.get_by_role("button", name="Good answer").click()
    expect(page.get_by_label("What was good about it?")).to_be_visible()
    ask(page, "And then?")
    expect(answers(page).last).to_contain_text("And then?")
    expect(answers(page)).to_have_count(2)
    expect(answers(page).first.get_by_role("button", name="Good answer")).to_have_attribute("aria-pressed", "true")


def test_while_an_answer_is_written_nothing_offers_to_ask_anew(page, scripted):
    gate = Gate()
    said(page, "one")
    scripted.enqueue("Beginning", gate, " end")
    ask(page, "two")
    expect(page.get_by_text("Beginning")).to_be_visible()
    for name in ("Another answer", "Edit and send again"):
        expect(page.get_by_role("link", name=name)).to_have_count(0)
    expect(page.get_by_role("button", name="Take back")).to_have_count(0)
    gate.open()
    expect(completed(page)).to_have_count(2)
    expect(page.get_by_role("button", name="Take back")).to_be_visible()


def test_without_javascript_all_of_it_works_by_pages(visits, site, alice, cookies_of, scripted):
    page = cookies_of(visits.window(site, javascript=False), site, alice)
    page.goto("/")
    for text in ("one", "two"):
        page.get_by_label("Your message").fill(text)
        page.get_by_role("button", name="Send").click()
        page.wait_for_url("**/c/**")
        for _ in range(50):
            page.reload()
            if not page.locator("article[data-status=in_progress]").count():
                break
    answers(page).first.get_by_role("link", name="Another answer").click()
    page.get_by_label("Model").select_option(label="Guide")
    page.get_by_role("button", name="Answer again").click()
    expect(page.locator(".assistant .versions")).to_contain_text("2/2")
    page.reload()
    page.get_by_role("link", name="Edit and send again").click()
    page.get_by_label("Your message").fill("eins")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".user .versions")).to_contain_text("2/2")
    page.reload()
    page.get_by_role("button", name="Good answer").click()
    page.get_by_label("What was good about it?").fill("Everything.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your feedback is saved.")).to_be_visible()
    assert Feedback.objects.get().reason == "Everything."
    page.get_by_role("button", name="Take back").click()
    expect(page.get_by_label("Your message")).to_have_value("eins")
    page.get_by_role("button", name="Bring it back").click()
    page.get_by_role("button", name="Clear the chat").click()
    expect(page.get_by_text("This chat is cleared.")).to_be_visible()


def test_a_temporary_chat_is_a_chat_that_leaves_nothing(page, scripted):
    page.get_by_role("link", name="Temporary chat").click()
    expect(page.get_by_text("This chat is temporary: nothing of it is stored")).to_be_visible()
    gate = Gate()
    scripted.enqueue("It is our ", gate, "secret.")
    field(page).fill("Keep a secret")
    assert page.evaluate("Object.values(localStorage).filter((text) => text.includes('secret'))") == []
    page.reload()
    expect(field(page)).to_have_value("Keep a secret")  # as long as the tab stands
    field(page).press("Enter")
    expect(page.get_by_text("It is our")).to_be_visible()
    expect(page.get_by_role("heading", name="Temporary chat")).to_be_visible()
    expect(page.locator(".sidebar .row")).to_have_count(0)
    second = page.context.new_page()
    second.goto(page.url)
    expect(second.get_by_text("It is our")).to_be_visible()
    gate.open()
    for tab in (page, second):
        expect(completed(tab)).to_contain_text("It is our secret.")
    ask(page, "Which one?")
    expect(completed(page)).to_have_count(2)
    assert "It is our secret." in [message.content for message in scripted.requests[-1].messages]
    page.reload()
    expect(completed(page)).to_have_count(2)
    expect(page.get_by_role("button", name="Good answer")).to_have_count(0)
    page.get_by_role("button", name="End and forget").click()
    expect(page.get_by_text("The temporary chat is over.")).to_be_visible()
    second.reload()
    expect(second.get_by_text("There is nothing here")).to_be_visible()
    page.goto("/c/")
    expect(page.get_by_text("There are no chats yet.")).to_be_visible()


def test_a_temporary_chat_works_without_javascript(visits, site, alice, cookies_of, scripted):
    page = cookies_of(visits.window(site, javascript=False), site, alice)
    page.goto("/")
    page.get_by_role("link", name="Temporary chat").click()
    page.get_by_label("Your message").fill("Keep a secret")
    page.get_by_role("button", name="Send").click()
    page.wait_for_url("**/c/**")
    expect(page.get_by_text("This chat is temporary")).to_be_visible()
    page.get_by_role("button", name="End and forget").click()
    expect(page.get_by_text("The temporary chat is over.")).to_be_visible()


def test_a_draft_survives_logging_out_and_in(page):
    said(page, "one")
    field(page).fill("half a thought")
    address = page.url
    page.locator("button[popovertarget=person-menu]").click()
    page.get_by_role("button", name="Log out").click()
    page.locator("input[name=login]").fill("alice")
    page.locator("input[type=password]").fill("correct horse battery")
    page.get_by_role("button", name="Log in").click()
    page.goto(address)
    expect(field(page)).to_have_value("half a thought")


def test_what_is_written_offline_is_kept_and_sent_later(page):
    said(page, "one")
    page.context.set_offline(True)
    ask(page, "on the train")
    expect(page.get_by_text("The message could not be sent")).to_be_visible()
    page.context.set_offline(False)
    page.reload()
    expect(field(page)).to_have_value("on the train")
    field(page).press("Enter")
    expect(completed(page)).to_have_count(2)


def test_offline_a_step_back_does_not_lose_the_page(page):
    said(page, "one")
    page.context.set_offline(True)
    page.get_by_role("button", name="Take back").click()
    expect(page.get_by_text("could not be sent")).to_be_visible()
    expect(questions(page)).to_have_count(1)
    page.context.set_offline(False)
