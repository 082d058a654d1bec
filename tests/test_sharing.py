"""Shared links: a frozen copy of a chat, for whoever has the link, for as long as its owner wants."""

from __future__ import annotations

import datetime
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from chatsite.sharing import links, snapshots, tokens
from chatsite.sharing.models import SharedLink
from chatsite.sharing.models.shared_link import SALT
from chatsite.sharing.views import readers
from conversations import services
from conversations.models import Conversation
from conversations.stores import get_store
from conversations.types import Message, Transcript

pytestmark = pytest.mark.django_db
PASSWORD = "open sesame"


@pytest.fixture
def chat(db, alice):
    """A chat with two versions of its question; the later one is shown."""
    chat = Conversation.objects.create(user=alice, title="Fish & chips")
    system = Message("system", "You are a pirate.")
    first = Message("user", "Which bird?", parent_id=system.id)
    second = Message("user", "Which <b>fish</b>?", parent_id=system.id)
    data = {"label": "Gemma", "reasoning": "Hm, fish.", "backend": "internal-name", "error": "token hf_secret"}
    answer = Message("assistant", "**Cod**, [of course](https://fish.example/).", parent_id=second.id, metadata=data)
    get_store().append(chat.key, system, first, create=True)
    get_store().append(chat.key, second, answer)
    services.select(chat, answer.id)
    return chat


def url_of(link: SharedLink) -> str:
    return reverse("sharing:shared", args=[link.token])


def page(link: SharedLink, client: Client | None = None) -> str:
    answer = (client or Client()).get(url_of(link))
    assert answer.status_code == 200
    return answer.content.decode()


def is_closed(url: str) -> bool:
    answer = Client().get(url)
    return answer.status_code == 404 and "This link opens nothing" in answer.content.decode()


def test_a_stranger_reads_what_is_shown_and_nothing_else(chat):
    shown = page(links.share(chat))
    assert "Fish &amp; chips" in shown
    assert "Which &lt;b&gt;fish&lt;/b&gt;?" in shown
    assert "<strong>Cod</strong>" in shown
    assert "Gemma" in shown
    for hidden in ("Which bird?", "pirate", "Hm, fish.", "internal-name", "hf_secret", "alice", str(chat.pk)):
        assert hidden not in shown


def test_the_copy_is_frozen(chat):
    link = links.share(chat)
    leaf = services.read(chat).leaf
    get_store().append(chat.key, Message("user", "And a later secret", parent_id=leaf))
    services.rename(chat, "A later title")
    shown = page(link)
    assert "A later secret" not in shown
    assert "A later title" not in shown
    assert "Fish &amp; chips" in shown


def test_the_original_cannot_be_found_from_the_copy(chat):
    link = links.share(chat)
    ids = [message.id for message in services.read(chat).messages]
    assert not [id_ for id_ in ids if id_ in link.snapshot or id_ in page(link)]


