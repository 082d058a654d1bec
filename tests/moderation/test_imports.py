"""Text that is imported passes the filter like text that is typed."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from chatsite.moderation.filtering import MASK
from conversations import services
from conversations.models import Conversation
from tests.moderation.conftest import hits, listed
from tests.transfer.cast import said
from tests.transfer.test_imports import checked, exported, fates, imported

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_lists")]
STANDS_THERE = "(This site's content filter does not take what stood here.)"


@pytest.fixture(autouse=True)
def _import_dir(settings, tmp_path):
    settings.IMPORT_DIR = tmp_path / "imports"


def left(user, *texts: str, **fields) -> bytes:
    """The file of a chat that is here no more."""
    chat = said(user, *texts, **fields)
    file = exported(user, chat)
    services.delete(chat)
    return file


def texts() -> list[str]:
    return [message.content for message in services.read(Conversation.objects.get()).branch()]


def test_masked_words_come_in_masked_in_questions_answers_thoughts_and_titles(alice):
    data = json.loads(left(alice, "Oh damn it", "Damn, yes", title="A damn plan"))
    data["document"]["messages"][1]["metadata"] = {"reasoning": "He says damn."}
    listed("damn")
    assert fates(imported(alice, data)) == ["new"]
    four = MASK * 4
    chat = Conversation.objects.get()
    assert texts() == [f"Oh {four} it", f"{four}, yes"]
    assert services.read(chat).branch()[1].metadata["reasoning"] == f"He says {four}."
    assert chat.title == f"A {four} plan"


def test_a_refused_message_stays_out_and_the_report_tells_it_before_and_after(alice, client):
    file = left(alice, "The secret plan", "Which one?", "Another", "Fine")
    listed("secret plan", action="refuse")
    client.force_login(alice)
    for look in (checked, imported):
        job = look(alice, file)
        assert fates(job) == ["new"]
        page = client.get(reverse("transfer:job", args=[job.pk])).content.decode()
        assert "Left out: 1 message that this site&#x27;s content filter does not take" in page
        assert "1 of which something is left out" in page
    assert texts() == [STANDS_THERE, "Which one?", "Another", "Fine"]
    again = imported(alice, file)
    assert (fates(again), again.chats.get().left_out) == (["there"], "")


def test_hits_are_noted_once_and_only_of_what_comes_in(alice):
    file = left(alice, "Oh damn it", "The secret plan")
    listed("damn")
    listed("secret plan", action="refuse")
    checked(alice, file)
    assert hits() == []
    for _time in range(2):
        imported(alice, file)
    chat = Conversation.objects.get()
    assert [(hit.entry, hit.part, hit.conversation_id) for hit in hits()] == [
        ("damn", "message", chat.pk),
        ("secret plan", "answer", chat.pk),
    ]


def test_messages_that_were_said_since_pass_it_too(alice):
    chat = said(alice, "One", "Two")
    before = json.loads(exported(alice, chat))
    more = json.loads(json.dumps(before))
    last = more["document"]["messages"][-1]
    more["document"]["messages"].append(
        {**last, "id": "new", "parent_id": last["id"], "role": "user", "content": "Damn"}
    )
    listed("damn")
    assert fates(imported(alice, more)) == ["more"]
    assert services.read(chat).messages[-1].content == MASK * 4


def test_without_lists_what_comes_in_is_what_was_exported(alice):
    file = left(alice, "Oh damn it", " ", "x" * 40_000)
    imported(alice, file)
    assert exported(alice, Conversation.objects.get()) == file
