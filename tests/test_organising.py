"""Keeping order among chats: pins, archive, folders, trash; one by one and many at once, and the way back from each."""

from __future__ import annotations

import re
import uuid
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from conversations import places, services
from conversations.errors import InputError, NotFound, StoreUnavailable
from conversations.models import Conversation, Folder, Generation, StoredTranscript
from conversations.services import folders, organising
from conversations.sidebar import sidebar
from conversations.streaming import storing
from conversations.types import Message

pytestmark = pytest.mark.django_db
FETCH = {"X-Requested-With": "fetch"}
ORGANISE = "/c/organise/"


@pytest.fixture
def browser(client, alice):
    client.force_login(alice)
    return client


@pytest.fixture
def chat(alice):
    return services.create(alice, title="Plans")


def chats(user, count: int, **fields) -> list[Conversation]:
    """The last one is the newest."""
    now = timezone.now()
    rows = [Conversation(user=user, title=f"Chat {number}", **fields) for number in range(count)]
    Conversation.objects.bulk_create(rows)
    for number, row in enumerate(rows):
        row.updated_at = now - timedelta(hours=count - number)
    Conversation.objects.bulk_update(rows, ["updated_at"])
    return rows


def do(browser, verb, *rows, **more):
    return browser.post(ORGANISE, {"do": verb, "chat": [row.pk for row in rows], **more})


def undo_of(answer) -> dict[str, str]:
    """The fields of the newest Undo form on a page."""
    form = re.findall(r"<form[^>]*data-undo>(.*?)</form>", answer.content.decode(), re.DOTALL)[-1]
    return dict(re.findall(r'name="(do|of|at|chat|to)" value="([^"]*)"', form))


def titles(rows) -> list[str]:
    return [row.title for row in rows]


def where(user) -> dict[str, list[str]]:
    shown = sidebar(user)
    return {
        "pinned": titles(shown.pinned),
        "recent": [row.title for _label, rows in shown.groups for row in rows],
        "archive": titles(services.archive_of(user)),
        "trash": titles(services.trash_of(user)),
    }


def places_of(*rows) -> list[tuple]:
    found = Conversation.objects.in_bulk([row.pk for row in rows])
    return [(row.folder_id, row.pinned_at, row.archived_at) for row in (found[each.pk] for each in rows)]


# One chat


def test_a_pinned_chat_stands_first_and_goes_back_when_unpinned(browser, alice, chat):
    do(browser, "pin", chat)
    assert where(alice)["pinned"] == ["Plans"]
    assert where(alice)["recent"] == []
    do(browser, "unpin", chat)
    assert where(alice)["recent"] == ["Plans"]


def test_an_archived_chat_leaves_the_sidebar_and_comes_back(browser, alice, chat):
    answer = do(browser, "archive", chat, next="/")
    assert where(alice) == {"pinned": [], "recent": [], "archive": ["Plans"], "trash": []}
    page = browser.get(answer["Location"])
    assert "The chat is in the archive." in page.content.decode()
    browser.post(ORGANISE, undo_of(page))
    assert where(alice)["recent"] == ["Plans"]


def test_an_archived_chat_can_be_read_and_its_page_lists_it(browser, chat):
    do(browser, "archive", chat)
    assert browser.get(reverse("conversations:show", args=[chat.pk])).status_code == 200
    assert "Plans" in browser.get(reverse("conversations:archive")).content.decode()
    do(browser, "unarchive", chat)
    assert "The archive is empty." in browser.get(reverse("conversations:archive")).content.decode()


def test_a_deleted_chat_is_gone_but_can_be_taken_back_with_all_it_had(browser, alice, chat):
    folder = services.create_folder(alice, "Trips")
    do(browser, "move", chat, to=folder.pk)
    page = browser.get(do(browser, "trash", chat, next="/")["Location"])
    assert "The chat is in the trash." in page.content.decode()
    assert browser.get(reverse("conversations:show", args=[chat.pk])).status_code == 404
    assert titles(services.members_of(folder)) == []
    browser.post(ORGANISE, undo_of(page))
    assert titles(services.members_of(folder)) == ["Plans"]
    assert browser.get(reverse("conversations:show", args=[chat.pk])).status_code == 200


