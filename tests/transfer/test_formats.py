"""What other sites export becomes chats here: with versions, times, models, thoughts, and names of what is missing."""

from __future__ import annotations

import json

import pytest

from chatsite.transfer import formats, reading
from chatsite.transfer.problems import ChatRefused
from chatsite.transfer.trees import Node, transcript
from conversations.types import Transcript
from tests.transfer import samples
from tests.transfer.cast import BEGAN

USER = 7


def read(data):
    return formats.read(json.loads(json.dumps(data)), USER)


def shown(found_or_transcript) -> list[tuple[str, str]]:
    whole = getattr(found_or_transcript, "arrival", None)
    branch = (whole.transcript if whole else found_or_transcript).branch()
    return [(message.role, message.content) for message in branch]


def test_chatgpt_turns_become_messages_with_their_thoughts():
    found = read(samples.chatgpt())
    assert found.source == "chatgpt"
    assert shown(found) == [
        ("user", "Thời tiết ở Huế?\n\n(Not imported: sky.jpg)"),
        ("assistant", "It rains. ([Huế \\[now\\]](<https://weather.example/hue>))"),
        ("user", "Thanks"),
        ("assistant", "You are welcome."),
    ]
    answer = found.arrival.transcript.branch()[1]
    assert answer.metadata["model"] == "gpt-5-thinking"
    assert answer.metadata["reasoning_ms"] == 8_000
    thoughts = answer.metadata["reasoning"]
    assert [part in thoughts for part in ("**Weather**", "Look it up.", "weather('Huế')", "rain")] == [True] * 4


def test_chatgpt_versions_pins_and_times_are_kept():
    arrival = read(samples.chatgpt()).arrival
    question = arrival.transcript.branch()[0]
    answers = [message.content for message in arrival.transcript.messages if message.parent_id == question.id]
    assert answers[0] == "An older answer."
    assert len(answers) == 2
    assert arrival.created_at.isoformat() == "2023-11-14T22:13:20.250000+00:00"
    assert arrival.pinned_at == arrival.updated_at
    assert arrival.archived_at is None
    assert question.created_at.isoformat() == "2023-11-14T22:13:21.500000+00:00"


def test_chatgpt_names_what_is_left_out():
    assert read(samples.chatgpt()).left_out == ("sky.jpg",)


def test_a_canvas_is_part_of_the_answer():
    call = json.dumps({"name": "Poem", "type": "document", "content": "Roses are red"})
    mapping = {
        "u": samples.step("u", None, ["a"], samples.message("user", "A poem")),
        "a": samples.step("a", "u", [], samples.message("assistant", call, recipient="canmore.create_textdoc")),
    }
    assert shown(read(samples.chatgpt(mapping=mapping)))[1][1] == "**Poem**\n\nRoses are red"


def test_claude_blocks_and_versions():
    found = read(samples.claude())
    branch = found.arrival.transcript.branch()
    assert [message.role for message in branch] == ["user", "assistant", "user"]
    assert branch[0].content == "Which town?\n\n**list.txt**\n\n````\nHuế\n```\nHội An\n````\n\n(Not imported: map.png)"
    assert branch[1].content == "**Plan**\n\n```py\ngo()\n```\n\nHội An."
    assert "towns" in branch[1].metadata["reasoning"]
    assert branch[1].metadata["label"] == "Claude"
    other = next(message for message in found.arrival.transcript.messages if message.content == "Huế.")
    assert other.parent_id == branch[0].id
    assert other.metadata["reasoning"] == "Comparing."
    assert found.left_out == ("map.png",)
    assert found.arrival.updated_at.isoformat() == "2025-12-08T17:05:00+00:00"


def test_old_claude_exports_are_lists():
    chat = samples.claude()
    chat["chat_messages"] = [
        {"uuid": "1", "sender": "human", "text": "Hi"},
        {"uuid": "2", "sender": "assistant", "text": "Hello"},
    ]
    assert shown(read(chat)) == [("user", "Hi"), ("assistant", "Hello")]


def test_open_webui_tells_thoughts_apart():
    found = read(samples.openwebui())
    branch = found.arrival.transcript.branch()
    assert branch[0].content == "15 * 17?\n\n(Not imported: sum.png)"
    assert branch[1].content == "**255**"
    assert "15 × 17 = 255" in branch[1].metadata["reasoning"]
    assert '"15*17"' in branch[1].metadata["reasoning"]
    assert (branch[1].metadata["reasoning_ms"], branch[1].metadata["label"]) == (3_000, "DeepSeek R1")
    assert found.arrival.system_prompt == "Count well."
    assert found.arrival.archived_at
    failed = next(one for one in found.arrival.transcript.messages if one.metadata.get("status") == "failed")
    assert failed.metadata["error"] == "Model is not there"


