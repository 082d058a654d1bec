"""A library of personas: shared by admins, or one's own."""

from __future__ import annotations

import pytest
from django.urls import reverse

from conversations import services
from conversations.errors import InputError
from conversations.models import ChatDefaults, Conversation, Persona, Writer
from conversations.services import personas
from conversations.services.acceptance import Draft, accept

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shared(db):
    return Persona.objects.create(name="Teacher", prompt="You teach.", description="Asks back.")


@pytest.fixture
def hers(alice):
    return Persona.objects.create(name="Cook", prompt="You cook.", owner=alice)


@pytest.fixture
def alices(client, alice):
    client.force_login(alice)
    return client


def html(response) -> str:
    return response.content.decode()


def url(name: str, persona: Persona) -> str:
    return reverse(f"conversations:{name}", args=[persona.pk])


def test_one_chooses_from_the_shared_ones_and_ones_own(alices, alice, bob, shared, hers):
    his = Persona.objects.create(name="Spy", prompt="Hidden", owner=bob)
    page = html(alices.get("/personas/"))
    assert "Teacher" in page
    assert "Asks back." in page
    assert "Cook" in page
    assert "Spy" not in page
    assert "You teach." not in page
    assert set(services.personas_for(alice)) == {shared, hers}
    assert his not in services.personas_for(alice)


def test_one_writes_changes_and_deletes_a_persona_of_ones_own(alices, alice):
    response = alices.post("/personas/new/", {"name": " My  cook ", "description": "Soup", "prompt": "You\r\ncook. "})
    assert (response.status_code, response["Location"]) == (302, "/personas/")
    persona = Persona.objects.get()
    assert (persona.owner, persona.name, persona.prompt) == (alice, "My cook", "You\ncook.")
    page = html(alices.get(url("edit_persona", persona)))
    assert "My cook" in page
    assert "You\ncook." in page
    alices.post(url("edit_persona", persona), {"name": "Chef", "description": "", "prompt": "You cook well."})
    persona.refresh_from_db()
    assert (persona.name, persona.description, persona.prompt) == ("Chef", "", "You cook well.")
    assert "Delete this persona?" in html(alices.get(url("delete_persona", persona)))
    assert Persona.objects.exists(), "looking deletes nothing"
    assert alices.post(url("delete_persona", persona)).status_code == 302
    assert not Persona.objects.exists()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": "", "prompt": "X"}, "required"),
        ({"name": "X", "prompt": "  "}, "required"),
        ({"name": "x" * 61, "prompt": "X"}, "at most 60"),
        ({"name": "X", "prompt": "x" * 8001}, "at most 8000"),
    ],
)
def test_a_persona_that_cannot_be_is_refused_with_its_text_kept(alices, fields, words):
    response = alices.post("/personas/new/", {"description": "Kept words", **fields})
    assert (response.status_code, words in html(response)) == (400, True)
    assert "Kept words" in html(response)
    assert not Persona.objects.exists()


def test_nobody_has_more_personas_than_a_list_can_show(alice, monkeypatch):
    monkeypatch.setattr(personas, "MOST_PERSONAS", 1)
    services.save_persona(alice, name="One", prompt="1")
    with pytest.raises(InputError, match="1 personas already"):
        services.save_persona(alice, name="Two", prompt="2")


@pytest.mark.parametrize("name", ["edit_persona", "delete_persona"])
def test_somebody_elses_persona_and_a_shared_one_cannot_be_changed(client, bob, hers, shared, name):
    client.force_login(bob)
    for persona in (hers, shared):
        assert client.get(url(name, persona)).status_code == 404
        assert client.post(url(name, persona), {"name": "X", "prompt": "X"}).status_code == 404
    assert client.get(reverse(f"conversations:{name}", args=[10**6])).status_code == 404
    assert Persona.objects.filter(prompt="X").count() == 0
    assert Persona.objects.count() == 2


def test_who_is_not_logged_in_is_asked_to_and_wrong_verbs_are_refused(client, alice, hers):
    pages = ["/personas/", "/personas/new/", url("edit_persona", hers), url("delete_persona", hers)]
    assert [client.get(page).status_code for page in pages] == [302] * 4
    client.force_login(alice)
    assert [client.delete(page).status_code for page in pages] == [405] * 4
    assert client.post("/personas/").status_code == 405


