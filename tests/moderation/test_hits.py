"""What was found is written down beside the chat, never in its way."""

from __future__ import annotations

import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import OperationalError
from django.utils import timezone

from chatsite.moderation import hits as writing
from chatsite.moderation.matching import Match, Rule
from chatsite.moderation.models import Hit, Term, TermList
from conversations.guards import Exchange
from conversations.models import ChatModel, Conversation
from conversations.streaming.executors import in_database
from tests.helpers import finished, say
from tests.moderation.conftest import hits, listed

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _no_lists(no_lists):
    pass


def note(user, term: Term, *, text: str = "", model: int | None = None) -> None:
    exchange = Exchange(str(user.pk), str(uuid4()), model, part="answer")
    writing.note(exchange, Match(0, 4, Rule(term.pk, term.text), term.text), text)


@pytest.fixture
def term():
    listed("damn")
    return Term.objects.get()


def test_a_hit_says_who_when_where_what_and_what_became_of_it(alice, term):
    before = timezone.now()
    note(alice, term)
    [hit] = hits()
    assert (hit.user, hit.term, hit.entry, hit.part, hit.action) == (alice, term, "damn", "answer", "mask")
    assert before <= hit.created_at <= timezone.now()
    assert hit.text == ""


def test_a_hit_outlives_its_entry_and_its_model_but_not_its_person(alice, bob, term):
    model = ChatModel.objects.create(backend="scripted", model_id="m", label="m")
    note(alice, term, model=model.pk)
    note(bob, term)
    assert len(hits()) == 2
    TermList.objects.all().delete()
    model.delete()
    bob.delete()
    [hit] = hits()
    assert (hit.user, hit.term, hit.model, hit.entry) == (alice, None, None, "damn")


def test_what_was_deleted_before_it_was_written_costs_no_other_hit(alice, bob, term):
    batch = [
        Hit(user_id=user, term_id=entry, model_id=model, entry=name, part="answer", action="mask")
        for name, user, entry, model in [
            ("no entry", alice.pk, term.pk + 1, None),
            ("no model", alice.pk, term.pk, 10_000),
            ("no person", bob.pk + 1_000, term.pk, None),
            ("whole", alice.pk, term.pk, None),
        ]
    ]
    for hit in batch:
        hit.created_at, hit.conversation_id = timezone.now(), uuid4()
    writing._save(batch)
    assert [(hit.entry, hit.term_id, hit.model_id) for hit in hits()] == [
        ("no entry", None, None),
        ("no model", term.pk, None),
        ("whole", term.pk, None),
    ]


def test_while_the_database_is_away_hits_wait_and_nobody_waits_for_them(alice, term, monkeypatch):
    tried = threading.Event()
    is_away = threading.Event()
    is_away.set()
    save = writing._save

    def away(batch):
        tried.set()
        if is_away.is_set():
            raise OperationalError("away")
        save(batch)

    monkeypatch.setattr(writing, "_save", away)
    note(alice, term)
    assert tried.wait(5)
    note(alice, term)
    assert Hit.objects.count() == 0
    is_away.clear()
    assert len(hits()) == 2


def test_no_more_hits_wait_than_fit_into_memory(alice, term):
    recorder = writing.Recorder()
    recorder._thread = threading.current_thread()  # nobody writes
    for _time in range(writing.MOST_WAITING + 10):
        recorder.add(Hit(entry="damn"))
    assert len(recorder._waiting) == writing.MOST_WAITING


def test_old_hits_are_removed(alice, term, settings):
    settings.CHAT_FILTER_KEEP_DAYS = 30
    note(alice, term)
    note(alice, term)
    first, second = hits()
    Hit.objects.filter(pk=first.pk).update(created_at=timezone.now() - timedelta(days=31))
    assert writing.prune() == 1
    assert hits() == [second]


async def test_the_text_around_a_hit_is_kept_only_if_a_setting_says_so(engine, alice, scripted, settings):
    await in_database(listed, "damn")
    for keeps in (False, True):
        settings.CHAT_FILTER_KEEP_TEXT = keeps
        scripted.enqueue("Well, ", "damn", " it all")
        await finished(await say(alice, "I say damn to this"))
    texts = [hit.text for hit in await in_database(hits)]
    assert texts[:2] == ["", ""]
    assert texts[2] == "I say damn to this"
    assert texts[3].startswith("Well, damn")


def test_a_deleted_chat_leaves_no_text_behind(alice, term):
    conversation = Conversation.objects.create(user=alice)
    for where in (conversation.pk, uuid4()):
        Hit.objects.create(
            created_at=timezone.now(), user=alice, conversation_id=where, entry="damn", part="answer", text="secret"
        )
    conversation.delete()
    assert [hit.text for hit in hits()] == ["", "secret"]
