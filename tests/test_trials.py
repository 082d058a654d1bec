"""Trials: a model and a persona to try without an account; each visitor is a guest with a chat and nothing else."""

from __future__ import annotations

import datetime
import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from chatsite.sharing import mount, sweeping, trials
from chatsite.sharing.models import Guest, Trial
from chatsite.sharing.origins import clean_origins
from conversations import services
from conversations.errors import Refused
from conversations.guards import Guard
from conversations.models import Conversation, Generation, Persona
from conversations.stores import get_store
from tests.test_url_policy import ALL, ids_of_nothing, values_for

pytestmark = pytest.mark.django_db(transaction=True)
HOST = "https://www.example.org"


@pytest.fixture
def trial(catalogue) -> Trial:
    pirate = Persona.objects.create(name="Pirate", prompt="You are a pirate.")
    return Trial.objects.create(name="Our pirate", model=catalogue["scripted"], persona=pirate, enabled=True)


def landing(trial: Trial) -> str:
    return reverse("sharing:trial", args=[trial.token])


def change(trial: Trial, **fields) -> None:
    Trial.objects.filter(pk=trial.pk).update(**fields)


class Visitor:
    """Somebody with a browser, in the chat of a trial."""

    def __init__(self, trial: Trial):
        self.client = Client()
        self.landing = landing(trial)
        answer = self.client.post(self.landing)
        assert answer.status_code == 302, answer.content
        self.named = answer["Location"]
        self.chat = f"{self.landing}chat/"

    @property
    def guest(self) -> Guest:
        return trials.guest_of(Trial.objects.get(), self.client.cookies["guest"].value)

    def page(self, at: str = "?new") -> str:
        answer = self.client.get(self.chat + at)
        assert answer.status_code == 200
        return answer.content.decode()

    def say(self, text: str = "Ahoy", at: str = "send/", **fields):
        return self.client.post(
            self.chat + at,
            {"content": text, "key": uuid.uuid4().hex, "parent_id": "", **fields},
            headers={"X-Requested-With": "fetch"},
        )


def settle(visitor: Visitor) -> None:
    """As if the answers had been written: the next message is not refused because of them."""
    Generation.objects.filter(user=visitor.guest.user).update(status=Generation.Status.COMPLETED)


# Beginning


def test_a_trial_is_closed_until_an_administrator_opens_it(catalogue, admin, client):
    client.force_login(admin)
    url = reverse("admin:sharing_trial_add")
    client.post(url, {**_limits(), "name": "Try it", "model": catalogue["scripted"].pk})
    trial = Trial.objects.get()
    answer = Client().get(landing(trial))
    assert answer.status_code == 410
    assert "This trial is not open" in answer.content.decode()
    assert Client().post(landing(trial)).status_code == 403
    assert not Guest.objects.exists()


def _limits() -> dict:
    day, time = (timezone.now() + datetime.timedelta(days=3)).strftime("%Y-%m-%d %H:%M:%S").split()
    return {
        "ends_at_0": day,
        "ends_at_1": time,
        "guests_total": 10,
        "messages_per_guest": 5,
        "messages_total": 50,
        "message_length": 1000,
    }


def test_to_look_at_the_link_makes_no_guest(trial):
    shown = Client().get(landing(trial))
    assert "Our pirate" in shown.content.decode()
    assert "You can send 10 messages." in shown.content.decode()
    assert "noindex" in shown["X-Robots-Tag"]
    assert not Guest.objects.exists()


def test_each_visitor_is_a_guest_of_their_own_and_sees_no_other(trial):
    one, other = Visitor(trial), Visitor(trial)
    assert one.guest != other.guest
    one.say("My secret plan")
    chat = Conversation.objects.get()
    assert chat.user == one.guest.user
    assert "My secret plan" in one.page(f"c/{chat.pk}/")
    assert other.client.get(f"{other.chat}c/{chat.pk}/").status_code == 404
    assert "My secret plan" not in other.page()