def test_a_chat_takes_a_persona_from_the_library_and_a_new_chat_begins_with_one(alices, alice, catalogue, hers, bob):
    chat = services.create(alice, title="Ours", model=catalogue["scripted"])
    page = html(alices.get("/personas/", {"chat": str(chat.pk)}))
    assert reverse("conversations:use_persona", args=[chat.pk]) in page
    response = alices.post(reverse("conversations:use_persona", args=[chat.pk]), {"persona": hers.pk})
    assert response["Location"] == reverse("conversations:show", args=[chat.pk])
    chat.refresh_from_db()
    assert chat.persona == hers
    composer = html(alices.get("/", {"persona": hers.pk}))
    assert f'name="personality" value="{hers.pk}"' in composer
    foreign = Persona.objects.create(name="Spy", prompt="Hidden", owner=bob)
    assert 'name="personality"' not in html(alices.get("/", {"persona": foreign.pk}))
    for odd in ("x", "-1", "9" * 30, "9" * 5000):
        assert alices.get("/", {"persona": odd}).status_code == 200
        assert alices.get("/personas/", {"chat": odd}).status_code == 200
    for refused in (foreign.pk, "9" * 5000):
        response = alices.post(reverse("conversations:use_persona", args=[chat.pk]), {"persona": refused})
        assert response.status_code == 400
    chat.refresh_from_db()
    assert chat.persona == hers


def test_a_changed_persona_speaks_in_the_chats_that_use_it(alice, catalogue, hers):
    chat = services.create(alice, title="Ours")
    Conversation.objects.update(persona=hers)
    services.save_persona(alice, name="Cook", prompt="You bake.", persona=hers)
    assert services.system_prompt_of(services.by_id(alice, chat.pk)) == "You bake."


def test_a_first_message_whose_persona_was_deleted_a_moment_ago_says_so(alice, catalogue, hers):
    chat, writer = services.start_conversation(alice), Writer.objects.create(host="here", pid=1)
    chat.persona = Persona.objects.get(pk=hers.pk)
    services.delete_persona(hers)
    first = Draft(chat, catalogue["scripted"], "m" * 32, "Hi", "", {}, "k" * 32, "hash", is_new_message=True)
    with pytest.raises(InputError, match="This persona is not there any more"):
        accept(first, writer.pk)
    assert not Conversation.objects.exists()


@pytest.mark.parametrize("way", ["service", "queryset"])
def test_the_text_of_a_deleted_persona_of_ones_own_stays_with_the_chats_that_use_it(way, alice, catalogue, hers):
    chat = services.create(alice, title="Ours")
    Conversation.objects.update(persona=hers)
    ChatDefaults.objects.create(user=alice, persona=hers)
    if way == "service":
        services.delete_persona(hers)
    else:
        Persona.objects.all().delete()
    assert not Persona.objects.exists()
    assert services.system_prompt_of(services.by_id(alice, chat.pk)) == "You cook."
    assert services.system_prompt_of(services.begin(alice)) == "You cook."


@pytest.mark.parametrize("way", ["queryset", "admin"])
def test_the_text_of_a_deleted_shared_persona_becomes_nobodys_own(
    way, client, admin, alice, catalogue, shared, settings
):
    settings.CHAT_SYSTEM_PROMPT = "You help."
    chat = services.create(alice, title="Ours")
    Conversation.objects.update(persona=shared)
    ChatDefaults.objects.create(user=alice, persona=shared, system_prompt="You rhyme.")
    if way == "queryset":
        Persona.objects.all().delete()
    else:
        client.force_login(admin)
        address = reverse("admin:conversations_persona_delete", args=[shared.pk])
        assert "Ours" not in html(client.get(address)), "whose chats use it is nobody's business"
        client.post(address, {"post": "yes"})
    assert not Persona.objects.exists()
    assert services.system_prompt_of(services.by_id(alice, chat.pk)) == "You help."
    assert services.system_prompt_of(services.begin(alice)) == "You rhyme."
    client.force_login(alice)
    assert "You teach." not in html(client.get(reverse("conversations:settings", args=[chat.pk])))


def test_the_admin_has_the_shared_ones_only(client, admin, shared, hers):
    client.force_login(admin)
    page = html(client.get(reverse("admin:conversations_persona_changelist")))
    assert "Teacher" in page
    assert "Cook" not in page
    assert client.get(reverse("admin:conversations_persona_change", args=[hers.pk])).status_code == 302
    client.post(
        reverse("admin:conversations_persona_add"),
        {"name": "Judge", "description": "", "prompt": "You judge.", "order": "5"},
    )
    assert Persona.objects.get(name="Judge").owner is None
