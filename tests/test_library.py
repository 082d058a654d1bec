"""A library of prompts, called by a slash: shared by admins, or one's own."""

from __future__ import annotations

import pytest

from conversations import services
from conversations.errors import InputError
from conversations.models import PROMPT_MAX_LENGTH, SavedPrompt
from conversations.services import library

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shared(db):
    return SavedPrompt.objects.create(name="summary", text="Summarize this:")


@pytest.fixture
def alices(client, alice):
    client.force_login(alice)
    return client


def html(response) -> str:
    return response.content.decode()


def test_one_calls_the_shared_ones_and_ones_own(alices, alice, bob, shared):
    services.save_prompt(alice, name="Thư xin nghỉ", text="Viết thư xin nghỉ phép.")
    services.save_prompt(bob, name="secret", text="Hidden")
    for address in ("/prompts/", "/prompts/choices/"):
        page = html(alices.get(address))
        assert "/summary" in page
        assert "/thư-xin-nghỉ" in page
        assert "secret" not in page


def test_one_saves_changes_and_deletes_a_prompt_of_ones_own(alices, alice):
    response = alices.post("/prompts/new/", {"name": "/Polite Mail", "text": "Write\r\na polite mail. "}, follow=True)
    assert "“/polite-mail” is saved." in html(response)
    prompt = SavedPrompt.objects.get()
    assert (prompt.owner, prompt.name, prompt.text) == (alice, "polite-mail", "Write\na polite mail.")
    alices.post(f"/prompts/{prompt.pk}/", {"name": "mail", "text": "Shorter"})
    prompt.refresh_from_db()
    assert (prompt.name, prompt.text) == ("mail", "Shorter")
    assert "Delete this prompt?" in html(alices.get(f"/prompts/{prompt.pk}/delete/"))
    alices.post(f"/prompts/{prompt.pk}/delete/")
    assert not SavedPrompt.objects.exists()


def test_a_new_chat_begins_with_a_prompt_without_javascript_too(alices, shared):
    assert "Summarize this:</textarea>" in html(alices.get(f"/?prompt={shared.pk}"))
    for nothing in ("0", "999", "x", "9" * 5_000):
        assert alices.get("/", {"prompt": nothing}).status_code == 200


def test_a_stranger_reaches_nothing_of_it(alices, bob):
    his = services.save_prompt(bob, name="secret", text="Hidden")
    assert alices.get(f"/prompts/{his.pk}/").status_code == 404
    assert alices.post(f"/prompts/{his.pk}/delete/").status_code == 404
    assert "Hidden" not in html(alices.get(f"/?prompt={his.pk}"))
    assert SavedPrompt.objects.filter(pk=his.pk).exists()


def test_a_shared_one_is_changed_by_admins_alone(alices, shared):
    assert alices.get(f"/prompts/{shared.pk}/").status_code == 404


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("//", "x", "Give the prompt a name: letters and digits."),
        ("n" * 50, "x", "A name may have at most 40 characters."),
        ("fine", " ", "This field is required."),
        ("fine", "x" * (PROMPT_MAX_LENGTH + 1), f"at most {PROMPT_MAX_LENGTH} characters"),
    ],
)
def test_what_cannot_be_saved_is_told_and_stays_in_the_form(alices, name, text, sentence):
    response = alices.post("/prompts/new/", {"name": name, "text": text})
    assert response.status_code == 400
    assert sentence in html(response)
    assert name in html(response)


def test_a_name_is_taken_once_by_each_person(alice, bob, shared):
    services.save_prompt(alice, name="summary", text="Mine is shorter.")
    services.save_prompt(bob, name="summary", text="His, too.")
    with pytest.raises(InputError, match="You have a prompt “/summary” already"):
        services.save_prompt(alice, name="Summary", text="Again")
    assert next(prompt.text for prompt in services.prompts_for(alice) if prompt.name == "summary") == "Mine is shorter."


def test_nobody_fills_the_library_without_end(alice, monkeypatch):
    monkeypatch.setattr(library, "MOST_PROMPTS", 1)
    services.save_prompt(alice, name="one", text="x")
    with pytest.raises(InputError, match="Delete one first"):
        services.save_prompt(alice, name="two", text="x")


def test_its_text_is_no_markup(alices, alice):
    services.save_prompt(alice, name="x", text='"><script>alert(1)</script>')
    for address in ("/prompts/", "/prompts/choices/"):
        assert "<script>alert" not in html(alices.get(address))
