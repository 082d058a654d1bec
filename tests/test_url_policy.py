"""Who may open what: every address of the site has a declared policy, and each policy is tried.

An address that is new fails here until somebody has said in POLICIES whose it is.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from chatsite.branding.models import Site, SiteText
from chatsite.health import PROBES
from chatsite.moderation.models import TermList
from chatsite.sharing.models import SharedLink, Trial
from chatsite.transfer.models import Import
from conversations import services
from conversations.models import ChatModel, Conversation, Folder, Generation, Persona, SavedPrompt
from conversations.stores import get_store
from conversations.types import Message

PUBLIC = "everybody"
LOGIN = "whoever is logged in"
OWNER = "its owner; for others it does not exist"
STAFF = "staff"

POLICIES = {
    "account_login": PUBLIC,
    "account_logout": PUBLIC,
    "account_signup": PUBLIC,
    "account_inactive": PUBLIC,
    "account_email_verification_sent": PUBLIC,
    "account_confirm_email": PUBLIC,
    "account_reset_password": PUBLIC,
    "account_reset_password_done": PUBLIC,
    "account_reset_password_from_key": PUBLIC,
    "account_reset_password_from_key_done": PUBLIC,
    "account_change_password": LOGIN,
    "account_profile": LOGIN,
    "account_preferences": LOGIN,
    "account_theme": LOGIN,
    "branding:styles": PUBLIC,
    "branding:logo": PUBLIC,
    "branding:dismiss": PUBLIC,
    "branding:terms": PUBLIC,
    "conversations:home": LOGIN,
    "conversations:start": LOGIN,
    "conversations:history": LOGIN,
    "conversations:search": LOGIN,
    "conversations:search_panel": LOGIN,
    "conversations:archive": LOGIN,
    "conversations:trash": LOGIN,
    "conversations:empty_trash": LOGIN,
    "conversations:organise": LOGIN,
    "conversations:move": LOGIN,
    "conversations:sidebar": LOGIN,
    "conversations:create_folder": LOGIN,
    "conversations:models": LOGIN,
    "conversations:model_choices": LOGIN,
    "conversations:defaults": LOGIN,
    "conversations:new_settings": LOGIN,
    "conversations:personas": LOGIN,
    "conversations:create_persona": LOGIN,
    "conversations:prompts": LOGIN,
    "conversations:prompt_choices": LOGIN,
    "conversations:create_prompt": LOGIN,
    "conversations:edit_prompt": OWNER,
    "conversations:delete_prompt": OWNER,
    "conversations:keys": LOGIN,
    "install:manifest": PUBLIC,
    "install:worker": PUBLIC,
    "install:offline": PUBLIC,
    "conversations:show": OWNER,
    "conversations:send": OWNER,
    "conversations:retry": OWNER,
    "conversations:continue": OWNER,
    "conversations:again": OWNER,
    "conversations:edit": OWNER,
    "conversations:take_back": OWNER,
    "conversations:clear": OWNER,
    "conversations:end": OWNER,
    "conversations:rate": OWNER,
    "conversations:explain": OWNER,
    "conversations:select": OWNER,
    "conversations:keep": OWNER,
    "conversations:rename": OWNER,
    "conversations:delete": OWNER,
    "conversations:memory": OWNER,
    "conversations:part": OWNER,
    "conversations:folder": OWNER,
    "conversations:rename_folder": OWNER,
    "conversations:delete_folder": OWNER,
    "conversations:settings": OWNER,
    "conversations:use_persona": OWNER,
    "conversations:edit_persona": OWNER,
    "conversations:delete_persona": OWNER,
    "conversations:follow": OWNER,
    "conversations:stop": OWNER,
    "conversations:stop_all": OWNER,
    "sharing:shared": PUBLIC,
    "sharing:copy": LOGIN,
    "sharing:links": LOGIN,
    "sharing:share": OWNER,
    "sharing:revoke": OWNER,
    "sharing:trial": PUBLIC,
    "sharing:embed": PUBLIC,
    "transfer:chat": OWNER,
    "transfer:print": OWNER,
    "transfer:download": OWNER,
    "transfer:home": LOGIN,
    "transfer:everything": LOGIN,
    "transfer:upload": LOGIN,
    "transfer:job": OWNER,
    "transfer:start": OWNER,
    "transfer:stop": OWNER,
    "transfer:undo": OWNER,
    "transfer:discard": OWNER,
    "admin:*": STAFF,
    "healthz": PUBLIC,
    "readyz": PUBLIC,
}
METHODS = ("GET", "POST", "PUT", "DELETE")
REFUSED_METHOD = 405


@dataclass(frozen=True)
class Address:
    """One pattern of the resolver. `name` with its namespace; patterns without a name are known by their route."""

    name: str
    parameters: tuple[str, ...]
    route: str

    @property
    def policy(self) -> str | None:
        namespace, colon, _ = self.name.partition(":")
        return POLICIES.get(self.name, POLICIES.get(f"{namespace}:*") if colon else None)

    def url(self, values: dict[str, str]) -> str:
        """Fails for a parameter that nobody has given a value: then say in `values_for` what to put there."""
        missing = set(self.parameters) - set(values)
        assert not missing, f"values_for() has no value for {missing} of {self.route}"
        if self.name.endswith(self.route):  # no name, so nothing to reverse
            return "/" + re.sub(r"\(\?P<(\w+)>.*?\)\$?$", lambda match: values[match[1]], self.route)
        return reverse(self.name, kwargs={name: values[name] for name in self.parameters})


def addresses(resolver: URLResolver | None = None, namespace: str = "", prefix: str = "") -> Iterator[Address]:
    for entry in (resolver or get_resolver()).url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            below = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from addresses(entry, below, route)
        else:
            assert isinstance(entry, URLPattern)
            parameters = set(re.findall(r"\(\?P<(\w+)>", route)) | set(re.findall(r"<(?:\w+:)?(\w+)>", route))
            yield Address(f"{namespace}{entry.name or route}", tuple(sorted(parameters)), route)


ALL = list(addresses())
IN_CHAT = [address for address in ALL if address.name.startswith("conversations:")]


def those(policy: str, among: list[Address] = ALL):
    found = [address for address in among if address.policy == policy]
    return pytest.mark.parametrize("address", found, ids=[address.name for address in found])


def ids_of_nothing() -> dict[str, str]:
    return {
        "conversation_id": str(uuid.uuid4()),
        "generation_id": str(uuid.uuid4()),
        "persona_id": "987654321",
        "prompt_id": "987654321",
        "job_id": str(uuid.uuid4()),
        "folder_id": "987654321",
        "link_id": str(uuid.uuid4()),
        "form": "json",
    }


def values_for(user) -> dict[str, str]:
    """For every parameter of any address something that exists."""
    site, _is_new = Site.objects.get_or_create(logo=b"a picture", logo_type="image/png", logo_version="1")
    SiteText.objects.get_or_create(site=site, kind=SiteText.Kind.TERMS, text="Be kind.")
    return {
        **ids_of_nothing(),
        "object_id": str(user.pk),
        "id": str(user.pk),
        "app_label": "accounts",
        "content_type_id": str(ContentType.objects.get_for_model(user).pk),
        "url": "nonsense",
        "uidb36": "1",
        "key": "abc-123",
        "ticket": "abc-123",
        "pk": str(TermList.objects.get_or_create(name="Rude words")[0].pk),
        "alias": next(iter(settings.CHAT_BACKENDS)),
        "token": shared_link(user).token,
        "trial": open_trial().token,
    }


def open_trial() -> Trial:
    model = ChatModel.objects.get_or_create(backend="guide", model_id="", defaults={"label": "Guide"})[0]
    return Trial.objects.create(name="Try it", model=model, enabled=True, origins="https://www.example.org")


def shared_link(user, chat: Conversation | None = None) -> SharedLink:
    chat = chat or Conversation.objects.create(user=user, title="Secret plans")
    return SharedLink.objects.create(user=user, conversation=chat, snapshot='{"messages":[]}', message_count=0)


@pytest.fixture
def chat(catalogue, alice) -> dict[str, str]:
    """Alice's conversation with a finished reply, as values for addresses."""
    model = catalogue["scripted"]
    conversation = Conversation.objects.create(user=alice, title="Secret plans", model=model)
    question = Message("user", "What is the secret?")
    answer = Message("assistant", "Fish.", parent_id=question.id)
    get_store().append(conversation.key, question, answer, create=True)
    generation = Generation.objects.create(
        user=alice,
        conversation=conversation,
        model=model,
        backend=model.backend,
        user_message_id=question.id,
        user_text=question.content,
        reply_id=answer.id,
        reply_text=answer.content,
        idempotency_key=uuid.uuid4().hex,
        status=Generation.Status.COMPLETED,
    )
    persona = Persona.objects.create(pk=123456789, owner=alice, name="Secret agent", prompt="Say nothing.")
    prompt = SavedPrompt.objects.create(pk=123456789, owner=alice, name="secret", text="Say nothing.")
    folder = Folder.objects.create(pk=123456789, user=alice, name="Secret missions")
    return {
        "conversation_id": str(conversation.pk),
        "generation_id": str(generation.pk),
        "persona_id": str(persona.pk),
        "prompt_id": str(prompt.pk),
        "job_id": str(Import.objects.create(user=alice, stage=Import.Stage.READY).pk),
        "folder_id": str(folder.pk),
        "link_id": str(shared_link(alice, conversation).pk),
        "form": "json",
    }