def test_a_chat_deleted_by_its_page_is_in_the_trash_too(browser, alice, chat):
    answer = browser.post(reverse("conversations:delete", args=[chat.pk]))
    assert where(alice)["trash"] == ["Plans"]
    assert undo_of(browser.get(answer["Location"]))["do"] == "restore"


def test_by_script_a_notice_with_undo_comes_back_and_no_page(browser, alice, chat):
    answer = browser.post(ORGANISE, {"do": "trash", "chat": chat.pk}, headers=FETCH)
    assert answer.status_code == 200
    assert "<html" not in answer.content.decode()
    browser.post(ORGANISE, undo_of(answer), headers=FETCH)
    assert where(alice)["recent"] == ["Plans"]


def test_a_script_that_leaves_the_page_finds_the_notice_on_the_next(browser, chat):
    answer = browser.post(ORGANISE, {"do": "trash", "chat": chat.pk, "leaving": 1}, headers=FETCH)
    assert answer.status_code == 204
    assert "The chat is in the trash." in browser.get("/").content.decode()


def test_deleting_stops_the_answer_that_is_being_written(alice, chat):
    live = Generation.objects.create(user=alice, conversation=chat, backend="scripted", idempotency_key="k" * 32)
    services.trash(services.chosen(alice, [chat.pk]), timezone.now())
    live.refresh_from_db()
    assert live.stop_requested


@pytest.mark.django_db(transaction=True)
def test_a_chat_in_the_trash_accepts_no_message(browser, chat):
    do(browser, "trash", chat)
    answer = browser.post(reverse("conversations:send", args=[chat.pk]), {"content": "Hi"})
    assert answer.status_code == 404


# Many


def test_what_went_away_together_comes_back_together_and_nothing_else(browser, alice):
    first, *others = chats(alice, 4)
    do(browser, "trash", first)
    page = browser.get(do(browser, "trash", *others, next="/")["Location"])
    assert "3 chats are in the trash." in page.content.decode()
    browser.post(ORGANISE, undo_of(page))
    assert where(alice)["trash"] == ["Chat 0"]


def test_everything_in_a_list_can_be_meant_also_what_is_not_loaded(browser, alice):
    chats(alice, places.PART + 20)
    (archived,) = chats(alice, 1, archived_at=timezone.now())
    answer = browser.post(ORGANISE, {"do": "trash", "everything": 1, "place": "all"})
    assert len(where(alice)["trash"]) == places.PART + 20
    assert where(alice)["archive"] == [archived.title]
    assert f"{places.PART + 20} chats are in the trash." in browser.get(answer["Location"]).content.decode()


def test_more_chats_than_a_form_of_django_may_have_fields_can_be_selected(browser, alice):
    rows = chats(alice, 1_500)
    assert do(browser, "archive", *rows).status_code == 302
    assert len(where(alice)["archive"]) == 1_500


def test_nothing_selected_is_said(browser):
    page = browser.get(browser.post(ORGANISE, {"do": "trash"})["Location"])
    assert "Select at least one chat first." in page.content.decode()
    assert browser.post(ORGANISE, {"do": "trash"}, headers=FETCH).status_code == 400


def test_what_is_gone_meanwhile_is_said(browser, chat):
    services.delete(chat)
    answer = browser.post(ORGANISE, {"do": "archive", "chat": chat.pk}, headers=FETCH)
    assert answer.status_code == 404
    assert "These chats are not there any more." in answer.content.decode()


@pytest.mark.parametrize(
    "data",
    [
        {"do": "explode", "chat": uuid.UUID(int=1)},
        {"do": "trash", "chat": "nonsense"},
        {"do": "restore", "at": "yesterday"},
        {"do": "restore", "at": "2026-01-01"},
        {"do": "move", "chat": uuid.UUID(int=1), "to": "9" * 30},
        {"do": "trash", "everything": 1, "place": "nowhere"},
        {"do": "trash", "everything": 1, "place": "folder", "folder": "9" * 18},
        {"do": "trash", "everything": 1, "place": "trash"},
    ],
)
def test_nonsense_is_refused_with_a_sentence(browser, chat, data):
    answer = browser.post(ORGANISE, data, headers=FETCH)
    assert answer.status_code in (400, 404)
    chat.refresh_from_db()
    assert (chat.trashed_at, chat.archived_at) == (None, None)


