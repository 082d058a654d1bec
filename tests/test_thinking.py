"""What a model thinks is kept beside its answer with the same guarantees, and stays out of everything else."""

from __future__ import annotations

import asyncio

import pytest

from conversations import services, streaming
from conversations.errors import BackendError, Refused
from conversations.guards import Guard, ReplyGuard
from conversations.models import Conversation, Generation, StoredTranscript, Writer
from conversations.rendering import render
from conversations.services.catalogue import forget_catalogue
from conversations.stores import get_store
from conversations.streaming import parse_cursor
from conversations.streaming.executors import in_database, in_store
from conversations.titles import make_title
from conversations.types import ChatRequest, Delta, Message
from tests.another import another_process
from tests.helpers import Asked, branch, finished, refreshed, say
from tests.reading import Page, parse
from tests.upstream import Upstream, chunk

pytestmark = pytest.mark.django_db(transaction=True)

THOUGHTS = "The person says hi. 2 < 3 & <b>bold</b>. " * 5
ANSWER = "# Title\n\nSome *words* here.\n\nThe end."


def thought(text: str) -> Delta:
    return Delta(metadata={"reasoning": text})


def paced(*steps, size: int = 7, pause: float = 0.002) -> list:
    """Pieces with a turn of the loop in between, so that readers get several frames."""
    pieces = []
    for step in steps:
        make = thought if isinstance(step, Delta) else str
        text = step.metadata["reasoning"] if isinstance(step, Delta) else step
        pieces += [make(text[i : i + size]) for i in range(0, len(text), size)]
    return [step for piece in pieces for step in (piece, lambda: asyncio.sleep(pause))]


# The same reply, as servers send it.
FIELDS = (thought(THOUGHTS), ANSWER)
IN_TAGS = (f"<think>\n{THOUGHTS}</think>\n\n{ANSWER}",)
WAYS = pytest.mark.parametrize("reply", [FIELDS, IN_TAGS], ids=["fields", "tags"])


async def read_all(generation, cursor=None, page: Page | None = None) -> Page:
    page = page or Page()
    async with asyncio.timeout(10):
        async for frames in streaming.follow(generation.pk, cursor):
            page.take(frames)
    return page


async def row_with(generation, **fields) -> Generation:
    async with asyncio.timeout(10):
        while True:
            row = await refreshed(generation)
            if all(getattr(row, name) == value for name, value in fields.items()):
                return row
            await asyncio.sleep(0.01)


@WAYS
async def test_thoughts_stand_beside_the_answer(engine, alice, scripted, reply):
    scripted.enqueue(*paced(*reply))
    row = await finished(await say(alice, "Hi"))
    assert (row.status, row.reply_text, row.reasoning_text) == ("completed", ANSWER, THOUGHTS)
    assert row.reasoning_ms > 0
    said = (await branch(row.conversation))[-1]
    assert (said.content, said.metadata["reasoning"]) == (ANSWER, THOUGHTS)
    assert said.metadata["reasoning_ms"] == row.reasoning_ms


@pytest.mark.parametrize("kind", ["database", "memory", "s3"])
async def test_every_store_gives_them_back(request, engine, alice, scripted, settings, kind):
    if kind == "s3":
        options = request.getfixturevalue("s3_bucket")
        settings.CONVERSATION_STORE = {"BACKEND": "conversations.stores.s3.S3Store", "OPTIONS": options}
    else:
        settings.CONVERSATION_STORE = settings.CONVERSATION_STORES[kind]
    scripted.enqueue(*FIELDS)
    row = await finished(await say(alice, "Hi"))
    stored = await in_store(get_store().load, row.conversation.key)
    assert stored.branch()[-1].metadata["reasoning"] == THOUGHTS
    assert stored.size == len("Hi") + len(ANSWER) + len(THOUGHTS)
    conversation = await in_database(Conversation.objects.get)
    assert conversation.size == stored.size


