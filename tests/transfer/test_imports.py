"""From the file to the report: what would come, what came, and what cannot."""

from __future__ import annotations

import io
import json
import os
import time
import tracemalloc
import uuid

import pytest
from asgiref.sync import async_to_sync
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from chatsite.transfer import archive, jobs, runs, sources, tickets
from chatsite.transfer.archive import with_all
from chatsite.transfer.envelope import envelope
from chatsite.transfer.models import Import, ImportedChat
from chatsite.transfer.reports import counts
from conversations import services
from conversations.errors import ConflictError, StoreUnavailable
from conversations.models import ChatModel, Conversation, Feedback, Folder, Persona, SavedPrompt, StoredTranscript
from conversations.services import adopting
from conversations.stores import get_store
from conversations.streaming import storing
from conversations.types import Message, Transcript
from tests.transfer import samples
from tests.transfer.cast import BEGAN, keep, said

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE = 20  # seconds; a guard against hanging


def over(job: Import) -> Import:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        job.refresh_from_db()
        if not job.is_live:
            return job
        time.sleep(0.02)
    raise AssertionError(f"still {job.stage}")


def checked(user, content, name: str = "export.json") -> Import:
    """The file, read: what would come."""
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return over(jobs.accept(user, SimpleUploadedFile(name, data)))


def imported(user, content, name: str = "export.json") -> Import:
    job = checked(user, content, name)
    jobs.confirm(job)
    return over(job)


def fates(job: Import) -> list[str]:
    return list(job.chats.order_by("number").values_list("outcome", flat=True))


def exported(user, chat: Conversation) -> bytes:
    return envelope(with_all(user, chat.pk), services.read(chat)).encode()


def titles(user) -> set[str]:
    return set(Conversation.objects.for_user(user).values_list("title", flat=True))


def documents() -> list[str]:
    return sorted(StoredTranscript.objects.values_list("document", flat=True))


# This site's own


def test_what_was_exported_comes_back_byte_for_byte(alice, catalogue):
    persona = Persona.objects.create(name="Poet", prompt="Rhyme.", owner=alice)
    chat = said(
        alice,
        "Xin chào",
        "Chào bạn 🙂",
        title="Tiếng Việt",
        title_source="model",
        model=catalogue["scripted"],
        persona=persona,
        options={"temperature": 0.2},
        folder=Folder.objects.create(user=alice, name="Travel"),
        pinned_at=BEGAN,
        archived_at=BEGAN,
        is_unread=True,
    )
    later = Message("user", "x", id="later", extra={"from": "a newer version"})
    get_store().update(
        chat.key, lambda known: Transcript((*known.messages, later), known.leaf, known.version, {"new": 1})
    )
    file, before = exported(alice, chat), documents()
    row = Conversation.objects.values().get()
    services.delete(chat)
    Folder.objects.all().delete()
    job = imported(alice, file)
    assert (job.stage, fates(job)) == ("done", ["new"])
    assert documents() == before
    assert Folder.objects.get().name == "Travel"
    ignored = {"folder_id", "message_count", "size"}
    assert {k: v for k, v in Conversation.objects.values().get().items() if k not in ignored} == {
        k: v for k, v in row.items() if k not in ignored
    }
    assert exported(alice, Conversation.objects.get()) == file


def test_a_whole_archive_comes_back_and_repeating_adds_nothing(alice):
    chats = [said(alice, f"Question {number}", "Answer", title=f"Chat {number}") for number in range(3)]
    file = samples.zipped(
        {f"chats/{number:05d} x.json": exported(alice, chat) for number, chat in enumerate(chats)}
        | {"manifest.json": b"{}", "markdown/1.md": b"# x", "report.txt": b"3"}
    )
    before = documents()
    for chat in chats:
        services.delete(chat)
    assert fates(imported(alice, file)) == ["new"] * 3
    assert documents() == before
    again = checked(alice, file)
    assert fates(again) == ["there"] * 3
    assert documents() == before


