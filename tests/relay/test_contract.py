"""What every relay promises to the readers in its own process."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import pytest

from conversations.relay import MemoryRelay, Relay
from conversations.relay.redis_streams import RedisStreamsRelay
from conversations.types import Delta
from tests.relay.listeners import Heard, until

TITLE = Delta(metadata={"conversation_id": "1", "title": "Baking Bread"})


@pytest.fixture(params=["memory", "redis", "redis-away"])
async def relay(request):
    if request.param == "memory":
        relay: Relay = MemoryRelay(asyncio.get_running_loop())
    else:
        server = request.getfixturevalue("redis_server")
        relay = RedisStreamsRelay(asyncio.get_running_loop(), server.url, "test")
        if request.param == "redis-away":
            server.kill()
    yield relay
    await relay.aclose()


@pytest.fixture
def reply(relay) -> UUID:
    generation_id = uuid4()
    relay.open(generation_id)
    return generation_id


async def test_a_listener_gets_the_text_so_far_and_then_what_follows(relay, reply):
    relay.publish(reply, "one ")
    heard = Heard()
    assert relay.attach(reply, heard) == "one "
    relay.publish(reply, "two ")
    relay.publish(reply, "three")
    await until(lambda: heard.text == "two three")


async def test_whoever_listens_in_turn_gets_every_character_once(relay, reply):
    whole = "".join(f"word{i} " for i in range(200))
    shown, listener = "", None
    for i in range(0, len(whole), 7):
        if i % 5 == 0:
            if listener:
                relay.detach(reply, listener)
            listener = Heard()
            shown = relay.attach(reply, listener)
        relay.publish(reply, whole[i : i + 7])
        if i % 3 == 0:
            await asyncio.sleep(0)
    await until(lambda: shown + listener.text == whole)


async def test_a_listener_that_left_hears_nothing_more(relay, reply):
    heard, other = Heard(), Heard()
    relay.attach(reply, heard)
    relay.detach(reply, heard)
    relay.attach(reply, other)
    relay.publish(reply, "later")
    await until(lambda: other.text)
    assert heard.text == ""


async def test_replies_do_not_mix(relay, reply):
    second = uuid4()
    relay.open(second)
    here, there = Heard(), Heard()
    relay.attach(reply, here)
    relay.attach(second, there)
    relay.publish(reply, "a")
    relay.publish(second, "b")
    await until(lambda: (here.text, there.text) == ("a", "b"))


async def test_thoughts_have_a_way_of_their_own_and_come_before_the_text(relay, reply):
    relay.publish_thoughts(reply, "Hm, ", 0)
    relay.publish_thoughts(reply, "well. ", 40)
    heard = Heard()
    assert relay.attach(reply, heard) == ""
    assert (heard.thoughts, heard.thought_for) == ("Hm, well. ", 40)
    relay.publish(reply, "Yes.")
    relay.publish_thoughts(reply, "So be it.", 90)
    relay.close(reply)
    assert (heard.thoughts, heard.thought_for, heard.text) == ("Hm, well. So be it.", 90, "Yes.")


async def test_whoever_listens_in_turn_gets_every_thought_once(relay, reply):
    whole = "".join(f"word{i} " for i in range(200))
    shown, listener = "", None
    for i in range(0, len(whole), 7):
        if i % 5 == 0:
            if listener:
                shown = listener.thoughts
                relay.detach(reply, listener)
            listener = Heard()
            relay.attach(reply, listener)
            assert listener.thoughts.startswith(shown)
        relay.publish_thoughts(reply, whole[i : i + 7], i)
        if i % 3 == 0:
            await asyncio.sleep(0)
    await until(lambda: listener.thoughts == whole)


async def test_the_end_comes_after_all_text_and_the_title_between_the_two(relay, reply):
    heard = Heard()
    relay.attach(reply, heard)
    relay.publish(reply, "all of it")
    relay.close(reply)
    assert (heard.text, heard.marks) == ("all of it", ["finish"])
    assert relay.is_closed(reply)
    relay.notify(reply, TITLE)
    relay.end(reply)
    assert heard.notices == [TITLE.metadata]
    assert heard.marks == ["finish", "end"]


async def test_of_a_closed_reply_only_the_outcome_is_told(relay, reply):
    relay.publish(reply, "text")
    relay.close(reply)
    heard = Heard()
    assert relay.attach(reply, heard) == ""
    await until(lambda: heard.marks == ["finish"])
    assert heard.text == ""


async def test_a_reply_is_known_until_nothing_can_come_any_more(relay, reply):
    assert relay.knows(reply)
    relay.close(reply)
    assert relay.knows(reply)
    relay.end(reply)
    assert not relay.knows(reply)
    assert relay.attach(reply, Heard()) is None


async def test_who_comes_while_the_model_is_silent_is_told_why(relay, reply):
    relay.notify(reply, Delta(metadata={"waiting": "Loading…"}))
    heard = Heard()
    relay.attach(reply, heard)
    assert heard.notices == [{"waiting": "Loading…"}]


async def test_a_reply_that_it_does_not_know_disturbs_nothing(relay):
    stranger = uuid4()
    relay.publish(stranger, "text")
    relay.publish_thoughts(stranger, "thoughts", 1)
    relay.notify(stranger, TITLE)
    relay.close(stranger)
    relay.end(stranger)
    relay.unlisten(stranger)
    assert not relay.knows(stranger)
