"""Inside the model's process: the batch, the attention that joins it, sampling, adapters, and what goes wrong."""

from __future__ import annotations

import json
import os
import queue
import shutil
import time
from pathlib import Path

import pytest

from conversations.backends.local.faults import Fault
from conversations.backends.local.parameters import Parameters
from conversations.backends.local.sampling import Sampling
from conversations.backends.local.source import Source
from tests.backends.local_asking import needs_torch
from tests.tiny_model import ANSWERS, ENDLESS, FREE, NAMES, TINY, adapter

pytestmark = pytest.mark.local_model
SMALL = {"vocab_size": 800, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}


@pytest.fixture(scope="module", autouse=True)
def _torch():
    needs_torch()
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def engine():
    return loaded()


def loaded(folder: Path = TINY, **options):
    from conversations.backends.local.worker.loading import load

    return load(Source(str(folder), **options), folder)


def told(fault: Fault) -> str:
    return str(fault.as_error())


def refused(folder: Path, **options) -> str:
    """What a person is told of a folder that is not loaded."""
    from conversations.backends.local.worker.fetching import fetch

    with pytest.raises(Fault) as caught:
        loaded(fetch(Source(str(folder)), lambda *_: None), **options)
    return told(caught.value)


@pytest.fixture
def copy(tmp_path):
    return shutil.copytree(TINY, tmp_path / "model")


def changed(folder: Path, **config) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | config))


class Room:
    """A desk with people before it, and a runner behind it that moves step by step."""

    def __init__(self, engine, most: int = 8, *, alone: bool = False):
        from conversations.backends.local.worker.batch import Batch
        from conversations.backends.local.worker.desk import Desk
        from conversations.backends.local.worker.solo import Solo

        self.inbox: queue.SimpleQueue = queue.SimpleQueue()
        self.sent: list[dict] = []
        self.desk = Desk(self.inbox, self.sent.append)
        self.runner = Solo(engine, self.desk) if alone else Batch(engine, self.desk, most)

    def ask(self, id_: int, text: str, parameters=None, **options) -> None:
        sampling = Sampling.from_options({"temperature": 0, **options}, 60).as_dict()
        self.inbox.put(
            {
                "kind": "ask",
                "id": id_,
                "turns": [{"role": "user", "content": text}],
                "sampling": sampling,
                "parameters": Parameters.from_mapping(parameters or {}).as_dict(),
            }
        )

    def leave(self, id_: int) -> None:
        self.inbox.put({"kind": "leave", "id": id_})

    def step(self, count: int = 1) -> None:
        for _ in range(count):
            self.desk.listen(wait=False)
            self.runner.step()

    def run(self) -> None:
        self.step()
        while self.runner.is_busy or self.desk.has_questions:
            self.step()

    def text(self, id_: int) -> str:
        return "".join(message["texts"].get(id_, "") for message in self.sent if message["kind"] == "text")

    def last(self, id_: int) -> dict:
        return next(m for m in reversed(self.sent) if m.get("id") == id_ and m["kind"] in ("end", "fault"))

    @property
    def running(self) -> int:
        return len(self.runner._rows)


def test_people_join_and_leave_between_two_tokens(engine):
    room = Room(engine)
    room.ask(1, ENDLESS, max_tokens=500)
    room.step(10)
    room.ask(2, "Count to ten.")
    room.step(60)
    assert room.text(2) == ANSWERS["Count to ten."]
    assert room.last(2)["finish_reason"] == "stop"
    assert room.running == 1
    assert set(room.text(1).split()) == {"again"}


def test_stop_frees_the_place_within_a_token(engine):
    room = Room(engine, most=1)
    room.ask(1, ENDLESS, max_tokens=500)
    room.ask(2, "Hello")
    room.step(10)
    written = room.text(1)
    room.leave(1)
    room.step(1)
    assert room.text(1) == written  # not a token more
    assert room.runner._rows[0].writing.id == 2
    room.run()
    assert room.text(2) == ANSWERS["Hello"]


def test_whoever_comes_when_all_places_are_taken_hears_how_many_stand_before(engine):
    room = Room(engine, most=2)
    for id_ in (1, 2, 3, 4):
        room.ask(id_, "Hello")
    room.run()
    places = [(message["id"], message["ahead"]) for message in room.sent if message["kind"] == "place"]
    assert places == [(3, 0), (4, 1), (4, 0)]
    assert [room.text(id_) for id_ in (1, 2, 3, 4)] == [ANSWERS["Hello"]] * 4