def test_thumbs_and_their_reasons_come_back_with_the_answers_byte_for_byte(alice):
    chat = said(alice, "One", "Two", "Three", "Four")
    answers = [message.id for message in services.read(chat).branch() if message.role == "assistant"]
    services.rate(chat, answers[0], 1)
    services.rate(chat, answers[1], -1)
    services.explain(chat, answers[1], "Nothing of it “is” true.")
    file, before = exported(alice, chat), documents()
    assert b'"feedback":{"reason":"Nothing of it \xe2\x80\x9cis\xe2\x80\x9d true.","thumb":"down"}' not in b"".join(
        document.encode() for document in before
    )
    services.delete(chat)
    assert not Feedback.objects.exists()
    assert fates(imported(alice, file)) == ["new"]
    here = Conversation.objects.get()
    found = {at: (row.value, row.reason, row.upstream_model) for at, row in services.feedback_on(here).items()}
    assert found == {answers[0]: (1, "", "tiny"), answers[1]: (-1, "Nothing of it “is” true.", "tiny")}
    assert documents() == before
    assert exported(alice, here) == file
    services.unrate(here, answers[0])
    assert fates(imported(alice, file)) == ["there"]
    assert set(services.feedback_on(here)) == {answers[1]}  # what was taken back since stays taken back


@pytest.mark.parametrize(
    "said_of_it", ["up", {"thumb": "sideways"}, {"thumb": ["up"]}, {"thumb": "up", "reason": 7}, []]
)
def test_thumbs_that_nobody_gave_harm_nothing(alice, client, said_of_it):
    chat = said(alice, "One", "Two")
    data = json.loads(exported(alice, chat))
    for message in data["document"]["messages"]:
        message["metadata"] = {"feedback": said_of_it}
    services.delete(chat)
    assert fates(imported(alice, data)) == ["new"]
    here = Conversation.objects.get()
    assert [row.reason for row in services.feedback_on(here).values()] == ([""] if "reason" in said_of_it else [])
    client.force_login(alice)
    assert client.get(reverse("conversations:show", args=[here.pk])).status_code == 200


def belonging_to(user) -> tuple[list, list, list]:
    return (
        sorted(Folder.objects.filter(user=user).values_list("name", flat=True)),
        sorted(Persona.objects.filter(owner=user).values_list("name", "description", "prompt")),
        sorted(SavedPrompt.objects.filter(owner=user).values_list("name", "text")),
    )


def everything_of(user) -> bytes:
    async def collected() -> bytes:
        return b"".join([piece async for piece in archive.everything(user)])

    return async_to_sync(collected)()


@pytest.mark.parametrize("with_chats", [True, False])
def test_prompts_personas_and_folders_come_back_with_the_archive_and_repeating_adds_nothing(
    alice, bob, client, with_chats
):
    services.create_folder(alice, "Empty “one”")
    poet = services.save_persona(alice, name="Poet", prompt="Rhyme.\nAlways.", description="Verses")
    services.save_prompt(alice, name="thư xin nghỉ", text="Dear\n  boss,")
    Persona.objects.create(name="Shared", prompt="Secret of the house")
    services.save_prompt(bob, name="other", text="Not hers")
    if with_chats:
        said(alice, "Hello", "Hi", persona=poet)
    before, file = belonging_to(alice), everything_of(alice)
    assert b"Secret of the house" not in file
    Conversation.objects.all().delete()
    for rows in (Folder.objects.filter(user=alice), Persona.objects.filter(owner=alice), SavedPrompt.objects.all()):
        rows.delete()
    look = checked(alice, file)
    assert (look.stage, belonging_to(alice)) == ("ready", ([], [], []))
    client.force_login(alice)
    page = client.get(reverse("transfer:job", args=[look.pk])).content.decode()
    assert "3 new folders, personas and prompts" in page
    assert "Prompt “/thư-xin-nghỉ”" in page
    client.post(reverse("transfer:start", args=[look.pk]))
    assert over(look).stage == "done"
    assert {"prompt", "persona", "folder"} <= set(look.chats.values_list("source", flat=True))
    assert counts(look)["coming"] == with_chats  # they count as no chats
    assert belonging_to(alice) == before
    if with_chats:
        assert Conversation.objects.get().persona.name == "Poet"  # which came before it
    assert set(fates(imported(alice, file))) == {"there"}
    assert belonging_to(alice) == before


