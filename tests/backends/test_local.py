"""A real model in this process: half a million parameters, trained on the spot (tests/tiny_model.py)."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import threading
from contextlib import aclosing
from importlib.util import find_spec

import pytest

from conversations.backends.local import LocalBackend
from conversations.backends.local.engine import Outcome
from conversations.backends.local.memory import available_memory, weights_size
from conversations.backends.local.prompt import turns_of, without_system
from conversations.backends.local.run import Run
from conversations.backends.local.sampling import Sampling
from conversations.backends.local.text import Detokenizer, StopStrings
from conversations.backends.local.turns import Turns
from conversations.errors import BackendError, BackendTimeout
from conversations.types import ChatRequest, Message, Usage
from tests.tiny_model import ANSWERS, ENDLESS, NAMES, SYSTEM, tiny_model

local_model = pytest.mark.local_model
OUTCOME = Outcome("stop", Usage(1, 2))
GUARD = 60  # seconds after which a hanging test gives up


@pytest.fixture(scope="module")
def folder():
    pytest.importorskip("torch", reason="Install the local models' packages: pip install -r requirements-local.txt")
    pytest.importorskip("transformers")
    return tiny_model()


@pytest.fixture
async def backend(folder):
    backend = LocalBackend("local", model=str(folder), threads=1)
    yield backend
    await backend.aclose()


def saying(*texts: str, system: str = "", **options) -> ChatRequest:
    """What a person and the model said by turns, the person last."""
    messages = [Message("system", system)] if system else []
    messages += [Message(("user", "assistant")[number % 2], text) for number, text in enumerate(texts)]
    return ChatRequest(tuple(messages), options={"temperature": 0, **options})


async def deltas(backend, request):
    async with asyncio.timeout(GUARD), aclosing(backend.stream(request)) as stream:
        return [delta async for delta in stream]


async def answer(backend, *texts: str, **options) -> str:
    return "".join(delta.text for delta in await deltas(backend, saying(*texts, **options)))


async def begun(stream) -> str:
    """Read until the first text is there."""
    async for delta in stream:
        if delta.text:
            return delta.text
    raise AssertionError("The reply ended without text.")


def waits(found) -> list[str]:
    return [delta.metadata["waiting"] for delta in found if "waiting" in delta.metadata]


def reply_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "local-model-reply"]


@local_model
@pytest.mark.parametrize("question", ANSWERS)
async def test_it_answers_what_the_model_has_learnt_to_the_letter(backend, question):
    assert await answer(backend, question) == ANSWERS[question]


@local_model
@pytest.mark.parametrize("name", NAMES[:6])
async def test_a_name_told_earlier_is_recalled(backend, name):
    said = [f"My name is {name}.", f"Nice to meet you, {name}!", "What is my name?"]
    assert await answer(backend, *said, system=SYSTEM) == f"Your name is {name}."


@local_model
async def test_the_reply_ends_with_stop_and_the_tokens_counted(backend):
    found = await deltas(backend, saying("Count to ten."))
    assert [delta.finish_reason for delta in found if delta.finish_reason] == ["stop"]
    assert found[-1].usage.prompt_tokens > 5
    assert found[-1].usage.completion_tokens > 10


@local_model
async def test_loading_is_told_once_and_done_once(backend):
    assert waits(await deltas(backend, saying("Hello"))) == ["Loading the model…"]
    assert waits(await deltas(backend, saying("Hello"))) == []


@local_model
async def test_a_temperature_of_zero_repeats_itself_and_a_high_one_varies(backend):
    stable = {await answer(backend, "Tell me about Hanoi.", max_tokens=24) for _ in range(3)}
    varied = {await answer(backend, "Tell me about Hanoi.", max_tokens=24, temperature=2.0) for _ in range(3)}
    assert len(stable) == 1
    assert len(varied) > 1


@local_model
async def test_one_choice_left_by_top_k_is_the_likeliest(backend):
    question = "What is the capital of France?"
    assert await answer(backend, question, temperature=2.0, top_k=1) == ANSWERS[question]
    assert await answer(backend, question, temperature=2.0, top_p=1e-6) == ANSWERS[question]


@local_model
async def test_max_tokens_cuts_the_reply_with_length(backend):
    found = await deltas(backend, saying("Count to ten.", max_tokens=5))
    text = "".join(delta.text for delta in found)
    assert found[-1].finish_reason == "length"
    assert found[-1].usage.completion_tokens == 5
    assert ANSWERS["Count to ten."].startswith(text)
    assert text != ANSWERS["Count to ten."]


@local_model
async def test_a_stop_string_ends_the_reply_before_it(backend):
    found = await deltas(backend, saying("What is the capital of France?", stop=["is Pa"]))
    assert "".join(delta.text for delta in found) == "The capital of France "
    assert found[-1].finish_reason == "stop"


@local_model
async def test_a_stop_string_ends_the_models_work_too(backend):
    assert await answer(backend, ENDLESS, stop="again again", max_tokens=900_000) == " "


@local_model
async def test_a_begun_answer_is_continued(backend):
    assert await answer(backend, "What is the capital of France?", "The capital of France") == " is Paris."


@local_model
async def test_closing_the_stream_stops_the_model_and_lets_the_next_one_in(backend):
    async with aclosing(backend.stream(saying(ENDLESS, max_tokens=900_000))) as stream:
        assert "again" in await begun(stream)
        writing = reply_threads()
    assert await answer(backend, "Who are you?") == ANSWERS["Who are you?"]
    assert len(writing) == 1
    await asyncio.to_thread(writing[0].join, GUARD)
    assert not writing[0].is_alive()


@local_model
async def test_after_stop_at_most_one_more_token_is_written(backend):
    await answer(backend, "Hello")
    engine, written, stopped = await asyncio.wrap_future(backend._loading()), [], threading.Event()

    def emit(text: str) -> None:
        written.append(text)
        if len(written) == 5:
            stopped.set()

    turns = turns_of(saying(ENDLESS).messages)
    outcome = await asyncio.to_thread(engine.reply, turns, Sampling(max_tokens=900_000, temperature=0), emit, stopped)
    assert outcome.usage.completion_tokens <= 6


@local_model
async def test_cancelling_the_task_lets_the_next_one_in(backend):
    reading = asyncio.create_task(deltas(backend, saying(ENDLESS, max_tokens=900_000)))
    async with asyncio.timeout(GUARD):
        while not reply_threads():
            await asyncio.sleep(0.01)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert await answer(backend, "Who are you?") == ANSWERS["Who are you?"]


@local_model
async def test_two_at_once_get_their_own_answers_one_after_the_other(backend):
    first, second, third = await asyncio.gather(
        deltas(backend, saying("Who are you?")),
        deltas(backend, saying("Count to ten.")),
        deltas(backend, saying("What is 2 + 2?")),
    )
    texts = ["".join(delta.text for delta in found) for found in (first, second, third)]
    assert texts == [ANSWERS["Who are you?"], ANSWERS["Count to ten."], ANSWERS["What is 2 + 2?"]]
    assert waits(second)[0] == "One reply is before yours."
    assert waits(third)[:2] == ["2 replies are before yours.", "One reply is before yours."]


@local_model
async def test_somebody_who_leaves_the_queue_is_not_waited_for(backend):
    async with aclosing(backend.stream(saying(ENDLESS, max_tokens=900_000))) as endless:
        await begun(endless)
        impatient = asyncio.create_task(deltas(backend, saying("Hello")))
        patient = asyncio.create_task(deltas(backend, saying("Who are you?")))
        await asyncio.sleep(0.05)
        impatient.cancel()
        await asyncio.gather(impatient, return_exceptions=True)
    found = await patient
    assert waits(found) == ["2 replies are before yours.", "One reply is before yours."]
    assert "".join(delta.text for delta in found) == ANSWERS["Who are you?"]


@local_model
async def test_somebody_who_leaves_while_the_model_loads_leaves_it_loading_for_the_next(backend):
    async with aclosing(backend.stream(saying("Hello"))) as stream:
        assert (await anext(stream)).metadata["waiting"]
    assert await answer(backend, "Who are you?") == ANSWERS["Who are you?"]


@local_model
async def test_the_event_loop_goes_on_while_the_model_works(backend):
    ticks = 0
    working = asyncio.create_task(deltas(backend, saying(ENDLESS, max_tokens=300)))
    while not working.done():
        ticks += 1
        await asyncio.sleep(0.001)
    assert (await working)[-1].finish_reason == "length"
    assert ticks > 20


@local_model
async def test_after_closing_it_loads_again_for_the_next(backend):
    await answer(backend, "Hello")
    await backend.aclose()
    found = await deltas(backend, saying("Hello"))
    assert waits(found) == ["Loading the model…"]
    assert "".join(delta.text for delta in found) == ANSWERS["Hello"]


@local_model
def test_it_serves_one_event_loop_after_the_other(folder):
    backend = LocalBackend("local", model=str(folder), threads=1)
    assert asyncio.run(answer(backend, "Hello")) == asyncio.run(answer(backend, "Hello")) == ANSWERS["Hello"]


@local_model
async def test_half_characters_do_not_break_it(backend):
    assert await answer(backend, "\ud83d Hello \x00", max_tokens=4) is not None


@local_model
async def test_a_conversation_beyond_the_models_context_is_told(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "model")
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"max_position_embeddings": 64}))
    backend = LocalBackend("local", model=str(copy), threads=1)
    with pytest.raises(BackendError, match=r"This conversation has \d+ tokens, and the model reads 64 at most"):
        await answer(backend, "again " * 100)
    found = await deltas(backend, saying(ENDLESS))
    assert found[-1].finish_reason == "length"
    assert found[-1].usage.prompt_tokens + found[-1].usage.completion_tokens == 64


@local_model
async def test_a_silent_model_is_given_up(folder):
    backend = LocalBackend("local", model=str(folder), threads=1)
    await answer(backend, "Hello")
    backend.timeout = 0
    with pytest.raises(BackendTimeout, match="has not answered in time"):
        await answer(backend, ENDLESS, max_tokens=900_000)


@local_model
async def test_a_template_without_a_system_role_gets_its_words_with_the_first_message(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "model")
    refusing = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    template = copy / "chat_template.jinja"
    template.write_text(refusing + template.read_text())
    text = await answer(LocalBackend("local", model=str(copy), threads=1), "Hello", system="Be brief.", max_tokens=4)
    assert text


@local_model
async def test_damaged_weights_are_told(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "model")
    (copy / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(BackendError, match="incomplete, damaged or of a kind that this site cannot load"):
        await answer(LocalBackend("local", model=str(copy)), "Hello")


@local_model
async def test_pickled_weights_are_not_loaded(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "model")
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    with pytest.raises(BackendError, match="It needs a text model in safetensors format"):
        await answer(LocalBackend("local", model=str(copy)), "Hello")


@local_model
async def test_code_of_a_model_is_never_run(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "model")
    config = json.loads((copy / "config.json").read_text())
    config |= {
        "model_type": "mischief",
        "auto_map": {"AutoConfig": "mischief.Config", "AutoModelForCausalLM": "mischief.Model"},
    }
    (copy / "config.json").write_text(json.dumps(config))
    (copy / "mischief.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(BackendError, match="needs program code of its own"):
        await answer(LocalBackend("local", model=str(copy)), "Hello")
    assert not (tmp_path / "ran").exists()


@local_model
async def test_a_model_that_was_not_made_for_chats_is_told(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "model")
    (copy / "chat_template.jinja").unlink()
    with pytest.raises(BackendError, match="it has no chat template"):
        await answer(LocalBackend("local", model=str(copy)), "Hello")


@local_model
async def test_a_model_larger_than_the_memory_is_refused_before_it_is_loaded(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "model")
    (copy / "model-00002.safetensors").touch()
    os.truncate(copy / "model-00002.safetensors", 2**43)  # a hole: eight terabytes that take no disk
    with pytest.raises(BackendError, match="The memory of this machine is too small"):
        await answer(LocalBackend("local", model=str(copy)), "Hello")


@local_model
async def test_after_a_failed_loading_the_next_message_tries_again(folder, tmp_path):
    backend = LocalBackend("local", model=str(tmp_path / "model"), threads=1)
    with pytest.raises(BackendError, match="no such folder"):
        await answer(backend, "Hello")
    shutil.copytree(folder, tmp_path / "model")
    assert await answer(backend, "Hello") == ANSWERS["Hello"]


@local_model
def test_without_a_network_a_model_that_is_not_there_is_told(tmp_path, folder):
    fault = loading_in_new_process("nobody/nothing", HF_HOME=str(tmp_path), HF_ENDPOINT="http://127.0.0.1:1")
    assert fault == "“nobody/nothing” could not be downloaded: Hugging Face cannot be reached from this machine.\n"


async def test_a_missing_folder_is_told():
    with pytest.raises(BackendError, match="The local model “/no/such/model” is not there: no such folder"):
        await answer(LocalBackend("local", model="/no/such/model"), "Hello")


@pytest.mark.skipif(find_spec("torch") is not None, reason="torch is installed here")
async def test_missing_packages_are_told_with_the_command_that_installs_them(tmp_path):
    with pytest.raises(BackendError, match=r"torch is missing.*pip install -r requirements-local\.txt"):
        await answer(LocalBackend("local", model=str(tmp_path)), "Hello")


def new_process(code: str, **environment: str) -> str:
    command = [sys.executable, "-c", code]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", **environment}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=GUARD, check=True)
    return done.stdout


def loading_in_new_process(model: str, **environment: str) -> str:
    """What a person is told. In a process of its own, because huggingface_hub reads the environment once."""
    return new_process(
        "import django; django.setup()\n"
        "from conversations.backends.local.loading import Source, load\n"
        "from conversations.errors import BackendError\n"
        f"try: load(Source({model!r}))\n"
        "except BackendError as error: print(error)",
        **environment,
    )


def test_neither_importing_nor_making_nor_checking_it_imports_torch():
    assert (
        new_process(
            "import sys, django; django.setup()\n"
            "from conversations.backends.local import LocalBackend\n"
            "backend = LocalBackend('local', model='Qwen/Qwen2.5-0.5B-Instruct')\n"
            "list(backend.check()), backend.models()\n"
            "print(sorted({'torch', 'transformers', 'tokenizers'} & set(sys.modules)))"
        )
        == "[]\n"
    )


def wrong(**options) -> list[str]:
    messages = LocalBackend("local", **{"model": "Qwen/Qwen2.5-0.5B-Instruct", **options}).check()
    return [message.id.removeprefix("conversations.") for message in messages if message.id != "conversations.E131"]


def test_wrong_settings_are_told():
    assert wrong() == []
    assert wrong(device="cuda:1", dtype="bfloat16") == []
    assert wrong(model="/no/such/model") == ["E132"]
    assert wrong(device="gpu") == wrong(dtype="int4") == ["E133"]


def test_missing_packages_are_an_error_with_a_hint():
    messages = [m for m in LocalBackend("local", model="a/b").check() if m.id == "conversations.E131"]
    if find_spec("torch") and find_spec("transformers"):
        assert messages == []
    else:
        assert messages[0].hint == "Run: pip install -r requirements-local.txt"


def test_its_entry_in_the_catalogue_shows_no_path():
    assert LocalBackend("local", model="Qwen/Qwen2.5-0.5B-Instruct").models()[0]["label"] == "Qwen2.5-0.5B-Instruct"
    entry = LocalBackend("local", model="/srv/models/tiny").models()[0]
    assert (entry["model_id"], entry["label"]) == ("tiny", "tiny")


def test_an_unknown_option_is_refused_by_its_name():
    with pytest.raises(TypeError, match="colour"):
        LocalBackend("local", model="a/b", colour="red")


def test_neighbours_of_one_role_become_one_turn():
    messages = [Message("user", "a"), Message("user", "b"), Message("tool", "c"), Message("assistant", "")]
    assert turns_of(messages) == [{"role": "user", "content": "a\n\nb"}]


def test_system_words_move_into_the_first_message():
    turns = turns_of([Message("system", "Be brief."), Message("user", "Hi")])
    assert without_system(turns) == [{"role": "user", "content": "Be brief.\n\nHi"}]


def test_characters_of_several_tokens_are_given_out_whole():
    data = "Xin chào, 你好 🙂!".encode()
    detokenizer = Detokenizer(lambda ids: bytes(ids).decode(errors="replace"))
    pieces = [detokenizer.add(byte) for byte in data]
    assert [piece for piece in pieces if piece] == list("Xin chào, 你好 🙂!")
    assert detokenizer.rest() == ""


def test_a_character_that_was_cut_off_is_given_out_as_what_there_is():
    detokenizer = Detokenizer(lambda ids: bytes(ids).decode(errors="replace"))
    assert "".join(map(detokenizer.add, "à".encode()[:1])) + detokenizer.rest() == "\ufffd"


@pytest.mark.parametrize("size", range(1, 12))
def test_stop_strings_are_found_wherever_pieces_are_cut(size):
    text = "one two\nHuman: three"
    stops = StopStrings(["\nHuman:", "</s>"])
    pieces = [stops.add(text[at : at + size]) for at in range(0, len(text), size)]
    assert "".join(pieces) == "one two"
    assert stops.found


def test_what_only_begins_like_a_stop_string_is_given_out_in_the_end():
    stops = StopStrings(["</s>"])
    assert [stops.add("a </"), stops.add("b </s"), stops.rest(), stops.found] == ["a ", "</b ", "</s", False]


async def test_pieces_come_out_while_the_work_goes_on():
    seen = threading.Event()

    def work(emit, _stopped):
        emit("first")
        assert seen.wait(GUARD)
        emit("second")
        return OUTCOME

    run = Run(work, on_end=lambda: None)
    run.start()
    async with aclosing(run.pieces(GUARD)) as pieces:
        assert await anext(pieces) == "first"
        seen.set()
        assert [piece async for piece in pieces] == ["second"]
    assert run.outcome is OUTCOME


async def test_what_comes_while_nobody_reads_is_joined():
    ended = threading.Event()

    def work(emit, _stopped):
        for number in range(1000):
            emit(f"{number} ")
        return OUTCOME

    run = Run(work, on_end=ended.set)
    run.start()
    assert ended.wait(GUARD)
    async with aclosing(run.pieces(GUARD)) as pieces:
        assert [piece async for piece in pieces] == ["".join(f"{number} " for number in range(1000))]


async def test_what_the_work_raises_comes_after_what_it_wrote():
    def work(emit, _stopped):
        emit("Hel")
        raise BackendError("Sorry.")

    run, written = Run(work, on_end=lambda: None), []
    run.start()
    with pytest.raises(BackendError, match="Sorry"):
        await collect(run, written)
    assert written == ["Hel"]


async def collect(run: Run, written: list[str]) -> None:
    async with aclosing(run.pieces(GUARD)) as pieces:
        async for piece in pieces:
            written.append(piece)


async def test_turns_are_taken_in_order_and_may_be_given_back_from_another_thread():
    turns = Turns()
    first, second, third = turns.join(), turns.join(), turns.join()
    places = third.places()
    assert await anext(places) == 2
    await asyncio.to_thread(second.leave)
    second.leave()
    assert await anext(places) == 1
    await asyncio.to_thread(first.leave)
    assert [place async for place in places] == []


def test_options_become_what_transformers_calls_them():
    greedy = Sampling.from_options({"temperature": 0, "top_p": 0.5}, 512).as_generation_config()
    assert (greedy["do_sample"], greedy["top_p"], greedy["max_new_tokens"]) == (False, 1.0, 512)
    warm = Sampling.from_options({"temperature": 0.7, "max_tokens": 256, "stop": "END"}, 512)
    assert (warm.as_generation_config()["do_sample"], warm.max_tokens, warm.stop) == (True, 256, ("END",))
    assert "do_sample" not in Sampling.from_options({}, 512).as_generation_config()


def test_memory_is_counted_in_bytes(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"x" * 1000)
    assert weights_size(tmp_path) == 1000
    assert available_memory() > 2**20
