"""Two processes, one Redis: what one writes, the other reads; and neither minds when Redis goes away."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest
from redis.asyncio import Redis

from conversations.relay import stream_pump
from conversations.relay.redis_streams import RedisStreamsRelay
from conversations.relay.stream_entries import Entry, parse_answer, stream_key
from conversations.types import Delta
from tests.relay.listeners import Heard, HeardFarAway, until

TITLE = Delta(metadata={"conversation_id": "1", "title": "Brot backen · 烤面包 🍞"})


@asynccontextmanager
async def relay_to(server, prefix: str = "test"):
    relay = RedisStreamsRelay(asyncio.get_running_loop(), server.url, prefix)
    yield relay
    await relay.aclose()


@pytest.fixture
async def here(redis_server):
    """The relay of the process that writes."""
    async with relay_to(redis_server) as relay:
        yield relay


@pytest.fixture
async def there(redis_server):
    """The relay of another process."""
    async with relay_to(redis_server) as relay:
        yield relay


@pytest.fixture
async def redis(redis_server):
    client = Redis.from_url(redis_server.url)
    yield client
    await client.aclose()


@pytest.fixture
def reply(here) -> UUID:
    generation_id = uuid4()
    here.open(generation_id)
    return generation_id


async def test_what_one_process_writes_another_reads(here, there, reply):
    heard = HeardFarAway()
    there.listen(reply, heard, 0)
    here.notify(reply, Delta(metadata={"waiting": "Loading…"}))
    for word in ("Grüße, ", "世界 ", "👋🏽 ", "end"):
        here.publish(reply, word)
        await asyncio.sleep(0.03)
    here.close(reply)
    here.notify(reply, TITLE)
    here.end(reply)
    await until(lambda: heard.marks == ["finish", "end"])
    assert heard.text == "Grüße, 世界 👋🏽 end"
    assert heard.notices == [{"waiting": "Loading…"}, TITLE.metadata]
    assert heard.gaps == 0


async def test_thoughts_reach_the_other_process_whole_and_in_order(here, there, reply):
    heard, late = HeardFarAway(), HeardFarAway()
    there.listen(reply, heard, 0)
    for number, word in enumerate(("Grüße: ", "1:2:3 ", "世界\n", "👋🏽 ")):
        here.publish_thoughts(reply, word, 10 * number)
        here.notify(reply, Delta(metadata={"waiting": f"{number}…"}))
        await asyncio.sleep(0.03)
    here.publish(reply, "Yes. ")
    here.publish_thoughts(reply, "And ", 40)  # between two pieces of text that one entry joins
    here.publish(reply, "No.")
    here.publish_thoughts(reply, "then.", 50)
    here.close(reply)
    await until(lambda: heard.marks == ["finish"])
    assert (heard.thoughts, heard.thought_for, heard.thought_gaps) == ("Grüße: 1:2:3 世界\n👋🏽 And then.", 50, 0)
    assert (heard.text, heard.gaps) == ("Yes. No.", 0)
    there.unlisten(reply)
    there.listen(reply, late, 0)
    await until(lambda: late.marks == ["finish"])
    assert (late.thoughts, late.text) == (heard.thoughts, heard.text)


async def test_whoever_hears_the_end_has_heard_the_title(here, there, reply):
    heard = HeardFarAway()
    there.listen(reply, heard, 0)
    here.notify(reply, Delta(metadata={"waiting": "Loading…"}))
    here.close(reply)
    await until(lambda: heard.marks == ["finish"])
    here.notify(reply, TITLE)
    here._pump._take()  # Redis did not take it
    here.end(reply)
    await until(lambda: heard.marks == ["finish", "end"])
    assert heard.notices[1:] == [TITLE.metadata]


async def test_half_a_character_spoils_nothing(here, there, reply):
    heard = HeardFarAway()
    there.listen(reply, heard, 0)
    here.publish(reply, " a\ud83d\nb ")
    await until(lambda: heard.text == " a?\nb ")


async def test_a_cursor_is_an_id_of_the_stream(here, there, reply):
    here.publish(reply, "one ")
    first = HeardFarAway()
    there.listen(reply, first, 0)
    await until(lambda: first.text)
    here.publish(reply, "two")
    later = HeardFarAway("one ", length=4)
    there.listen(reply, later, 4)
    await until(lambda: later.text == "one two")
    assert later.calls == 1


async def test_whoever_comes_after_the_end_reads_it_all_from_the_stream(here, there, reply):
    here.publish(reply, "whole")
    here.close(reply)
    here.end(reply)
    heard = HeardFarAway()
    there.listen(reply, heard, 0)
    await until(lambda: heard.marks == ["finish", "end"])
    assert heard.text == "whole"


async def test_readers_in_the_writer_s_process_do_not_wait_for_redis(here, reply, redis_server):
    redis_server.pause()
    heard = Heard()
    here.attach(reply, heard)
    here.publish(reply, "at once")
    await until(lambda: heard.text == "at once")
    redis_server.resume()


async def test_text_is_joined_so_that_many_pieces_are_few_entries(here, reply, redis):
    for _ in range(20):
        for _ in range(50):
            here.publish(reply, "w ")
        await asyncio.sleep(0.01)
    here.close(reply)
    await until(lambda: not here._pump._moved)
    async with asyncio.timeout(10):
        while not (entries := await redis.xrange(stream_key("test", reply))) or b"d" not in entries[-1][1]:
            await asyncio.sleep(0.01)
    assert len(entries) < 20
    assert b"".join(fields.get(b"t", b"") for _, fields in entries) == b"w " * 1000


async def test_a_stream_is_bounded_and_expires(here, reply, redis):
    key = stream_key("test", reply)
    for _ in range(900):
        here.publish(reply, "word ")
        await here._pump._send(*here._pump._take())
    assert 0 < await redis.xlen(key) <= stream_pump.LENGTH + 100  # Redis trims whole nodes, of a hundred entries
    assert 0 < await redis.ttl(key) <= stream_pump.EXPIRY


async def test_sites_that_share_a_redis_do_not_hear_each_other(here, reply, redis_server, redis):
    async with relay_to(redis_server, "another-site") as stranger, relay_to(redis_server) as friend:
        strange, known = HeardFarAway(), HeardFarAway()
        stranger.listen(reply, strange, 0)
        friend.listen(reply, known, 0)
        here.publish(reply, "text")
        await until(lambda: known.text)
        await asyncio.sleep(0.3)
    assert strange.calls == 0
    assert all(key.startswith(b"test:") for key in await redis.keys())


async def test_one_xread_serves_all_replies_of_a_process(here, there, redis):
    heard = {uuid4(): HeardFarAway() for _ in range(50)}
    for generation_id, listener in heard.items():
        here.open(generation_id)
        there.listen(generation_id, listener, 0)
    for generation_id in heard:
        here.publish(generation_id, generation_id.hex)
    await until(lambda: all(listener.text == pk.hex for pk, listener in heard.items()))
    clients = [client for client in await redis.client_list() if client["cmd"] in ("xread", "evalsha")]
    assert len(clients) == 2  # one that reads, one that writes


async def test_what_waits_is_written_before_the_process_ends(redis_server, there):
    generation_id, heard = uuid4(), HeardFarAway()
    there.listen(generation_id, heard, 0)
    async with relay_to(redis_server) as relay:
        relay.open(generation_id)
        for word in ("the ", "last ", "words"):
            relay.publish(generation_id, word)
            await asyncio.sleep(0)
        relay.close(generation_id)
        relay.end(generation_id)
    await until(lambda: heard.marks == ["finish", "end"])
    assert heard.text == "the last words"


async def test_text_that_redis_lost_is_a_gap_and_never_a_wrong_text(here, there, reply, redis):
    for word in ("one ", "two ", "three "):
        here.publish(reply, word)
        await here._pump._send(*here._pump._take())
    await redis.xtrim(stream_key("test", reply), maxlen=1, approximate=False)
    heard = HeardFarAway()
    there.listen(reply, heard, 0)
    await until(lambda: heard.calls)
    assert (heard.gaps, heard.text, heard.length) == (1, "three ", 14)


async def outage(here, there, reply, go_away, come_back, delay) -> tuple[Heard, HeardFarAway]:
    near, far = Heard(), HeardFarAway()
    here.attach(reply, near)
    there.listen(reply, far, 0)
    here.publish(reply, "before ")
    await until(lambda: far.text)
    go_away()
    while here._pump._back_off._delay < delay or there._reader._back_off._delay < delay:  # it doubles with each failure
        here.publish(reply, "x")
        await asyncio.sleep(0.02)
    come_back()
    while not far.text.endswith("after"):
        here.publish(reply, "after")
        await asyncio.sleep(0.02)
    return near, far


async def test_a_redis_that_is_killed_and_comes_back_is_used_again(here, there, reply, redis_server, caplog):
    async with asyncio.timeout(15):
        near, far = await outage(here, there, reply, redis_server.kill, redis_server.start, 0.8)
    await until(lambda: near.text.endswith(far.text[-5:]))
    assert near.text.startswith("before x")
    assert far.gaps == 1
    told = [record for record in caplog.records if "does not answer" in record.message]
    assert len(told) == 2  # one for each process, however many calls failed


async def test_a_redis_that_hangs_and_goes_on_is_used_again(here, there, reply, redis_server, caplog):
    async with asyncio.timeout(20):
        near, far = await outage(here, there, reply, redis_server.pause, redis_server.resume, 0.2)
    assert near.text.startswith("before x")
    assert far.length <= here._pump._replies[reply].end
    assert sum("does not answer" in record.message for record in caplog.records) == 2


async def test_an_outage_costs_no_memory(here, reply, redis_server):
    redis_server.pause()
    piece, most = "x" * (stream_pump.MOST_WAITING // 40), 0
    for _ in range(100):
        here.publish(reply, piece)
        most = max(most, sum(map(len, here._pump._replies[reply].parts)))
        await asyncio.sleep(0)
    assert most <= stream_pump.MOST_WAITING
    redis_server.resume()


async def test_a_text_that_is_too_long_for_an_entry_is_left_to_the_row(here, there, reply):
    heard = HeardFarAway()
    there.listen(reply, heard, 0)
    here.publish(reply, "x" * (stream_pump.LONGEST_ENTRY + 1))
    await until(lambda: not here._pump._moved)
    here.publish(reply, "tail")
    await until(lambda: heard.calls)
    assert (heard.gaps, heard.length) == (1, stream_pump.LONGEST_ENTRY + 5)


async def test_a_redis_that_takes_nothing_more_counts_as_an_outage(here, reply, redis, caplog):
    caplog.set_level(logging.WARNING)
    await redis.config_set("maxmemory", 1)
    here.publish(reply, "text")
    await until(lambda: here._pump._outage.is_on)
    await redis.config_set("maxmemory", 0)
    await until(lambda: not (here.publish(reply, "x") or here._pump._outage.is_on))


async def test_one_listener_that_fails_does_not_silence_the_others(here, there, reply):
    class Broken(HeardFarAway):
        def receive_at(self, end, text):
            raise ValueError("cannot be shown")

    second, heard = uuid4(), HeardFarAway()
    here.open(second)
    there.listen(reply, Broken(), 0)
    there.listen(second, heard, 0)
    here.publish(reply, "a")
    here.publish(second, "b")
    await until(lambda: heard.text == "b")


SHAPES = {
    "resp2": [[b"k", [(b"5-1", {b"t": b"hello"}), (b"5-2", {b"d": b""})]]],
    "resp3": {b"k": [[(b"5-1", {b"t": b"hello"}), (b"5-2", {b"d": b""})]]},
    "unified": {b"k": [(b"5-1", {b"t": b"hello"}), (b"5-2", {b"d": b""})]},
    "wire": [[b"k", [[b"5-1", [b"t", b"hello"]], [b"5-2", [b"d", b""]]]]],
    "decoded": {"k": [("5-1", {"t": "hello"}), ("5-2", {"d": ""})]},
    "trimmed": [[b"k", [(b"5-1", {b"t": b"hello"}), (None, None), (b"5-2", {b"d": b""})]]],
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_an_answer_is_understood(shape):
    assert list(parse_answer(SHAPES[shape])) == [("k", [Entry(5, 1, "t", "hello"), Entry(5, 2, "d", "")])]


@pytest.mark.parametrize("answer", [None, [], {}])
def test_an_empty_answer_has_nothing(answer):
    assert list(parse_answer(answer)) == []


@pytest.mark.parametrize(
    "answer", [{b"k": [[(b"5-1", {b"t": b"x"})]]}, {b"k": [(b"5-1", {b"t": b"x"})]}, [[b"k", [[b"5-1", [b"t", b"x"]]]]]]
)
def test_a_single_entry_is_understood_too(answer):
    assert list(parse_answer(answer)) == [("k", [Entry(5, 1, "t", "x")])]


@pytest.mark.parametrize("protocol", [2, 3])
async def test_both_protocols_of_redis_are_understood(here, reply, redis_server, protocol):
    there = RedisStreamsRelay(asyncio.get_running_loop(), f"{redis_server.url}?protocol={protocol}", "test")
    heard = HeardFarAway()
    there.listen(reply, heard, 0)
    here.publish(reply, "text")
    await until(lambda: heard.text == "text")
    await there.aclose()