def test_the_chosen_model_and_persona_answer_whatever_a_form_says(trial, catalogue, scripted, alice):
    secret = Persona.objects.create(owner=alice, name="Hers", prompt="Hers")
    visitor = Visitor(trial)
    visitor.say(
        model=catalogue["guide"].pk,
        models=[catalogue["guide"].pk, catalogue["scripted"].pk],
        personality=str(secret.pk),
        system_prompt="Say what you were told",
        **{"option-temperature": "2"},
    )
    chat = Conversation.objects.get()
    assert (chat.model, chat.persona, chat.system_prompt, chat.options) == (trial.model, trial.persona, "", {})
    settle(visitor)
    visitor.say(at=f"c/{chat.pk}/send/", model=catalogue["guide"].pk)
    assert set(Generation.objects.values_list("backend", flat=True)) == {"scripted"}


def test_a_guest_who_comes_back_finds_the_chat_again(trial):
    visitor = Visitor(trial)
    visitor.say()
    chat = Conversation.objects.get()
    assert visitor.client.get(visitor.landing)["Location"] == visitor.chat
    assert visitor.client.get(visitor.chat)["Location"] == f"{visitor.chat}c/{chat.pk}/"
    visitor.client.post(visitor.landing)
    assert Guest.objects.count() == 1


def test_a_guest_is_offered_nothing_that_only_members_have(trial, catalogue):
    visitor = Visitor(trial)
    visitor.say()
    pages = visitor.page(), visitor.page(f"c/{Conversation.objects.get().pk}/")
    for shown in pages:
        links = set(re.findall(r'[a-z-]+="(/[^"]*)"', shown))
        assert {link for link in links if not link.startswith((visitor.chat, "/static/"))} == set()
        inside = {link.removeprefix(visitor.chat).partition("?")[0] for link in links if link.startswith(visitor.chat)}
        assert {re.sub(r"[0-9a-f-]{36}", "ID", link) for link in inside} <= {
            *("", "send/", "c/ID/send/", "c/ID/retry/", "c/ID/continue/", "c/ID/select/", "c/ID/clear/"),
            *("c/ID/memory/", "c/ID/edit/", "c/ID/again/", "c/ID/undo/", "c/ID/rate/", "c/ID/feedback/"),
            *("g/ID/stop/", "g/ID/events/", "c/ID/"),
        }
        assert "Guide" not in shown  # the other model
        assert "You are a pirate." not in shown


# What a guest can reach


def test_a_guest_reaches_no_address_but_those_of_the_chat(trial, alice):
    visitor = Visitor(trial)
    values = {**values_for(alice), **ids_of_nothing(), "prompt_id": "987654321"}
    reached = set()
    for address in ALL:
        url = address.url(values)
        for method in ("get", "post"):
            answer = getattr(visitor.client, method)(visitor.chat + url.removeprefix("/"))
            if answer.status_code != 404:
                reached.add(address.name)
    assert reached <= {
        *("conversations:home", "conversations:start", "healthz", "readyz"),
        *("conversations:show", "conversations:send", "conversations:retry", "conversations:continue"),
        *("conversations:follow", "conversations:stop", "conversations:stop_all"),
        *(
            "conversations:part",
            "conversations:memory",
            "conversations:select",
            "conversations:edit",
            "conversations:again",
        ),
        *("branding:logo", "branding:styles"),
        *("conversations:take_back", "conversations:clear", "conversations:rate", "conversations:explain"),
    }


def test_what_a_guest_holds_opens_nothing_outside_the_trial(trial):
    visitor = Visitor(trial)
    credential, key = visitor.client.cookies["guest"].value, visitor.guest.session_key
    assert key not in credential
    assert key not in visitor.client.get(visitor.chat).headers.get("Set-Cookie", "")
    for value in (credential, credential[:40]):  # as long as keys of sessions are
        stranger = Client()
        stranger.cookies["sessionid"] = stranger.cookies["guest"] = value
        assert stranger.get("/")["Location"].startswith("/accounts/login/")


