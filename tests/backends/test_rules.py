"""A shop that repairs printers: people walk its tree by number, by words and by asking."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing

import pytest
from django.utils import translation

from conversations.backends.rules import RulesBackend
from conversations.errors import BackendError
from conversations.types import ChatRequest, Message

SHOP = {
    "start": "hello",
    "languages": ["en", "vi"],
    "unknown": {"en": "I only know printers.", "vi": "Tôi chỉ biết máy in."},
    "prompt": {"en": "Choose:", "vi": "Hãy chọn:"},
    "nodes": {
        "hello": {
            "label": {"en": "The shop", "vi": "Cửa hàng"},
            "text": {"en": "What is wrong?", "vi": "Có chuyện gì?"},
            "choices": [
                "printer",
                {"to": "noise", "label": {"en": "It's noisy!", "vi": "Nó kêu"}, "keywords": ["loud"]},
            ],
        },
        "printer": {
            "label": {"en": "The printer", "vi": "Máy in"},
            "text": {"en": "Is there paper?", "vi": "Có giấy không?"},
            "keywords": {"en": ["printer*", "print* nothing"], "vi": ["máy in"]},
            "choices": ["noise", "ink"],
        },
        "noise": {"label": "Noise", "text": {"en": "Oil it.", "vi": "Hãy tra dầu."}, "alone": ["rattling"]},
        "ink": {
            "label": {"en": "The ink", "vi": "Mực"},
            "text": {"en": "Change the ink.", "vi": "Hãy thay mực."},
            "keywords": ["ink", "Mực"],
            "patterns": [r"\be[0-9]{3}\b"],
        },
    },
}
HELLO = "What is wrong?\n\nChoose:\n\n1. The printer\n2. It's noisy!"
PRINTER = "Is there paper?\n\nChoose:\n\n1. Noise\n2. The ink"
LOST = "I only know printers.\n\nChoose:\n\n1. The printer\n2. It's noisy!"


def shop(tree=SHOP, **options) -> RulesBackend:
    return RulesBackend("shop", tree=tree, title="Shop", **options)


def request(*texts: str) -> ChatRequest:
    """Messages of a person and of the shop by turns, the person's last."""
    roles = ("user", "assistant")
    return ChatRequest(tuple(Message(roles[number % 2], text) for number, text in enumerate(texts)))


async def talk(backend: RulesBackend, *said: str) -> str:
    """Say one thing after the other and return the last answer."""
    messages: list[str] = []
    for text in said:
        answer = await backend.complete(request(*messages, text))
        messages += [text, answer.content]
    return messages[-1]


async def test_a_message_that_no_rule_knows_is_told_so_and_offered_the_choices():
    assert await talk(shop(), "Sing me a song") == LOST


@pytest.mark.parametrize(
    "said", ["1", " 1. ", "#1", "(1)", "１", "Option 1", "number 1", "the printer", "THE  PRINTER!"]
)
async def test_a_choice_is_picked_by_its_number_or_its_words(said):
    assert await talk(shop(), "start", said) == PRINTER


@pytest.mark.parametrize("said", ["3", "0", "99", "12345", "-"])
async def test_a_number_that_is_not_offered_is_no_choice(said):
    assert await talk(shop(), said) == LOST


async def test_numbers_mean_the_choices_that_were_shown_last():
    assert await talk(shop(), "1", "2") == "Change the ink."
    assert await talk(shop(), "2") == "Oil it."


@pytest.mark.parametrize("said", ["My PRINTERS are dead", "it prints, nothing", "printer?!"])
async def test_keywords_lead_there_from_anywhere(said):
    assert await talk(shop(), said) == PRINTER


async def test_a_keyword_is_a_whole_word():
    assert await talk(shop(), "I think so") == LOST


async def test_words_that_only_count_alone_do_not_count_in_a_sentence():
    assert await talk(shop(), "Rattling!") == "Oil it."
    assert await talk(shop(), "a rattling good story") == LOST


async def test_a_choice_may_have_keywords_of_its_own_that_count_only_where_it_is_offered():
    assert await talk(shop(), "hello", "so loud") == "Oil it."
    assert await talk(shop(), "1", "so loud") == PRINTER.replace("Is there paper?", "I only know printers.")


async def test_a_pattern_weighs_more_than_keywords():
    assert await talk(shop(), "the printer says E404") == "Change the ink."


async def test_what_fits_more_words_wins():
    assert await talk(shop(), "no ink, it prints nothing") == PRINTER


@pytest.mark.parametrize("said", ["back", "Go back.", "quay lại", "QUAY LAI"])
async def test_back_returns_to_the_place_before(said):
    assert (await talk(shop(), "1", "2", said)).startswith(("Is there paper?", "Có giấy không?"))


async def test_back_goes_on_to_the_beginning_and_stays_there():
    assert await talk(shop(), "1", "2", "back", "back") == HELLO
    assert await talk(shop(), "1", "2", "back", "back", "back") == HELLO


@pytest.mark.parametrize("said", ["start over", "Restart!", "menu"])
async def test_start_over_leads_to_the_beginning(said):
    assert await talk(shop(), "1", "2", said) == HELLO
    assert await talk(shop(), "1", "2", said, "back") == HELLO


async def test_an_unknown_message_moves_nobody():
    assert await talk(shop(), "1", "tell me a joke", "2") == "Change the ink."