def test_too_many_pins_are_refused(alice):
    rows = chats(alice, organising.MOST_PINNED + 1)
    services.pin(alice, services.chosen(alice, [row.pk for row in rows[:-1]]))
    with pytest.raises(InputError, match="can be pinned"):
        services.pin(alice, services.chosen(alice, [rows[-1].pk]))


# Strangers


@pytest.mark.parametrize("verb", ["pin", "unpin", "archive", "unarchive", "move", "trash", "restore", "purge"])
def test_a_strangers_chats_stay_as_they_are(client, bob, chat, verb):
    before = Conversation.objects.values().get()
    client.force_login(bob)
    answer = client.post(ORGANISE, {"do": verb, "chat": chat.pk, "to": ""}, headers=FETCH)
    assert answer.status_code == 404 or verb == "pin"
    assert Conversation.objects.values().get() == before


def test_the_trash_of_another_is_not_restored_and_not_emptied(client, bob, alice, chat):
    moment = timezone.now()
    services.trash(services.chosen(alice, [chat.pk]), moment)
    client.force_login(bob)
    client.post(ORGANISE, {"do": "restore", "at": moment.isoformat()})
    client.post(reverse("conversations:empty_trash"), {"confirmed": 1, "chat": chat.pk})
    client.post(reverse("conversations:empty_trash"), {"confirmed": 1})
    assert where(alice)["trash"] == ["Plans"]


def test_nobody_moves_a_chat_into_the_folder_of_another(browser, bob, chat):
    theirs = services.create_folder(bob, "Bob's")
    assert browser.post(ORGANISE, {"do": "move", "chat": chat.pk, "to": theirs.pk}, headers=FETCH).status_code == 404
    chat.refresh_from_db()
    assert chat.folder is None


def test_a_form_from_elsewhere_is_refused(alice, chat):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert client.post(ORGANISE, {"do": "trash", "chat": chat.pk}).status_code == 403


def test_the_way_back_leads_to_no_other_site(browser, chat):
    answer = do(browser, "archive", chat, next="https://evil.example/")
    assert answer["Location"] == reverse("conversations:history")


# The trash


def test_the_trash_shows_how_long_each_stays(browser, alice, chat, settings):
    settings.CHAT_TRASH_DAYS = 30
    services.trash(services.chosen(alice, [chat.pk]), timezone.now() - timedelta(days=10, hours=1))
    assert "19 days left" in browser.get(reverse("conversations:trash")).content.decode()


def test_what_is_deleted_for_good_is_asked_first_and_then_gone_from_the_store(browser, alice, chat):
    do(browser, "trash", chat)
    url = reverse("conversations:empty_trash")
    assert "Nobody will be able to bring it back" in browser.post(url, {"chat": chat.pk}).content.decode()
    assert where(alice)["trash"] == ["Plans"]
    browser.post(url, {"chat": chat.pk, "confirmed": 1})
    assert not Conversation.objects.exists()
    assert not StoredTranscript.objects.exists()


def test_all_of_the_trash_is_emptied_and_nothing_outside_of_it(browser, alice):
    rows = chats(alice, organising.PURGED_AT_ONCE + 5)
    kept = services.create(alice, title="Kept")
    do(browser, "trash", *rows)
    browser.post(reverse("conversations:empty_trash"), {"confirmed": 1, "everything": 1, "place": "trash"})
    assert where(alice)["trash"] == []
    while storing.purge_deleted():  # what the clock does
        pass
    assert Conversation.objects.get() == kept