def test_a_credential_of_one_trial_is_worth_nothing_in_another(trial, catalogue):
    other = Trial.objects.create(name="Other", model=catalogue["scripted"], enabled=True)
    visitor = Client()
    credential = visitor.post(landing(trial)) and visitor.cookies["guest"].value
    assert visitor.get(f"{landing(other)}chat/~{credential}/").status_code == 302
    assert visitor.post(f"{landing(other)}chat/~{credential}/send/", {"content": "x"}).status_code == 401


def test_a_member_who_tries_a_link_stays_who_they_are(trial, alice, client):
    client.force_login(alice)
    session = client.cookies["sessionid"].value
    client.post(landing(trial))
    answer = client.get(f"{landing(trial)}chat/?new")
    assert "alice" not in answer.content.decode()
    client.post(f"{landing(trial)}chat/send/", {"content": "Ahoy", "key": uuid.uuid4().hex})
    assert client.cookies["sessionid"].value == session
    assert not Conversation.objects.for_user(alice).exists()
    assert client.get("/").status_code == 200


def test_no_cookie_leaves_the_chat_of_a_guest(trial):
    visitor = Visitor(trial)
    for answer in (visitor.client.get(visitor.chat + "?new"), visitor.say()):
        assert not answer.cookies
        assert "Set-Cookie" not in answer.headers


def test_without_its_cookie_nobody_is_a_guest(trial):
    Visitor(trial)
    chat = f"{landing(trial)}chat/"
    assert Client().get(chat)["Location"] == landing(trial)
    assert Client().post(f"{chat}send/", {"content": "Hello"}).status_code == 401
    stream = Client().get(f"{chat}g/{uuid.uuid4()}/events/")
    assert stream.status_code == 401


# A browser that keeps no cookies


FRAMED = {"Sec-Fetch-Dest": "iframe"}
PLANTED = [
    {"Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Dest": "object"},
    {"Referer": "https://evil.example/try/"},
    {"Referer": "http://testserver/s/planted/"},
    {},
]


def test_without_cookies_the_address_holds_the_guest(trial):
    change(trial, origins=HOST)
    visitor = Visitor(trial)
    bare = Client(headers=FRAMED)
    shown = bare.get(visitor.named + "?new").content.decode()
    assert f'action="{visitor.named}send/"' in shown
    answer = bare.post(visitor.named + "send/", {"content": "Ahoy", "key": uuid.uuid4().hex})
    assert answer["Location"].startswith(visitor.named + "c/")
    assert Conversation.objects.get().user == visitor.guest.user


@pytest.mark.parametrize("headers", PLANTED)
def test_nobody_lands_in_the_chat_of_whoever_sent_them_the_address(trial, headers):
    change(trial, origins=HOST)
    planted = Visitor(trial).named
    victim = Client(headers=headers)
    shown = victim.get(planted, follow=True)
    assert shown.redirect_chain == [(f"{landing(trial)}?closed", 302)]
    assert "allow this site to keep cookies" in shown.content.decode()
    assert victim.post(planted + "send/", {"content": "My secret"}).status_code == 401
    victim.post(landing(trial))
    assert victim.get(planted)["Location"].startswith(landing(trial) + "?")  # being a guest oneself changes nothing
    assert not Conversation.objects.exists()


def test_a_trial_that_can_be_embedded_nowhere_is_shown_in_no_frame_by_its_address(trial):
    assert Client(headers=FRAMED).get(Visitor(trial).named)["Location"].startswith(landing(trial))


@pytest.mark.parametrize("before", ["embed/", "chat/~{}/c/"])
def test_a_browser_that_does_not_tell_of_frames_comes_from_the_beginning_or_the_chat(trial, before):
    change(trial, origins=HOST)
    visitor = Visitor(trial)
    before = before.format(visitor.client.cookies["guest"].value)
    bare = Client(headers={"Referer": f"http://testserver{landing(trial)}{before}"})
    assert bare.get(visitor.named + "?new").status_code == 200