@pytest.mark.parametrize("recursive", [True, False])
def test_librechat_trees_and_lists(recursive):
    found = read(samples.librechat(recursive=recursive))
    assert shown(found) == [("user", "Tell me a story\n\n(Not imported: notes.pdf)"), ("assistant", "Another")]
    first = next(one for one in found.arrival.transcript.messages if one.content == "A story.")
    assert (first.metadata["reasoning"], first.metadata["model"]) == ("Hm.", "gpt-4o")
    assert found.arrival.transcript.branch()[-1].metadata["status"] == "interrupted"
    assert found.arrival.system_prompt == "Be long."


def test_a_librechat_tree_may_be_deeper_than_python_recurses():
    inner: list = []
    for number in range(1_500, 0, -1):
        inner = [
            {"messageId": str(number), "isCreatedByUser": bool(number % 2), "text": f"{number}", "children": inner}
        ]
    found = formats.read(samples.librechat(messagesTree=inner), USER)
    assert len(found.arrival.transcript.branch()) == 1_500


@pytest.mark.parametrize("sample", [samples.chatgpt, samples.claude, samples.openwebui, samples.librechat])
class TestEachFormat:
    def test_ids_are_the_same_each_time_and_differ_between_people(self, sample):
        one, again = read(sample()).arrival, read(sample()).arrival
        other = formats.read(sample(), USER + 1).arrival
        assert (one.ids, one.transcript) == (again.ids, again.transcript)
        assert one.ids != other.ids

    def test_a_chat_of_nothing_is_refused_in_a_sentence(self, sample):
        empty = {"mapping": {}, "chat_messages": [], "messagesTree": [], "chat": {"history": {"messages": {}}}}
        with pytest.raises(ChatRefused, match=r"Nothing was said in it\.|missing from the file"):
            read({name: empty.get(name, value) for name, value in sample().items()})

    @pytest.mark.parametrize("wrong", [None, 1e300, [None], {"a": {"message": 5}}, "\ud800"])
    def test_fields_of_other_types_do_no_harm(self, sample, wrong):
        """Each field of each object, at any depth, is replaced once."""
        for changed in _with_each_replaced(sample(), wrong):
            try:
                found = formats.read(changed, USER)
            except ChatRefused:
                continue
            assert isinstance(found.arrival.transcript, Transcript)
            json.dumps([message.content for message in found.arrival.transcript.messages]).encode()


def _with_each_replaced(data, wrong):
    def walk(value, path):
        yield path
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for name, inner in items:
            yield from walk(inner, (*path, name))

    for path in list(walk(data, ()))[1:]:
        changed = json.loads(json.dumps(data))
        place = changed
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = wrong
        yield changed


def tree(*nodes: Node, leaf: str | None = None) -> Transcript:
    return transcript(nodes, leaf, space=formats.found.SPACE, began=BEGAN)


def test_circles_are_broken():
    made = tree(Node("a", "b", "user", "A"), Node("b", "a", "assistant", "B"), Node("c", "c", "user", "C"))
    assert sorted(message.content for message in made.messages) == ["A", "B", "C"]
    assert made.leaf in {message.id for message in made.messages}


def test_a_chain_of_empty_nodes_is_walked_once():
    """Each of them points to the one after it in the file: walked anew for each this would take hours."""
    hidden = [Node(str(number), str(number + 1), "") for number in range(60_000)]
    made = tree(*hidden, Node("60000", None, "user", "Hi"), Node("end", "0", "assistant", "Hello"), leaf="end")
    assert shown(made) == [("user", "Hi"), ("assistant", "Hello")]


def test_a_leaf_that_fell_out_shows_what_stands_before_it():
    made = tree(
        Node("q", None, "user", "Q"),
        Node("a", "q", "assistant", "A"),
        Node("b", "q", "assistant", "B"),
        Node("h", "a", ""),
        leaf="h",
    )
    assert shown(made) == [("user", "Q"), ("assistant", "A")]


@pytest.mark.parametrize(
    "time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "1970-01-01", "soon", 1e300]
)
def test_a_chat_whose_time_can_be_none_comes_in_all_the_same(time):
    assert reading.moment(time) is None
    assert len(shown(read(samples.claude(created_at=time)))) == len(shown(read(samples.claude())))
