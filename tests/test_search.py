"""Searching one's own chats: what is found, what is not, and that the index follows whatever happens to a chat."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import DataError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversations import services
from conversations.indexing import complete_or_later
from conversations.indexing.base import TABLE
from conversations.models import Conversation, Folder, SearchEntry
from conversations.services.searching import looking
from conversations.services.searching.query import MOST_TERMS, SearchQuery
from conversations.services.searching.snippets import MOST_WORK, fit
from conversations.stores import get_store
from conversations.streaming import storing
from conversations.streaming.catching_up import CatchingUp
from conversations.streaming.executors import in_database
from conversations.types import Message
from tests.helpers import BrokenStore, finished, say
from tests.rendering_pieces import CORPUS

pytestmark = pytest.mark.django_db(transaction=True)


def told(user, *texts: str, title: str = "A chat", **fields) -> Conversation:
    """A conversation in which these things were said, by turns."""
    chat = services.create(user, title=title)
    if fields:
        Conversation.objects.filter(pk=chat.pk).update(**fields)
    said, parent = [], None
    for number, text in enumerate(texts):
        said.append(Message("assistant" if number % 2 else "user", text, parent_id=parent))
        parent = said[-1].id
    services.store(chat, *said)
    return chat


def search(user, text: str, **narrow) -> services.Found:
    return services.search(user, services.Wanted(text, **narrow))


def plain(pieces) -> str:
    return "".join(f"[{piece.text}]" if piece.is_match else piece.text for piece in pieces)


def snippets(user, text: str, **narrow) -> list[str]:
    return [plain(hit.snippet) for hit in search(user, text, **narrow).messages]


def titles(user, text: str, **narrow) -> list[str]:
    return [plain(hit.title) for hit in search(user, text, **narrow).titles]


def words_in_index() -> int:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT count(*) FROM conversations_searchentry_words")
        else:
            cursor.execute("SELECT count(*) FROM conversations_searchentry WHERE words <> ''")
        return cursor.fetchone()[0]


REPEATED = [
    ("a a a a a a a b", "a " * 7_980, "b"),
    ('"' + "a " * 98 + '"', "a " * 6 + "b " * 7_980, "a a a a a a a a"),
    ("a" * 200, "b" + "a" * 15_000, " " + "a" * 200),
    ("ab" * 100, "c" + "ab" * 7_000, " " + "ab" * 100),
    ("中" * 100 + "文", "中" * 15_900, "文"),
]


@pytest.mark.parametrize(("wanted", "repeated", "end"), REPEATED)
def test_a_text_that_only_repeats_itself_is_looked_for_at_its_beginning(wanted, repeated, end):
    """Each of these took up to five seconds, in which nobody else was served."""
    query, now = SearchQuery.parse(wanted), timezone.now()
    assert sum(len(phrase) for phrase in query.phrases) <= MOST_TERMS
    is_repeated = query.work(repeated) > MOST_WORK
    assert (fit(repeated + end, query, now, now) is None) == is_repeated
    assert fit(f"{repeated[:500]}{end} {repeated[500:]}", query, now, now)


def test_all_of_a_long_ordinary_text_is_looked_at(alice):
    answer = " ".join(path.read_text(encoding="utf-8") for path in CORPUS)[:15_000]
    told(alice, f"{answer} and in the end of it all there was a needle")
    assert snippets(alice, "in the end of it all there was")[0].endswith("[was] a needle")
    assert snippets(alice, "a needle")[0].endswith("[a] [needle]")


def test_a_search_that_would_take_long_says_that_there_is_more(alice, monkeypatch):
    told(alice, "a needle", "a needle")
    monkeypatch.setattr(looking, "LOOKING", -1)
    assert search(alice, "needle").is_cut


# What is found


@pytest.mark.parametrize(
    ("text", "wanted", "shown"),
    [
        ("Tô phở bò tái", "pho", "Tô [phở] bò tái"),
        ("Tô phở bò tái", "Phở BÒ", "Tô [phở] [bò] tái"),
        ("Bún chả ở Đà Nẵng", "da nang", "Bún chả ở [Đà] [Nẵng]"),
        ("Pho\u031b\u0309 gà", "phở", "[Phở] gà"),  # written with accents of their own
        ("Ein Spaß an der Straße", "strasse", "Ein Spaß an der [Straße]"),
        ("Ça déjà vu, cœur", "deja coeur", "Ça [déjà] vu, [cœur]"),
        ("Всё ещё ёлка", "елка", "Всё ещё [ёлка]"),
        ("東京都の天気は晴れ", "京都", "東[京都]の天気は晴れ"),
        ("白い猫", "猫", "白い[猫]"),
        ("我用iPhone手机拍照", "iphone 手机", "我用[iPhone][手机]拍照"),
        ("서울대학교에서 만나요", "대학교", "서울[대학교]에서 만나요"),
        ("สวัสดีครับ", "สวัสดี", "[สวัสดี]ครับ"),
        ("हिन्दी में किताब", "किताब", "हिन्दी में [किताब]"),
        ("def get_user_name():", "user_name", "def get_[user]_[name]():"),
        ("A recipe for soups", "recip sou", "A [recip]e for [sou]ps"),
        ("The art of war", '"of war"', "The art [of war]"),
        ("x" * 60 + " end", "x" * 60, f"[{'x' * 60}] end"),
    ],
)
def test_a_text_is_found_however_it_is_written(alice, text, wanted, shown):
    told(alice, text)
    assert snippets(alice, wanted) == [shown]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("There is a heart", "art"),  # in the middle of a word
        ("The war of art", '"of war"'),
        ("東京 と 京都", "東京都"),
        ("Soup only", "soup fish"),
        ("Anything", ""),
        ("Anything", '  "" !?* '),
        ("Anything", "NOT OR AND NEAR("),
        ("Anything", "' OR 1=1 --"),
        ("Anything", "\\':* & ' | \x01\ud800"),
    ],
)
def test_what_does_not_fit_is_not_found_and_nothing_breaks(alice, text, wanted):
    told(alice, text)
    assert snippets(alice, wanted) == []


def test_titles_are_found_apart_from_messages(alice):
    told(alice, "Hello", title="Công thức nấu phở")
    assert titles(alice, "nau pho") == ["Công thức [nấu] [phở]"]
    assert snippets(alice, "nau pho") == []


def test_what_is_written_with_the_same_accents_stands_first(alice):
    told(alice, "Bò nướng", title="one")
    told(alice, "Bơ nướng", title="two")
    assert snippets(alice, "bơ")[0] == "[Bơ] nướng"
    assert snippets(alice, "bò")[0] == "[Bò] nướng"


def test_words_that_stand_together_come_before_words_apart(alice):
    told(alice, "Red things, and among them a car", title="apart")
    told(alice, "A red car", title="together")
    told(alice, "Red, and far away from it the carpet", title="begun")
    assert [hit.conversation.title for hit in search(alice, "red car").messages] == ["together", "apart", "begun"]


def test_a_snippet_is_cut_around_what_is_found_and_says_so(alice):
    told(alice, f"{'before ' * 100}\n\n**needle** `code`\n{'after ' * 100}")
    [shown] = snippets(alice, "needle")
    assert shown.startswith("… before")
    assert "[needle] code after" in shown
    assert shown.endswith("after …")
    assert len(shown) < 300


def test_all_of_a_long_text_is_found(alice):
    told(alice, "start " + "filler " * 6000 + "needle " + "东" * 20_000 + "终点")
    assert "[needle]" in snippets(alice, "needle")[0]
    assert "[终点]" in snippets(alice, "终点")[0]
    assert len(search(alice, "filler").messages) == 1


def test_a_chat_takes_three_places_and_says_how_many_more_it_has(alice):
    chat = told(alice, *["fish again"] * 8)
    told(alice, "fish once")
    hits = search(alice, "fish").messages
    assert len(hits) == 4
    assert sum(hit.others for hit in hits) == 5
    assert len(search(alice, "fish", chat=chat.pk).messages) == 8


def test_what_the_system_was_told_and_what_a_model_thought_is_not_found(alice):
    chat = services.create(alice, title="x")
    thought = Message("assistant", "Answer", metadata={"reasoning": "secretthought"})
    services.store(chat, Message("system", "secretprompt"), thought)
    assert snippets(alice, "secretprompt") == snippets(alice, "secretthought") == []


async def test_nothing_of_a_temporary_chat_is_kept_in_the_index(engine, alice, scripted):
    scripted.enqueue("A secret answer.")
    chat = services.start_conversation(alice)
    chat.is_temporary = True
    await finished(await services.send_message(chat, "A secret question", parent_id=""))
    await in_database(services.rename, chat, "A secret name")
    await in_database(lambda: call_command("rebuild_search_index", verbosity=0))
    assert await in_database(SearchEntry.objects.count) == await in_database(words_in_index) == 0


# Filters


def test_filters_by_model_folder_and_date(alice, catalogue):
    folder = Folder.objects.create(user=alice, name="Kitchen")
    long_ago = timezone.now() - timedelta(days=400)
    told(alice, "fish one", title="in folder", folder=folder)
    told(alice, "fish two", title="by model", model=catalogue["scripted"])
    old = told(alice, "fish three", title="old")
    Conversation.objects.filter(pk=old.pk).update(created_at=long_ago, updated_at=long_ago)
    SearchEntry.objects.filter(conversation=old).update(created_at=long_ago)

    def found(**narrow) -> list[str]:
        return sorted(hit.conversation.title for hit in search(alice, "fish", **narrow).messages)

    assert found() == ["by model", "in folder", "old"]
    assert found(folder=folder.pk) == ["in folder"]
    assert found(model=catalogue["scripted"].pk) == ["by model"]
    assert found(until=timezone.now() - timedelta(days=1)) == ["old"]
    assert found(since=timezone.now() - timedelta(days=1)) == ["by model", "in folder"]
    assert found(folder=folder.pk, model=catalogue["scripted"].pk) == []


def test_filters_are_right_for_more_chats_than_can_be_named_to_the_index(alice, monkeypatch):
    monkeypatch.setattr("conversations.services.searching.looking.FEW_CHATS", 1)
    folder = Folder.objects.create(user=alice, name="Kitchen")
    for number in range(3):
        told(alice, "fish", title=f"in {number}", folder=folder)
    told(alice, "fish", title="out")
    assert len(search(alice, "fish", folder=folder.pk).messages) == 3


# Whose it is


def test_nobody_finds_what_others_said(alice, bob, django_user_model):
    told(alice, "the secret plan", title="secret title")
    folder = Folder.objects.create(user=alice, name="Mine")
    chat = told(alice, "the secret plan", folder=folder)
    for narrow in ({}, {"folder": folder.pk}, {"chat": chat.pk}):
        assert search(bob, "secret", **narrow).count == 0
    assert search(django_user_model(), "secret").count == 0
    assert search(alice, "secret").count == 3


def test_what_is_in_the_trash_or_deleted_is_not_found(alice):
    told(alice, "fish", title="fish", trashed_at=timezone.now())
    told(alice, "fish", title="fish", deleted_at=timezone.now())
    assert search(alice, "fish").count == 0


def test_much_in_the_trash_does_not_hide_what_is_not(alice, monkeypatch):
    monkeypatch.setattr("conversations.services.searching.looking.MOST_MESSAGES", 2)
    told(alice, "fish", title="kept")
    for _number in range(4):
        told(alice, "fish", title="thrown away", trashed_at=timezone.now())
    assert [hit.conversation.title for hit in search(alice, "fish").messages] == ["kept"]


# The index follows


async def test_a_turn_is_found_once_it_is_stored(engine, alice, scripted):
    scripted.enqueue("The answer is a walrus.")
    generation = await finished(await say(alice, "Which animal?"))
    found = await in_database(search, alice, "walrus")
    assert [(hit.message_id, hit.role) for hit in found.messages] == [(generation.reply_id, "assistant")]
    assert len((await in_database(search, alice, "which animal")).messages) == 1


async def test_a_title_by_the_model_takes_the_place_of_the_first_words(engine, alice, scripted):
    scripted.enqueue_title("Walrus research")
    await say(alice, "First words here")
    async with asyncio.timeout(10):
        while await in_database(titles, alice, "walrus") != ["[Walrus] research"]:
            await asyncio.sleep(0.01)
    assert await in_database(titles, alice, "first words") == []


def test_a_renamed_chat_is_found_by_its_new_name_alone(alice):
    chat = told(alice, "Hello", title="Old name")
    services.rename(chat, "New name")
    assert titles(alice, "name") == ["New [name]"]
    assert titles(alice, "old") == []


def test_what_is_purged_leaves_nothing_in_the_index(alice):
    kept, gone = told(alice, "fish", "soup"), told(alice, "fish", "bread", "butter")
    services.delete(gone)
    assert {row.conversation_id for row in SearchEntry.objects.all()} == {kept.pk}
    assert words_in_index() == SearchEntry.objects.count() == 3


def test_a_person_who_is_erased_leaves_nothing_in_the_index(alice):
    told(alice, "fish")
    alice.delete()
    assert words_in_index() == SearchEntry.objects.count() == 0


def test_storing_a_turn_twice_adds_nothing(alice):
    chat = services.create(alice, title="x")
    message = Message("user", "fish")
    services.store(chat, message)
    services.store(chat, message)
    assert SearchEntry.objects.filter(conversation=chat).count() == words_in_index() == 2


def test_what_a_database_quotes_of_a_row_is_not_in_the_log(alice, caplog):
    def broken(execute, sql, params, many, context):
        if TABLE in sql and not sql.startswith("SELECT"):
            raise DataError(f"Failing row contains ({params}).")  # as Postgres says it
        return execute(sql, params, many, context)

    with connection.execute_wrapper(broken):
        chat = services.create(alice, title="Zwetschgen")
        services.store(chat, Message("user", "Zwetschgen, too"))
        complete_or_later(chat.key, [Message("user", "Zwetschgen again")])
    assert caplog.text.count("DataError") == 3
    assert "Zwetschgen" not in caplog.text


def test_an_index_that_fails_keeps_no_turn_from_being_stored(alice, monkeypatch):
    chat = services.create(alice, title="x")
    monkeypatch.setattr("conversations.indexing.base.words", None)
    services.store(chat, Message("user", "fish"))
    monkeypatch.undo()
    assert len(get_store().load(chat.key).messages) == 1
    assert search(alice, "fish") == services.Found(is_growing=True)
    call_command("rebuild_search_index", missing=True)
    assert snippets(alice, "fish") == ["[fish]"]


def test_it_works_alike_for_chats_in_s3(alice, settings, s3_bucket):
    settings.CONVERSATION_STORE = {"BACKEND": "conversations.stores.s3.S3Store", "OPTIONS": s3_bucket}
    chat = told(alice, "fish in a bucket")
    assert snippets(alice, "bucket") == ["fish in a [bucket]"]
    SearchEntry.objects.all().delete()
    call_command("rebuild_search_index")
    assert snippets(alice, "bucket") == ["fish in a [bucket]"]
    services.delete(chat)
    assert words_in_index() == 0


# What was there before


@pytest.fixture
def old_chats(alice):
    """Chats from before there was an index, one of them in the trash."""
    chats = [told(alice, f"fish {number}", title=f"Chat {number}") for number in range(3)]
    Conversation.objects.filter(pk=chats[2].pk).update(trashed_at=timezone.now())
    SearchEntry.objects.all().delete()
    Conversation.objects.update(is_indexed=False)
    return chats


async def test_old_chats_are_brought_in_beside_everything_else(engine, alice, old_chats):
    await engine.ready()
    async with asyncio.timeout(10):
        while await in_database(Conversation.objects.filter(is_indexed=False).exists):
            await asyncio.sleep(0.01)
    assert len((await in_database(search, alice, "fish")).messages) == 2
    assert await in_database(titles, alice, "chat 1") == ["[Chat] [1]"]


async def test_a_damaged_document_keeps_no_other_from_being_brought_in(alice, old_chats, settings):
    from conversations.models import StoredTranscript

    newest = Conversation.objects.order_by("-updated_at").values_list("pk", flat=True)

    def damage():
        StoredTranscript.objects.filter(conversation_id=str(newest[0])).update(document="nonsense")

    await in_database(damage)
    catching_up = CatchingUp()
    for _step in range(4):
        await catching_up.step()
    assert await in_database(Conversation.objects.filter(is_indexed=False).count) == 1


def test_a_search_says_that_older_chats_are_still_coming_in(alice, bob, old_chats):
    assert search(alice, "fish").is_growing
    assert not search(bob, "fish").is_growing
    call_command("rebuild_search_index", missing=True)
    assert not search(alice, "fish").is_growing


def test_the_command_says_how_many_were_missing(alice, old_chats, capsys):
    for count in (len(old_chats), 0):
        call_command("rebuild_search_index", missing=True)
        assert f"{count} conversations were missing in the search and can be found now." in capsys.readouterr().out


def test_the_command_mends_what_is_wrong_and_leaves_what_is_deleted(alice, old_chats, capsys):
    doomed = told(alice, "fish", deleted_at=timezone.now())
    SearchEntry.objects.all().delete()
    stale = SearchEntry(
        user=alice, conversation=old_chats[0], message_id="gone", created_at=timezone.now(), text="ghost"
    )
    stale.save(force_insert=True)
    call_command("rebuild_search_index")
    assert "3 conversations can be found by search." in capsys.readouterr().out
    assert len(snippets(alice, "fish")) == 2
    assert not SearchEntry.objects.filter(message_id="gone").exists()
    assert not SearchEntry.objects.filter(conversation=doomed).exists()


def test_the_command_can_be_for_one_person(alice, bob, old_chats):
    told(bob, "fish")
    Conversation.objects.update(is_indexed=False)
    call_command("rebuild_search_index", user=str(bob.pk))
    assert Conversation.objects.filter(user=alice, is_indexed=False).count() == 3
    assert not Conversation.objects.filter(user=bob, is_indexed=False).exists()


def test_the_command_stops_with_a_sentence_where_the_store_is_away(old_chats, settings):
    settings.CONVERSATION_STORE = {"BACKEND": f"{BrokenStore.__module__}.{BrokenStore.__name__}"}
    with pytest.raises(CommandError, match="3 conversations could not be read"):
        call_command("rebuild_search_index")


def test_a_chat_that_is_deleted_meanwhile_is_left(alice):
    chat = told(alice, "fish")
    key = chat.key
    Conversation.objects.filter(pk=chat.pk).delete()
    storing.index_messages(key, [Message("user", "late")])
    assert SearchEntry.objects.count() == words_in_index() == 0


# How much work it is


def test_a_search_makes_as_many_queries_however_much_there_is(alice):
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as made:
            search(alice, "fish", since=timezone.now() - timedelta(days=9))
        return len(made)

    told(alice, "fish")
    few = queries()
    for number in range(12):
        told(alice, *["fish"] * 3, title=f"fish {number} {uuid.uuid4().hex}")
    assert queries() == few <= 6


def test_no_search_reads_the_table_from_its_beginning_to_its_end(alice):
    told(alice, *[f"word{number} and others" for number in range(400)])
    with CaptureQueriesContext(connection) as made:
        search(alice, "word77")
    is_sqlite = connection.vendor == "sqlite"
    asked = [query["sql"] for query in made if "<> ''" in query["sql"]][-1]
    with connection.cursor() as cursor:
        if not is_sqlite:
            cursor.execute("ANALYZE conversations_searchentry")
            cursor.execute("SET enable_seqscan = off")  # which it prefers where there is little to read
        cursor.execute(f"EXPLAIN {'QUERY PLAN ' if is_sqlite else ''}{asked}")
        plan = "\n".join(str(row) for row in cursor.fetchall())
        if not is_sqlite:
            cursor.execute("RESET enable_seqscan")
    assert "VIRTUAL TABLE" in plan if is_sqlite else "conversations_searchentry_words" in plan
    assert "SCAN e" not in plan
    assert "Seq Scan on conversations_searchentry" not in plan
    assert "LIKE" not in asked