def test_a_prompt_whose_name_is_taken_stays_out_and_is_told_before(alice):
    services.save_prompt(alice, name="hi", text="Mine")
    there = {"format": "chatsite.prompt", "version": 1}
    items = [
        there | {"name": "hi", "text": "Another"},
        there | {"name": [], "text": 3},
        there | {"name": "ho", "text": "x"},
    ]
    for look in (checked, imported):
        job = look(alice, items)
        assert fates(job) == ["refused", "refused", "new"]
        assert "You have a prompt “/hi” already." in job.chats.get(number=1).problem
    assert belonging_to(alice)[2] == [("hi", "Mine"), ("ho", "x")]


def test_another_person_gets_a_copy_of_their_own(alice, bob):
    chat = said(alice, "Hello", "Hi")
    file = exported(alice, chat)
    assert fates(imported(bob, file)) == ["new"]
    assert fates(imported(bob, file)) == ["there"]
    own = Conversation.objects.get(user=bob)
    assert own.pk != chat.pk
    assert services.read(own).branch() == services.read(chat).branch()


def test_what_was_said_since_is_added_and_what_is_here_stays(alice):
    chat = said(alice, "One", "Two")
    before = exported(alice, chat)
    last = services.read(chat).leaf
    services.store(chat, Message("user", "Three", id="three", parent_id=last))
    after = exported(alice, chat)
    services.delete(chat)
    imported(alice, before)
    services.rename(Conversation.objects.get(), "My own name")
    job = checked(alice, after)
    assert fates(job) == ["more"]
    assert counts(job)["messages"] == 1
    jobs.confirm(job)
    over(job)
    here = Conversation.objects.get()
    assert [message.content for message in services.read(here).branch()] == ["One", "Two", "Three"]
    assert (here.title, here.message_count) == ("My own name", 3)


def test_what_is_in_the_trash_is_not_brought_back_behind_its_owner(alice):
    chat = said(alice, "Hello", "Hi")
    Conversation.objects.update(trashed_at=BEGAN)
    assert fates(imported(alice, exported_anyway(alice, chat))) == ["trash"]
    assert Conversation.objects.count() == 1


def exported_anyway(user, chat: Conversation) -> bytes:
    return envelope(chat, services.read(chat)).encode()


def test_a_reply_that_was_being_written_comes_back_as_interrupted(alice):
    question = Message("user", "Q", id="q")
    live = Message("assistant", "half", id="a", parent_id="q", metadata={"status": "in_progress", "generation": "x"})
    chat = keep(Conversation(user=alice), Transcript((question, live), "a"))
    file = exported(alice, chat)
    services.delete(chat)
    imported(alice, file)
    assert services.read(Conversation.objects.get()).branch()[-1].metadata["status"] == "interrupted"


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data["document"]["messages"][1].update(id="../x"),
        lambda data: data["document"]["messages"][1].update(id=data["document"]["messages"][0]["id"]),
        lambda data: data["document"]["messages"][1].update(role="root"),
        lambda data: data["document"]["messages"][1]["metadata"].update(lane="x"),
        lambda data: data["document"]["messages"][1]["metadata"].update(reasoning=5),
        lambda data: data["document"]["messages"][1]["metadata"].update(status=["completed"]),
        lambda data: data["document"].pop("messages"),
        lambda data: data["chat"].update(id="nothing"),
        lambda data: data.update(version=2),
    ],
)
def test_a_document_with_which_no_page_could_be_made_is_refused(alice, change):
    chat = said(alice, "Hello", "Hi")
    data = json.loads(exported(alice, chat))
    services.delete(chat)
    change(data)
    job = checked(alice, data)
    assert fates(job) == ["refused"]
    assert job.chats.get().problem.endswith(".")


# Others'


