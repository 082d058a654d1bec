"""Thumbs: one for each answer and person, with a reason; counted by model for administrators, who see no chat."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from conversations import services
from conversations.models import Feedback
from conversations.types import Message

pytestmark = pytest.mark.django_db(transaction=True)
FETCH = {"X-Requested-With": "fetch"}


@pytest.fixture
def chat(alice, catalogue):
    conversation = services.create(alice, title="Secret plans")
    question = Message("user", "What is the secret?")
    wrote = {"backend": "scripted", "model": "scripted"}
    answers = [Message("assistant", f"Fish {n}.", parent_id=question.id, metadata=wrote) for n in range(3)]
    services.store(conversation, question, *answers)
    conversation.question, conversation.answers = question, answers
    return conversation


def rate(client, chat, message, thumb, **headers):
    url = reverse("conversations:rate", args=[chat.pk])
    return client.post(f"{url}?thumb={thumb}", {"message_id": message.id}, headers=headers)


def test_another_thumb_takes_the_place_and_the_reason_of_the_first(client, alice, chat):
    client.force_login(alice)
    answer = chat.answers[0]
    assert rate(client, chat, answer, "up", **FETCH).status_code == 204
    explain = reverse("conversations:explain", args=[chat.pk])
    client.post(explain, {"message_id": answer.id, "reason": " So\n clear. "}, headers=FETCH)
    assert Feedback.objects.get().reason == "So clear."
    rate(client, chat, answer, "down", **FETCH)
    row = Feedback.objects.get()
    assert (row.thumb, row.reason, row.model.label) == ("down", "", "Scripted")
    rate(client, chat, answer, "", **FETCH)
    assert not Feedback.objects.exists()


def test_only_answers_get_thumbs_and_reasons_have_an_end(client, alice, chat):
    client.force_login(alice)
    assert rate(client, chat, chat.question, "up").status_code == 400
    assert rate(client, chat, Message("assistant", "of another chat"), "up").status_code == 400
    explain = reverse("conversations:explain", args=[chat.pk])
    assert client.post(explain, {"message_id": chat.answers[0].id, "reason": "x"}).status_code == 400
    rate(client, chat, chat.answers[0], "up")
    refused = client.post(explain, {"message_id": chat.answers[0].id, "reason": "<b>" * 1000})
    assert refused.status_code == 400
    assert "at most 1000 characters" in refused.content.decode()
    assert "&lt;b&gt;" in refused.content.decode()


def test_a_page_asks_for_thumbs_once_however_many_there_are(client, alice, chat):
    client.force_login(alice)
    url = reverse("conversations:show", args=[chat.pk])

    def queries():
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert client.get(url).status_code == 200
        return len(seen)

    client.get(url)
    none = queries()
    for answer in chat.answers:
        rate(client, chat, answer, "up")
    client.get(url)
    assert queries() == none


def test_administrators_see_counts_by_model_and_reasons_but_no_chat(client, alice, admin, chat):
    client.force_login(alice)
    rate(client, chat, chat.answers[0], "up")
    rate(client, chat, chat.answers[1], "down")
    rate(client, chat, chat.answers[2], "down")
    services.explain(chat, chat.answers[1].id, "Fish do not swim there.")
    client.force_login(admin)
    models = client.get(reverse("admin:conversations_chatmodel_changelist")).content.decode()
    assert "1 good, 2 bad" in models
    page = client.get(reverse("admin:conversations_feedback_changelist") + "?value__exact=-1").content.decode()
    assert "Fish do not swim there." in page
    row = Feedback.objects.get(reason__startswith="Fish")
    page += client.get(reverse("admin:conversations_feedback_change", args=[row.pk])).content.decode()
    assert "Secret plans" not in page
    assert "What is the secret?" not in page