def test_once_the_cookie_came_back_the_address_does_not_hold_it(trial):
    visitor = Visitor(trial)
    assert visitor.client.get(visitor.named)["Location"] == visitor.chat


# Forms


def test_forms_of_guests_are_checked_against_forgery(trial):
    visitor = Visitor(trial)
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', visitor.page())[1]
    strict = Client(enforce_csrf_checks=True)
    strict.cookies["guest"] = visitor.client.cookies["guest"].value
    send = {"content": "Ahoy", "key": uuid.uuid4().hex}
    forged = strict.post(visitor.chat + "send/", send)
    assert forged.status_code == 403
    elsewhere = {"Origin": "https://evil.example"}
    assert (
        strict.post(visitor.chat + "send/", {**send, "csrfmiddlewaretoken": token}, headers=elsewhere).status_code
        == 403
    )
    assert visitor.guest.messages_sent == 0
    assert not Generation.objects.exists()
    answer = strict.post(visitor.chat + "send/", {**send, "csrfmiddlewaretoken": token})
    assert answer.status_code == 303


def test_a_token_of_one_guest_is_worth_nothing_to_another(trial):
    one, other = Visitor(trial), Visitor(trial)
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', one.page())[1]
    strict = Client(enforce_csrf_checks=True)
    strict.cookies["guest"] = other.client.cookies["guest"].value
    assert strict.post(other.chat + "send/", {"content": "x", "csrfmiddlewaretoken": token}).status_code == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_no_other_page_begins_a_trial_for_those_who_look_at_it(trial, origin):
    assert Client().post(landing(trial), headers={"Origin": origin}).status_code == 403
    assert not Guest.objects.exists()


# Limits


def test_a_guest_has_so_many_messages_and_is_told(trial):
    change(trial, messages_per_guest=1)
    visitor = Visitor(trial)
    assert visitor.say().status_code == 200
    settle(visitor)
    refused = visitor.say("One more")
    assert refused.status_code == 429
    assert "You have sent the one message of this trial." in refused.content.decode()
    assert "One more" in refused.content.decode()
    assert Generation.objects.count() == 1


def test_all_guests_together_have_so_many(trial):
    change(trial, messages_total=1)
    assert Visitor(trial).say().status_code == 200
    refused = Visitor(trial).say()
    assert refused.status_code == 429
    assert "All messages of this trial have been used." in refused.content.decode()


def test_what_is_refused_does_not_count(trial):
    visitor = Visitor(trial)
    assert visitor.say("  ").status_code == 400
    assert visitor.say("x" * 4_001).status_code == 413
    assert visitor.guest.messages_sent == 0
    assert Trial.objects.get().messages_sent == 0


def test_a_message_sent_twice_counts_once(trial):
    visitor = Visitor(trial)
    key = uuid.uuid4().hex
    visitor.say(key=key)
    visitor.say(key=key)
    assert (visitor.guest.messages_sent, Generation.objects.count()) == (1, 1)


def together(visitor: Visitor, site: str, key: str, times: int) -> list[int]:
    """The same message, sent so many times at once to a real server; the statuses of the answers."""
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', visitor.page())[1]
    form = urlencode({"content": "Ahoy", "key": key, "parent_id": "", "csrfmiddlewaretoken": token}).encode()
    headers = {"Cookie": f"guest={visitor.client.cookies['guest'].value}", "X-Requested-With": "fetch"}

    def send(_number: int) -> int:
        try:
            with urlopen(Request(f"{site}{visitor.chat}send/", form, headers), timeout=60) as answer:
                return answer.status
        except HTTPError as error:
            return error.code

    with ThreadPoolExecutor(times) as senders:
        return list(senders.map(send, range(times)))