def test_a_long_prompt_is_read_in_pieces_between_which_others_are_written_to(engine):
    room = Room(engine)
    room.runner._piece = 16
    room.ask(1, ENDLESS, max_tokens=500)
    room.step(3)
    room.ask(2, "again " * 300, max_tokens=3)
    before = len(room.text(1).split())
    room.step(10)
    assert room.text(2) == ""
    assert len(room.text(1).split()) == before + 10
    room.leave(1)
    room.run()
    assert room.last(2)["prompt_tokens"] > 300


def test_joined_replies_are_token_for_token_what_transformers_generates_alone(engine):
    import torch

    questions = [*ANSWERS, *(f"My name is {name}." for name in NAMES[:4]), FREE]
    room = Room(engine, most=len(questions))
    for id_, question in enumerate(questions):
        room.ask(id_, question)
    room.run()
    alone = loaded()
    alone.model.set_attn_implementation("sdpa")
    for id_, question in enumerate(questions):
        turns = [{"role": "user", "content": question}]
        inputs = alone.tokenizer.apply_chat_template(
            turns, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        with torch.inference_mode():
            ids = alone.model.generate(**inputs, max_new_tokens=60, do_sample=False)[0]
        expected = alone.tokenizer.decode(ids[inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        assert room.text(id_) == expected


@pytest.mark.parametrize("alone", [False, True], ids=["batch", "one at a time"])
def test_both_ways_of_running_answer_alike(engine, alone):
    room = Room(engine if not alone else _unjoined(), alone=alone)
    room.ask(1, "Count to ten.")
    room.ask(2, "Count to ten.", max_tokens=5)
    room.ask(3, "Count to ten.", stop=["4"])
    room.ask(4, "Hello", parameters={"adapter": str(adapter("pirate"))})
    room.ask(5, FREE, temperature=1.0, top_k=1)
    room.ask(6, "again " * 3, parameters={"stop_tokens": ["<none>"]})
    room.run()
    assert room.text(1) == ANSWERS["Count to ten."]
    assert (room.last(2)["finish_reason"], room.last(2)["completion_tokens"]) == ("length", 5)
    assert room.text(3) == "1, 2, 3, "
    assert room.text(4) == "Ahoy, matey!"
    assert room.last(5)["finish_reason"] == "stop"
    assert room.last(6)["fault"]["name"] == "unknown_token"


def _unjoined():
    engine = loaded()
    engine.model.set_attn_implementation("sdpa")
    return engine


def test_one_at_a_time_hears_of_stops_and_of_people_in_line_while_it_writes():
    room = Room(_unjoined(), alone=True)
    room.ask(1, ENDLESS, max_tokens=100_000)
    room.desk.listen(wait=False)
    give = room.desk.give

    def busy(writing, token):
        if writing.tokens == 3:
            room.ask(2, "Hello")
        if writing.tokens == 6:
            room.leave(1)
        give(writing, token)

    room.desk.give = busy
    room.runner.step()
    assert {"kind": "place", "id": 2, "ahead": 0} in room.sent
    assert len(room.text(1).split()) <= 8
    assert not any(message["kind"] == "end" for message in room.sent)


def test_an_adapter_named_at_hugging_face_is_used_once_it_is_there(engine, monkeypatch, tmp_path):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    cached = tmp_path / "models--somebody--pirate"
    shutil.copytree(adapter("pirate"), cached / "snapshots" / "abc")
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text("abc")
    room, entry = Room(engine), {"adapter": "somebody/pirate"}
    room.ask(1, "Hello", parameters=entry)
    room.ask(2, "Hello")
    room.ask(3, "Hello", parameters=entry)
    room.leave(3)
    until = time.monotonic() + 60
    while not room.text(1).endswith("!") and time.monotonic() < until:
        room.step()
    room.run()
    assert room.text(1) == "Ahoy, matey!"
    assert room.text(2) == ANSWERS["Hello"]
    assert room.text(3) == ""
    assert {"kind": "fetching", "id": 1} in room.sent


@pytest.mark.parametrize("alone", [False, True], ids=["batch", "one at a time"])
def test_signs_of_life_come_while_a_long_prompt_is_read(engine, monkeypatch, alone):
    from conversations.backends.local.worker import desk

    monkeypatch.setattr(desk, "SIGN", 0)
    room = Room(engine if not alone else _unjoined(), alone=alone)
    room.runner._piece = 16
    room.ask(1, "again " * 300, max_tokens=3)
    room.run()
    kinds = [message["kind"] for message in room.sent]
    assert kinds[: kinds.index("text")].count("alive") >= 10


def test_a_bug_ends_the_replies_that_it_touched_and_no_others(engine, monkeypatch):
    room = Room(engine)
    room.ask(1, "Hello")
    room.step(2)
    monkeypatch.setattr(engine, "read", lambda *_: 1 / 0)
    room.run()
    assert room.last(1)["fault"]["name"] == "bug"
    assert "ZeroDivisionError" in room.last(1)["fault"]["details"]["traceback"]
    monkeypatch.undo()
    room.ask(2, "Hello")
    room.run()
    assert room.text(2) == ANSWERS["Hello"]


def test_where_memory_runs_out_the_last_to_come_makes_room(engine, monkeypatch):
    room = Room(engine)
    room.ask(1, "Count to ten.")
    room.ask(2, "Who are you?")
    room.step(4)
    read = engine.read

    def full(ids, texts, names):
        if len(texts) > 1:
            raise MemoryError
        return read(ids, texts, names)

    monkeypatch.setattr(engine, "read", full)
    room.run()
    assert told(Fault.from_dict(room.last(2)["fault"])).startswith("The memory of this machine is too small")
    assert room.text(1) == ANSWERS["Count to ten."]


def test_who_does_not_fit_into_the_memory_waits_and_is_refused_only_when_alone(engine, monkeypatch):
    room = Room(engine)
    monkeypatch.setattr(engine, "has_room", lambda tokens: tokens < 60)
    room.ask(1, "Hello", max_tokens=20)
    room.ask(2, "Count to ten.", max_tokens=80)
    room.step(2)
    assert room.running == 1
    room.run()
    assert room.text(2) == ANSWERS["Count to ten."]  # alone, it may try
    room.ask(3, "again " * 100)
    room.run()
    assert room.last(3)["fault"]["name"] == "memory"


def test_a_conversation_beyond_the_models_context_is_told_and_a_reply_ends_there(copy):
    changed(copy, max_position_embeddings=64)
    room = Room(loaded(copy))
    room.ask(1, "again " * 100)
    room.ask(2, ENDLESS, max_tokens=500)
    room.run()
    assert "and the model reads 64 at most. Start a new chat" in told(Fault.from_dict(room.last(1)["fault"]))
    end = room.last(2)
    assert end["finish_reason"] == "length"
    assert end["prompt_tokens"] + end["completion_tokens"] == 64


def test_a_template_without_a_system_role_gets_its_words_with_the_first_message(copy):
    from conversations.backends.local.prompt import encoded

    refusing = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    template = copy / "chat_template.jinja"
    template.write_text(refusing + template.read_text())
    tokenizer = loaded(copy).tokenizer
    turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]
    assert "user\nBe brief.\n\nHello" in tokenizer.decode(encoded(tokenizer, turns, Parameters(), "m"))


def test_a_template_that_opens_the_models_thoughts_is_told_with_its_first_text(copy):
    template = copy / "chat_template.jinja"
    template.write_text(template.read_text() + "{% if add_generation_prompt %}<think>\n{% endif %}\n")
    room = Room(loaded(copy))
    room.ask(1, "Hello", max_tokens=5)
    room.run()
    assert room.text(1).startswith("<think>")
    assert room.text(1).count("<think>") == 1


def test_a_model_without_a_template_answers_in_the_format_that_was_chosen_for_it(copy):
    """The tiny model was not trained on labels, so the labels are made to spell its own format."""
    (copy / "chat_template.jinja").unlink()
    room = Room(loaded(copy))
    labels = {"user": "<|im_start|>user", "assistant": "<|im_start|>assistant"}
    room.ask(1, "Hello", parameters={"prompt_format": "labels", "labels": labels}, max_tokens=5)
    room.ask(2, "Hello", parameters={"prompt_format": "dialogpt"}, max_tokens=5)
    room.ask(3, "Hello")
    room.run()
    assert room.last(1)["kind"] == room.last(2)["kind"] == "end"
    assert not room.text(1).startswith(" ")
    assert "has no chat template" in told(Fault.from_dict(room.last(3)["fault"]))


@pytest.mark.parametrize(
    "kind", ["Llama", "Mistral", "Qwen3", "Gemma3Text", "Phi3", "GPT2", "GPTNeoX", "OPT", "Mixtral", "Olmo2"]
)
def test_models_of_these_families_are_joined_and_say_what_they_say_alone(kind):
    assert joins(kind)


@pytest.mark.parametrize("kind", ["Bloom", "Mamba", "Gemma2", "GptOss"])
def test_models_that_cannot_be_joined_are_found_out_and_left_as_they_were(kind):
    assert not joins(kind)


def joins(kind: str) -> bool:
    import torch
    import transformers

    from conversations.backends.local.worker.attention import NAME, reads_rows

    torch.manual_seed(0)
    config = getattr(transformers, f"{kind}Config")(**SMALL, max_position_embeddings=256)
    for name, value in {
        "head_dim": 8,
        "sliding_window": 4,
        "num_key_value_heads": 2,
        "pad_token_id": 0,
        "word_embed_proj_dim": 32,
    }.items():
        if hasattr(config, name):
            setattr(config, name, value)
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    joined = reads_rows(model)
    assert (model.config._attn_implementation == NAME) == joined
    return joined


def test_a_model_whose_windows_its_attention_is_not_told_of_is_not_joined(monkeypatch):
    import transformers

    from conversations.backends.local.worker import attention

    model = transformers.AutoModelForCausalLM.from_config(transformers.LlamaConfig(**SMALL)).eval()
    assert attention.reads_rows(model)
    model.set_attn_implementation("sdpa")
    monkeypatch.setattr(attention, "_has_windows", lambda _model: True)
    assert not attention.reads_rows(model)


def shares(logits: list[float], count: int = 4000, **options) -> list[float]:
    import torch

    from conversations.backends.local.worker.choosing import choose

    torch.manual_seed(0)
    sampling = Sampling.from_options(options, 1).settled({"top_k": 0})
    rows = torch.tensor([logits]).repeat(count, 1)
    chosen = torch.tensor(choose(rows, [sampling] * count, [None] * count))
    return (torch.bincount(chosen, minlength=len(logits)) / count).tolist()


def test_tokens_are_drawn_with_the_shares_that_their_logits_give_them():
    import torch

    logits = [2.0, 1.0, 0.0, -1.0]
    assert shares(logits, temperature=1) == pytest.approx(torch.tensor(logits).softmax(0).tolist(), abs=0.03)
    assert shares(logits, temperature=0.5) == pytest.approx((torch.tensor(logits) * 2).softmax(0).tolist(), abs=0.03)


def test_top_k_and_top_p_leave_out_what_is_unlikely():
    logits = [2.0, 1.0, 0.0, -1.0]  # shares 0.64, 0.24, 0.09, 0.03
    assert [share > 0 for share in shares(logits, temperature=1, top_k=2)] == [True, True, False, False]
    assert [share > 0 for share in shares(logits, temperature=1, top_p=0.9)] == [True, True, True, False]
    assert shares(logits, temperature=1, top_p=0.5) == [1, 0, 0, 0]


def test_a_flat_distribution_is_drawn_from_as_a_whole_even_where_the_vocabulary_is_large(monkeypatch):
    from conversations.backends.local.worker import choosing

    monkeypatch.setattr(choosing, "MANY", 4)
    assert all(share > 0 for share in shares([0.0] * 20, temperature=1))
    assert sum(share > 0 for share in shares([0.0] * 20, temperature=1, top_p=0.51)) == 11


def test_each_row_of_a_batch_is_drawn_by_its_own_settings():
    import torch

    from conversations.backends.local.worker.choosing import choose

    samplings = [
        Sampling.from_options(options, 1).settled({}) for options in ({"temperature": 0}, {"temperature": 5.0})
    ]
    drawn = [choose(torch.tensor([[1.0, 0.9, 0.8]] * 2), samplings, [None, None]) for _ in range(50)]
    assert {first for first, _ in drawn} == {0}
    assert {second for _, second in drawn} == {0, 1, 2}


def test_a_repetition_penalty_lowers_what_was_said():
    import torch

    from conversations.backends.local.worker.choosing import choose

    sampling = Sampling.from_options({"temperature": 0}, 1).settled({"repetition_penalty": 2.0})
    assert choose(torch.tensor([[1.0, 0.9]]), [sampling], [torch.tensor([0])]) == [1]


def test_damaged_weights_are_told(copy):
    (copy / "model.safetensors").write_bytes(b"not weights")
    assert "incomplete, damaged or of a kind that this site cannot load" in refused(copy)


def test_pickled_weights_are_not_loaded(copy):
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    assert "has no weights in safetensors format. Pickled ones can run any program" in refused(copy)


def test_an_empty_folder_is_told(tmp_path):
    assert "incomplete, damaged" in refused(tmp_path)


def test_code_of_a_model_is_never_run(copy, tmp_path):
    auto = {"AutoConfig": "mischief.Config", "AutoModelForCausalLM": "mischief.Model"}
    changed(copy, model_type="mischief", auto_map=auto)
    (copy / "mischief.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    assert "needs program code of its own" in refused(copy)
    assert not (tmp_path / "ran").exists()


def test_a_model_larger_than_the_memory_is_refused_before_it_is_loaded(copy):
    (copy / "model-00002.safetensors").touch()
    os.truncate(copy / "model-00002.safetensors", 2**43)  # a hole: eight terabytes that take no disk
    assert "The memory of this machine is too small" in refused(copy)


def test_a_device_that_is_not_there_is_told():
    assert "is to run on “cuda:7”, which this machine does not have. Set the device to “auto”." in refused(
        TINY, device="cuda:7"
    )


def test_weights_in_four_bits_take_less_and_still_answer():
    four = loaded(four_bit=True)
    kinds = {type(module).__name__ for module in four.model.modules()}
    assert "Linear4bit" in kinds
    room = Room(four)
    room.ask(1, "Count to ten.")
    room.ask(2, "Hello", parameters={"adapter": str(adapter("pirate"))})
    room.run()
    assert room.last(1)["kind"] == room.last(2)["kind"] == "end"
    assert room.text(1).startswith("1, 2,")


@pytest.fixture
def foreign(tmp_path):
    """An adapter whose folder can be spoilt."""
    return shutil.copytree(adapter("pirate"), tmp_path / "lora")


def adapter_refused(engine, folder) -> str:
    with pytest.raises(Fault) as caught:
        engine.adapters.name_of(Parameters(adapter=str(folder)))
    return told(caught.value)


def test_an_adapter_that_is_not_there_is_told(engine):
    assert "is not there: no such folder. Correct it among the model's parameters" in adapter_refused(
        engine, "/no/such"
    )


def test_an_adapter_of_another_base_is_told_before_it_spoils_answers(engine, foreign):
    from safetensors.torch import load_file, save_file

    weights = load_file(foreign / "adapter_model.safetensors")
    save_file({name: value.repeat(2, 2) for name, value in weights.items()}, foreign / "adapter_model.safetensors")
    assert "was made for another model: it does not fit" in adapter_refused(engine, foreign)
    renamed = {name.replace("self_attn", "attention"): value for name, value in weights.items()}
    save_file(renamed, foreign / "adapter_model.safetensors")
    assert "was made for another model" in adapter_refused(engine, foreign)
    room = Room(engine)
    room.ask(1, "Hello")
    room.run()
    assert room.text(1) == ANSWERS["Hello"]


def test_a_folder_that_is_no_lora_adapter_is_told(engine, foreign):
    config = foreign / "adapter_config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"peft_type": "PREFIX_TUNING"}))
    assert "is no LoRA adapter that this site can load" in adapter_refused(engine, foreign)
    assert "is no LoRA adapter that this site can load" in adapter_refused(engine, TINY)


def test_a_pickled_adapter_is_not_loaded(engine, foreign):
    (foreign / "adapter_model.safetensors").rename(foreign / "adapter_model.bin")
    assert "has its weights as a pickle, which can run any program" in adapter_refused(engine, foreign)
