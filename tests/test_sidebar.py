"""The sidebar: thousands of chats, part by part; what changed meanwhile; and what nobody has seen yet."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from conversations import places, services, streaming
from conversations.models import Conversation, Generation
from conversations.sidebar import FIRST_PART, PART, sidebar
from conversations.streaming.executors import in_database
from tests.helpers import finished, refreshed, say
from tests.test_organising import chats, do

pytestmark = pytest.mark.django_db(transaction=True)
FETCH = {"X-Requested-With": "fetch"}
ROWS = re.compile(r"Chat \d+(?=</a>)")


@pytest.fixture
def browser(client, alice, catalogue):
    client.force_login(alice)
    return client


def text(answer) -> str:
    return answer.content.decode()


def part_of_sidebar(page: str) -> str:
    return page.split("data-sidebar-list", 1)[1].split('class="sidebar-foot"', 1)[0]


def next_part(page: str, attribute: str = "data-more") -> str | None:
    found = re.search(rf'{attribute}="([^"]+)"', page)
    return found and found[1].replace("&amp;", "&")


def queries(call) -> int:
    with CaptureQueriesContext(connection) as captured:
        call()
    return len(captured)


# Long lists


def test_the_sidebar_goes_on_to_the_last_of_many_chats_and_shows_each_once(browser, alice):
    rows = chats(alice, FIRST_PART + 2 * PART + 7)
    page = part_of_sidebar(text(browser.get("/")))
    seen = ROWS.findall(page)
    assert len(seen) == FIRST_PART
    while url := next_part(page):
        page = text(browser.get(url, headers=FETCH))
        seen += ROWS.findall(page)
    assert seen == [row.title for row in reversed(rows)]


def test_chats_of_one_and_the_same_moment_are_each_shown_once(browser, alice):
    moment = timezone.now()
    chats(alice, 130)
    Conversation.objects.update(updated_at=moment)
    page = part_of_sidebar(text(browser.get("/")))
    seen = ROWS.findall(page)
    while (url := next_part(page)) and len(seen) <= 130:
        page = text(browser.get(url, headers=FETCH))
        seen += ROWS.findall(page)
    assert len(seen) == len(set(seen)) == 130


@pytest.mark.parametrize("place", ["history", "archive", "trash", "folder"])
def test_without_scripts_links_lead_through_a_whole_list(browser, alice, place):
    folder = services.create_folder(alice, "Trips")
    now = timezone.now()
    fields = {"archive": {"archived_at": now}, "trash": {"trashed_at": now}, "folder": {"folder": folder}}
    chats(alice, 2 * places.PART + 5, **fields.get(place, {}))
    url = first = reverse(f"conversations:{place}", args=[folder.pk] if place == "folder" else [])
    seen = []
    while url:
        page = text(browser.get(url)).split("<main", 1)[1]
        seen += re.findall(r"Chat \d+(?=</(?:a|span)>\s*<(?:time|span class=\"row-time))", page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        url = following and f"{first}{following[1]}"
    assert len(seen) == len(set(seen)) == 2 * places.PART + 5


def test_a_chat_that_moves_up_meanwhile_is_neither_lost_nor_shown_twice_further_down(browser, alice):
    rows = chats(alice, FIRST_PART + 10)
    first = part_of_sidebar(text(browser.get("/")))
    Conversation.objects.filter(pk=rows[0].pk).update(updated_at=timezone.now())
    rest = text(browser.get(next_part(first), headers=FETCH))
    assert len(set(ROWS.findall(first) + ROWS.findall(rest))) == FIRST_PART + 9


@pytest.mark.parametrize(
    "cursor", ["", "nonsense", "1.2", "-5.00000000000000000000000000000000", "9" * 40 + "." + "0" * 32]
)
def test_a_cursor_of_nonsense_begins_at_the_start(browser, alice, cursor):
    chats(alice, 3)
    page = text(browser.get(reverse("conversations:history"), {"before": cursor})).split("<main", 1)[1]
    assert page.count('name="chat"') == 3


def test_an_empty_site_says_what_will_stand_there(browser, alice):
    assert "Your chats will stand here." in text(browser.get("/"))
    assert "There are no chats yet." in text(browser.get(reverse("conversations:history")))
    assert "The trash is empty." in text(browser.get(reverse("conversations:trash")))
    folder = services.create_folder(alice, "Trips")
    assert "This folder is empty." in text(browser.get(reverse("conversations:folder", args=[folder.pk])))


# What it costs


@pytest.mark.parametrize("url", ["/", "/c/", "/c/trash/", "/c/sidebar/"])
def test_pages_cost_the_same_queries_however_many_chats_and_folders_there_are(browser, alice, url):
    def fill(count):
        folder = services.create_folder(alice, f"Folder {count}")
        now = timezone.now()
        for fields in ({}, {"folder": folder}, {"trashed_at": now}, {"is_unread": True}, {"archived_at": now}):
            chats(alice, count, **fields)
        rows = chats(alice, 10)
        services.pin(alice, services.chosen(alice, [row.pk for row in rows]))

    fill(2)
    few = queries(lambda: browser.get(url))
    fill(300)
    assert queries(lambda: browser.get(url)) == few


@pytest.mark.sqlite
def test_the_lists_are_read_from_their_indexes(alice):
    """However many a person has: nothing is sorted, and nothing is read that is not shown."""
    with CaptureQueriesContext(connection) as captured:
        sidebar(alice)
        for name in ("all", "archive", "trash"):
            places.place_of(alice, name).part("1700000000000000.00000000000000000000000000000000")
    for query in captured:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
            plan = " ".join(row[3] for row in cursor.fetchall())
        assert "SCAN" not in plan, plan
        assert "USE TEMP B-TREE FOR ORDER BY" not in plan, plan


# Staying true


def version_of(page: str) -> str:
    return re.search(r'data-version="(\w+)"', page)[1]


def test_a_sidebar_that_shows_what_is_there_is_told_so_without_a_word(browser, alice):
    chats(alice, 3)
    version = version_of(text(browser.get("/")))
    assert browser.get("/c/sidebar/", {"version": version}).status_code == 204


@pytest.mark.parametrize("change", ["title", "unread", "pin", "new", "folder", "trash"])
def test_a_sidebar_that_shows_something_else_gets_what_is_there(browser, alice, change):
    row = chats(alice, 3)[0]
    version = version_of(text(browser.get("/")))
    mine = services.chosen(alice, [row.pk])
    {
        "title": lambda: services.rename(row, "Renamed elsewhere"),
        "unread": lambda: mine.update(is_unread=True),
        "pin": lambda: services.pin(alice, mine),
        "new": lambda: services.create(alice, title="New elsewhere"),
        "folder": lambda: services.create_folder(alice, "New elsewhere"),
        "trash": lambda: services.trash(mine, timezone.now()),
    }[change]()
    answer = browser.get("/c/sidebar/", {"version": version})
    assert answer.status_code == 200
    assert version_of(text(answer)) != version


def test_another_persons_chats_change_nothing(browser, alice, bob):
    version = version_of(text(browser.get("/")))
    chats(bob, 2)
    assert browser.get("/c/sidebar/", {"version": version}).status_code == 204


def test_the_page_of_a_chat_in_a_folder_shows_that_folder_open(browser, alice):
    folder = services.create_folder(alice, "Trips")
    inside = chats(alice, 2, folder=folder)
    page = part_of_sidebar(text(browser.get(reverse("conversations:show", args=[inside[0].pk]))))
    assert 'aria-expanded="true"' in page
    assert inside[1].title in page
    assert 'aria-expanded="true"' not in part_of_sidebar(text(browser.get("/")))


def test_what_is_in_a_folder_comes_when_it_is_opened(browser, alice, bob):
    folder, theirs = services.create_folder(alice, "Trips"), services.create_folder(bob, "Bob's")
    chats(alice, 3, folder=folder)
    assert len(ROWS.findall(text(browser.get("/c/sidebar/", {"folder": folder.pk}, headers=FETCH)))) == 3
    assert browser.get("/c/sidebar/", {"folder": theirs.pk}, headers=FETCH).status_code == 404


# Unread


async def is_unread(generation: Generation) -> bool:
    return (await refreshed(generation)).conversation.is_unread


async def test_an_answer_that_ends_unseen_leaves_a_mark_until_its_chat_is_opened(engine, alice, scripted, async_client):
    scripted.enqueue("Hello")
    generation = await finished(await say(alice, "Hi"))
    assert await is_unread(generation)
    await async_client.aforce_login(alice)
    page = text(await async_client.get("/"))
    assert 'aria-describedby="is-unread"' in page
    await async_client.get(reverse("conversations:show", args=[generation.conversation_id]))
    assert not await is_unread(generation)


async def test_an_answer_that_somebody_reads_leaves_no_mark(engine, alice, scripted):
    gate = asyncio.Event()
    scripted.enqueue(gate.wait, "Hello")
    generation = await say(alice, "Hi")
    async with asyncio.timeout(10):
        async for _frames in streaming.follow(generation.pk):
            gate.set()
    assert not await is_unread(generation)


async def test_an_answer_that_its_owner_stopped_leaves_no_mark(engine, alice, scripted):
    scripted.enqueue("Hello", asyncio.Event().wait)
    generation = await say(alice, "Hi")
    await services.stop(generation)
    await finished(generation)
    assert not await is_unread(generation)


async def test_a_reader_who_comes_later_takes_the_mark_away(engine, alice, scripted, async_client):
    scripted.enqueue("Hello")
    generation = await finished(await say(alice, "Hi"))
    await async_client.aforce_login(alice)
    answer = await async_client.get(reverse("conversations:follow", args=[generation.pk]))
    assert b"done" in b"".join([chunk async for chunk in answer.streaming_content])
    assert not await is_unread(generation)


async def test_a_page_that_looks_at_a_chat_takes_its_mark_away(engine, alice, scripted, async_client):
    scripted.enqueue("Hello")
    generation = await finished(await say(alice, "Hi"))
    await async_client.aforce_login(alice)
    await async_client.get("/c/sidebar/", {"current": str(generation.conversation_id)})
    assert not await is_unread(generation)


async def test_going_on_with_an_archived_chat_brings_it_back(engine, alice, scripted):
    scripted.enqueue("Hello")
    generation = await finished(await say(alice, "Hi"))
    chat = generation.conversation
    await in_database(services.archive, services.chosen(alice, [chat.pk]), timezone.now())
    await services.send_message(await in_database(services.by_id, alice, chat.pk), "More")
    assert (await refreshed(generation)).conversation.archived_at is None


async def test_a_folder_shows_that_something_new_is_in_it(engine, alice, scripted):
    scripted.enqueue("Hello")
    generation = await finished(await say(alice, "Hi"))
    folder = await in_database(services.create_folder, alice, "Trips")
    await in_database(services.move, services.chosen(alice, [generation.conversation_id]), folder)
    assert [one.has_unread for one in (await in_database(sidebar, alice)).folders] == [True]


def test_a_chat_whose_answer_is_being_written_is_marked_as_such(browser, alice):
    (chat,) = chats(alice, 1)
    Generation.objects.create(user=alice, conversation=chat, backend="scripted", idempotency_key="k" * 32)
    assert "data-writing" in part_of_sidebar(text(browser.get("/")))


def test_old_rows_say_when_they_were_last_used(browser, alice):
    now = timezone.now()
    for age in (0, 1, 3, 90):
        row = services.create(alice, title=f"Chat {age}")
        Conversation.objects.filter(pk=row.pk).update(updated_at=now - timedelta(days=age))
    page = part_of_sidebar(text(browser.get("/")))
    labels = re.findall(r'data-group="([^"]+)"', page)
    assert labels[:3] == ["Today", "Yesterday", "Previous 7 days"]
    assert len(labels) == 4


def test_pages_about_chats_in_the_trash_do_not_exist(browser, alice):
    (chat,) = chats(alice, 1)
    do(browser, "trash", chat)
    for name in ("show", "rename", "delete", "settings"):
        assert browser.get(reverse(f"conversations:{name}", args=[chat.pk])).status_code == 404