@WAYS
async def test_the_next_prompt_lacks_them(engine, alice, scripted, reply):
    scripted.enqueue(*reply)
    first = await finished(await say(alice, "Hi"))
    await finished(await services.send_message(first.conversation, "And now?"))
    asked = [asked for asked in scripted.requests if asked.options.get("purpose") != "title"][-1]
    assert [message.content for message in asked.messages if message.role != "system"] == ["Hi", ANSWER, "And now?"]
    assert "The person says" not in repr(asked)


async def test_a_server_is_never_sent_what_a_model_thought(engine, alice, settings):
    with Upstream() as upstream:
        backend = "conversations.backends.chat_completions.ChatCompletionsBackend"
        options = {"base_url": upstream.url, "models": ["test"]}
        settings.CHAT_BACKENDS = {"server": {"BACKEND": backend, "OPTIONS": options}}
        await in_database(services.seed_catalogue)
        forget_catalogue()
        upstream.enqueue(chunk(reasoning_content="Hm, "), chunk(reasoning="secret."), "Yes.")
        upstream.enqueue("<think>A title.</think>", "Saying yes")
        first = await finished(await say(alice, "Hi"))
        assert (first.reasoning_text, first.reply_text) == ("Hm, secret.", "Yes.")
        while (await in_database(Conversation.objects.get)).title != "Saying yes":
            await asyncio.sleep(0.01)
        upstream.enqueue("<think>\nMore secrets.\n</think>\n\nNo.")
        second = await finished(await services.send_message(first.conversation, "Sure?"))
        await finished(await services.send_message(second.conversation, "Bye"))
        bodies = [exchange.body for exchange in upstream.exchanges if exchange.body]
        assert [m["content"] for m in bodies[-1]["messages"] if m["role"] != "system"] == [
            "Hi",
            "Yes.",
            "Sure?",
            "No.",
            "Bye",
        ]
        assert "secret" not in repr([body["messages"] for body in bodies])


@WAYS
async def test_readers_see_them_grow_before_the_answer(engine, alice, scripted, reply):
    scripted.enqueue(*paced(*reply))
    page = await read_all(await say(alice, "Hi"))
    assert (page.thoughts, page.settled) == (THOUGHTS, render(ANSWER))
    assert page.names.count("reasoning") > 3
    assert page.names.index("reasoning") < page.names.index("delta")
    assert page.thought_for > 0


@WAYS
async def test_a_reader_resumes_after_the_last_event_it_saw(engine, alice, scripted, reply):
    scripted.enqueue(*paced(*reply))
    generation = await say(alice, "Hi")
    page, cuts = Page(), 0
    while page.status == "in_progress":
        async for frames in streaming.follow(generation.pk, parse_cursor(page.cursor)):
            page.take(frames)
            assert THOUGHTS.startswith(page.thoughts)
            if parse(frames) and page.status == "in_progress":
                cuts += 1
                break
    assert cuts > 10
    assert (page.thoughts, page.settled) == (THOUGHTS, render(ANSWER))
    assert "reset" not in page.names[1:]


@pytest.mark.parametrize("cursor", ["999999.99", "0.0.999999", "5.0"])
async def test_a_cursor_that_does_not_fit_starts_anew(engine, alice, scripted, cursor):
    gate = asyncio.Event()
    scripted.enqueue(thought(THOUGHTS), gate.wait, ANSWER)
    generation = await say(alice, "Hi")
    await row_with(generation, reasoning_text=THOUGHTS)
    page = Page(thoughts="something else", tail="anything")
    reading = asyncio.create_task(read_all(generation, parse_cursor(cursor), page))
    await asyncio.sleep(0.05)
    assert (page.thoughts, page.text) == (THOUGHTS, "")
    gate.set()
    await reading
    assert (page.thoughts, page.settled) == (THOUGHTS, render(ANSWER))