def test_a_store_that_is_away_keeps_nobody_from_deleting_for_good(alice, chat, monkeypatch):
    def down(_conversation):
        raise StoreUnavailable("The storage does not answer.")

    monkeypatch.setattr(storing, "purge", down)
    services.trash(services.chosen(alice, [chat.pk]), timezone.now())
    assert services.purge(services.trash_of(alice)) == 1
    assert where(alice)["trash"] == []
    monkeypatch.undo()
    storing.purge_deleted()
    assert not Conversation.objects.exists()


@contextmanager
def just_before(words: str, change):
    """Somebody else's `change` comes just before the first statement that begins with these words."""
    still = [change]

    def intervene(execute, sql, params, many, context):
        if still and sql.startswith(words):
            still.pop()()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(intervene):
        yield
    assert not still


@pytest.mark.parametrize("by", ["page", "service"])
def test_a_chat_that_is_taken_back_while_the_trash_is_emptied_stays_whole(browser, alice, chat, by):
    services.store(chat, Message("user", "Do not lose me."))
    (other,) = chats(alice, 1)
    services.trash(services.chosen(alice, [chat.pk, other.pk]), timezone.now())

    def taken_back():
        assert services.restore(services.trash_of(alice).filter(pk=chat.pk)) == 1

    with just_before('UPDATE "conversations_conversation" SET "deleted_at"', taken_back):
        if by == "page":
            browser.post(reverse("conversations:empty_trash"), {"confirmed": "1"})
        else:
            assert services.purge(services.trash_of(alice)) == 1
    assert titles(Conversation.objects.all()) == ["Plans"]
    assert [message.content for message in services.read(chat).messages] == ["Do not lose me."]
    assert not StoredTranscript.objects.filter(conversation_id=other.pk).exists()


def test_a_chat_that_is_taken_back_before_the_clock_empties_the_trash_stays(alice, chat, settings):
    services.trash(services.chosen(alice, [chat.pk]), timezone.now() - timedelta(days=settings.CHAT_TRASH_DAYS + 1))

    def taken_back():
        services.restore(services.trash_of(alice))

    with just_before('UPDATE "conversations_conversation" SET "deleted_at"', taken_back):
        call_command("empty_trash", verbosity=0)
    assert where(alice)["recent"] == ["Plans"]


def test_old_trash_goes_by_itself_and_by_the_command(alice, settings, capsys):
    settings.CHAT_TRASH_DAYS = 7
    old, young, _alive = chats(alice, 3)
    for row, days in ((old, 8), (young, 6)):
        services.trash(services.chosen(alice, [row.pk]), timezone.now() - timedelta(days=days))
    call_command("empty_trash")
    assert capsys.readouterr().out.startswith("1 chat is gone for good.")
    assert sorted(titles(Conversation.objects.all())) == ["Chat 1", "Chat 2"]
    settings.CHAT_TRASH_DAYS = 5
    assert storing.empty_trash() == 1  # what the clock does each hour
    storing.purge_deleted()
    assert titles(Conversation.objects.all()) == ["Chat 2"]


# Folders


def test_folders_are_made_renamed_and_deleted_and_their_chats_stay(browser, alice, chat):
    browser.post(reverse("conversations:create_folder"), {"name": "  Reisen\n nach   Huế "})
    folder = Folder.objects.get()
    assert folder.name == "Reisen nach Huế"
    do(browser, "move", chat, to=folder.pk)
    assert where(alice)["recent"] == []
    page = browser.get(reverse("conversations:folder", args=[folder.pk])).content.decode()
    assert "Plans" in page.split("<main")[1]
    browser.post(reverse("conversations:rename_folder", args=[folder.pk]), {"name": "Trips"})
    assert "Trips" in browser.get("/").content.decode()
    browser.post(reverse("conversations:delete_folder", args=[folder.pk]))
    assert where(alice)["recent"] == ["Plans"]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("  ", "Write a name first."), ("x" * 61, "may have at most 60 characters"), ("Trips", "already")],
)
def test_a_name_that_cannot_be_is_refused_and_kept_in_the_field(browser, alice, name, sentence):
    services.create_folder(alice, "Trips")
    answer = browser.post(reverse("conversations:create_folder"), {"name": name})
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert f'value="{name}"' in answer.content.decode()


