"""What the next message would take along, as the page asks for it when an answer has ended."""

from __future__ import annotations

import pytest
from django.urls import reverse

from conversations import services
from conversations.models import ChatModel
from conversations.types import Message

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def chat(alice, catalogue):
    ChatModel.objects.filter(backend="scripted").update(context_size=8192)
    services.forget_catalogue()
    conversation = services.create(alice, title="Numbers", model=catalogue["scripted"])
    parent = None
    for number in ("one", "two", "three", "four"):
        question = Message("user", number, parent_id=parent, id=f"{number}-said")
        answer = Message("assistant", f"{number}!", parent_id=question.id, id=f"{number}-answered")
        services.store(conversation, question, answer)
        parent = answer.id
    return conversation


def ask(client, chat, **query):
    return client.get(reverse("conversations:memory", args=[chat.pk]), query, headers={"X-Requested-With": "fetch"})


def test_its_owner_is_told_where_the_memory_begins_and_how_full_it_is(client, alice, chat):
    client.force_login(alice)
    answer = ask(client, chat)
    assert answer.status_code == 200
    assert 'data-before="two-said"' in answer.text
    assert "The model's context is about 1% full" in answer.text.replace("&#x27;", "'")
    assert "no-store" in answer["Cache-Control"]


def test_it_goes_by_the_message_that_the_page_ends_with(client, alice, chat):
    client.force_login(alice)
    assert "data-before" not in ask(client, chat, leaf="three-answered").text
    assert 'data-before="two-said"' in ask(client, chat, leaf="unknown").text


def test_it_goes_by_the_model_that_is_chosen(client, alice, chat, catalogue):
    client.force_login(alice)
    assert "memory-meter" not in ask(client, chat, model=catalogue["guide"].pk).text  # rules have no context
    assert "data-before" not in ask(client, chat, model=catalogue["guide"].pk).text
    assert 'data-before="two-said"' in ask(client, chat, model="nonsense").text


def test_a_question_that_is_too_long_for_another_model_breaks_no_page(client, alice, chat):
    long = Message("user", "Why? " * 5_000, parent_id="four-answered")
    services.store(chat, long, Message("assistant", "", parent_id=long.id, metadata={"status": "failed"}))
    ChatModel.objects.filter(backend="scripted").update(context_size=1024)
    services.forget_catalogue()
    client.force_login(alice)
    page = client.get(reverse("conversations:show", args=[chat.pk]))
    assert page.status_code == 200
    assert "The model remembers nothing of what stands above" in page.text


def test_a_stranger_gets_404_and_nobody_401(client, bob, chat):
    assert ask(client, chat).status_code == 401
    client.force_login(bob)
    assert ask(client, chat).status_code == 404


def test_it_is_only_read(client, alice, chat):
    client.force_login(alice)
    assert client.post(reverse("conversations:memory", args=[chat.pk])).status_code == 405


def test_a_rule_s_chat_shows_no_line_and_no_meter(client, alice, chat, catalogue):
    chat.model = catalogue["guide"]
    chat.save()
    client.force_login(alice)
    page = client.get(reverse("conversations:show", args=[chat.pk])).text
    assert "data-memory-begins" not in page
    assert "memory-meter" not in page
