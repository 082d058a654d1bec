"""What a local model reads and how its tokens become text: all of it without torch."""

from __future__ import annotations

import pytest

from conversations.backends.local import LocalBackend
from conversations.backends.local.faults import Fault
from conversations.backends.local.parameters import Parameters
from conversations.backends.local.prompt import encoded, stops_of, turns_of, without_system
from conversations.backends.local.sampling import USUAL, Sampling
from conversations.backends.local.text import Detokenizer, StopStrings
from conversations.types import Message


class Words:
    """A tokenizer whose tokens are characters, so that prompts can be read."""

    eos_token = "<|end|>"
    chat_template = None

    def __call__(self, text):
        self.input_ids = text
        return self


CHAT = [
    Message("system", "Be brief."),
    Message("user", "Hi"),
    Message("assistant", "Hello!"),
    Message("user", "Who wrote it?"),
]


def prompt(messages=CHAT, **parameters) -> str:
    return encoded(Words(), turns_of(messages), Parameters.from_mapping(parameters), "some/model")


def test_neighbours_of_one_role_become_one_turn():
    messages = [Message("user", "a"), Message("user", "b"), Message("tool", "c"), Message("assistant", "")]
    assert turns_of(messages) == [{"role": "user", "content": "a\n\nb"}]


def test_system_words_move_into_the_first_message():
    turns = turns_of([Message("system", "Be brief."), Message("user", "Hi")])
    assert without_system(turns) == [{"role": "user", "content": "Be brief.\n\nHi"}]


def test_labelled_turns_stand_on_lines_of_their_own_and_the_model_goes_on_after_its_label():
    assert prompt(prompt_format="labels") == ("Be brief.\n<human>: Hi\n<bot>: Hello!\n<human>: Who wrote it?\n<bot>:")
    assert prompt(prompt_format="labels", labels={"user": "Q:", "assistant": "A:"}).endswith("Q: Who wrote it?\nA:")


def test_the_next_label_ends_a_labelled_answer():
    parameters = Parameters.from_mapping({"prompt_format": "labels", "stop": "###"})
    assert stops_of(parameters) == ("###", "\n<human>:", "\n<bot>:")
    assert stops_of(Parameters.from_mapping({"stop": ["###"]})) == ("###",)


def test_dialogpts_turns_are_joined_by_the_end_of_text_and_nobody_is_told_of_a_system():
    assert prompt(prompt_format="dialogpt") == "Hi<|end|>Hello!<|end|>Who wrote it?<|end|>"


def test_an_answer_that_was_begun_is_left_open_in_every_format():
    begun = [Message("user", "Hi"), Message("assistant", "Hel")]
    assert prompt(begun, prompt_format="labels") == "<human>: Hi\n<bot>: Hel"
    assert prompt(begun, prompt_format="dialogpt") == "Hi<|end|>Hel"


def test_a_model_without_a_template_and_without_a_format_is_told_with_what_to_do():
    with pytest.raises(Fault) as caught:
        prompt()
    assert str(caught.value.as_error()) == (
        "“some/model” has no chat template, so nobody knows how to talk to it. Its administrator can choose the prompt "
        "format “labels” or “dialogpt” among its parameters, or an instruct or chat model instead."
    )


def wrong(**parameters) -> list[str]:
    return list(LocalBackend("local", model="some/model").check_parameters(parameters))


def test_right_parameters_are_right():
    assert wrong() == wrong(prompt_format="dialogpt") == wrong(stop=["###"], stop_tokens=["</s>", 2]) == []
    assert wrong(prompt_format="labels", labels={"user": "Q:"}) == []
    assert wrong(adapter="alice/my-lora", adapter_revision="v2") == []


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"colour": 1}, "A local model knows no parameter “colour”. It knows: prompt_format, labels, stop"),
        (
            {"prompt_format": "chatml"},
            "The parameter “prompt_format” must be one of “template”, “dialogpt” and “labels”.",
        ),
        (
            {"prompt_format": "labels", "labels": ["Q:"]},
            'The parameter “labels” must be two texts, for example {"user": "<human>:"',
        ),
        ({"labels": {"user": "Q:"}}, "Labels count only with the prompt format “labels”."),
        ({"stop": [""]}, "The parameter “stop” must be a list of texts"),
        ({"stop_tokens": [-1]}, "The parameter “stop_tokens” must be a list of tokens"),
        ({"adapter": 7}, "The parameter “adapter” must be a folder, or a name at Hugging Face."),
        ({"adapter": "/no/such/folder"}, "The adapter “/no/such/folder” is not there: no such folder."),
        ({"adapter_revision": "v2"}, "There is a revision of an adapter, but no adapter."),
    ],
)
def test_each_wrong_parameter_is_a_sentence(parameters, sentence):
    assert wrong(**parameters)[-1].startswith(sentence)


def test_what_nobody_set_is_the_models_own_and_else_what_transformers_takes():
    own = {"do_sample": True, "temperature": 0.6, "top_k": 20, "repetition_penalty": 1.1, "top_p": None}
    asked = Sampling.from_options({"temperature": 0.3, "top_p": 0.5}, 512).settled(own)
    assert (asked.temperature, asked.top_k, asked.top_p, asked.repetition_penalty) == (0.3, 20, 0.5, 1.1)
    assert Sampling.from_options({}, 512).settled(own).temperature == 0.6
    assert Sampling.from_options({"temperature": 1}, 512).settled({}).top_k == USUAL["top_k"]


def test_a_temperature_of_zero_or_a_model_that_does_not_sample_takes_the_likeliest():
    assert Sampling.from_options({"temperature": 0}, 512).settled({"do_sample": True}).temperature == 0
    assert Sampling.from_options({}, 512).settled({"do_sample": False, "temperature": 1.0}).temperature == 0
    assert Sampling.from_options({"temperature": 0.7}, 512).settled({"do_sample": False}).temperature == 0.7


def test_settings_survive_the_way_between_processes():
    sampling = Sampling.from_options({"temperature": 0.7, "max_tokens": 256, "stop": "END", "top_k": 5}, 512)
    assert Sampling.from_dict(sampling.as_dict()) == sampling
    assert (sampling.max_tokens, sampling.stop, Sampling.from_options({}, 512).max_tokens) == (256, ("END",), 512)


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