@pytest.mark.parametrize("sample", [samples.chatgpt, samples.claude, samples.openwebui, samples.librechat])
def test_chats_of_each_site_come_in_once(alice, client, sample):
    content = [sample()] if sample is not samples.librechat else sample()
    job = checked(alice, content)
    assert (job.stage, fates(job), Conversation.objects.count()) == ("ready", ["new"], 0)
    jobs.confirm(job)
    assert fates(over(job)) == ["new"]
    assert job.chats.get().left_out
    here = Conversation.objects.get()
    assert here.message_count == len(services.read(here).messages) > 2
    client.force_login(alice)
    assert client.get(reverse("conversations:show", args=[here.pk])).status_code == 200
    before = documents()
    assert fates(imported(alice, content)) == ["there"]
    assert documents() == before


def test_chatgpts_many_files_in_one_zip_are_one_import(alice):
    chats = [samples.chatgpt(conversation_id=str(uuid.uuid4()), title=f"Chat {number}") for number in range(4)]
    file = samples.packed(**{"conversations-001": chats[2:], "conversations-000": chats[:2], "user": {"email": "x"}})
    assert fates(imported(alice, file, "chatgpt.zip")) == ["new"] * 4
    assert titles(alice) == {f"Chat {number}" for number in range(4)}


def test_one_bad_chat_spoils_no_other(alice):
    good = json.dumps(samples.chatgpt())
    other = json.dumps(samples.chatgpt(conversation_id="2", title="Second"))
    broken = json.dumps({"title": "Broken", "mapping": 5})
    job = imported(alice, f'[{good}, {{"mapping": nonsense}}, {broken}, [1], {other}, {{"title": "cut'.encode())
    assert fates(job) == ["new", "refused", "refused", "refused", "new", "refused"]
    lines = {line.number: line for line in job.chats.all()}
    assert lines[3].title == "Broken"
    assert all(lines[number].problem.endswith(".") for number in (2, 3, 4, 6))
    assert Conversation.objects.count() == 2


def test_a_chat_that_is_too_large_is_told_before(alice, settings):
    settings.CHAT_MAX_DOCUMENT_SIZE = 5_000
    huge = samples.librechat()
    huge["messagesTree"][0]["text"] = "x" * 6_000
    job = checked(alice, huge)
    assert "too large" in job.chats.get().problem


def test_a_small_zip_that_grows_to_a_crowd_of_values_is_told_and_not_made_into_python(alice):
    crowded = b'{"mapping": {}, "title": "x", "x": [' + b"{}," * 400_000 + b"0]}"
    good = json.dumps(samples.chatgpt(title="Good")).encode()
    tracemalloc.start()
    job = checked(alice, b"[" + crowded + b"," + good + b"]")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert fates(job) == ["refused", "new"]
    assert job.chats.get(number=1).problem == "It is too large for this site."
    assert most < 15_000_000


def test_a_file_of_one_chat_that_is_too_large_says_so(alice):
    job = checked(alice, b'{"mapping": {}, "x": [' + b"{}," * 400_000 + b"0]}")
    assert (job.stage, job.chats.get().problem) == ("ready", "It is too large for this site.")


@pytest.mark.parametrize("title", ["\ud83d", "a\0b", "\ud83d\0" * 300])
def test_half_an_emoji_in_the_title_of_a_refused_chat_spoils_no_other(alice, title):
    bad = [{"title": title, "mapping": 5}, {"chat": {"title": title}}, {"name": title, "chat_messages": 5}]
    job = imported(alice, [*bad, samples.chatgpt(title="Good")])
    assert job.stage == "done"
    assert fates(job) == ["refused"] * 3 + ["new"]
    assert "\N{REPLACEMENT CHARACTER}" in job.chats.get(number=1).title


def doom(*titles: str) -> None:
    """What emptying a large trash leaves to the clock, and any deletion while the storage is away."""
    rows = Conversation.objects.filter(title__in=titles)
    assert rows.update(deleted_at=timezone.now()) == len(titles)


