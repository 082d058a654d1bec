"""What leaves the site: one chat in four forms, and everything in one zip."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import re
import tracemalloc
import zipfile

import pytest
from asgiref.sync import sync_to_async
from django.urls import reverse

from chatsite.transfer.archive import everything
from chatsite.transfer.names import file_name
from conversations import services
from conversations.errors import StoreUnavailable
from conversations.models import Conversation, Persona, StoredTranscript
from conversations.stores import get_store
from conversations.types import Message, Transcript
from tests.transfer.cast import keep, said

HOSTILE = "</title><script>alert(1)</script>"


@pytest.fixture
def make():
    async def make(user, count):
        return [await sync_to_async(said)(user, "Hello", "Hi", title=f"Chat {number}") for number in range(count)]

    return make


@pytest.fixture
def own(client, alice):
    client.force_login(alice)
    return client


def get(client, name, *args):
    return client.get(reverse(f"transfer:{name}", args=args))


def archive(response) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(b"".join(response)))


def test_json_holds_the_stored_document_byte_for_byte(own, alice):
    chat = said(alice, "Xin chào, tiếng Việt?", "Có.", title="Tiếng Việt")
    response = get(own, "download", chat.pk, "json")
    assert StoredTranscript.objects.get().document.encode() in response.content
    facts = json.loads(response.content)["chat"]
    assert (facts["title"], facts["created_at"]) == ("Tiếng Việt", "2025-03-04T05:06:07.891234+00:00")
    assert response["Content-Disposition"].startswith("attachment")


def test_json_holds_all_versions_and_reading_forms_the_one_that_is_shown(own, alice):
    question = Message("user", "Which?", id="q")
    answers = [Message("assistant", text, id=text, parent_id="q") for text in ("Apples", "Pears")]
    chat = keep(Conversation(user=alice), Transcript((question, *answers), "Apples"))
    assert b"Pears" in get(own, "download", chat.pk, "json").content
    for form in ("md", "html"):
        text = get(own, "download", chat.pk, form).content
        assert (b"Apples" in text, b"Pears" in text) == (True, False)


def test_markdown_tells_who_said_what_and_what_was_thought(own, alice):
    question = Message("user", "Hard?", id="q")
    thought = {"reasoning": "First this.\nThen that.", "reasoning_ms": 7_000, "label": "Tiny"}
    answer = Message("assistant", "| a |\n|---|\n| 1 |", id="a", parent_id="q", metadata=thought)
    chat = keep(Conversation(user=alice, title="Two\nlines"), Transcript((question, answer), "a"))
    text = get(own, "download", chat.pk, "md").content.decode()
    assert text.startswith("# Two lines\n")
    assert "## You\n\nHard?\n\n## Tiny\n\n> **Thought for 7 s**\n>\n> First this.\n> Then that.\n\n| a |" in text


def test_the_web_page_stands_alone_and_runs_nothing(own, alice):
    chat = said(alice, HOSTILE, f"{HOSTILE} ![x](https://evil.example/x.png) [y](javascript:alert(1))", title=HOSTILE)
    page = get(own, "download", chat.pk, "html").content.decode()
    body = page.partition("</style>")[2]
    assert "<script" not in page
    assert not re.search(r"<(link|img|iframe|object|form|base)\b|\son\w+=|href=\"javascript:", body)
    assert "default-src 'none'" in page
    assert "attachment" in get(own, "download", chat.pk, "html")["Content-Disposition"]


@pytest.mark.parametrize("form", ["md", "html", "json"])
def test_an_empty_chat_exports_too(own, alice, form):
    chat = keep(Conversation(user=alice), Transcript())
    assert get(own, "download", chat.pk, form).status_code == 200


def test_a_form_that_does_not_exist_is_404(own, alice):
    assert get(own, "download", said(alice, "Hi").pk, "exe").status_code == 404


def test_what_administrators_wrote_for_a_persona_is_not_exported(own, alice):
    shared = Persona.objects.create(name="Pirate", prompt="Secret of the house")
    mine = Persona.objects.create(name="Poet", prompt="My own words", owner=alice)
    chats = [said(alice, "Hi", persona=persona) for persona in (shared, mine)]
    texts = [get(own, "download", chat.pk, "json").content.decode() for chat in chats]
    assert ("Secret of the house" in texts[0], "Pirate" in texts[0]) == (False, True)
    assert "My own words" in texts[1]


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("../../etc/passwd", "etc passwd.json"),
        ("a\x00b/c\\d:e", "a b c d e.json"),
        ("…", "….json"),
        ("   ", "chat.json"),
        ("..", "chat.json"),
        ("\u202egpj.exe", "gpj.exe.json"),
        ("Tiếng Việt", "Tiếng Việt.json"),
    ],
)
def test_titles_make_harmless_file_names(title, name):
    assert file_name(title, "json") == name


@pytest.mark.django_db(transaction=True)
class TestEverything:
    @pytest.fixture
    def zipped(self, async_client, alice):
        async_client.force_login(alice)

        async def fetch():
            response = await async_client.get(reverse("transfer:everything"))
            assert response.status_code == 200
            read = zipfile.ZipFile(io.BytesIO(b"".join([piece async for piece in response])))
            response.close()
            return read

        return fetch

    async def test_it_holds_each_own_chat_twice_and_a_report(self, zipped, alice, bob, make):
        await make(alice, 3)
        await make(bob, 1)
        found = await zipped()
        assert found.testzip() is None
        names = found.namelist()
        assert names[0] == "manifest.json"
        inside = {
            folder: {name.partition(" ")[2] for name in names if name.startswith(folder)}
            for folder in ("chats", "markdown")
        }
        assert inside["chats"] == {f"Chat {number}.json" for number in range(3)}
        assert inside["markdown"] == {f"Chat {number}.md" for number in range(3)}
        assert len(names) == len(set(names)) == 9  # with the preferences
        assert "3 chats are in this archive." in found.read("report.txt").decode()

    async def test_it_holds_what_else_is_ones_own_and_says_so(self, zipped, alice, bob):
        def prepare():
            alice.theme, alice.send_key = "dark", "ctrl-enter"
            alice.save()
            services.create_folder(alice, "Trips")
            services.save_prompt(alice, name="hello", text="Dear …")
            services.save_prompt(bob, name="theirs", text="Not hers")
            services.set_defaults(alice, services.Wish(personality="own", prompt="Be brief."))

        await sync_to_async(prepare)()
        found = await zipped()
        preferences = json.loads(found.read("preferences.json"))
        assert (preferences["theme"], preferences["send_key"]) == ("dark", "ctrl-enter")
        assert preferences["new_chats"]["system_prompt"] == "Be brief."
        assert "password" not in preferences
        assert [one["name"] for one in json.loads(found.read("prompts.json"))] == ["hello"]
        assert json.loads(found.read("folders.json"))[0]["name"] == "Trips"
        assert "personas.json" not in found.namelist()
        report = found.read("report.txt").decode()
        assert "1 folder is in folders.json." in report
        assert "1 prompt that you saved is in prompts.json." in report
        assert "Your preferences are in preferences.json." in report

    async def test_one_that_is_damaged_is_named_and_spoils_nothing(self, zipped, alice, make):
        chats = await make(alice, 3)
        await StoredTranscript.objects.filter(conversation_id=str(chats[1].pk)).aupdate(document="{")
        found = await zipped()
        assert sum(name.startswith("chats/") for name in found.namelist()) == 2
        report = found.read("report.txt").decode()
        assert str(chats[1].pk) in report
        assert "Chat 1" in report
        assert "damaged" in report

    async def test_a_store_that_is_away_is_not_asked_for_every_chat(self, zipped, alice, make, monkeypatch):
        await make(alice, 12)
        asked = []

        def away(key):
            asked.append(key)
            raise StoreUnavailable("The storage does not answer.")

        monkeypatch.setattr(get_store(), "load", away)
        found = await zipped()
        assert len(asked) == 5
        assert found.read("report.txt").decode().count("Chat ") == 12

    async def test_a_second_one_waits_for_the_first(self, async_client, alice, make):
        await make(alice, 1)
        await async_client.aforce_login(alice)
        first = await async_client.get(reverse("transfer:everything"))
        second = await async_client.get(reverse("transfer:everything"))
        assert second.status_code == 429
        first.close()
        third = await async_client.get(reverse("transfer:everything"))
        assert third.status_code == 200
        third.close()

    async def test_nobody_without_chats_gets_an_error(self, zipped):
        assert (await zipped()).namelist() == ["manifest.json", "preferences.json", "report.txt"]

    async def test_it_works_on_s3_too(self, zipped, alice, make, settings, s3_bucket):
        settings.CONVERSATION_STORE = {"BACKEND": "conversations.stores.s3.S3Store", "OPTIONS": s3_bucket}
        chats = await make(alice, 2)
        await asyncio.to_thread(get_store().delete, chats[0].key)
        found = await zipped()
        assert [name for name in found.namelist() if name.startswith("chats/")] == ["chats/00001 Chat 1.json"]
        assert str(chats[0].pk) in found.read("report.txt").decode()

    async def test_no_more_than_a_chat_is_in_memory_at_a_time(self, alice):
        """Forty chats, twelve megabytes of text that does not compress."""
        for _number in range(40):
            await sync_to_async(said)(alice, "Random?", base64.b64encode(os.urandom(225_000)).decode())
        tracemalloc.start()
        try:
            sizes = [len(piece) async for piece in everything(alice)]
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert sum(sizes) > 12_000_000
        assert peak < 6_000_000