def ask(client: Client, method: str, url: str, **headers: str):
    return client.generic(method, url, headers=headers)


def comparable(answer) -> tuple:
    """Everything that reaches the asker, without the request's own number, and without the id in the address."""
    number = answer.headers["X-Request-ID"]
    headers = {name: value for name, value in answer.headers.items() if name != "X-Request-ID"}
    return answer.status_code, headers, answer.content.replace(number.encode(), b"")


def is_log_in(answer) -> bool:
    return answer.status_code == 302 and answer["Location"].startswith(reverse("account_login") + "?next=")


# The table


def test_every_address_has_a_policy():
    assert {address.name for address in ALL if address.policy is None} == set()


def test_the_table_names_no_address_that_is_gone():
    names = {address.name for address in ALL} | {address.name.partition(":")[0] + ":*" for address in ALL}
    assert set(POLICIES) - names == set()


def test_the_walk_sees_the_whole_site():
    assert len(IN_CHAT) >= 10
    assert {"admin:index", "admin:accounts_user_change", "admin:conversations_conversation_changelist"} <= {
        address.name for address in ALL
    }


def test_what_a_middleware_answers_is_in_the_table_too():
    assert {POLICIES[path.strip("/")] for path in PROBES} == {PUBLIC}


# Everybody


@pytest.mark.django_db
@those(PUBLIC)
def test_public_pages_open_for_everybody(address, client, alice):
    answer = client.get(address.url(values_for(alice)))
    if address.name == "branding:dismiss":
        assert answer.status_code == REFUSED_METHOD
    elif address.name == "account_logout":  # nobody to log out
        assert answer["Location"] == reverse("account_login")
    else:
        assert answer.status_code == 200


