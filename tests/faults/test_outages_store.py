"""S3 is cut off, or hangs: before, during and after a reply. The row keeps what was accepted until the store has it."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from conversations.models import Conversation, Generation
from conversations.stores import get_store
from tests.faults.cable import Cable
from tests.faults.outages import Person, eventually, is_normal
from tests.helpers import Gate

FAULTS = ["cut", "hang"]
NOT_THERE = "The place where chats are kept does not answer"


@pytest.fixture
def cable(s3_bucket, settings):
    """S3 behind a cable, as the store of the site (asked for before `site`)."""
    upstream = urlsplit(s3_bucket["endpoint_url"])
    with Cable((upstream.hostname, upstream.port)) as cable:
        options = s3_bucket | {"endpoint_url": f"http://127.0.0.1:{cable.port}", "read_timeout": 0.3}
        settings.CONVERSATION_STORE = {"BACKEND": "conversations.stores.s3.S3Store", "OPTIONS": options}
        yield cable
        cable.heal()


@pytest.fixture
def person(cable, site, alice) -> Person:
    return Person.logged_in(site)


def said(person, text: str) -> str:
    """Begin a chat; its address, once its first turn is in the store."""
    assert person.send(person.composer(), text).status == 303
    row = eventually(lambda: Generation.objects.exclude(stored_at=None).filter(user_text=text).first())
    return f"/c/{row.conversation_id}/"


@pytest.mark.parametrize("fault", FAULTS)
def test_a_page_shows_what_its_rows_know_and_says_that_the_rest_is_missing(cable, person, scripted, fault):
    scripted.enqueue("What was answered")
    path = said(person, "Words of before")
    getattr(cable, fault)()
    answer = person.get(path)
    assert answer.status == 503
    assert answer.headers["retry-after"]
    assert NOT_THERE in answer.text
    assert "What was answered" in answer.text
    assert person.get("/").status == 200  # pages that need no store
    cable.heal()
    eventually(is_normal(person, path))


def test_without_rows_nothing_can_be_sent_under_what_is_not_seen(cable, person, scripted):
    """Rows lose their text after two days. A message must not then begin a second tree in the chat."""
    path = said(person, "Words of before")
    Generation.objects.update(user_text="", reply_text="")
    cable.cut()
    form = person.composer(path)
    assert NOT_THERE in person.get(path).text
    cable.heal()
    eventually(is_normal(person, path))
    answer = person.send(form, "And more", f"{path}send/")
    assert (answer.status, "And more" in answer.text) == (400, True)
    assert Generation.objects.count() == 1


@pytest.mark.parametrize("fault", FAULTS)
def test_a_send_without_the_store_is_refused_with_its_text_and_accepted_later(cable, person, scripted, fault):
    path = said(person, "Words of before")
    form = person.composer(path)
    getattr(cable, fault)()
    answer = person.send(form, "Keep these words", f"{path}send/")
    assert (answer.status, "Keep these words" in answer.text) == (503, True)
    assert answer.headers["retry-after"]
    assert Generation.objects.count() == 1
    cable.heal()
    eventually(is_normal(person, path))
    assert person.send(form, "Keep these words", f"{path}send/").status == 303
    eventually(lambda: Generation.objects.exclude(stored_at=None).count() == 2)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_new_chat_without_the_store_leaves_nothing_half_done(cable, person, scripted, fault):
    form = person.composer()
    getattr(cable, fault)()
    answer = person.send(form, "Keep these words")
    assert (answer.status, "Keep these words" in answer.text) == (503, True)
    assert not Conversation.objects.exists()
    cable.heal()
    eventually(lambda: person.send(form, "Keep these words").status == 303)
    assert Generation.objects.count() == 1


@pytest.mark.parametrize("fault", FAULTS)
def test_a_reply_that_ends_without_the_store_is_shown_and_stored_later(cable, person, scripted, fault):
    gate = Gate()
    scripted.enqueue("Before. ", gate.wait, "Meanwhile.")
    assert person.send(person.composer(), "Hello").status == 303
    row = Generation.objects.get()
    getattr(cable, fault)()
    gate.open()
    events = person.events(f"/g/{row.pk}/events/")
    assert next(data["status"] for name, data in events if name == "done") == "completed"
    assert Generation.objects.get().stored_at is None
    assert "Before. Meanwhile." in person.get(f"/c/{row.conversation_id}/").text
    cable.heal()
    eventually(lambda: Generation.objects.get().stored_at)
    transcript = get_store().load(row.conversation.key)
    assert [message.content for message in transcript.branch()] == ["Hello", "Before. Meanwhile."]


def test_a_turn_that_was_accepted_is_answered_with_its_turn_whatever_the_store_says_now(cable, person, scripted):
    gate = Gate()
    scripted.enqueue(gate.wait, "Answer")
    form = person.composer()
    assert person.send(form, "Hello").status == 303
    cable.cut()
    again = person.send(form, "Hello", **{"X-Requested-With": "fetch"})
    assert (again.status, "Hello" in again.text) == (200, True)
    gate.open()


def test_while_the_store_is_known_to_hang_nobody_waits_for_it(cable, person, caplog):
    path = said(person, "Words of before")
    cable.hang()
    assert [person.get(path).status for _ in range(20)] == [503] * 20
    asked = [record for record in caplog.records if "S3: get_object failed" in record.message]
    assert len(asked) < 20
    cable.heal()
    eventually(is_normal(person, path))
