"""What a model reads: messages as turns, and turns as a text or tokens in the format that it was trained on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from conversations.backends.local.faults import Fault
from conversations.backends.local.parameters import DIALOGPT, LABELS, Parameters
from conversations.types import Message

Turn = dict[str, str]


def turns_of(messages: Iterable[Message]) -> list[Turn]:
    """Role and text; neighbours of the same role as one, because many templates insist on taking turns."""
    turns: list[Turn] = []
    for message in messages:
        text = message.content.encode(errors="replace").decode()  # tokenizers raise on half characters
        if message.role == "tool" or not text:
            continue
        if turns and turns[-1]["role"] == message.role:
            turns[-1]["content"] += f"\n\n{text}"
        else:
            turns.append({"role": message.role, "content": text})
    return turns


def without_system(turns: list[Turn]) -> list[Turn]:
    """The system's words at the head of the first message, for templates that know no such role (Gemma's)."""
    if len(turns) < 2 or turns[0]["role"] != "system":
        return turns
    system, first, *rest = turns
    return [{**first, "content": f"{system['content']}\n\n{first['content']}"}, *rest]


def stops_of(parameters: Parameters) -> tuple[str, ...]:
    """The strings that end an answer in this format: where labels part the speakers, the next label."""
    if parameters.prompt_format != LABELS:
        return parameters.stop
    return (*parameters.stop, f"\n{parameters.user}", f"\n{parameters.assistant}")


def encoded(tokenizer: Any, turns: list[Turn], parameters: Parameters, model: str) -> Sequence[int]:
    """The tokens of the prompt. Raises Fault if the model has no template, and no other format was chosen for it."""
    if parameters.prompt_format == LABELS:
        return tokenizer(_labelled(turns, parameters)).input_ids
    if parameters.prompt_format == DIALOGPT:
        return tokenizer(_joined(turns, tokenizer.eos_token)).input_ids
    if not tokenizer.chat_template:
        raise Fault("no_format", model=model)
    return _by_template(tokenizer, turns)


def _labelled(turns: list[Turn], parameters: Parameters) -> str:
    """Each turn on a line of its own after its speaker's label; what the system says stands above without one."""
    labels = {"user": f"{parameters.user} ", "assistant": f"{parameters.assistant} ", "system": ""}
    text = "\n".join(f"{labels[turn['role']]}{turn['content']}" for turn in turns)
    return text if _continues(turns) else f"{text}\n{parameters.assistant}"


def _joined(turns: list[Turn], end: str) -> str:
    """What people and model said, each followed by the end-of-text token. These models have never seen a system."""
    texts = [turn["content"] for turn in turns if turn["role"] != "system"]
    return end.join(texts) if _continues(turns) else end.join([*texts, ""])


def _by_template(tokenizer: Any, turns: list[Turn]) -> Sequence[int]:
    import jinja2

    continues = _continues(turns)
    options = {"add_generation_prompt": not continues, "continue_final_message": continues, "return_dict": True}
    try:
        return tokenizer.apply_chat_template(turns, **options)["input_ids"]
    except jinja2.TemplateError:
        return tokenizer.apply_chat_template(without_system(turns), **options)["input_ids"]


def _continues(turns: list[Turn]) -> bool:
    return turns[-1]["role"] == "assistant"
