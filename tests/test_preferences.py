"""What a person prefers holds on every page and every device, without a script and without a flash."""

from __future__ import annotations

import re

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from conversations import services

PAGE = "account_preferences"
USUAL = {"theme": "", "language": "", "text_size": "", "send_key": "enter"}


@pytest.fixture
def alice_s(client, alice, catalogue) -> Client:
    client.force_login(alice)
    return client


def root_of(response) -> str:
    """The page's <html>, with what the first paint knows."""
    return re.search(r"<html[^>]*>", response.content.decode())[0]


def test_preferences_are_in_the_page_itself_before_anything_is_painted(alice_s):
    alice_s.post(reverse(PAGE), USUAL | {"theme": "dark", "text_size": "large", "send_key": "ctrl-enter"})
    for name in ("conversations:home", "conversations:history", PAGE):
        answer = alice_s.get(reverse(name))
        assert 'data-theme="dark"' in root_of(answer)
        assert 'data-text-size="large"' in root_of(answer)
        assert 'data-send-key="ctrl-enter"' in answer.content.decode()


def test_without_a_preference_the_system_and_the_browser_decide(alice_s):
    root = root_of(alice_s.get("/"))
    assert 'data-own-theme="auto"' in root
    assert "data-theme=" not in root
    assert "data-text-size" not in root


def test_pages_for_nobody_say_nothing_of_anybody(client, alice_s):
    client.post(reverse(PAGE), USUAL | {"theme": "dark", "language": "vi"})
    client.logout()
    root = root_of(client.get(reverse("account_login")))
    assert "data-theme" not in root
    assert 'lang="en"' in root


def test_the_next_page_speaks_the_language_that_was_chosen(alice_s):
    answer = alice_s.post(reverse(PAGE), USUAL | {"language": "vi"})
    assert len(list(get_messages(answer.wsgi_request))) == 1
    assert 'lang="vi"' in root_of(alice_s.get(answer.url))
    back = alice_s.post(reverse(PAGE), USUAL, headers={"accept-language": "en"})
    assert 'lang="en"' in root_of(alice_s.get(back.url))


def test_languages_are_called_as_their_speakers_call_them(alice_s):
    page = alice_s.get(reverse(PAGE)).content.decode()
    assert "Tiếng Việt" in page
    assert "English" in page


@pytest.mark.parametrize("wrong", [{"theme": "neon"}, {"language": "xx"}, {"text_size": "9"}, {"send_key": ""}])
def test_what_cannot_be_chosen_is_refused(alice_s, alice, wrong):
    answer = alice_s.post(reverse(PAGE), USUAL | {"theme": "dark"} | wrong)
    assert answer.status_code == 200
    assert answer.context["form"].errors.keys() == wrong.keys()
    alice.refresh_from_db()
    assert alice.theme == ""


def test_saving_leaves_the_rest_of_the_person_alone(alice_s, alice):
    alice_s.get(reverse(PAGE))
    type(alice).objects.filter(pk=alice.pk).update(name="Given by an administrator meanwhile")
    alice_s.post(reverse(PAGE), USUAL | {"theme": "dark"})
    alice.refresh_from_db()
    assert (alice.name, alice.theme) == ("Given by an administrator meanwhile", "dark")


@pytest.mark.parametrize("fetch", [True, False])
def test_the_theme_is_changed_in_one_click_with_a_script_and_without(alice_s, alice, fetch):
    headers = {"X-Requested-With": "fetch"} if fetch else {}
    answer = alice_s.post(reverse("account_theme"), {"theme": "dark", "next": "/c/"}, headers=headers)
    assert answer.status_code == 204 if fetch else answer.url == "/c/"
    assert 'data-theme="dark"' in root_of(alice_s.get("/"))
    assert alice_s.post(reverse("account_theme"), {"theme": "neon"}).status_code == 400


def test_the_click_leads_nowhere_else(alice_s):
    assert alice_s.post(reverse("account_theme"), {"theme": "", "next": "//evil.example"}).url == "/"


def test_the_pages_of_one_person_s_settings_lead_to_each_other(alice_s):
    names = [PAGE, "conversations:defaults", "account_profile"]
    for name in names:
        page = alice_s.get(reverse(name)).content.decode()
        assert all(f'href="{reverse(other)}"' in page for other in names)
        assert f'href="{reverse(name)}" aria-current="page"' in page


def test_preferences_cost_no_query(alice_s, alice):
    services.create(alice, title="One")
    alice_s.get("/")
    with CaptureQueriesContext(connection) as before:
        alice_s.get("/")
    alice_s.post(reverse(PAGE), USUAL | {"theme": "dark", "language": "vi", "text_size": "largest"})
    alice_s.get("/")
    with CaptureQueriesContext(connection) as after:
        alice_s.get("/")
    assert len(after) == len(before)