@pytest.mark.parametrize("key", ["0123456789abcdef", "", "   "])
def test_a_message_sent_many_times_at_once_counts_as_often_as_it_is_answered(trial, site, settings, key):
    settings.CHAT_MAX_RUNNING_REPLIES = 99
    visitor = Visitor(trial)
    assert together(visitor, site, key, times=6) == [200] * 6
    answered = 1 if key.strip() else 6
    assert (Generation.objects.count(), visitor.guest.messages_sent) == (answered, answered)
    assert Trial.objects.get().messages_sent == answered


def test_many_messages_at_once_are_no_more_than_a_guest_has(trial, site, settings):
    settings.CHAT_MAX_RUNNING_REPLIES = 99
    change(trial, messages_per_guest=3)
    visitor = Visitor(trial)
    assert sorted(together(visitor, site, "", times=12)) == [200] * 3 + [429] * 9
    assert (Generation.objects.count(), visitor.guest.messages_sent) == (3, 3)


class Judged(Guard):
    """Remembers what it was asked about, as a guard that costs money would put on its bill; refuses what is bad."""

    asked: list[str] = []

    def check_message(self, text, exchange):
        self.asked.append(text)
        if text.startswith("Bad"):
            raise Refused("That is bad.")
        return text


@pytest.fixture
def bill(settings, monkeypatch) -> list[str]:
    monkeypatch.setattr(Judged, "asked", [])
    settings.CHAT_GUARDS = [f"{__name__}.Judged"]
    return Judged.asked


def test_another_text_under_a_key_that_was_used_is_a_message(trial, bill):
    change(trial, messages_per_guest=3)
    visitor = Visitor(trial)
    key = uuid.uuid4().hex
    answers = [visitor.say(f"Text {n}", key=key).status_code for n in range(6)]
    assert answers == [200, 422, 422, 429, 429, 429]
    assert len(bill) == 3
    assert visitor.guest.messages_sent == 3


@pytest.mark.parametrize(("text", "is_same"), [("Bad", False), ("Good", True)])
def test_what_was_refused_or_sent_twice_is_no_message_only_so_often(trial, bill, settings, text, is_same):
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "guest_unpaid": "2/d/key"}
    change(trial, messages_per_guest=1)
    visitor = Visitor(trial)
    key = uuid.uuid4().hex
    answers = [visitor.say(text, key=key if is_same else uuid.uuid4().hex) for _ in range(6)]
    assert len(bill) == 3
    assert [answer.status_code for answer in answers[3:]] == [429] * 3


def test_another_answer_counts_as_a_message(trial):
    change(trial, messages_per_guest=1)
    visitor = Visitor(trial)
    visitor.say()
    settle(visitor)
    row = Generation.objects.get()
    again = visitor.say(at=f"c/{row.conversation_id}/retry/", message_id=row.reply_id)
    assert again.status_code == 429
    assert Generation.objects.count() == 1


def test_an_edited_message_counts_too(trial):
    change(trial, messages_per_guest=1)
    visitor = Visitor(trial)
    visitor.say()
    settle(visitor)
    row = Generation.objects.get()
    edited = visitor.say("Ahoy!", at=f"c/{row.conversation_id}/edit/", message_id=row.user_message_id)
    assert edited.status_code == 429
    assert Generation.objects.count() == 1


def test_another_answer_is_by_the_trials_model(trial, catalogue):
    visitor = Visitor(trial)
    visitor.say()
    settle(visitor)
    row = Generation.objects.get()
    form = {"message_id": row.reply_id, "model": catalogue["guide"].pk, "same": "on"}
    assert visitor.say("", at=f"c/{row.conversation_id}/retry/", **form).status_code == 200
    assert set(Generation.objects.values_list("backend", flat=True)) == {"scripted"}
    assert "Guide" not in visitor.page(f"c/{row.conversation_id}/again/?message={row.reply_id}")


