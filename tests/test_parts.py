"""Which part of a long conversation comes first, and what fills its gaps; and what that costs."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from conversations import services
from conversations.models import Conversation
from conversations.parts import AROUND, CHARACTERS, LENGTH, Between, Choice, Wanted, filling, gaps, newest, shown_first
from conversations.rendering import reply
from conversations.types import Message


def talk(count: int, length: int = 10) -> list[Message]:
    said, parent = [], None
    for number in range(count):
        role = "assistant" if number % 2 else "user"
        said.append(Message(role, f"{number} ".ljust(length, "x"), id=f"id{number}", parent_id=parent))
        parent = said[-1].id
    return said


def stored(user, said: list[Message]) -> Conversation:
    conversation = services.create(user, title="Long")
    services.store(conversation, *said)
    return conversation


def ids(choice: Choice, said: list[Message]) -> list[str]:
    return [said[number].id for numbers in choice.shown for number in numbers]


def numbered(first: int, end: int) -> list[str]:
    return [f"id{number}" for number in range(first, end)]


@pytest.mark.parametrize("count", [0, 1, 2, LENGTH - 1, LENGTH])
def test_a_conversation_that_is_not_long_is_shown_whole(count):
    said = talk(count)
    choice = shown_first(said, Wanted())
    assert ids(choice, said) == numbered(0, count)
    assert [gap.count for gap in gaps(said, choice)] == [0, 0]


def test_a_long_one_begins_with_its_end_at_a_question():
    said = talk(201)  # the last is a question without an answer yet
    choice = shown_first(said, Wanted())
    assert ids(choice, said) == numbered(200 - LENGTH, 201)
    assert said[choice.shown[0].start].role == "user"
    assert gaps(said, choice)[0].count == 200 - LENGTH


def test_long_messages_make_a_part_shorter_but_never_empty():
    said = talk(100, CHARACTERS // 4)
    assert ids(shown_first(said, Wanted()), said) == numbered(96, 100)
    said = talk(100, CHARACTERS * 2)
    assert ids(shown_first(said, Wanted()), said) == numbered(98, 100)


def test_what_was_thought_counts_as_well():
    said = [*talk(99), Message("assistant", "!", metadata={"reasoning": "x" * CHARACTERS})]
    assert len(ids(shown_first(said, Wanted()), said)) == 2


def test_a_wanted_message_comes_with_what_surrounds_it_and_the_end():
    said = talk(200)
    choice = shown_first(said, Wanted(at="id100"))
    assert set(numbered(100 - AROUND, 101 + AROUND)) <= set(ids(choice, said))
    above, between, below = gaps(said, choice)
    assert (above.after, above.before) == ("", f"id{choice.shown[0].start}")
    assert (between.after, between.before) == (f"id{choice.shown[0].stop - 1}", f"id{200 - LENGTH}")
    assert below.count == 0
    assert above.count + between.count + len(ids(choice, said)) == 200


def test_a_wanted_message_near_the_end_leaves_no_gap_and_always_brings_something_earlier():
    said = talk(200)
    choice = shown_first(said, Wanted(at=f"id{200 - LENGTH}"))
    assert len(choice.shown) == 1
    assert choice.shown[0].start <= 200 - LENGTH - AROUND


def test_an_unknown_message_changes_nothing_and_the_whole_is_the_whole():
    said = talk(200)
    assert shown_first(said, Wanted(at="nowhere")) == shown_first(said, Wanted())
    assert ids(shown_first(said, Wanted(is_whole=True)), said) == numbered(0, 200)


@pytest.mark.parametrize("is_later", [False, True])
@pytest.mark.parametrize("after", ["", "id7"])
def test_part_by_part_a_gap_is_filled_with_each_message_once(after, is_later):
    said = talk(171)
    gap, shown = Between("id170", after, is_later=is_later), []
    while True:
        choice = filling(said, gap)
        part = ids(choice, said)
        shown = shown + part if is_later else part + shown
        above, below = gaps(said, choice)
        rest = below if is_later else above
        assert (above if is_later else below).count == 0
        if not rest.count:
            break
        gap = Between(rest.before, rest.after, is_later=is_later)
    assert shown == numbered(8 if after else 0, 170)


def test_a_gap_gives_what_stands_around_a_message_or_all():
    said = talk(300)
    choice = filling(said, Between("id250", "id20", at="id100"))
    above, below = gaps(said, choice)
    assert "id100" in ids(choice, said)
    assert (above.after, below.before) == ("id20", "id250")
    assert above.count + below.count + len(ids(choice, said)) == 229
    assert ids(filling(said, Between("id250", "id20", is_whole=True)), said) == numbered(21, 250)


@pytest.mark.parametrize(
    "gap",
    [
        Between("nowhere"),
        Between("id250", "nowhere"),
        Between("id250", "id20", at="id10"),
        Between("id250", "id20", at="id250"),
        Between("id250", at="nowhere"),
    ],
)
def test_what_is_no_gap_of_this_branch_is_not_filled(gap):
    assert filling(talk(300), gap) is None


def test_a_gap_the_wrong_way_round_is_empty():
    assert ids(filling(talk(30), Between("id3", "id20")), talk(30)) == []


def test_a_turn_is_the_newest_messages():
    said = talk(200)
    assert ids(newest(said, 3), said) == numbered(197, 200)
    assert ids(newest(said[:1], 3), said) == numbered(0, 1)


# The pages


def page_of(client, conversation, **query):
    return client.get(reverse("conversations:show", args=[conversation.pk]), query)


def part_of(client, conversation, **query):
    return client.get(reverse("conversations:part", args=[conversation.pk]), query)


def shown_in(response) -> list[str]:
    return [view.id for view in response.context["messages"]]


@pytest.fixture
def alices(client, alice, catalogue):
    client.force_login(alice)
    return client


def test_only_what_is_shown_is_rendered_and_nothing_twice(alices, alice, monkeypatch):
    formatted = []
    format_ = reply._format
    monkeypatch.setattr(
        reply, "_format", lambda *args, **options: formatted.append(args[0]) or format_(*args, **options)
    )
    said = [Message(one.role, f"**{alice.pk}** {one.id}", id=one.id, parent_id=one.parent_id) for one in talk(300)]
    conversation = stored(alice, said)
    page_of(alices, conversation)
    assert len(formatted) == LENGTH // 2
    page_of(alices, conversation)
    part_of(alices, conversation, before="id290")
    assert len(formatted) == LENGTH // 2 + 5
    assert len(set(formatted)) == len(formatted)


def test_parts_and_page_together_are_the_conversation(alices, alice):
    conversation = stored(alice, talk(100))
    response = page_of(alices, conversation)
    shown = shown_in(response)
    while gap := response.context["messages"][0].gap:
        response = part_of(alices, conversation, before=gap.before, after=gap.after)
        assert response.status_code == 200
        shown = shown_in(response) + shown
    assert shown == numbered(0, 100)
    assert shown_in(page_of(alices, conversation, whole="1")) == numbered(0, 100)


def test_the_name_of_a_model_stands_where_it_changed_although_the_change_is_not_on_the_page(alices, alice):
    said = [
        Message(
            one.role, "x", id=one.id, parent_id=one.parent_id, metadata={"label": "A" if at < 205 - LENGTH else "B"}
        )
        for at, one in enumerate(talk(200))
    ]
    views = page_of(alices, stored(alice, said)).context["messages"]
    assert [view.model_label for view in views if view.model_label] == ["B"]
    views = part_of(alices, Conversation.objects.get(), before="id170").context["messages"]
    assert [view.model_label for view in views if view.model_label] == []


def test_nothing_in_a_part_is_the_last_message(alices, alice):
    said = talk(100)
    said[97] = Message("assistant", "x", id="id97", parent_id="id96", metadata={"status": "failed", "error": "No."})
    conversation = stored(alice, said)
    part = part_of(alices, conversation, before="id98")
    assert not any(view.is_last or view.can_retry for view in part.context["messages"])


def test_a_message_of_another_version_is_shown_in_its_own_and_nothing_is_chosen(alices, alice):
    said = talk(10)
    conversation = stored(alice, said)
    services.store(conversation, Message("assistant", "otherwise", id="other", parent_id="id4"))
    shown = page_of(alices, conversation, at="other")
    assert shown_in(shown) == [*numbered(0, 5), "other"]
    assert shown.context["composer"].parent_id == "other"
    assert services.read(conversation).leaf == "id9"
    assert shown_in(page_of(alices, conversation)) == numbered(0, 10)


def test_a_part_is_found_from_any_version(alices, alice):
    said = talk(100)
    conversation = stored(alice, said)
    services.store(conversation, Message("assistant", "otherwise", id="other", parent_id="id4"))
    services.select(conversation, "other")
    assert shown_in(part_of(alices, conversation, before="id50"))[-1] == "id49"


@pytest.mark.parametrize("query", [{"before": "nowhere"}, {"before": "id3", "at": "id9"}, {"before": "\x00"}])
def test_a_part_that_is_not_there_is_not_found(alices, alice, query):
    assert part_of(alices, stored(alice, talk(20)), **query).status_code == 404


def test_hostile_ids_stay_text(alices, alice):
    evil = '"><script>alert(1)</script>'
    said = talk(100)
    first = 100 - LENGTH  # of the end: it names the gap before it
    said[first] = Message("user", "x", id=evil, parent_id=f"id{first - 1}")
    said[first + 1] = Message("assistant", "x", id=f"id{first + 1}", parent_id=evil)
    html = page_of(alices, stored(alice, said), at="id40").content.decode()
    assert "<script>alert" not in html
    assert "%22%3E%3Cscript%3Ealert%281%29%3C%2Fscript%3E" in html


def test_questions_to_the_database_do_not_grow_with_messages(alices, alice):
    counts = {}
    for count in (4, 400):
        conversation = stored(alice, talk(count))
        before = talk(count)[-1].id
        page_of(alices, conversation)
        for name, ask in {
            "page": lambda c=conversation: page_of(alices, c),
            "whole": lambda c=conversation: page_of(alices, c, whole="1"),
            "part": lambda c=conversation, b=before: part_of(alices, c, before=b),
        }.items():
            with CaptureQueriesContext(
                connection,
            ) as queries:
                assert ask().status_code == 200
            counts.setdefault(name, []).append(len(queries))
        Conversation.objects.all().delete()
    assert all(few == many for few, many in counts.values()), counts


def test_a_page_that_refreshes_itself_takes_nobody_away_from_what_stands_far_up(alices, alice):
    live = {"status": "in_progress", "generation": "6a1f7c1e-6f0e-4d3c-8d0a-0c5b3f3f1a55"}
    conversation = stored(alice, [*talk(99), Message("assistant", "", id="live", parent_id="id98", metadata=live)])
    refresh = b'http-equiv="refresh"'
    assert refresh in page_of(alices, conversation).content
    assert refresh not in page_of(alices, conversation, at="id10").content
    assert refresh not in page_of(alices, conversation, whole="1").content