@pytest.mark.parametrize("said", ["Máy in của tôi hỏng", "may in cua toi khong chay", "MÁY IN không in"])
async def test_vietnamese_is_answered_in_vietnamese_with_marks_or_without(said):
    assert (await talk(shop(), said)).startswith("Có giấy không?\n\nHãy chọn:\n\n1. Noise\n2. Mực")


async def test_a_number_is_answered_in_the_language_spoken_so_far():
    assert await talk(shop(), "Máy in của tôi hỏng", "2") == "Hãy thay mực."
    assert await talk(shop(), "Máy in của tôi hỏng", "what is wrong with the ink") == "Change the ink."


async def test_french_marks_are_no_vietnamese():
    assert await talk(shop(), "Voilà une forêt, ça gêne") == LOST


async def test_two_people_do_not_disturb_each_other():
    backend = shop()
    await talk(backend, "1")
    assert await talk(backend, "2") == "Oil it."


async def test_an_edited_message_leads_on_from_its_own_branch():
    backend = shop()
    assert await talk(backend, "2", "back", "1", "2") == "Change the ink."
    assert await talk(backend, "2", "back", "2") == "Oil it."


async def test_a_reply_that_was_stopped_still_tells_where_one_stands():
    answer = await shop().complete(request("1", "Is there pa", "2"))
    assert answer.content == "Change the ink."


async def test_a_reply_of_other_wording_counts_as_what_its_question_gets_today():
    answer = await shop().complete(request("1", "Is there any paper in it?", "2"))
    assert answer.content == "Change the ink."


async def test_a_conversation_whose_beginning_was_left_out_goes_on():
    messages = (Message("system", "Be brief."), Message("assistant", PRINTER), Message("user", "2"))
    assert (await shop().complete(ChatRequest(messages))).content == "Change the ink."


async def test_the_answer_comes_word_by_word_and_ends_with_stop():
    async with aclosing(shop().stream(request("1"))) as stream:
        deltas = [delta async for delta in stream]
    assert [delta.text for delta in deltas[:3]] == ["Is ", "there ", "paper?\n"]
    assert "".join(delta.text for delta in deltas) == PRINTER
    assert [delta.finish_reason for delta in deltas] == [None] * (len(deltas) - 1) + ["stop"]


async def test_it_can_be_closed_between_two_words():
    async with aclosing(shop(delay=3600).stream(request("1"))) as stream:
        assert (await anext(stream)).text == "Is "


async def test_a_long_message_is_read_at_its_beginning():
    assert await talk(shop(), "printer " + "x " * 200_000) == PRINTER
    assert await talk(shop(), "x " * 200_000 + "printer") == LOST


async def test_a_conversation_of_thousands_of_turns_leaves_the_loop_free():
    messages = [text for _ in range(2_000) for text in ("my printer is dead", "Written by another model.")]
    ticks = 0
    answering = asyncio.create_task(shop().complete(request(*messages, "2")))
    while not answering.done():
        ticks += 1
        await asyncio.sleep(0)
    assert (await answering).content == "Change the ink."
    assert ticks > 5


async def test_a_tree_may_come_from_a_json_file(tmp_path):
    path = tmp_path / "shop.json"
    path.write_text(json.dumps(SHOP), encoding="utf-8")
    assert await talk(shop(str(path)), "1") == PRINTER


async def test_a_tree_may_come_from_a_dotted_path():
    assert await talk(shop("tests.backends.test_rules.SHOP"), "1") == PRINTER


async def test_a_small_tree_needs_nothing_but_start_and_nodes():
    tree = {"start": "a", "nodes": {"a": {"text": "A.", "choices": ["b"]}, "b": {"text": "B."}}}
    assert await talk(shop(tree), "1") == "B."
    assert "not a language model" in await talk(shop(tree), "why")
    assert list(shop(tree).check()) == []


def test_it_is_no_language_model_and_brings_one_entry_to_the_catalogue():
    assert not shop().is_language_model
    assert [model["label"] for model in shop().models()] == ["Shop"]


def with_nodes(**nodes) -> dict:
    return {**SHOP, "nodes": {**SHOP["nodes"], **nodes}}


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (SHOP, []),
        ({**SHOP, "start": "nowhere"}, ["E121"]),
        ({"languages": ["en"], "nodes": SHOP["nodes"]}, ["E121"]),
        (with_nodes(ink={"text": "Ink.", "choices": ["gone"]}), ["E122"]),
        (with_nodes(island={"text": "Nobody comes here."}), ["E123"]),
        (with_nodes(island={"text": "Found.", "keywords": ["island"]}), []),
        (with_nodes(ink={"text": {"en": "Ink."}}), ["E124"]),
        (with_nodes(ink={"patterns": ["("], "text": "Ink."}), ["E120"]),
        ({**SHOP, "nodes": ["hello"]}, ["E120"]),
        (with_nodes(ink="Change it."), ["E120"]),
        ("no.such.tree", ["E120"]),
        ("/no/such/tree.json", ["E120"]),
        ("tests.backends.test_rules.HELLO", ["E120"]),
    ],
)
def test_what_is_wrong_with_a_tree_is_told_before_anybody_walks_into_it(tree, expected):
    assert [message.id.removeprefix("conversations.") for message in shop(tree).check()] == expected


async def test_a_tree_that_cannot_be_read_is_told_to_the_person_too():
    with pytest.raises(BackendError, match="The rules of “Shop” cannot be read"):
        await talk(shop("no.such.tree"), "hello")


async def test_it_is_told_in_the_persons_own_language():
    with translation.override("vi"), pytest.raises(BackendError, match="Không đọc được"):
        await talk(shop("no.such.tree"), "hello")
