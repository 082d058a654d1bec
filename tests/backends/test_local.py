"""A real model in a process of its own: half a million parameters that answer on purpose (tests/tiny_model.py)."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import aclosing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from typing import ClassVar

import pytest

from conversations.backends.local import LocalBackend
from conversations.backends.local.faults import SENTENCES, Fault
from conversations.backends.local.reply import Outcome, Pulse, Reply, Waiting
from conversations.errors import BackendError, BackendTimeout, BackendUnavailable
from conversations.types import Usage
from tests.backends.local_asking import (
    GUARD,
    answer,
    begun,
    deltas,
    local_model,
    needs_torch,
    saying,
    text_of,
    waits,
)
from tests.tiny_model import (
    ANSWERS,
    COLOURS,
    ENDLESS,
    FREE,
    GREETING,
    NAMES,
    PERSONALITY,
    SYSTEM,
    TINY,
    UNKNOWN_NAME,
    adapter,
)

OUTCOME = Outcome("stop", Usage(1, 2))


@pytest.fixture(scope="module")
def backend():
    """One process for all who ask here; loops come and go."""
    needs_torch()
    backend = LocalBackend("local", model=str(TINY), threads=1)
    yield backend
    asyncio.run(backend.aclose())


def fresh(model=TINY, **options) -> LocalBackend:
    return LocalBackend("local", **{"model": str(model), "threads": 1, **options})


def ends(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return True
    return False


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
async def test_a_name_is_recalled_across_other_turns_and_unknown_where_nobody_told_it(backend):
    between = [text for question in ("Hello", "Who wrote Hamlet?") for text in (question, ANSWERS[question])]
    said = ["My name is Grace.", "Nice to meet you, Grace!", *between, "What is my name?"]
    assert await answer(backend, *said) == "Your name is Grace."
    assert await answer(backend, *said[2:]) == UNKNOWN_NAME


@local_model
async def test_the_system_prompt_changes_who_it_is(backend):
    assert await answer(backend, "Hello", system=PERSONALITY) == GREETING
    assert await answer(backend, "Hello", system=SYSTEM) == ANSWERS["Hello"]


@local_model
async def test_the_reply_ends_with_stop_and_the_tokens_counted(backend):
    found = await deltas(backend, saying("Count to ten."))
    assert [delta.finish_reason for delta in found if delta.finish_reason] == ["stop"]
    assert found[-1].usage.prompt_tokens > 5
    assert found[-1].usage.completion_tokens > 10


@local_model
async def test_a_prompt_is_counted_beforehand_as_the_model_will_read_it(backend):
    request = saying("My name is Ada.", "Nice to meet you, Ada!", "What is my name?", system=SYSTEM)
    found = await deltas(backend, request)
    counted = await asyncio.to_thread(backend.count_tokens, request.messages, "")
    assert counted == found[-1].usage.prompt_tokens
    assert fresh().count_tokens(request.messages, "") is None  # not loaded: an estimate must do


@local_model
async def test_a_temperature_of_zero_repeats_itself_and_one_varies(backend):
    stable = {await answer(backend, FREE) for _ in range(5)}
    varied = {await answer(backend, FREE, temperature=1) for _ in range(20)}
    assert len(stable) == 1
    assert len(varied) > 2
    assert stable | varied <= {f"{colour}." for colour in COLOURS}


@local_model
async def test_one_choice_left_by_top_k_is_the_likeliest(backend):
    likeliest = await answer(backend, FREE)
    assert {await answer(backend, FREE, temperature=2.0, top_k=1) for _ in range(5)} == {likeliest}
    assert {await answer(backend, FREE, temperature=2.0, top_p=1e-6) for _ in range(5)} == {likeliest}


@local_model
async def test_max_tokens_cuts_the_reply_with_length(backend):
    found = await deltas(backend, saying("Count to ten.", max_tokens=5))
    assert found[-1].finish_reason == "length"
    assert found[-1].usage.completion_tokens == 5
    assert ANSWERS["Count to ten."].startswith(text_of(found))
    assert text_of(found) != ANSWERS["Count to ten."]


@local_model
async def test_a_stop_string_ends_the_reply_before_it(backend):
    found = await deltas(backend, saying("What is the capital of France?", stop=["is Pa"]))
    assert text_of(found) == "The capital of France "
    assert found[-1].finish_reason == "stop"


@local_model
async def test_a_stop_string_ends_the_models_work_too(backend):
    assert await answer(backend, ENDLESS, stop="again again", max_tokens=900_000) == " "


@local_model
async def test_stop_strings_and_tokens_of_a_catalogue_entry_end_its_replies(backend):
    question = "What is the capital of France?"
    assert await answer(backend, question, parameters={"stop": ["is Pa"]}) == "The capital of France "
    assert await answer(backend, "Count to ten.", parameters={"stop_tokens": [","]}) == "1"
    with pytest.raises(BackendError, match="knows no token “<none>”"):
        await answer(backend, question, parameters={"stop_tokens": ["<none>"]})


@local_model
async def test_a_begun_answer_is_continued(backend):
    assert await answer(backend, "What is the capital of France?", "The capital of France") == " is Paris."


@local_model
async def test_eight_people_at_once_get_each_their_own(backend):
    names = NAMES[:8]
    said = [[f"My name is {name}.", f"Nice to meet you, {name}!", "What is my name?"] for name in names]
    found = await asyncio.gather(*(answer(backend, *texts) for texts in said))
    assert found == [f"Your name is {name}." for name in names]


@local_model
async def test_each_of_many_people_has_settings_of_their_own(backend):
    steady, cut, stopped, warm, endless = await asyncio.gather(
        deltas(backend, saying("Count to ten.")),
        deltas(backend, saying("Count to ten.", max_tokens=5)),
        deltas(backend, saying("Count to ten.", stop=["4"])),
        deltas(backend, saying(FREE, temperature=1.0)),
        deltas(backend, saying(ENDLESS, max_tokens=300)),
    )
    assert text_of(steady) == ANSWERS["Count to ten."]
    assert (cut[-1].finish_reason, cut[-1].usage.completion_tokens) == ("length", 5)
    assert text_of(stopped) == "1, 2, 3, "
    assert text_of(warm).rstrip(".") in COLOURS
    assert (endless[-1].finish_reason, endless[-1].usage.completion_tokens) == ("length", 300)


@local_model
async def test_they_are_written_side_by_side_not_one_after_the_other(backend):
    async with aclosing(backend.stream(saying(ENDLESS, max_tokens=900_000))) as endless:
        await begun(endless)
        found = await deltas(backend, saying("Who are you?"))
    assert text_of(found) == ANSWERS["Who are you?"]
    assert waits(found) == []


@local_model
async def test_an_adapter_changes_the_answer_and_the_base_stays_what_it_was(backend):
    pirate, poet = ({"adapter": str(adapter(name))} for name in ("pirate", "poet"))
    assert await answer(backend, "Hello", parameters=pirate) == "Ahoy, matey!"
    assert await answer(backend, "Hello") == ANSWERS["Hello"]
    assert await answer(backend, "Hello", parameters=poet) == "Roses are red."
    assert await answer(backend, "Who are you?", parameters=pirate) == "I am a pirate."


@local_model
async def test_people_with_different_adapters_are_answered_at_once_by_one_base(backend):
    entries = [{}, {"adapter": str(adapter("pirate"))}, {"adapter": str(adapter("poet"))}] * 2
    found = await asyncio.gather(*(answer(backend, "Who are you?", parameters=entry) for entry in entries))
    assert found == [ANSWERS["Who are you?"], "I am a pirate.", "I am a poet."] * 2


@local_model
async def test_who_finds_all_places_taken_is_told_the_place_in_line():
    backend = fresh(batch=1)
    async with aclosing(backend.stream(saying(ENDLESS, max_tokens=900_000))) as endless:
        await begun(endless)
        second = asyncio.create_task(deltas(backend, saying("Who are you?")))
        await asyncio.sleep(0.2)
        third = asyncio.create_task(deltas(backend, saying("Hello")))
        await asyncio.sleep(0.2)
        fourth = asyncio.create_task(deltas(backend, saying("Thank you!")))
        await asyncio.sleep(0.2)
        third.cancel()  # whoever leaves the line is not waited for
        await asyncio.sleep(0.2)
    busy = "This model is busy with other replies."
    assert waits(await second) == [f"{busy} Yours is next."]
    assert waits(await fourth) == [
        f"{busy} 2 more wait before yours.",
        f"{busy} One more waits before yours.",
        f"{busy} Yours is next.",
    ]
    assert text_of(await fourth) == ANSWERS["Thank you!"]
    await backend.aclose()


@local_model
async def test_closing_the_stream_frees_its_place():
    backend = fresh(batch=1)
    async with aclosing(backend.stream(saying(ENDLESS, max_tokens=900_000))) as stream:
        assert "again" in await begun(stream)
    assert await answer(backend, "Who are you?") == ANSWERS["Who are you?"]
    reading = asyncio.create_task(deltas(backend, saying(ENDLESS, max_tokens=900_000)))
    await asyncio.sleep(0.3)
    reading.cancel()
    assert await answer(backend, "Who are you?") == ANSWERS["Who are you?"]
    await backend.aclose()


@local_model
async def test_loading_is_told_and_done_once_and_after_idle_minutes_the_memory_is_free():
    backend = fresh(unload_after=0.2 / 60)
    first, second = await asyncio.gather(deltas(backend, saying("Hello")), deltas(backend, saying("Who are you?")))
    assert waits(first) == waits(second) == ["Loading the model…"]
    process_id = backend._process.pid
    async with asyncio.timeout(GUARD):
        while not ends(process_id):
            await asyncio.sleep(0.05)
    found = await deltas(backend, saying("Hello"))
    assert waits(found) == ["Loading the model…"]
    assert text_of(found) == ANSWERS["Hello"]
    await backend.aclose()


@local_model
async def test_a_model_that_is_to_be_there_at_the_start_is_loaded_before_the_first_message():
    backend = fresh(preload=True)
    backend.prepare()
    async with asyncio.timeout(GUARD):
        while not backend._process.is_ready:
            await asyncio.sleep(0.05)
    assert waits(await deltas(backend, saying("Hello"))) == []
    await backend.aclose()


@local_model
async def test_somebody_who_leaves_while_the_model_loads_leaves_it_loading_for_the_next():
    backend = fresh()
    async with aclosing(backend.stream(saying("Hello"))) as stream:
        assert (await anext(stream)).metadata["waiting"]
    process_id = backend._process.pid
    assert await answer(backend, "Who are you?") == ANSWERS["Who are you?"]
    assert backend._process.pid == process_id
    await backend.aclose()
    assert ends(process_id)


@local_model
async def test_a_process_that_the_machine_ends_is_told_and_the_next_message_starts_another():
    backend = fresh()
    async with aclosing(backend.stream(saying(ENDLESS, max_tokens=900_000))) as stream:
        await begun(stream)
        os.kill(backend._process.pid, signal.SIGKILL)  # as the kernel does when memory runs out
        with pytest.raises(BackendUnavailable, match="ended by the machine, most likely because memory ran out"):
            [delta async for delta in stream]
    assert await answer(backend, "Hello") == ANSWERS["Hello"]
    await backend.aclose()


@local_model
def test_the_process_ends_with_the_server_however_that_ends():
    code = (
        "import asyncio, os, django; django.setup()\n"
        "from conversations.backends.local import LocalBackend\n"
        f"backend = LocalBackend('local', model={str(TINY)!r}, threads=1)\n"
        "backend.prepare(); backend._running()\n"
        "print(backend._process.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    process_id = int(new_process(code, check=False))
    asyncio.run(gone(process_id))


async def gone(process_id: int) -> None:
    async with asyncio.timeout(GUARD):
        while not ends(process_id):
            await asyncio.sleep(0.05)


@local_model
async def test_the_event_loop_goes_on_while_the_model_loads_and_works():
    backend, longest = fresh(), 0.0
    working = asyncio.create_task(deltas(backend, saying(ENDLESS, max_tokens=300)))
    while not working.done():
        began = asyncio.get_running_loop().time()
        await asyncio.sleep(0.001)
        longest = max(longest, asyncio.get_running_loop().time() - began)
    assert (await working)[-1].finish_reason == "length"
    assert longest < 1, "importing torch in this process would hold its lock for half a second at a time"
    await backend.aclose()


@local_model
async def test_the_event_loop_goes_on_while_the_models_process_reads_nothing():
    backend = fresh()
    await answer(backend, "Hello")
    os.kill(backend._process.pid, signal.SIGSTOP)
    threading.Timer(2, os.kill, (backend._process.pid, signal.SIGCONT)).start()
    clock, longest = asyncio.get_running_loop().time, 0.0
    asking = [asyncio.create_task(answer(backend, "again " * 20_000, max_tokens=1)) for _ in range(3)]
    until = clock() + 1
    while (began := clock()) < until:
        await asyncio.sleep(0.001)
        longest = max(longest, clock() - began)
    for task in asking:
        task.cancel()
    assert longest < 1
    assert await answer(backend, "Hello") == ANSWERS["Hello"]
    await backend.aclose()


@local_model
def test_asking_a_local_model_brings_nothing_of_torch_into_the_servers_process():
    code = (
        "import asyncio, sys, django; django.setup()\n"
        "from conversations.backends.local import LocalBackend\n"
        "from tests.backends.local_asking import answer\n"
        "async def main():\n"
        f"    backend = LocalBackend('local', model={str(TINY)!r}, threads=1)\n"
        "    assert await answer(backend, 'Hello')\n"
        "    await backend.aclose()\n"
        "asyncio.run(main())\n"
        "print(' '.join({'torch', 'transformers', 'tokenizers', 'peft'} & set(sys.modules)))"
    )
    assert new_process(code).strip() == ""


@local_model
def test_it_serves_one_event_loop_after_the_other(backend):
    assert asyncio.run(answer(backend, "Hello")) == asyncio.run(answer(backend, "Hello")) == ANSWERS["Hello"]


@local_model
async def test_half_characters_do_not_break_it(backend):
    assert await answer(backend, "\ud83d Hello \x00", max_tokens=4) is not None


@local_model
async def test_a_silent_model_is_given_up():
    backend = fresh()
    await answer(backend, "Hello")
    backend.timeout = 0
    with pytest.raises(BackendTimeout, match="has not answered in time"):
        await answer(backend, ENDLESS, max_tokens=900_000)
    await backend.aclose()


@local_model
async def test_a_model_that_is_stuck_before_its_first_word_is_given_up_for_all_and_the_next_message_starts_another():
    backend = fresh(batch=1)
    async with aclosing(backend.stream(saying(ENDLESS, max_tokens=900_000))) as stream:
        await begun(stream)
        stuck = backend._process.pid
        os.kill(stuck, signal.SIGSTOP)
    backend.timeout = 2
    found = await asyncio.gather(*(answer(backend, "Hello") for _ in range(2)), return_exceptions=True)
    assert {type(error) for error in found} <= {BackendTimeout, BackendUnavailable}
    assert BackendTimeout in map(type, found)
    assert ends(stuck)
    backend.timeout = GUARD
    assert await answer(backend, "Hello") == ANSWERS["Hello"]
    await backend.aclose()


class SlowHub(BaseHTTPRequestHandler):
    """Hugging Face as seen through a bad network: it knows nothing, and takes its time to say so."""

    asked: ClassVar[list[str]] = []
    release: ClassVar[threading.Event] = threading.Event()

    def do_GET(self):
        self.asked.append(self.path)
        self.release.wait(GUARD)
        self.send_response(404)
        self.send_header("X-Error-Code", "RepoNotFound")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET


@local_model
async def test_an_adapter_that_is_being_fetched_holds_up_only_those_who_need_it(monkeypatch, tmp_path):
    hub = ThreadingHTTPServer(("127.0.0.1", 0), SlowHub)
    threading.Thread(target=hub.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{hub.server_port}")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    backend, slow = fresh(), {"adapter": "nobody/slow"}
    waiting = asyncio.create_task(answer(backend, "Hello", parameters=slow))
    async with asyncio.timeout(GUARD):
        while not SlowHub.asked:
            await asyncio.sleep(0.05)
    assert await answer(backend, "Hello") == ANSWERS["Hello"]
    assert not waiting.done()
    SlowHub.release.set()
    with pytest.raises(BackendError, match="nobody/slow"):
        await waiting
    before = len(SlowHub.asked)
    with pytest.raises(BackendError, match="nobody/slow"):
        await answer(backend, "Hello", parameters=slow)
    assert len(SlowHub.asked) == before, "what could not be fetched a moment ago is not tried again"
    await backend.aclose()
    hub.shutdown()


@local_model
async def test_what_went_wrong_in_the_models_process_is_told_in_this_one_and_the_next_message_tries_again(tmp_path):
    backend = fresh(tmp_path / "model")
    with pytest.raises(BackendError, match="is not there: no such folder"):
        await answer(backend, "Hello")
    copy = shutil.copytree(TINY, tmp_path / "model")
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    with pytest.raises(BackendError, match="has no weights in safetensors format"):
        await answer(backend, "Hello")
    (copy / "pytorch_model.bin").rename(copy / "model.safetensors")
    assert await answer(backend, "Hello") == ANSWERS["Hello"]
    await backend.aclose()


async def test_a_missing_folder_is_told():
    with pytest.raises(BackendError, match="The local model “/no/such/model” is not there: no such folder"):
        await answer(LocalBackend("local", model="/no/such/model"), "Hello")


@pytest.mark.skipif(find_spec("torch") is not None, reason="torch is installed here")
async def test_missing_packages_are_told_with_the_command_that_installs_them():
    with pytest.raises(BackendError, match=r"is missing.*pip install -r requirements-local\.txt"):
        await answer(LocalBackend("local", model=str(TINY)), "Hello")


async def test_parameters_that_make_no_sense_are_told_before_anything_is_loaded():
    backend = fresh()
    with pytest.raises(BackendError, match="“prompt_format” must be one of"):
        await answer(backend, "Hello", parameters={"prompt_format": "chatml"})
    assert backend._process is None


async def test_nothing_said_is_nothing_to_answer():
    with pytest.raises(BackendError, match="the message is empty"):
        await answer(fresh(), "", system=SYSTEM)


def new_process(code: str, *, check: bool = True, **environment: str) -> str:
    command = [sys.executable, "-c", code]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", **environment}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=GUARD, check=check)
    return done.stdout


def test_neither_importing_nor_making_nor_checking_it_imports_torch():
    assert (
        new_process(
            "import sys, django; django.setup()\n"
            "from conversations.backends.local import LocalBackend\n"
            "backend = LocalBackend('local', model='Qwen/Qwen2.5-0.5B-Instruct')\n"
            "list(backend.check()), backend.models(), backend.prepare()\n"
            "print(sorted({'torch', 'transformers', 'tokenizers', 'peft'} & set(sys.modules)))"
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
    messages = [m for m in LocalBackend("local", model="a/b", four_bit=True).check() if m.id == "conversations.E131"]
    if all(map(find_spec, ("torch", "transformers", "peft", "bitsandbytes"))):
        assert messages == []
    else:
        assert "bitsandbytes" in messages[0].msg
        assert messages[0].hint == "Run: pip install -r requirements-local.txt"


def test_its_entry_in_the_catalogue_shows_no_path_and_what_the_folder_tells():
    assert LocalBackend("local", model="Qwen/Qwen2.5-0.5B-Instruct").models()[0]["label"] == "Qwen2.5-0.5B-Instruct"
    entry = LocalBackend("local", model="/srv/models/tiny").models()[0]
    assert (entry["model_id"], entry["label"]) == ("tiny", "tiny")
    assert fresh().models()[0]["context_size"] == 1_000_000


def test_an_unknown_option_is_refused_by_its_name():
    with pytest.raises(TypeError, match="colour"):
        LocalBackend("local", model="a/b", colour="red")


@pytest.mark.parametrize("name", [*SENTENCES])
def test_every_fault_has_a_sentence_that_survives_the_way_between_processes(name):
    details = {"model": "M", "base": "B", "tokens": 9, "limit": 8, "names": "torch", "device": "cuda", "token": "x"}
    error = Fault.from_dict(Fault(name, **details).as_dict()).as_error()
    assert isinstance(error, BackendError)
    assert str(error).endswith((".", "requirements-local.txt"))
    assert "%" not in str(error)


def test_a_bug_in_the_models_process_is_a_bug_here():
    assert isinstance(Fault("bug", traceback="Traceback …").as_error(), RuntimeError)


async def collected(reply: Reply, patience: float = GUARD) -> list:
    async with aclosing(reply.news(patience)) as news:
        return [piece async for piece in news]


async def test_pieces_come_out_while_the_work_goes_on_and_are_joined_while_nobody_reads():
    reply = Reply()
    await asyncio.to_thread(reply.add, "first")
    async with aclosing(reply.news(GUARD)) as news:
        assert await anext(news) == "first"
        for number in range(1000):
            reply.add(f"{number} ")
        reply.end(OUTCOME)
        assert [piece async for piece in news] == ["".join(f"{number} " for number in range(1000)), OUTCOME]


async def test_what_is_waited_for_comes_before_the_text_and_an_error_after_it():
    reply = Reply()
    reply.wait_for(Waiting("line", 2))
    reply.wait_for(Waiting("line", 1))
    reply.add("Hel")
    reply.end(BackendError("Sorry."))
    async with aclosing(reply.news(GUARD)) as news:
        assert [await anext(news), await anext(news)] == [Waiting("line", 1), "Hel"]
        with pytest.raises(BackendError, match="Sorry"):
            await anext(news)


async def test_silence_counts_only_once_the_model_is_loaded():
    pulse = Pulse(is_loading=True)
    reply = Reply(pulse)
    asyncio.get_running_loop().call_later(0.2, reply.end, OUTCOME)
    assert await collected(reply, patience=0.01) == [OUTCOME]
    pulse.beat()
    with pytest.raises(BackendTimeout, match="has not answered in time"):
        await collected(Reply(pulse), patience=0.01)


async def test_a_reply_without_text_is_waited_for_as_long_as_the_model_gives_signs_of_life():
    pulse = Pulse()
    reply = Reply(pulse)
    for moment in range(1, 8):
        asyncio.get_running_loop().call_later(0.1 * moment, pulse.beat)
    asyncio.get_running_loop().call_later(0.8, reply.end, OUTCOME)
    assert await collected(reply, patience=0.5) == [OUTCOME]


async def test_silence_before_the_question_does_not_count():
    pulse = Pulse()
    await asyncio.sleep(0.3)
    reply = Reply(pulse)
    asyncio.get_running_loop().call_later(0.1, reply.end, OUTCOME)
    assert await collected(reply, patience=0.2) == [OUTCOME]