async def test_long_thoughts_are_caught_up_piece_by_piece(engine, alice, scripted):
    gate, long = asyncio.Event(), THOUGHTS * 300
    scripted.enqueue(thought(long), "Yes", gate.wait, ".")
    generation = await say(alice, "Hi")
    await row_with(generation, reply_text="Yes")
    page = Page()
    reading = asyncio.create_task(read_all(generation, None, page))
    while page.text != "Yes":
        await asyncio.sleep(0.01)
    assert page.thoughts == long
    assert page.names.count("reasoning") > 2
    gate.set()
    await reading
    assert page.thoughts == long


async def test_who_comes_when_all_is_over_gets_everything(engine, alice, scripted):
    scripted.enqueue(*FIELDS)
    row = await finished(await say(alice, "Hi"))
    row = await in_database(Generation.objects.select_related("conversation", "model").get)
    page = Page().take(await in_store(streaming.finished_frames, row))
    assert (page.thoughts, page.settled, page.thought_for) == (THOUGHTS, render(ANSWER), row.reasoning_ms or 0)
    await in_database(lambda: Generation.objects.update(reply_text="", reasoning_text=""))  # as after 48 h
    row = await in_database(Generation.objects.select_related("conversation", "model").get)
    page = Page().take(await in_store(streaming.finished_frames, row))
    assert (page.thoughts, page.settled) == (THOUGHTS, render(ANSWER))


@pytest.fixture(params=["row", "redis"])
def connection(request, settings):
    """What connects the process that writes with the one that reads."""
    if request.param == "redis":
        settings.REDIS_URL = request.getfixturevalue("redis_server").url
    return request.param


@WAYS
async def test_a_reader_in_another_process_sees_the_same(connection, engine, alice, scripted, settings, reply):
    await engine.ready()
    with another_process() as process:
        while await in_database(Writer.objects.count) < 2:  # both have one pid: who came later took the other for gone
            await asyncio.sleep(0.01)
        if connection == "redis":  # rows come so rarely that what comes soon came through Redis
            settings.CHAT_POLL_INTERVAL = settings.CHAT_CLOCK_INTERVAL = 3600
        scripted.enqueue(*paced(*reply, pause=0.01))
        page = await read_all(await process.run(say(alice, "Hi")))
        assert (page.thoughts, page.settled) == (THOUGHTS, render(ANSWER))
        assert page.names.count("reasoning") > 2 or connection == "row"


async def test_what_was_thought_when_the_writer_died_is_kept(engine, alice, scripted):
    scripted.enqueue(thought(THOUGHTS), asyncio.Event().wait)
    generation = await say(alice, "Hi")
    row = await row_with(generation, reasoning_text=THOUGHTS)  # saved while nothing of the answer was there
    assert row.is_live
    await in_database(streaming.writer.outcome.settle_abandoned, [generation.pk])
    row = await finished(generation)
    assert (row.status, row.reasoning_text) == ("interrupted", THOUGHTS)
    assert (await branch(row.conversation))[-1].metadata["reasoning"] == THOUGHTS


async def test_a_reply_that_is_stopped_while_it_thinks_keeps_its_thoughts(engine, alice, scripted):
    scripted.enqueue("<think>Hm, let me s", asyncio.Event().wait)
    generation = await say(alice, "Hi")
    await row_with(generation, reasoning_text="Hm, let me s")
    await services.stop(generation)
    row = await finished(generation)
    assert (row.status, row.reply_text, row.reasoning_text) == ("cancelled", "", "Hm, let me s")


@pytest.mark.parametrize(
    ("steps", "sentence"),
    [
        ((thought("Hm."), Delta(finish_reason="length")), "before it came to its answer"),
        (("<think>Hm.", Delta(finish_reason="length")), "before it came to its answer"),
        (("<think>Hm.</think>\n",), "The model thought about it, but gave no answer."),
        ((thought("Hm."),), "The model thought about it, but gave no answer."),
    ],
)
async def test_who_only_thinks_ends_with_a_sentence_and_its_thoughts(engine, alice, scripted, steps, sentence):
    scripted.enqueue(*steps)
    row = await finished(await say(alice, "Hi"))
    assert (row.status, row.error_code, row.reasoning_text) == ("failed", "only_thought", "Hm.")
    assert sentence in row.error


