"""Each page in a language that puts every text in brackets: a word outside of them was never given to be translated."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.utils import translation

from conversations.templatetags import shelf
from tests.test_url_policy import ALL, LOGIN, OWNER, PUBLIC, chat, values_for  # noqa: F401
from tests.untranslated import words_outside_translation

BRACKETED = re.compile(r"⟦[^⟦⟧]*⟧")
NUMBER = re.compile(r"\b[0-9a-f]{32}\b")  # of a request
# What people, models and administrators have written, and names.
DATA = set(
    f"""alice example com secret plans agent missions what the is fish say nothing be kind scripted guide first steps
    tests and demonstrations explains this site how to connect a language model fixed rules no try it
    {settings.SITE_NAME}""".lower().split()
)


@pytest.fixture
def pseudo(monkeypatch):
    """gettext and its family as they are, with brackets around what they return."""
    real = translation._trans

    def bracketed(name: str):
        function = getattr(real, name)
        return lambda *args: f"⟦{function(*args)}⟧"

    for name in ("gettext", "pgettext", "ngettext", "npgettext"):
        monkeypatch.setattr(real, name, bracketed(name))
    shelf._rendered.cache_clear()  # rows are rendered once for each language, and this one has no name of its own
    yield
    shelf._rendered.cache_clear()


def untranslated(html: str) -> list[str]:
    html = NUMBER.sub("", html)
    while BRACKETED.search(html):
        html = BRACKETED.sub("", html)
    found = (re.findall(r"[^\W\d_]{2,}", text.partition("=")[2] or text) for text in words_outside_translation(html))
    return [word for words in found for word in words if word.lower() not in DATA]


def forgotten(client, policy: str, values: dict[str, str]) -> dict[str, list[str]]:
    """By the name of the address: words that nobody translates. One after the other, because setting up costs more."""
    found = {}
    for address in ALL:
        answer = client.get(address.url(values)) if address.policy == policy else None
        if answer is None or answer.streaming or not answer.headers.get("Content-Type", "").startswith("text/html"):
            continue
        if words := untranslated(answer.content.decode()):
            found[address.name] = words
    return found


@pytest.mark.django_db
def test_visitors_pages_say_nothing_untranslated(client, alice, pseudo):
    assert forgotten(client, PUBLIC, values_for(alice)) == {}


@pytest.mark.django_db(transaction=True)
def test_members_pages_say_nothing_untranslated(client, alice, catalogue, pseudo):
    client.force_login(alice)
    assert forgotten(client, LOGIN, values_for(alice)) == {}


@pytest.mark.django_db(transaction=True)
def test_pages_of_a_chat_say_nothing_untranslated(client, chat, alice, pseudo):  # noqa: F811
    client.force_login(alice)
    assert forgotten(client, OWNER, chat) == {}


def test_a_sentence_that_was_forgotten_is_found():
    assert untranslated('<p>⟦Hello ⟦you⟧⟧</p><p title="Close">⟦x⟧ Forgotten</p>') == ["Close", "Forgotten"]