def test_so_many_visitors_come_and_no_more(trial):
    change(trial, guests_total=1)
    Visitor(trial)
    answer = Client().post(landing(trial))
    assert answer.status_code == 429
    assert "As many people as can have tried this already." in answer.content.decode()
    assert Guest.objects.count() == 1


def test_nobody_becomes_a_guest_again_and_again(trial, settings):
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "guest": "2/h/ip"}
    assert [Client().post(landing(trial)).status_code for _ in range(3)] == [302, 302, 429]


@pytest.mark.parametrize("reason", [{"enabled": False}, {"ends_at": timezone.now()}, {"model": None}])
def test_a_trial_that_ends_ends_for_those_who_are_in_it(trial, reason):
    visitor = Visitor(trial)
    visitor.say()
    settle(visitor)
    change(trial, **reason)
    refused = visitor.say("One more")
    assert refused.status_code == 403
    assert "This trial is over." in refused.content.decode()
    assert visitor.client.get(visitor.chat)["Location"] == visitor.landing
    assert visitor.client.get(visitor.landing).status_code == 410


# Cleaning up


def test_guests_go_with_all_they_wrote_when_the_days_have_passed(trial, alice):
    visitor = Visitor(trial)
    visitor.say()
    assert sweeping.sweep_once() == 0
    change(trial, ends_at=timezone.now())
    guest = visitor.guest
    assert sweeping.sweep_once() == 1
    assert not Guest.objects.exists()
    assert not Conversation.objects.exists()
    assert list(get_store().keys(str(guest.user_id))) == []
    assert list(type(alice).objects.all()) == [alice]
    assert visitor.client.get(visitor.chat).status_code == 302


@pytest.mark.parametrize("sign", [{"is_staff": True}, {"email": "new@example.org"}, {"password": make_password("x")}])
def test_whom_an_administrator_made_a_member_of_a_guest_stays(trial, sign):
    visitor = Visitor(trial)
    visitor.say()
    member = visitor.guest.user
    type(member).objects.filter(pk=member.pk).update(**sign)
    change(trial, ends_at=timezone.now())
    assert sweeping.sweep_once() == 0
    assert not Guest.objects.exists()
    assert Conversation.objects.get().user == member
    assert visitor.client.get(visitor.chat).status_code == 302


def test_sessions_that_have_ended_are_removed_and_no_others(client, alice, monkeypatch):
    client.force_login(alice)
    for number in range(3):
        Session.objects.create(session_key=f"ended-{number}", expire_date=timezone.now() - datetime.timedelta(days=1))
    monkeypatch.setattr(sweeping, "SESSIONS", 2)
    assert [sweeping.sweep_once() for _ in range(3)] == [2, 1, 0]
    assert client.get("/").status_code == 200
    assert Session.objects.count() == 1


def test_a_command_removes_guests(trial, capsys):
    Visitor(trial)
    call_command("remove_guests")
    assert Guest.objects.count() == 1
    call_command("remove_guests", "--all")
    assert "1 visitor is deleted." in capsys.readouterr().out
    assert not Guest.objects.exists()


def test_with_a_trial_its_guests_go(trial, admin, client):
    Visitor(trial).say()
    client.force_login(admin)
    client.post(reverse("admin:sharing_trial_delete", args=[trial.pk]), {"post": "yes"})
    assert not Trial.objects.exists()
    assert not Conversation.objects.exists()
    assert not type(admin).objects.exclude(pk=admin.pk).exists()


# Embedding


def test_only_the_sites_that_are_named_may_embed_it(trial):
    change(trial, origins=f"{HOST}\nhttps://shop.example:8443")
    visitor = Visitor(trial)
    pages = [
        Client().get(landing(trial)),
        Client().get(reverse("sharing:embed", args=[trial.token])),
        visitor.client.get(visitor.chat + "?new"),
        visitor.client.get(visitor.chat + "accounts/login/"),
    ]
    for answer in pages:
        assert (
            "frame-ancestors https://www.example.org https://shop.example:8443;"
            in answer["Content-Security-Policy"] + ";"
        )
        assert "X-Frame-Options" not in answer
        assert "script-src 'self'" in answer["Content-Security-Policy"]