async def test_thoughts_are_a_sign_of_life(engine, alice, scripted, catalogue):
    scripted.enqueue(thought("Hm."), BackendError("It broke.", is_transient=True))
    row = await finished(await say(alice, "Hi"))
    assert (row.status, row.error, row.reasoning_text) == ("failed", "It broke.", "Hm.")
    assert len([asked for asked in scripted.requests if asked.options.get("purpose") != "title"]) == 1


async def test_thoughts_without_end_are_cut(engine, alice, scripted, settings):
    settings.CHAT_MAX_REPLY_LENGTH = 1_000
    scripted.enqueue(*[thought("again and again ")] * 10_000, "late")
    row = await finished(await say(alice, "Hi"))
    assert (row.status, row.error_code, row.finish_reason) == ("failed", "only_thought", "length")
    assert 1_000 < len(row.reasoning_text) < 1_100


async def test_thoughts_are_cleaned_as_text_is(engine, alice, scripted):
    scripted.enqueue(thought("nul\0 half \ud83d"), thought("\ude00 lone \ud83d"), "Yes.")
    row = await finished(await say(alice, "Hi"))
    assert row.reasoning_text == "nul\N{REPLACEMENT CHARACTER} half 😀 lone \N{REPLACEMENT CHARACTER}"


async def test_no_thoughts_are_no_thoughts(engine, alice, scripted):
    scripted.enqueue("<think>\n\n</think>\n\nYes.")
    row = await finished(await say(alice, "Hi"))
    assert (row.reply_text, row.reasoning_text, row.reasoning_ms) == ("Yes.", "", None)
    assert "reasoning" not in (await branch(row.conversation))[-1].metadata


async def test_a_model_that_thinks_twice_is_read_twice(engine, alice, scripted):
    scripted.enqueue(thought("One."), "First. ", thought("Two."), "Second.")
    page = await read_all(await say(alice, "Hi"))
    assert page.thoughts == "One.\n\nTwo."
    assert "First. Second." in page.settled


class Censor(ReplyGuard):
    def feed(self, text):
        return text.replace("secret", "******")


class Censorship(Guard):
    def open_reply(self, *_):
        return Censor()


class Holder(ReplyGuard):
    """Holds everything back until the end."""

    def __init__(self):
        self._held = ""

    def feed(self, text):
        self._held += text
        return ""

    def finish(self):
        return self._held


class Hold(Guard):
    def open_reply(self, *_):
        return Holder()


@pytest.mark.parametrize("steps", [(thought("A secret."), "No secret."), ("<think>A secret.</think>No secret.",)])
async def test_guards_look_at_thoughts_too(engine, alice, scripted, settings, steps):
    settings.CHAT_GUARDS = [*settings.CHAT_GUARDS, f"{__name__}.Censorship"]
    scripted.enqueue(*steps)
    row = await finished(await say(alice, "Hi"))
    assert (row.reasoning_text, row.reply_text) == ("A ******.", "No ******.")


class Refuser(ReplyGuard):
    def feed(self, text):
        if "secret" in text:
            self.refusal = Refused("Not this.")
        return text.partition("secret")[0]


class Refusal(Guard):
    def open_reply(self, exchange, said=""):
        return Refuser() if exchange.part == "reasoning" else None


@pytest.mark.parametrize("steps", [(thought("A secret."), "No."), ("<think>A secret.</think>No.",)])
async def test_a_guard_may_end_a_reply_for_what_is_thought(engine, alice, scripted, settings, steps):
    settings.CHAT_GUARDS = [*settings.CHAT_GUARDS, f"{__name__}.Refusal"]
    scripted.enqueue(*steps)
    row = await finished(await say(alice, "Hi"))
    assert (row.status, row.error, row.reasoning_text) == ("failed", "Not this.", "A ")