# Nobody


@pytest.mark.django_db(transaction=True)
@those(LOGIN)
def test_without_log_in_members_pages_lead_to_it(address, client, alice):
    for method in METHODS:
        answer = ask(client, method, address.url(values_for(alice)))
        assert answer.status_code == REFUSED_METHOD or is_log_in(answer)


@pytest.mark.django_db(transaction=True)
@those(OWNER)
def test_without_log_in_nothing_of_a_chat_shows(address, client, chat):
    nothing = ids_of_nothing()
    for method in METHODS:
        real, invented = (ask(client, method, address.url(values)) for values in (chat, nothing))
        assert real.status_code in (401, REFUSED_METHOD) or is_log_in(real)
        status, headers, body = comparable(real)
        assert (status, renamed(headers, chat, nothing), body) == comparable(invented)


def renamed(headers: dict[str, str], ids: dict[str, str], others: dict[str, str]) -> dict[str, str]:
    """Where to go after the log-in names the thing that was asked for; as the asker did."""
    for name in ids:
        headers = {key: value.replace(ids[name], others[name]) for key, value in headers.items()}
    return headers


@pytest.mark.django_db(transaction=True)
@those(OWNER, IN_CHAT)
def test_without_log_in_scripts_get_401_and_no_redirect(address, client, chat):
    for method in METHODS:
        answer = ask(client, method, address.url(chat), X_Requested_With="fetch")
        assert answer.status_code in (401, REFUSED_METHOD)