def test_two_people_may_have_folders_of_the_same_name(alice, bob):
    assert services.create_folder(alice, "Trips") != services.create_folder(bob, "Trips")


def test_too_many_folders_are_refused(alice):
    Folder.objects.bulk_create(Folder(user=alice, name=str(number)) for number in range(folders.MOST_FOLDERS))
    with pytest.raises(InputError, match="Delete one first"):
        services.create_folder(alice, "One more")


def test_a_folder_whose_number_no_database_holds_does_not_exist(alice):
    with pytest.raises(NotFound):
        services.own_folder(alice, 10**30)


def test_a_chat_moves_into_a_folder_that_is_made_on_the_way(browser, alice, chat):
    page = browser.get(reverse("conversations:move"), {"chat": chat.pk}).content.decode()
    assert "Or a new folder" in page
    do(browser, "move", chat, to="new", name="Fresh")
    assert titles(services.members_of(Folder.objects.get(name="Fresh"))) == ["Plans"]
    do(browser, "move", chat, to="")
    assert where(alice)["recent"] == ["Plans"]


def test_a_chat_that_was_moved_goes_back_to_where_it_was(browser, alice, chat):
    here, there = services.create_folder(alice, "Here"), services.create_folder(alice, "There")
    services.move(services.chosen(alice, [chat.pk]), here)
    page = browser.get(do(browser, "move", chat, to=there.pk, next="/")["Location"])
    assert titles(services.members_of(there)) == ["Plans"]
    browser.post(ORGANISE, undo_of(page))
    assert titles(services.members_of(here)) == ["Plans"]


def test_many_that_were_moved_go_back_each_to_where_it_was(browser, alice):
    here, there = services.create_folder(alice, "Here"), services.create_folder(alice, "There")
    loose, filed, kept, apart = chats(alice, 4)
    Conversation.objects.filter(pk=filed.pk).update(folder=here, pinned_at=timezone.now())
    Conversation.objects.filter(pk=kept.pk).update(folder=there, archived_at=timezone.now())
    before = places_of(loose, filed, kept, apart)
    page = browser.get(do(browser, "move", loose, filed, kept, to=there.pk, next="/")["Location"])
    assert {row.folder for row in Conversation.objects.exclude(pk=apart.pk)} == {there}
    back = browser.post(ORGANISE, undo_of(page), headers=FETCH)
    assert "3 chats are back where they were." in back.content.decode()
    assert places_of(loose, filed, kept, apart) == before


@pytest.mark.parametrize("verb", ["pin", "unpin", "unarchive", "move"])
def test_what_takes_chats_elsewhere_is_undone_wherever_they_were(browser, alice, verb):
    here = services.create_folder(alice, "Here")
    moment = timezone.now()
    states = [{}, {"pinned_at": moment}, {"archived_at": moment}, {"folder": here, "archived_at": moment}]
    rows = [services.create(alice, title=f"Chat {number}") for number in range(4)]
    for row, state in zip(rows, states, strict=True):
        Conversation.objects.filter(pk=row.pk).update(**state)
    before = places_of(*rows)
    answer = browser.post(ORGANISE, {"do": verb, "chat": [row.pk for row in rows], "to": ""}, headers=FETCH)
    assert places_of(*rows) != before
    browser.post(ORGANISE, undo_of(answer), headers=FETCH)
    assert places_of(*rows) == before


def test_what_was_moved_again_meanwhile_stays_where_it_is_now(browser, alice):
    here, there = services.create_folder(alice, "Here"), services.create_folder(alice, "There")
    first, second = chats(alice, 2)
    undo = undo_of(browser.post(ORGANISE, {"do": "move", "chat": [first.pk, second.pk], "to": here.pk}, headers=FETCH))
    do(browser, "move", first, to=there.pk)
    back = browser.post(ORGANISE, undo, headers=FETCH)
    assert "The chat is back where it was." in back.content.decode()
    assert titles(services.members_of(there)) == [first.title]
    assert where(alice)["recent"] == [second.title]
    do(browser, "move", second, to=there.pk)
    late = browser.post(ORGANISE, undo, headers=FETCH)
    assert late.status_code == 404
    assert "moved again meanwhile" in late.content.decode()
    assert len(titles(services.members_of(there))) == 2