async def test_what_a_guard_holds_of_the_thoughts_comes_when_the_answer_begins(engine, alice, scripted, settings):
    settings.CHAT_GUARDS = [*settings.CHAT_GUARDS, f"{__name__}.Hold"]
    gate = asyncio.Event()
    scripted.enqueue(thought("Hm."), "Ye", gate.wait, "s.")
    generation = await say(alice, "Hi")
    await row_with(generation, reasoning_text="Hm.", reply_text="")
    gate.set()
    assert (await finished(generation)).reply_text == "Yes."


# Where the chat template has opened the block


async def set_mode(catalogue, mode: str) -> None:
    model = catalogue["scripted"]
    model.parameters = {"reasoning": mode}
    await in_database(model.save)


async def test_a_model_whose_template_opens_the_block_says_so_in_the_catalogue(engine, alice, scripted, catalogue):
    await set_mode(catalogue, "opened")
    scripted.enqueue(*paced(f"{THOUGHTS}</think>\n\n{ANSWER}"))
    page = await read_all(await say(alice, "Hi"))
    assert (page.thoughts, page.settled) == (THOUGHTS, render(ANSWER))
    assert "Title" not in page.thoughts


async def test_such_a_model_may_answer_without_thinking(engine, alice, scripted, catalogue):
    await set_mode(catalogue, "opened")
    scripted.enqueue(*paced(ANSWER))
    generation = await say(alice, "Hi")
    page = await read_all(generation)
    row = await finished(generation)
    assert (row.status, row.reply_text, row.reasoning_text) == ("completed", ANSWER, "")
    assert (page.thoughts, page.settled) == ("", render(ANSWER))


async def test_such_a_model_may_send_fields_after_all(engine, alice, scripted, catalogue):
    await set_mode(catalogue, "opened")
    scripted.enqueue(*paced(*FIELDS))
    row = await finished(await say(alice, "Hi"))
    assert (row.reply_text, row.reasoning_text) == (ANSWER, THOUGHTS)


async def test_a_model_that_nobody_described_is_understood_at_the_end(engine, alice, scripted):
    scripted.enqueue(*paced(f"{THOUGHTS}\n</think>\n\n{ANSWER}"))
    scripted.enqueue_title("The greeting of a person</think>\n\nA Short Hello")
    generation = await say(alice, "Hi")
    page = await read_all(generation)
    row = await finished(generation)
    assert (row.reply_text, row.reasoning_text) == (ANSWER, THOUGHTS.strip())
    assert (page.thoughts, page.settled) == (THOUGHTS.strip(), render(ANSWER))
    assert page.title == "A Short Hello"  # it thinks for a title in the same way


async def test_a_model_can_be_left_alone(engine, alice, scripted, catalogue):
    await set_mode(catalogue, "off")
    scripted.enqueue("<think>Hm.\n</think>\nYes.")
    row = await finished(await say(alice, "Hi"))
    assert (row.reply_text, row.reasoning_text) == ("<think>Hm.\n</think>\nYes.", "")


# Going on


@pytest.mark.parametrize("backend", ["scripted", "asked"])
async def test_who_goes_on_keeps_what_was_thought(engine, alice, scripted, settings, backend):
    if backend == "asked":
        path = f"{Asked.__module__}.{Asked.__qualname__}"
        settings.CHAT_BACKENDS = settings.CHAT_BACKENDS | {"scripted": {"BACKEND": path}}
        from conversations.backends import get_backend

        scripted = get_backend("scripted")
    scripted.enqueue(thought("First I think."), "Some words ", Delta(finish_reason="length"))
    first = await finished(await say(alice, "Hi"))
    scripted.enqueue(thought("I go on."), "and more words that are new.")
    again = await services.continue_reply(first.conversation, first.reply_id)
    page = await read_all(again)
    row = await finished(again)
    assert row.reasoning_text == page.thoughts == "First I think.\n\nI go on."
    assert row.reply_text == "Some words and more words that are new."
    assert "think" not in repr([message.content for message in scripted.requests[-1].messages])