def test_chats_whose_deletion_is_not_finished_come_in_again_and_only_once(alice):
    first = imported(alice, many(3))
    doom("Chat 0", "Chat 2")
    assert fates(checked(alice, many(4))) == ["new", "there", "new", "new"]
    job = imported(alice, many(4))
    assert (job.stage, fates(job)) == ("done", ["new", "there", "new", "new"])
    assert titles(alice) == {f"Chat {number}" for number in range(4)}
    assert fates(imported(alice, many(4))) == ["there"] * 4
    storing.purge_deleted()
    assert fates(imported(alice, many(4))) == ["there"] * 4
    assert Conversation.objects.count() == 4
    new = Conversation.objects.get(title="Chat 0")
    assert services.read(new).messages
    assert new.pk not in first.chats.values_list("conversation_id", flat=True)


def test_what_is_deleted_again_and_again_before_any_deletion_is_finished_is_told_to_come_later(alice):
    for _round in range(10):
        job = imported(alice, many(2))
        if fates(job) != ["new", "new"]:
            break
        doom_all = Conversation.objects.filter(title="Chat 0")
        doom_all.update(deleted_at=timezone.now())
        Conversation.objects.filter(title="Chat 1").delete()
    assert (job.stage, fates(job)) == ("done", ["refused", "new"])
    assert "Try again in a few minutes" in job.chats.get(number=1).problem
    storing.purge_deleted()
    assert fates(imported(alice, many(2))) == ["new", "there"]


def test_a_chat_that_the_database_refuses_spoils_no_other(alice, monkeypatch):
    """Another process may take the same id in between."""
    job = checked(alice, many(3))
    free = adopting._place

    def raced(user, arrival):
        row, pk = free(user, arrival)
        if arrival.title == "Chat 1":
            Conversation.objects.create(pk=pk, user=user, title="Raced")
        return row, pk

    monkeypatch.setattr(adopting, "_place", raced)
    jobs.confirm(job)
    assert (over(job).stage, fates(job)) == ("done", ["new", "refused", "new"])
    assert "Try again in a few minutes" in job.chats.get(number=2).problem


def test_nobody_sees_anothers_import(alice, bob, client):
    job = checked(alice, samples.librechat())
    client.force_login(bob)
    assert client.get(reverse("transfer:job", args=[job.pk])).status_code == 404


# Files that are none


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "Choose a file"),
        (b"Hello, I am a text", "This is no export"),
        (b"\x89PNG\r\n", "This is no export"),
        (b"[]", "There are no chats in this file"),
        (b'{"a": 1}', "There are no chats in this file"),
        (b"[" * 100_000, "There are no chats in this file"),
        (b"[1, 2, 3]", "There are no chats in this file"),
        (b"PK\x03\x04 and so on", "damaged or incomplete"),
        (samples.zipped({"readme.txt": b"x"}), "no chats in this zip"),
        (samples.zipped({"../conversations.json": b"[]"}), "leads out of it"),
        (samples.zipped({"a/../../conversations.json": b"[]"}), "leads out of it"),
        (samples.zipped({"..\\conversations.json": b"[]"}), "leads out of it"),
        (samples.zipped({"/etc/conversations.json": b"[]"}), "leads out of it"),
        (samples.zipped({"conversations.json": b" " * 20_000_000}), "would grow"),
    ],
)
def test_what_is_no_export_is_refused_in_a_sentence(alice, client, content, sentence):
    client.force_login(alice)
    url = reverse("transfer:upload", args=[tickets.new_ticket(alice)])
    answer = client.post(url, {"file": SimpleUploadedFile("x.zip", content)}, follow=True)
    if job := Import.objects.first():
        answer = client.get(reverse("transfer:job", args=[over(job).pk]))
        assert job.stage == "refused"
        assert not job.path.exists()
    assert sentence in answer.content.decode()


def test_a_zip_with_a_table_of_contents_of_any_size_is_not_read(alice, monkeypatch):
    monkeypatch.setattr(sources, "MOST_CONTENTS", 2_000)
    job = checked(alice, samples.zipped({f"{number}.txt": b"" for number in range(500)}))
    assert "too many files" in job.problem