def test_what_was_archived_after_it_was_pinned_stays_in_the_archive_when_the_pin_is_undone(browser, alice, chat):
    undo = undo_of(browser.post(ORGANISE, {"do": "pin", "chat": chat.pk}, headers=FETCH))
    do(browser, "archive", chat)
    browser.post(ORGANISE, undo)
    assert where(alice) == {"pinned": [], "recent": [], "archive": ["Plans"], "trash": []}


def test_a_chat_comes_out_of_a_folder_that_is_gone_when_the_move_is_undone(browser, alice, chat):
    here, there = services.create_folder(alice, "Here"), services.create_folder(alice, "There")
    services.move(services.chosen(alice, [chat.pk]), here)
    undo = undo_of(browser.post(ORGANISE, {"do": "move", "chat": chat.pk, "to": there.pk}, headers=FETCH))
    services.delete_folder(here)
    assert browser.post(ORGANISE, undo, headers=FETCH).status_code == 200
    assert where(alice)["recent"] == ["Plans"]


def test_nobody_undoes_the_moves_of_another(client, browser, bob, alice, chat):
    there = services.create_folder(alice, "There")
    undo = undo_of(browser.post(ORGANISE, {"do": "move", "chat": chat.pk, "to": there.pk}, headers=FETCH))
    client.force_login(bob)
    assert client.post(ORGANISE, undo, headers=FETCH).status_code == 404
    assert titles(services.members_of(there)) == ["Plans"]


def test_undoing_pins_no_more_than_may_be_pinned(browser, alice, monkeypatch):
    monkeypatch.setattr(organising, "MOST_PINNED", 1)
    first, second = chats(alice, 2)
    do(browser, "pin", first)
    undo = undo_of(browser.post(ORGANISE, {"do": "unpin", "chat": first.pk}, headers=FETCH))
    do(browser, "pin", second)
    assert browser.post(ORGANISE, undo, headers=FETCH).status_code == 400
    assert where(alice)["pinned"] == [second.title]


def test_thousands_are_moved_and_put_back_by_as_many_queries_as_two(browser, alice, django_assert_max_num_queries):
    chats(alice, 1_200)
    there = services.create_folder(alice, "There")
    asked = {"do": "move", "everything": 1, "place": "all", "to": there.pk}
    with django_assert_max_num_queries(12):
        undo = undo_of(browser.post(ORGANISE, asked, headers=FETCH))
    with django_assert_max_num_queries(12):
        browser.post(ORGANISE, undo, headers=FETCH)
    assert Conversation.objects.filter(folder=None).count() == 1_200


def test_doing_it_twice_is_no_mistake(browser, alice, chat):
    for verb in ("pin", "archive", "archive", "unarchive", "unarchive", "unpin", "unpin"):
        assert browser.post(ORGANISE, {"do": verb, "chat": chat.pk}, headers=FETCH).status_code == 200
    assert where(alice)["recent"] == ["Plans"]


def test_folders_are_sorted_as_people_sort_names(alice):
    for name in ("Zoo", "apple", "Ăn uống", "đi chơi", "Berlin"):
        services.create_folder(alice, name)
    assert [folder.name for folder in sidebar(alice).folders] == ["Ăn uống", "apple", "Berlin", "đi chơi", "Zoo"]


def test_a_hostile_name_is_shown_as_text(browser, alice):
    name = '<img src=x onerror=alert(1)>"'
    folder = services.create_folder(alice, name)
    chat = services.create(alice, title=f"{name} {uuid.UUID(int=0)} \ue000")
    services.move(services.chosen(alice, [chat.pk]), folder)
    for url in ("/", reverse("conversations:folder", args=[folder.pk]), reverse("conversations:show", args=[chat.pk])):
        page = browser.get(url).content.decode()
        assert "<img src=x" not in page
        assert "&lt;img src=x" in page
    assert str(uuid.UUID(int=0)) in page  # a title is what its owner wrote, whatever stands for an id in our templates