@pytest.mark.parametrize("thoughts", ["", "Numbers. "], ids=["it never thought", "it thought before"])
async def test_such_a_model_may_go_on_without_thinking(engine, alice, scripted, catalogue, monkeypatch, thoughts):
    monkeypatch.setattr(type(scripted), "supports_continue", False)
    await set_mode(catalogue, "opened")
    scripted.enqueue(*paced(f"{thoughts}</think>The answer is"), Delta(finish_reason="length"))
    first = await finished(await say(alice, "Hi"))
    scripted.enqueue(*paced(" forty-two, of course."))
    again = await services.continue_reply(first.conversation, first.reply_id)
    page = await read_all(again)
    row = await finished(again)
    assert (row.status, row.reply_text, row.reasoning_text) == (
        "completed",
        "The answer is forty-two, of course.",
        thoughts,
    )
    assert row.reasoning_ms == first.reasoning_ms
    assert (page.thoughts, page.settled) == (thoughts, render(row.reply_text))
    said = (await branch(row.conversation))[-1]
    assert (said.content, said.metadata.get("reasoning", "")) == (row.reply_text, thoughts)


class AnswersAlone(Guard):
    def open_reply(self, exchange, said=""):
        return Censor() if exchange.part == "answer" else None


async def test_what_it_goes_on_with_is_judged_as_an_answer(engine, alice, scripted, catalogue, settings, monkeypatch):
    settings.CHAT_GUARDS = [f"{__name__}.AnswersAlone"]
    monkeypatch.setattr(type(scripted), "supports_continue", False)
    await set_mode(catalogue, "opened")
    scripted.enqueue("</think>The answer is", Delta(finish_reason="length"))
    first = await finished(await say(alice, "Hi"))
    scripted.enqueue("a secret.")
    row = await finished(await services.continue_reply(first.conversation, first.reply_id))
    assert row.reply_text == "The answer is a ******."


async def test_another_answer_has_thoughts_of_its_own(engine, alice, scripted):
    scripted.enqueue(thought("One."), "First.")
    first = await finished(await say(alice, "Hi"))
    scripted.enqueue(thought("Two."), "Second.")
    again = await finished(await services.regenerate(first.conversation, first.reply_id))
    assert (again.reasoning_text, again.reply_text) == ("Two.", "Second.")


# Titles


async def test_a_title_is_made_of_what_was_said_alone(engine, alice, scripted):
    scripted.enqueue(*FIELDS)
    scripted.enqueue_title("<think>\nWhat could it be?\n</think>\n\n", "A Short Hello")
    page = await read_all(await say(alice, "Hi"))
    assert page.title == "A Short Hello"
    asked = next(asked for asked in scripted.requests if asked.options.get("purpose") == "title")
    assert "The person says" not in repr(asked)
    assert asked.options["max_tokens"] > 500  # or it would not come to the title


async def test_a_model_that_does_not_think_gets_no_room_for_it(scripted):
    await make_title([Message("user", "Hi")], scripted)
    assert scripted.requests[-1].options["max_tokens"] == 40


async def test_a_whole_answer_comes_without_them(scripted):
    scripted.enqueue(thought("Hm."), "<think>Hm.</think>\n", "Yes.")
    assert (await scripted.complete(ChatRequest((Message("user", "Hi"),)))).content == "Yes."


async def test_rows_lose_their_thoughts_with_their_text(engine, alice, scripted, settings):
    settings.CHAT_KEEP_KEYS_HOURS = 0
    scripted.enqueue(*FIELDS)
    generation = await say(alice, "Hi")
    await finished(generation)
    await in_database(streaming.storing.prune)
    row = await refreshed(generation)
    assert (row.user_text, row.reply_text, row.reasoning_text) == ("", "", "")
    assert THOUGHTS.split(".")[0] in (await in_database(StoredTranscript.objects.get)).document
