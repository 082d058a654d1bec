"""A temporary chat works like any other, and its text is never in the database, nor in the store of the others."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib.sessions.models import Session
from django.core.cache import caches
from django.db import connection
from django.test import AsyncClient
from django.urls import reverse
from django.utils import timezone

from conversations import services, streaming
from conversations.errors import BackendError, NotFound, Over, TooLarge
from conversations.models import Conversation, Generation
from conversations.stores import get_store
from conversations.streaming import outcome, storing
from conversations.streaming.executors import in_database, in_store
from conversations.types import Delta
from tests.another import another_process
from tests.helpers import branch, finished, refreshed
from tests.moderation.conftest import hits, listed, no_lists  # noqa: F401  (a fixture)
from tests.reading import Page

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "Zwetschgenknödel"
FETCH = {"X-Requested-With": "fetch"}


@pytest.fixture(autouse=True)
def _nothing_kept():
    caches["temporary"].clear()


def written_down() -> list[str]:
    """Where the secret stands in the database: every field of every row of every table, and what sessions encode."""
    sessions = [str(session.get_decoded()) for session in Session.objects.all()]
    return [session for session in sessions if SECRET in session] + [
        f"{model._meta.label}.{name}"
        for model in apps.get_models()
        for row in model.objects.values()
        for name, value in row.items()
        if SECRET.lower() in str(value).lower()
    ]


async def nowhere() -> bool:
    stored = await in_store(lambda: list(get_store().keys()))
    return await in_database(written_down) == [] and stored == []


async def begin(user, text=f"Tell me of {SECRET}", **options) -> Generation:
    conversation = services.start_conversation(user, is_temporary=True)
    return await services.send_message(conversation, text, parent_id="", **options)


async def contents(conversation) -> list[str]:
    return [message.content for message in await branch(conversation)]


async def test_its_text_is_never_in_the_database_and_it_remembers_what_was_said(engine, alice, scripted):
    gate = asyncio.Event()
    scripted.enqueue(Delta(metadata={"reasoning": f"{SECRET}?"}), f"{SECRET} are", gate.wait, " sweet.")
    generation = await begin(alice)
    while engine.live and not engine.live[generation.pk].text.startswith(SECRET):
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.3)  # three ticks of the clock, which checkpoints
    assert await nowhere()
    assert await contents(generation.conversation) == [f"Tell me of {SECRET}", ""]  # the stream brings the rest
    gate.set()
    await finished(generation)
    assert await contents(generation.conversation) == [f"Tell me of {SECRET}", f"{SECRET} are sweet."]
    assert await nowhere()
    await finished(await services.send_message(generation.conversation, "And then?"))
    said = [message.content for message in scripted.requests[-1].messages]
    assert said[1:] == [f"Tell me of {SECRET}", f"{SECRET} are sweet.", "And then?"]
    assert len(scripted.requests) == 2  # nobody was asked for a title
    assert (await in_database(Conversation.objects.get)).title == ""
    assert await nowhere()


async def test_readers_get_all_of_it_while_it_is_written_and_later(engine, alice, scripted, settings):
    gate = asyncio.Event()
    scripted.enqueue("First *word*", gate.wait, " and the end.")
    with another_process() as another:
        generation = await begin(alice)
        elsewhere = asyncio.ensure_future(another.run(follow(generation)))
        here = asyncio.ensure_future(follow(generation))
        await asyncio.sleep(0.2)
        gate.set()
        pages = await asyncio.wait_for(asyncio.gather(here, elsewhere), 20)
    row = await finished(generation)
    pages.append(Page().take(await in_database(streaming.finished_frames, row)))
    for page in pages:
        assert page.text == "First word and the end."
        assert page.status == "completed"


async def test_an_answer_that_another_process_gave_up_keeps_what_its_reader_has_seen(engine, alice, scripted):
    scripted.enqueue("First *word*", asyncio.Event().wait)
    generation = await begin(alice)
    reading = asyncio.ensure_future(follow(generation))
    await asyncio.sleep(0.2)
    await in_database(outcome.settle_abandoned, [generation.pk])
    page = await asyncio.wait_for(reading, 10)
    assert (page.text, page.status) == ("First word", "interrupted")
    assert (await contents(generation.conversation))[-1] == "First *word*"


async def follow(generation: Generation) -> Page:
    page = Page()
    async for frames in streaming.follow(generation.pk):
        page.take(frames)
    return page


async def test_what_went_wrong_is_told_and_not_written_down(engine, alice, scripted):
    scripted.enqueue(f"{SECRET} a", BackendError(f"The model did not like {SECRET}."))
    generation = await finished(await begin(alice))
    assert (generation.status, generation.error) == ("failed", "")
    reply = (await branch(generation.conversation))[-1]
    assert reply.content == f"{SECRET} a"
    assert SECRET in reply.metadata["error"]
    assert await nowhere()
    again = await finished(await services.continue_reply(generation.conversation, reply.id))
    assert (await contents(again.conversation))[-1].startswith(f"{SECRET} a")
    assert await nowhere()


async def test_the_content_filter_keeps_nothing_of_it(no_lists, engine, alice, settings):  # noqa: F811
    settings.CHAT_FILTER_KEEP_TEXT = True
    await in_database(lambda: listed("plums", action="flag"))
    generation = await finished(await begin(alice, f"plums for {SECRET}"))
    assert generation.status == "completed"
    noted = await in_database(hits)
    assert noted
    assert {hit.text for hit in noted} == {""}


async def test_edits_other_answers_comparisons_and_steps_back_write_nothing_down(engine, alice, catalogue):
    first = await finished(await begin(alice))
    chat = first.conversation
    await finished(await services.edit_message(chat, first.user_message_id, f"No, of {SECRET} dumplings"))
    reply = (await branch(chat))[-1]
    await finished(await services.regenerate(chat, reply.id))
    models = [model.pk for model in catalogue.values()]
    for generation in await services.compare(chat, f"Which {SECRET}?", models=models):
        await finished(generation)
    assert len((await in_store(services.read, chat)).messages) == 8
    await in_store(services.take_back, chat, generation.reply_id)
    await in_store(services.clear, chat)
    assert await contents(chat) == []
    assert await nowhere()


async def test_the_same_send_twice_is_one_turn_and_its_mark_tells_nothing(engine, alice):
    first = await begin(alice, "yes", idempotency_key="k" * 32)
    again = await services.send_message(
        services.start_conversation(alice, is_temporary=True), "yes", parent_id="", idempotency_key="k" * 32
    )
    assert first.pk == again.pk
    ordinary = await services.send_message(services.start_conversation(alice), "yes", parent_id="")
    assert ordinary.body_hash != first.body_hash
    for generation in (first, ordinary):
        await finished(generation)


async def test_it_is_in_no_list_and_nobody_obtains_it_but_the_chat_itself(engine, alice, bob):
    generation = await finished(await begin(alice))
    chat = generation.conversation_id
    assert await in_database(lambda: list(services.all_of(alice))) == []
    for user, how in ((alice, {}), (bob, {}), (bob, {"temporary": True})):
        with pytest.raises(NotFound):
            await in_database(lambda user=user, how=how: services.by_id(user, chat, **how))
    assert (await in_database(lambda: services.by_id(alice, chat, temporary=True))).pk == chat


async def test_its_end_is_the_end_of_all_of_it_also_of_a_running_answer(engine, alice, scripted):
    gate = asyncio.Event()
    scripted.enqueue(f"{SECRET} are", gate.wait)
    generation = await begin(alice)
    await in_store(services.end, generation.conversation)
    async with asyncio.timeout(10):
        while engine.live:
            await asyncio.sleep(0.01)
    assert scripted.closed == 1
    assert not await in_database(Conversation.objects.exists)
    assert not await in_database(Generation.objects.exists)
    with pytest.raises(Over):
        await in_store(services.read, generation.conversation)
    assert not caches["temporary"]._cache


async def test_after_a_restart_its_page_says_that_it_is_over(engine, alice):
    generation = await finished(await begin(alice))
    caches["temporary"].clear()
    client = AsyncClient()
    await client.aforce_login(alice)
    response = await client.get(reverse("conversations:show", args=[generation.conversation_id]))
    assert response.status_code == 410
    assert "This temporary chat is over" in response.content.decode()
    with pytest.raises(Over):
        await services.send_message(generation.conversation, "Are you there?")


async def test_what_nobody_uses_any_more_goes_by_itself_and_of_many_the_oldest(engine, alice, bob):
    old = await finished(await begin(alice))
    await finished(await begin(bob))
    long_ago = timezone.now() - timedelta(hours=3)
    await in_database(lambda: Conversation.objects.filter(pk=old.conversation_id).update(updated_at=long_ago))
    assert await in_store(storing.end_temporary) == 1
    assert await in_database(lambda: Conversation.objects.get().user_id) == bob.pk
    for _ in range(storing.MOST_TEMPORARY + 1):
        await finished(await begin(alice))
    mine = await in_database(lambda: Conversation.objects.filter(user=alice).count())
    assert mine == storing.MOST_TEMPORARY


async def test_one_that_its_owner_goes_on_with_at_the_last_moment_does_not_end(engine, alice):
    generation = await finished(await begin(alice))
    rows = Conversation.objects.filter(pk=generation.conversation_id)
    await in_database(lambda: rows.update(updated_at=timezone.now() - timedelta(hours=3)))

    def ended() -> int:
        sent = []

        def send_first(execute, sql, *rest):
            if not sent and not sql.startswith("SELECT"):
                sent.append(True)
                rows.update(updated_at=timezone.now())
            return execute(sql, *rest)

        with connection.execute_wrapper(send_first):
            return storing.end_temporary()

    assert await in_database(ended) == 0
    assert await contents(generation.conversation) == [f"Tell me of {SECRET}"] * 2


async def test_its_own_system_prompt_is_told_to_the_model_and_not_written_down(engine, alice, scripted):
    own = services.Wish(personality=services.OWN_TEXT, prompt=f"You know all of {SECRET}.")
    chat = (await finished(await begin(alice, wish=own))).conversation
    assert scripted.requests[-1].messages[0].content == f"You know all of {SECRET}."
    assert await nowhere()
    found = await in_database(lambda: services.by_id(alice, chat.pk, temporary=True))
    await finished(await services.send_message(found, "And then?"))
    assert scripted.requests[-1].messages[0].content == f"You know all of {SECRET}."
    client = AsyncClient()
    await client.aforce_login(alice)
    url = reverse("conversations:settings", args=[chat.pk])
    await client.post(url, {"personality": "own", "system_prompt": f"You cook {SECRET}."}, headers=FETCH)
    await client.post(reverse("conversations:send", args=[chat.pk]), {"content": "How?", "key": "k" * 32})
    assert scripted.requests[-1].messages[0].content == f"You cook {SECRET}."
    assert f"You cook {SECRET}." in (await client.get(url)).content.decode()
    assert await nowhere()


async def test_its_settings_count_for_each_message_and_stand_in_no_row(engine, alice, scripted):
    def in_rows() -> list[dict]:
        rows = [*Conversation.objects.values_list("options"), *Generation.objects.values_list("options")]
        return [options for (options,) in rows if options]

    wish = services.Wish(options={"temperature": "0.37"})
    chat = (await finished(await begin(alice, wish=wish))).conversation
    assert scripted.requests[-1].options["temperature"] == 0.37
    client = AsyncClient()
    await client.aforce_login(alice)
    url, send = (reverse(f"conversations:{name}", args=[chat.pk]) for name in ("settings", "send"))
    await client.post(send, {"content": "And then?", "key": "k" * 32}, headers=FETCH)
    assert scripted.requests[-1].options["temperature"] == 0.37
    assert 'value="0.37"' in (await client.get(url)).content.decode()
    await client.post(url, {"option-temperature": "0.83"}, headers=FETCH)
    await client.post(send, {"content": "How?", "key": "l" * 32}, headers=FETCH)
    assert scripted.requests[-1].options["temperature"] == 0.83
    assert await in_database(in_rows) == []
    await in_store(services.end, chat)
    assert await in_database(lambda: Conversation.objects.count() + Generation.objects.count()) == 0


async def test_the_text_of_a_persona_that_is_deleted_is_kept_with_what_was_said(engine, alice, scripted):
    persona = await in_database(lambda: services.save_persona(alice, name="Cook", prompt=f"You cook {SECRET}."))
    chat = (await finished(await begin(alice, wish=services.Wish(personality=str(persona.pk))))).conversation
    await in_database(services.delete_persona, persona)
    found = await in_database(lambda: services.by_id(alice, chat.pk, temporary=True))
    await finished(await services.send_message(found, "And then?"))
    assert scripted.requests[-1].messages[0].content == f"You cook {SECRET}."
    assert await nowhere()


async def test_its_length_has_an_end(engine, alice, settings):
    settings.CHAT_TEMPORARY_SIZE = 20_000
    generation = await finished(await begin(alice, "x" * 15_500))
    with pytest.raises(TooLarge):
        await services.send_message(generation.conversation, "more")


async def test_logging_out_ends_it(engine, alice):
    client = AsyncClient()
    await client.aforce_login(alice)
    await finished(await begin(alice))
    await client.post(reverse("account_logout"))
    assert not await in_database(Conversation.objects.exists)


async def test_a_browser_begins_it_and_what_was_typed_after_the_session_ended_is_not_stored(engine, alice):
    client = AsyncClient()
    await client.aforce_login(alice)
    page = await client.get(reverse("conversations:home") + "?temporary=1")
    assert 'name="temporary" value="1"' in page.content.decode()
    sent = {"content": SECRET, "key": "k" * 32, "temporary": "1"}
    answer = await client.post(reverse("conversations:start"), sent, headers=FETCH)
    assert "data-sidebar-row" not in answer.content.decode()
    generation = await in_database(lambda: Generation.objects.select_related("conversation").get())
    assert generation.conversation.is_temporary
    await finished(generation)
    chat = [generation.conversation_id]
    await client.post(reverse("conversations:take_back", args=chat), {"message_id": generation.reply_id})
    assert await nowhere()
    await in_database(client.session.flush)
    refused = await client.post(reverse("conversations:send", args=chat), sent)
    assert refused.status_code == 302
    refused = await client.post(reverse("conversations:start"), sent, headers=FETCH)
    assert 'name="temporary" value="1"' in refused.content.decode()  # sent again, it is temporary still
    assert await nowhere()


async def test_another_version_that_was_typed_after_the_session_ended_is_not_stored(engine, alice):
    client = AsyncClient()
    await client.aforce_login(alice)
    await client.get(reverse("conversations:home"))  # the browser knows who uses it
    generation = await finished(await begin(alice))
    url = reverse("conversations:edit", args=[generation.conversation_id])
    page = (await client.get(f"{url}?message={generation.user_message_id}")).content.decode()
    assert 'name="temporary" value="1"' in page
    await in_database(client.session.flush)
    sent = {"content": f"No, {SECRET}!", "key": "k" * 32, "message_id": generation.user_message_id}
    assert (await client.post(url, sent)).status_code == 302  # a page of before the field was there
    assert await nowhere()
    refused = await client.post(url, sent, headers=FETCH)
    assert 'name="temporary" value="1"' in refused.content.decode()
    await in_store(services.end, generation.conversation)
    assert (await client.post(url, sent | {"temporary": "1"})).status_code == 302
    assert await nowhere()


async def test_thumbs_names_and_ends_of_others_are_not_for_it(engine, alice):
    client = AsyncClient()
    await client.aforce_login(alice)
    generation = await finished(await begin(alice))
    for name in ("rate", "explain", "rename", "delete"):
        url = reverse(f"conversations:{name}", args=[generation.conversation_id])
        answer = await client.post(url, {"message_id": generation.reply_id, "title": SECRET, "reason": SECRET})
        assert answer.status_code == 404
    assert (await refreshed(generation)).conversation.title == ""