@pytest.mark.django_db(transaction=True)
def test_without_log_in_event_streams_get_401_and_no_redirect(client, chat):
    url = reverse("conversations:follow", args=[chat["generation_id"]])
    assert ask(client, "GET", url, Accept="text/event-stream").status_code == 401


@pytest.mark.django_db
@those(STAFF)
def test_without_log_in_the_admin_leads_to_it(address, client, admin):
    for method in METHODS:
        answer = after_the_door(client, ask(client, method, address.url(values_for(admin))))
        assert is_log_in(answer)


def after_the_door(client: Client, answer):
    """Where the admin's redirects within itself end."""
    while answer.status_code == 302 and answer["Location"].startswith("/admin/"):
        answer = client.get(answer["Location"])
    return answer


# Strangers


@pytest.mark.django_db(transaction=True)
@those(OWNER)
def test_a_stranger_gets_the_same_404_as_for_what_does_not_exist(address, client, chat, bob):
    client.force_login(bob)
    for method in METHODS:
        real, invented = (ask(client, method, address.url(values)) for values in (chat, ids_of_nothing()))
        assert real.status_code in (404, REFUSED_METHOD)
        assert comparable(real) == comparable(invented)


@pytest.mark.django_db(transaction=True)
@those(OWNER)
def test_staff_are_strangers_too(address, client, chat, admin):
    client.force_login(admin)
    for method in METHODS:
        assert ask(client, method, address.url(chat)).status_code in (404, REFUSED_METHOD)


@pytest.mark.django_db(transaction=True)
def test_strangers_change_nothing(client, chat, bob):
    client.force_login(bob)
    before = list(Conversation.objects.values()), list(Generation.objects.values())
    fields = {"content": "Hello", "title": "Mine", "message_id": Generation.objects.get().reply_id}
    for address in IN_CHAT:
        if address.policy == OWNER:
            client.post(address.url(chat), fields)
    assert before == (list(Conversation.objects.values()), list(Generation.objects.values()))
    assert len(services.read(Conversation.objects.get()).messages) == 2


@pytest.mark.django_db(transaction=True)
@those(OWNER)
def test_the_owner_is_let_in(address, client, chat, alice):
    client.force_login(alice)
    statuses = {ask(client, method, address.url(chat)).status_code for method in ("GET", "POST")} - {REFUSED_METHOD}
    assert statuses
    assert not statuses & {401, 403, 404, 500}


@pytest.mark.django_db
@those(STAFF)
def test_the_admin_is_closed_to_people_who_are_no_staff(address, client, bob):
    client.force_login(bob)
    for method in METHODS:
        answer = after_the_door(client, ask(client, method, address.url(values_for(bob))))
        assert answer.status_code == 403


@pytest.mark.django_db
@those(STAFF)
def test_the_admin_lets_superusers_in(address, client, admin):
    client.force_login(admin)
    answer = client.get(address.url(values_for(admin)))
    assert answer.status_code < 500
    assert not is_log_in(answer)
    if address.name.endswith(("index", "changelist")):
        assert after_the_door(client, answer).status_code == 200  # where there is one row only, it is its page


# The deactivated


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("address", [a for a in ALL if a.policy in (LOGIN, OWNER, STAFF)], ids=lambda a: a.name)
def test_a_deactivated_person_is_nobody(address, client, chat, alice):
    alice.is_staff = alice.is_superuser = True
    alice.save()
    client.force_login(alice)
    alice.is_active = False
    alice.save()
    url = address.url({**values_for(alice), **chat})
    for method in ("GET", "POST"):
        got, expected = ask(client, method, url), ask(Client(), method, url)
        assert (got.status_code, got.headers.get("Location")) == (
            expected.status_code,
            expected.headers.get("Location"),
        )
        assert got.status_code in (302, 401, REFUSED_METHOD)