def test_a_zip_that_says_less_than_it_holds_gives_no_more_than_it_says(alice):
    data = bytearray(samples.zipped({"conversations.json": json.dumps([samples.chatgpt()]).encode()}))
    size = len(json.dumps([samples.chatgpt()]))
    at = data.index(b"PK\x01\x02") + 24
    assert int.from_bytes(data[at : at + 4], "little") == size
    data[at : at + 4] = (10).to_bytes(4, "little")
    assert "damaged" in checked(alice, bytes(data)).problem


def test_chats_are_counted_no_further_than_anybody_has(alice, monkeypatch):
    monkeypatch.setattr(runs, "MOST_CHATS", 3)
    job = checked(alice, [samples.chatgpt(conversation_id=str(number)) for number in range(5)])
    assert "more than 3 chats" in job.problem


# What can happen on the way


def many(count: int) -> list[dict]:
    return [samples.chatgpt(conversation_id=str(number), title=f"Chat {number}") for number in range(count)]


def test_a_storage_that_is_away_stops_it_and_going_on_adds_the_rest(alice, monkeypatch):
    job = checked(alice, many(12))
    whole = get_store().save
    calls = []

    def away(key, transcript):
        calls.append(key)
        if len(calls) > 4:
            raise StoreUnavailable("The storage does not answer.")
        return whole(key, transcript)

    monkeypatch.setattr(get_store(), "save", away)
    jobs.confirm(job)
    assert over(job).stage == "stopped"
    assert job.problem == "The storage does not answer."
    assert Conversation.objects.count() == 4
    monkeypatch.setattr(get_store(), "save", whole)
    jobs.confirm(job)
    assert over(job).stage == "done"
    assert fates(job) == ["new"] * 12
    assert Conversation.objects.count() == 12


def test_a_process_that_died_leaves_an_import_that_can_go_on(alice, client):
    job = checked(alice, many(3))
    Import.objects.update(stage="running", is_confirmed=True, runner=uuid.uuid4(), beat_at=BEGAN)
    client.force_login(alice)
    page = client.get(reverse("transfer:job", args=[job.pk])).content.decode()
    assert "The import was interrupted" in page
    client.post(reverse("transfer:start", args=[job.pk]))
    assert over(job).stage == "done"
    assert Conversation.objects.count() == 3


def test_stop_is_noticed_and_what_came_in_stays(alice, monkeypatch):
    monkeypatch.setattr(runs, "BEAT", 0)
    job = checked(alice, many(40))
    adopt = services.adopt

    def slowly(*arguments):
        time.sleep(0.05)
        return adopt(*arguments)

    monkeypatch.setattr(services, "adopt", slowly)
    jobs.confirm(job)
    while not Conversation.objects.exists():
        time.sleep(0.01)
    jobs.stop(job)
    job.refresh_from_db()
    assert job.stage == "stopped"
    time.sleep(0.3)
    count = Conversation.objects.count()
    time.sleep(0.3)
    assert 0 < count == Conversation.objects.count() < 40


def test_a_second_file_waits_for_the_first_and_takes_its_place_afterwards(alice):
    first = checked(alice, many(1))
    Import.objects.update(stage="running", beat_at="2099-01-01T00:00Z")
    with pytest.raises(ConflictError):
        jobs.accept(alice, SimpleUploadedFile("x.json", b"[]"))
    Import.objects.update(stage="ready")
    checked(alice, many(2))
    assert not first.path.exists()
    assert Import.objects.count() == 1


def test_an_import_is_undone_into_the_trash_and_leaves_what_was_here(alice, client):
    here = said(alice, "Here before", "Yes")
    imported(alice, samples.chatgpt(conversation_id="0", title="Chat 0"))
    job = imported(alice, many(3))
    client.force_login(alice)
    page = client.post(reverse("transfer:undo", args=[job.pk]), follow=True).content.decode()
    assert "2 chats are in the trash." in page
    assert titles(alice) == {here.title, "Chat 0"}
    assert set(Conversation.objects.trash_of(alice).values_list("title", flat=True)) == {"Chat 1", "Chat 2"}
    assert fates(checked(alice, many(3))) == ["there", "trash", "trash"]


