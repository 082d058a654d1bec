"""Where a quicker way is taken, nothing else is lost: what Django would do, what an admin changes, who may read."""

from __future__ import annotations

import asyncio
from threading import current_thread

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.utils import translation

from chatsite import middleware
from conversations import services, streaming
from conversations.models import ChatModel, Conversation
from conversations.streaming.executors import in_database
from tests.crowd import cookies, crowd, read_until
from tests.helpers import Gate, say

User = get_user_model()


def test_a_relation_finds_its_own_people_only(alice, bob):
    group = Group.objects.create(name="Friends")
    group.user_set.add(alice)
    assert group.user_set.get(pk=alice.pk) == alice
    with pytest.raises(User.DoesNotExist):
        group.user_set.get(pk=bob.pk)


@pytest.mark.parametrize("pk", [10**6, "nobody"])
def test_nobody_is_found_under_a_strange_number(db, pk):
    with pytest.raises((User.DoesNotExist, ValueError)):
        User.objects.get(pk=pk)


async def test_work_in_threads_keeps_the_language_and_the_number_of_its_request():
    middleware._current.set("request-1")
    with translation.override("vi"):
        found = await in_database(lambda: (middleware.current_request_id(), translation.get_language()))
    assert found == ("request-1", "vi")


def test_what_an_admin_changes_in_the_catalogue_is_seen_at_once_though_it_is_remembered(
    catalogue, settings, django_assert_num_queries
):
    settings.CHAT_CATALOGUE_AGE = 3600.0
    services.forget_catalogue()
    assert "scripted" in {model.backend for model in services.available_models()}
    with django_assert_num_queries(0):
        services.available_models()
    model = ChatModel.objects.get(backend="scripted")
    model.enabled = False
    model.save()
    assert "scripted" not in {model.backend for model in services.available_models()}
    model.delete()
    services.forget_catalogue()


async def test_the_stream_of_a_deleted_chat_is_gone_while_its_reply_is_still_live(engine, alice, bob, scripted):
    gate = asyncio.Event()
    scripted.enqueue("Secret ", gate.wait, "words")
    generation = await say(alice, "Hi")
    assert await streaming.is_written_here(generation.pk, alice.pk)
    assert not await streaming.is_written_here(generation.pk, bob.pk)
    await in_database(lambda: Conversation.objects.filter(pk=generation.conversation_id).delete())
    assert not await streaming.is_written_here(generation.pk, alice.pk)
    gate.set()


def test_a_stream_whose_session_was_saved_holds_no_connection(site, scripted, settings):
    """Django signs each session anew after the secret key was changed, with the next request: here, with the stream."""
    scripted.is_language_model = False
    opened: list[tuple[str, BaseDatabaseWrapper]] = []

    def note(connection, **_signal):
        opened.append((current_thread().name, connection))

    connection_created.connect(note)
    try:
        held = asyncio.run(_held_by_streams(site, scripted, settings, cookies(3), opened))
    finally:
        connection_created.disconnect(note)
    assert held == []


async def _held_by_streams(site, scripted, settings, people, opened) -> list[str]:
    gate = Gate()
    for _ in people:
        scripted.enqueue("Good ", gate.wait, "morning")
    async with crowd(site, people) as everybody:
        replies = [await person.send("Hello") for person in everybody]
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "another " * 8
        opened.clear()
        streams = [person.follow(reply) for person, reply in zip(everybody, replies, strict=True)]
        for stream in streams:
            await read_until((await stream.__aenter__()).content, b"Good")
        held = [
            name
            for name, connection in opened
            if connection.connection is not None and not name.startswith(("database", "store"))
        ]
        gate.open()
        for stream in streams:
            await stream.__aexit__(None, None, None)
    return held