def test_a_link_is_in_no_index_and_in_no_cache_and_is_told_to_nobody(chat):
    answer = Client().get(url_of(links.share(chat)))
    assert "noindex" in answer["X-Robots-Tag"]
    assert '<meta name="robots" content="noindex' in answer.content.decode()
    assert answer["Referrer-Policy"] == "same-origin"
    assert "no-store" in answer["Cache-Control"]
    assert answer["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]


def test_links_that_never_were_and_links_that_are_no_more_look_alike(chat):
    revoked, expired = links.share(chat), links.share(chat)
    gone = [url_of(revoked), url_of(expired)]
    links.revoke(revoked)
    SharedLink.objects.filter(pk=expired.pk).update(expires_at=timezone.now())
    never = reverse("sharing:shared", args=[tokens.token_of(chat.pk, SALT)])
    forged = reverse("sharing:shared", args=["A" * tokens.LENGTH])
    nonsense = reverse("sharing:shared", args=["x"])
    answers = [Client().get(url) for url in (*gone, never, forged, nonsense)]
    bodies = {re.sub(r"[0-9a-f]{32}", "", answer.content.decode()) for answer in answers}
    assert {answer.status_code for answer in answers} == {404}
    assert len(bodies) == 1


def test_no_letter_of_a_token_can_be_changed(chat):
    token = links.share(chat).token
    for place in range(len(token)):
        other = "A" if token[place] != "A" else "B"
        assert SharedLink.objects.at(token[:place] + other + token[place + 1 :]) is None
    assert SharedLink.objects.at(token) is not None


def test_a_token_signed_with_the_key_before_still_opens(chat, settings):
    url = url_of(links.share(chat))
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-" * 8
    assert Client().get(url).status_code == 200


def test_deleting_the_chat_revokes_its_links(chat):
    link = links.share(chat)
    services.delete(chat)
    assert is_closed(url_of(link))
    assert not SharedLink.objects.exists()


def test_a_link_opens_nothing_while_its_chat_is_in_the_trash(chat):
    link = links.share(chat)
    Conversation.objects.filter(pk=chat.pk).update(trashed_at=timezone.now())
    assert is_closed(url_of(link))
    Conversation.objects.filter(pk=chat.pk).update(trashed_at=None)
    assert not is_closed(url_of(link))


def test_deleting_or_deactivating_the_owner_revokes_all_links(chat, alice):
    link = links.share(chat)
    alice.is_active = False
    alice.save()
    assert is_closed(url_of(link))
    alice.delete()
    assert not SharedLink.objects.exists()


def test_a_password_is_asked_for_and_kept_hashed(chat):
    link = links.share(chat, password=PASSWORD)
    visitor = Client()
    asked = page(link, visitor)
    assert "Cod" not in asked
    assert "Fish" not in asked  # nor its title
    assert PASSWORD not in SharedLink.objects.get().password
    wrong = visitor.post(url_of(link), {"password": "wrong"})
    assert wrong.status_code == 403
    assert "This password is not right" in wrong.content.decode()
    assert visitor.post(url_of(link), {"password": PASSWORD}).status_code == 302
    assert "Cod" in page(link, visitor)
    assert "Cod" not in page(link, Client())


def test_what_opened_one_link_opens_no_other(chat):
    first, second = links.share(chat, password=PASSWORD), links.share(chat, password=PASSWORD)
    visitor = Client()
    visitor.post(url_of(first), {"password": PASSWORD})
    cookie = visitor.cookies["shared"]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == (url_of(first), True, "Lax")
    visitor.cookies["shared"] = cookie.value
    assert "Cod" not in page(second, visitor)


def test_passwords_cannot_be_guessed_at_leisure(chat):
    link = links.share(chat, password=PASSWORD)
    guesser = Client()
    statuses = [guesser.post(url_of(link), {"password": f"guess {n}"}).status_code for n in range(6)]
    assert statuses == [403] * 5 + [429]
    stopped = guesser.post(url_of(link), {"password": PASSWORD})
    assert stopped.status_code == 429
    assert int(stopped["Retry-After"]) > 0


def test_many_who_share_an_address_may_each_open_a_link(chat):
    link = links.share(chat, password=PASSWORD)
    assert {Client().post(url_of(link), {"password": PASSWORD}).status_code for _ in range(8)} == {302}


def test_guessing_from_many_addresses_ends_too(chat, settings):
    settings.TRUSTED_PROXIES = settings.ALLAUTH_TRUSTED_PROXY_COUNT = 0
    link = links.share(chat, password=PASSWORD)
    tries = (
        Client(REMOTE_ADDR=f"10.0.{n // 250}.{n % 250}").post(url_of(link), {"password": "guess"}) for n in range(101)
    )
    assert [answer.status_code for answer in tries][-1] == 429


def test_views_are_counted_without_the_owners_own(chat, alice, client):
    link = links.share(chat)
    client.force_login(alice)
    page(link, client)
    page(link)
    page(link)
    Client().get(url_of(link), headers={"Sec-Purpose": "prefetch"})
    link.refresh_from_db()
    assert link.views == 2
    assert "Viewed 2 times." in client.get(reverse("sharing:links")).content.decode()


def test_who_asks_for_the_password_has_not_viewed_it_yet(chat):
    link = links.share(chat, password=PASSWORD)
    page(link)
    link.refresh_from_db()
    assert link.views == 0


def test_whoever_is_logged_in_continues_with_a_copy_of_their_own(chat, bob, client):
    link = links.share(chat)
    client.force_login(bob)
    answer = client.post(reverse("sharing:copy", args=[link.token]))
    own = Conversation.objects.for_user(bob).get()
    assert answer["Location"] == reverse("conversations:show", args=[own.pk])
    said = [(message.role, message.content) for message in services.read(own).branch()]
    assert said == [("user", "Which <b>fish</b>?"), ("assistant", "**Cod**, [of course](https://fish.example/).")]
    assert own.title == "Fish & chips"
    assert len(services.read(chat).messages) == 4


def test_whoever_is_not_is_led_through_the_log_in_and_asked(chat, bob, client):
    url = reverse("sharing:copy", args=[links.share(chat).token])
    answer = client.get(url)
    assert answer["Location"] == f"{reverse('account_login')}?next={url}"
    client.force_login(bob)
    assert "Continue with a copy of your own?" in client.get(url).content.decode()
    assert not Conversation.objects.for_user(bob).exists()  # a GET changes nothing


def test_a_copy_takes_the_password_too(chat, bob, client):
    link = links.share(chat, password=PASSWORD)
    client.force_login(bob)
    answer = client.post(reverse("sharing:copy", args=[link.token]))
    assert answer["Location"] == url_of(link)
    assert not Conversation.objects.for_user(bob).exists()


def test_answers_side_by_side_are_shared_and_copied_side_by_side(chat, bob):
    question = Message("user", "Compare.", parent_id=services.read(chat).leaf)
    lanes = [
        Message("assistant", f"Answer {n}", parent_id=question.id, metadata={"lane": n, "label": f"Model {n}"})
        for n in (1, 2)
    ]
    get_store().append(chat.key, question, *lanes)
    services.select(chat, question.id)
    link = links.share(chat)
    assert "Answer 1" in page(link)
    assert "Answer 2" in page(link)
    copied = services.read(links.continue_as_own(bob, link))
    assert [lane.content for lane in copied.lanes(copied.leaf)] == ["Answer 1", "Answer 2"]


def test_a_chat_is_not_shared_in_the_middle_of_an_answer(alice, client):
    chat = Conversation.objects.create(user=alice, title="Live")
    question = Message("user", "Hello")
    live = Message("assistant", "Hel", parent_id=question.id, metadata={"status": "in_progress"})
    get_store().append(chat.key, question, live, create=True)
    client.force_login(alice)
    answer = client.post(reverse("sharing:share", args=[chat.pk]), {"days": "30"})
    assert answer.status_code == 409
    assert "An answer is still being written" in answer.content.decode()
    assert not SharedLink.objects.exists()


def test_an_empty_chat_has_nothing_to_share(alice, client):
    chat = Conversation.objects.create(user=alice)
    get_store().save(chat.key, Transcript())
    client.force_login(alice)
    answer = client.post(reverse("sharing:share", args=[chat.pk]), {"days": ""})
    assert answer.status_code == 400
    assert "There is nothing to share in this chat yet." in answer.content.decode()


def test_the_owner_is_told_what_a_link_shows_before_making_one(chat, alice, client):
    client.force_login(alice)
    url = reverse("sharing:share", args=[chat.pk])
    told = client.get(url).content.decode()
    assert "Whoever has the link sees" in told
    assert "Nobody sees" in told
    client.post(url, {"days": "7", "password": PASSWORD})
    link = SharedLink.objects.get()
    assert link.has_password
    assert link.expires_at - timezone.now() <= datetime.timedelta(days=7)
    assert f"http://testserver{url_of(link)}" in client.get(url).content.decode()


@pytest.mark.parametrize("data", [{"days": "31"}, {"days": "x"}, {"days": "30", "password": "short"}])
def test_wrong_wishes_make_no_link(chat, alice, client, data):
    client.force_login(alice)
    assert client.post(reverse("sharing:share", args=[chat.pk]), data).status_code == 400
    assert not SharedLink.objects.exists()


def test_nobody_keeps_more_links_than_there_is_room_for(chat, monkeypatch, alice, client):
    monkeypatch.setattr(links, "MOST_LINKS", 1)
    links.share(chat)
    client.force_login(alice)
    answer = client.post(reverse("sharing:share", args=[chat.pk]), {"days": "30"})
    assert answer.status_code == 429
    assert SharedLink.objects.count() == 1


def test_revoking_leads_back_and_to_no_other_site(chat, alice, client):
    client.force_login(alice)
    for back, place in ((f"/c/{chat.pk}/share/", f"/c/{chat.pk}/share/"), ("//evil.example/", "/shared/")):
        link = links.share(chat)
        answer = client.post(reverse("sharing:revoke", args=[link.pk]), {"next": back})
        assert answer["Location"] == place
        assert is_closed(url_of(link))


def test_the_list_takes_as_many_queries_for_many_links_as_for_one(chat, alice, client, django_assert_num_queries):
    client.force_login(alice)
    url = reverse("sharing:links")
    links.share(chat)
    client.get(url)
    with CaptureQueriesContext(connection) as one:
        client.get(url)
    for _ in range(20):
        links.share(chat)
    with django_assert_num_queries(len(one)):
        assert client.get(url).content.decode().count("data-link>") == 21


def test_a_long_chat_is_shown_page_by_page(chat):
    said = tuple(snapshots.Said("user", f"Line {n}") for n in range(150))
    link = links.share(chat)
    SharedLink.objects.filter(pk=link.pk).update(snapshot=snapshots.dumps(said))
    shown = page(link)
    assert "Line 99<" in shown
    assert "Line 100<" not in shown
    assert "Line 149<" in Client().get(url_of(link) + "?page=2").content.decode()


def test_a_page_holds_no_more_than_can_be_rendered_in_time(chat):
    lengths = [30_000, 30_000, 10_000, 120_000, 10]
    said = tuple(snapshots.Said("user", f"Line {n} " + "x" * length) for n, length in enumerate(lengths))
    link = links.share(chat)
    SharedLink.objects.filter(pk=link.pk).update(snapshot=snapshots.dumps(said))
    pages = [Client().get(f"{url_of(link)}?page={number}").content.decode() for number in (1, 2, 3)]
    assert [re.findall(r"Line (\d)", shown) for shown in pages] == [["0", "1"], ["2", "3"], ["4"]]
    assert "Later messages" in pages[0]
    assert "Later messages" not in pages[2]


@pytest.mark.parametrize("definition", ["", "\n\n[known]: https://fish.example/"])
def test_what_takes_too_long_to_render_is_shown_as_it_was_written(chat, monkeypatch, definition):
    monkeypatch.setattr(readers, "RENDERING", 0)
    text = f"A **bold** and <i>new</i> block\n\nJust prose\n\n| an | hour |\n|-|-|\n| of | tables |{definition}"
    link = links.share(chat)
    SharedLink.objects.filter(pk=link.pk).update(snapshot=snapshots.dumps((snapshots.Said("assistant", text),)))
    shown = page(link)
    assert "A **bold** and &lt;i&gt;new&lt;/i&gt; block" in shown
    assert "<p>Just prose</p>" in shown
    assert "| of | tables |" in shown
    assert "<table>" not in shown
    monkeypatch.undo()
    assert "<table>" in page(link)  # and what was not rendered is not remembered as such


def test_a_stranger_reads_only_so_many_pages_a_minute(chat, client, bob, settings):
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "shared_page": "2/m/ip"}
    url = url_of(links.share(chat))
    answers = [Client().get(url) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert "Wait a minute, then reload this page." in answers[2].content.decode()
    assert answers[2]["Retry-After"] == "60"
    assert Client(REMOTE_ADDR="192.0.2.7").get(url).status_code == 200
    client.force_login(bob)
    assert client.get(url).status_code == 200


def test_the_admin_sees_that_something_is_shared_and_never_what(chat, admin, client):
    link = links.share(chat)
    client.force_login(admin)
    for url in (
        reverse("admin:sharing_sharedlink_changelist"),
        reverse("admin:sharing_sharedlink_change", args=[link.pk]),
    ):
        shown = client.get(url).content.decode()
        assert "alice" in shown
        assert "Cod" not in shown
        assert link.token not in shown
    client.post(reverse("admin:sharing_sharedlink_delete", args=[link.pk]), {"post": "yes"})
    assert is_closed(url_of(link))


def test_tokens_stand_in_no_log(chat, caplog):
    from chatsite.middleware import SecretLinksFilter

    caplog.handler.addFilter(SecretLinksFilter())
    link = links.share(chat)
    links.revoke(link)
    Client().get(url_of(link))
    assert "Not Found" in caplog.text
    assert link.token not in caplog.text