def test_a_chat_without_a_title_gets_its_first_words(alice):
    imported(alice, samples.claude(name=""))
    assert titles(alice) == {"Which town"}


def test_the_round_trip_holds_on_s3_too(alice, settings, s3_bucket):
    settings.CONVERSATION_STORE = {"BACKEND": "conversations.stores.s3.S3Store", "OPTIONS": s3_bucket}
    chat = said(alice, "Xin chào", "Chào bạn")
    store, name = get_store(), get_store()._name(chat.key)
    file, before = exported(alice, chat), store.bucket.get(name)[0]
    services.delete(chat)
    assert store.bucket.get(name) is None
    assert fates(imported(alice, file)) == ["new"]
    assert store.bucket.get(name)[0] == before


def test_files_that_nobody_comes_back_for_are_deleted(alice, bob):
    old = checked(alice, many(1))
    Import.objects.update(created_at=BEGAN)
    orphan = old.path.with_name(f"{uuid.uuid4()}.upload")
    orphan.write_bytes(b"[]")
    os.utime(orphan, (0, 0))
    checked(bob, many(1))
    assert not old.path.exists()
    assert not orphan.exists()
    assert not Import.objects.filter(pk=old.pk).exists()


def test_the_report_is_shown_page_by_page_with_what_needs_a_look_first(alice, client, django_assert_max_num_queries):
    chats = [*many(120), {"title": "Bad one", "mapping": None}]
    job = imported(alice, [dict(chat) for chat in chats])
    client.force_login(alice)
    with django_assert_max_num_queries(12):
        page = client.get(reverse("transfer:job", args=[job.pk])).content.decode()
    lines = page.partition("transfer-lines")[2]
    assert lines.index("Bad one") < lines.index("Chat 0<")
    assert "Page 1 of 3" in page


def test_hostile_titles_and_names_are_shown_as_text(alice, client):
    evil = "<script>alert(1)</script>"
    job = checked(alice, [samples.chatgpt(title=evil), {"title": evil, "mapping": 1}], name=f"{evil}.json")
    client.force_login(alice)
    page = client.get(reverse("transfer:job", args=[job.pk])).content.decode()
    assert evil not in page


# Large bodies


def upload(client, ticket: str, size: int):
    file = io.BytesIO(b"[" + b" " * size + b"]")
    file.name = "large.json"
    return client.post(reverse("transfer:upload", args=[ticket]), {"file": file})


def test_a_ticket_is_its_holders_alone(alice, bob, client):
    client.force_login(bob)
    assert upload(client, tickets.new_ticket(alice), 10).status_code == 403
    assert upload(client, "nonsense", 10).status_code == 403
    assert not Import.objects.exists()


def test_large_bodies_are_for_tickets_and_posts_alone(alice, settings):
    path = reverse("transfer:upload", args=[tickets.new_ticket(alice)])
    assert tickets.sender({"method": "POST", "path": path}) == alice.pk
    assert tickets.sender({"method": "GET", "path": path}) is None
    assert tickets.sender({"method": "POST", "path": reverse("transfer:upload", args=["x:y:z"])}) is None
    assert tickets.sender({"method": "POST", "path": "/send/"}) is None
    assert tickets.allowance() > settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def test_a_model_that_is_chosen_here_is_chosen_again(alice, catalogue):
    chat = said(alice, "Hello", "Hi", model=catalogue["scripted"])
    file = exported(alice, chat)
    services.delete(chat)
    imported(alice, file)
    assert Conversation.objects.get().model == catalogue["scripted"]
    services.delete(Conversation.objects.get())
    ChatModel.objects.update(enabled=False)
    services.forget_catalogue()
    imported(alice, file)
    assert Conversation.objects.get().model is None


def test_lines_of_an_earlier_look_do_not_stay_in_the_report(alice):
    job = imported(alice, many(2))
    assert ImportedChat.objects.filter(job=job, conversation_id=None).count() == 0