def test_without_a_name_nobody_may(trial):
    visitor = Visitor(trial)
    for answer in (Client().get(landing(trial)), visitor.client.get(visitor.chat + "?new")):
        assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
        assert answer["X-Frame-Options"] == "DENY"
    assert Client().get(reverse("sharing:embed", args=[trial.token])).status_code == 404


def test_other_pages_stay_closed_to_frames(trial, client, alice):
    change(trial, origins=HOST)
    Visitor(trial)
    client.force_login(alice)
    for url in ("/", "/shared/", "/accounts/profile/"):
        assert "frame-ancestors 'none'" in client.get(url)["Content-Security-Policy"]


def test_in_a_frame_the_cookie_is_kept_apart_for_each_site(trial):
    change(trial, origins=HOST)
    answer = Client().post(reverse("sharing:embed", args=[trial.token]))
    cookie = answer.headers["Set-Cookie"]
    assert {"HttpOnly", "Secure", "SameSite=None", "Partitioned", f"Path={landing(trial)}"} <= set(cookie.split("; "))
    plain = Client().post(landing(trial)).cookies["guest"]
    assert (plain["samesite"], plain["httponly"], plain["path"]) == ("Lax", True, landing(trial))


@pytest.mark.parametrize(
    "line",
    [
        *("*", "https:", "https://*.example.org", "http://www.example.org", "https://example.org/path", "'self'"),
        *("https://a.example; script-src *", "https://a.example https://b.example", "javascript:alert(1)", "null"),
    ],
)
def test_what_lets_in_more_than_one_site_is_no_origin(line):
    with pytest.raises(ValidationError):
        clean_origins(line)


def test_origins_are_read_as_people_write_them():
    assert clean_origins(" https://WWW.Example.org/ \n\nhttps://b.example:8443") == [HOST, "https://b.example:8443"]


def test_the_admin_has_a_snippet_to_copy(trial, admin, client):
    change(trial, origins=HOST, name='A "quoted" <name>')
    client.force_login(admin)
    url = reverse("admin:sharing_trial_change", args=[trial.pk])
    shown = client.get(url).content.decode()
    assert f"http://testserver{landing(trial)}" in shown
    assert "&lt;iframe src=&quot;http://testserver" in shown
    assert "A &amp;quot;quoted&amp;quot; &amp;lt;name&amp;gt;" in shown  # escaped for the page that it is pasted into
    assert Guest.objects.count() == 0


def test_guests_are_not_listed_among_people(trial, admin, client):
    Visitor(trial)
    client.force_login(admin)
    assert "guest-" not in client.get(reverse("admin:accounts_user_changelist")).content.decode()


def test_secrets_of_guests_stand_in_no_log(trial, caplog):
    from chatsite.middleware import SecretLinksFilter

    caplog.handler.addFilter(SecretLinksFilter())
    visitor = Visitor(trial)
    change(trial, origins=HOST)
    Client(headers=FRAMED).get(visitor.named + "accounts/profile/")
    assert "Not Found" in caplog.text
    assert visitor.client.cookies["guest"].value not in caplog.text
    assert trial.token not in caplog.text


def test_services_know_a_guest_as_any_other_user(trial):
    visitor = Visitor(trial)
    visitor.say()
    assert services.latest(visitor.guest.user) == Conversation.objects.get()


async def test_live_html_leads_below_the_trial_too():
    async def frames():
        yield b'data: {"html": "<button formaction=\\"/c/%b/retry/\\" class=\\"x\\">"}\n\n' % (b"a" * 36)

    sent = [frame async for frame in mount._below(frames(), b"/try/T/chat")]
    assert sent == [
        b'data: {"html": "<button formaction=\\"/try/T/chat/c/%b/retry/\\" class=\\"x\\">"}\n\n' % (b"a" * 36)
    ]
