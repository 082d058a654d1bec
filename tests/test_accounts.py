"""Signing up, logging in and out, passwords, the profile; and that none of it tells who has an account."""

from __future__ import annotations

import re

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from django.urls import reverse

from conversations.models import Conversation
from conversations.stores import get_store
from conversations.types import Key, Message
from tests.conftest import PASSWORD

LOGIN, SIGNUP, LOGOUT = "/accounts/login/", "/accounts/signup/", "/accounts/logout/"
RESET, CHANGE, PROFILE = "/accounts/password/reset/", "/accounts/password/change/", "/accounts/profile/"
SENT = "/accounts/confirm-email/"
NEW_PASSWORD = "another horse entirely"

pytestmark = pytest.mark.django_db


@pytest.fixture
def verification(settings):
    """As in production: whoever signs up confirms the address."""
    settings.SIGNUP_VERIFY_EMAIL = True
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"


def user_of(client: Client) -> str | None:
    return client.session.get("_auth_user_id")


def log_in(client: Client, login: str, password: str = PASSWORD, **extra):
    return client.post(LOGIN, {"login": login, "password": password}, **extra)


def sign_up(client: Client, email: str, password: str = PASSWORD):
    return client.post(SIGNUP, {"email": email, "password1": password})


def link_in(message) -> str:
    return re.search(r"https?://[^/]+(/\S+)", message.body).group(1)


def comparable(response) -> tuple[int, str, str]:
    """Status, place and page, without what differs from request to request."""
    page = re.sub(r'(csrfmiddlewaretoken" value="|request-id">Request )[\w-]+', "", response.content.decode())
    return response.status_code, response.headers.get("Location", ""), page


# Signing up


def test_in_development_signing_up_logs_in_at_once(client, django_user_model):
    answer = sign_up(client, "Chi@Example.com")
    assert (answer.status_code, answer["Location"]) == (302, "/")
    person = django_user_model.objects.get()
    assert (person.email, person.username) == ("chi@example.com", "chi")
    assert user_of(client) == str(person.pk)


def test_two_people_with_the_same_beginning_of_their_address_get_different_user_names(django_user_model):
    sign_up(Client(), "chi@example.com")
    sign_up(Client(), "chi@example.org")
    assert django_user_model.objects.values("username").distinct().count() == 2


def test_a_weak_password_is_refused_under_its_field(client, django_user_model):
    page = sign_up(client, "chi@example.com", "password").content.decode()
    assert 'class="field-error" id="id_password1_error"' in page
    assert 'aria-invalid="true"' in page
    assert not django_user_model.objects.exists()


def test_input_of_absurd_length_is_refused(client, django_user_model):
    sign_up(client, "chi@example.com", "correct horse " * 100)
    assert not django_user_model.objects.exists()


def test_without_verification_a_taken_address_is_told(client, alice):
    page = sign_up(client, "ALICE@example.com").content.decode()
    assert "There is an account with this address already" in page


def test_closed_sign_up_shows_a_page_and_takes_nobody(client, settings, django_user_model):
    settings.SIGNUP_OPEN = False
    page = client.get(SIGNUP)
    assert (page.status_code, b"Sign-up is closed" in page.content) == (200, True)
    answer = sign_up(client, "chi@example.com")
    assert (answer.status_code, b"Sign-up is closed" in answer.content) == (403, True)
    assert not django_user_model.objects.exists()


def test_the_log_in_page_offers_sign_up_only_while_it_is_open(client, settings):
    assert SIGNUP.encode() in client.get(LOGIN).content
    settings.SIGNUP_OPEN = False
    assert SIGNUP.encode() not in client.get(LOGIN).content


def test_the_place_somebody_wanted_is_kept_from_log_in_to_sign_up_and_reached(client):
    page = client.get(LOGIN + "?next=/accounts/profile/").content.decode()
    assert f'href="{SIGNUP}?next=%2Faccounts%2Fprofile%2F"' in page
    answer = client.post(
        SIGNUP + "?next=/accounts/profile/",
        {"email": "chi@example.com", "password1": PASSWORD, "next": "/accounts/profile/"},
    )
    assert answer["Location"] == "/accounts/profile/"


@pytest.mark.parametrize("place", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_log_in_leads_to_no_other_site(client, alice, place):
    answer = client.post(LOGIN, {"login": "alice", "password": PASSWORD, "next": place})
    assert answer["Location"] == "/"


# Signing up, with verification


@pytest.mark.usefixtures("verification")
def test_whoever_signs_up_is_in_after_following_the_link_in_the_mail(client, django_user_model):
    assert sign_up(client, "chi@example.com")["Location"] == SENT
    assert user_of(client) is None
    link = link_in(mail.outbox[0])
    assert b"chi@example.com" in client.get(link).content
    answer = client.post(link)
    assert answer["Location"] == "/"
    assert user_of(client) == str(django_user_model.objects.get().pk)


@pytest.mark.usefixtures("verification")
def test_following_the_link_in_another_browser_confirms_but_logs_nobody_in(client):
    sign_up(client, "chi@example.com")
    other = Client()
    assert other.post(link_in(mail.outbox[0]))["Location"] == LOGIN
    assert user_of(other) is None
    assert log_in(other, "chi@example.com")["Location"] == "/"


@pytest.mark.usefixtures("verification")
def test_a_link_works_once(client):
    sign_up(client, "chi@example.com")
    link = link_in(mail.outbox[0])
    client.post(link)
    again = Client().get(link)
    assert (again.status_code, b"does not work any more" in again.content) == (200, True)


@pytest.mark.usefixtures("verification")
def test_without_confirming_nobody_gets_in_and_a_new_mail_comes(client):
    sign_up(client, "chi@example.com")
    other = Client()
    assert log_in(other, "chi@example.com")["Location"] == SENT
    assert user_of(other) is None
    assert len(mail.outbox) == 2


@pytest.mark.usefixtures("verification")
def test_accounts_that_an_administrator_made_need_no_confirmation(client, alice, django_user_model):
    django_user_model.objects.create_user("root", "", PASSWORD)
    assert log_in(client, "alice@example.com")["Location"] == "/"
    assert log_in(Client(), "root")["Location"] == "/"
    assert mail.outbox == []


@pytest.mark.usefixtures("verification")
def test_a_mail_server_that_is_down_is_told_and_the_account_can_be_confirmed_later(client, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9  # nothing listens there
    answer = sign_up(client, "chi@example.com")
    assert (answer.status_code, answer["Retry-After"]) == (503, "60")
    assert "The e-mail could not be sent" in answer.content.decode()
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    log_in(client, "chi@example.com")
    assert client.post(link_in(mail.outbox[0])).status_code == 302


# Nobody learns who has an account


@pytest.mark.usefixtures("verification")
def test_sign_up_answers_alike_whether_the_account_exists(alice):
    taken, free = Client(), Client()
    answers = [sign_up(taken, "alice@example.com"), sign_up(free, "nobody@example.com")]
    assert comparable(answers[0]) == comparable(answers[1])
    assert comparable(taken.get(SENT)) == comparable(free.get(SENT))
    assert [message.to for message in mail.outbox] == [["alice@example.com"], ["nobody@example.com"]]
    assert "/accounts/password/reset/" in mail.outbox[0].body


@pytest.mark.usefixtures("verification")
def test_signing_up_with_a_taken_address_changes_nothing_about_the_account(alice, django_user_model):
    sign_up(Client(), "alice@example.com", NEW_PASSWORD)
    assert django_user_model.objects.get().check_password(PASSWORD)


@pytest.mark.parametrize("login", ["alice", "alice@example.com"])
def test_log_in_answers_alike_whether_the_account_exists(alice, login):
    known, unknown = log_in(Client(), login, "wrong"), log_in(Client(), login.replace("alice", "nobody"), "wrong")
    assert comparable(known)[2].replace("alice", "nobody") == comparable(unknown)[2]
    assert known.status_code == unknown.status_code == 200


def test_reset_answers_alike_whether_the_account_exists(alice):
    answers = [Client().post(RESET, {"email": f"{name}@example.com"}) for name in ("alice", "nobody")]
    assert comparable(answers[0]) == comparable(answers[1])
    assert answers[0]["Location"] == "/accounts/password/reset/done/"


@pytest.mark.usefixtures("verification")
def test_a_deactivated_account_is_no_different_in_reset_and_sign_up(alice):
    alice.is_active = False
    alice.save()
    reset = [Client().post(RESET, {"email": f"{name}@example.com"}) for name in ("alice", "nobody")]
    assert comparable(reset[0]) == comparable(reset[1])
    signup = [sign_up(Client(), f"{name}@example.com") for name in ("alice", "nobody")]
    assert comparable(signup[0]) == comparable(signup[1])


def test_the_mail_about_an_unknown_account_offers_sign_up_only_while_it_is_open(client, settings):
    client.post(RESET, {"email": "nobody@example.com"})
    settings.SIGNUP_OPEN = False
    client.post(RESET, {"email": "nobody@example.com"})
    assert [SIGNUP in message.body for message in mail.outbox] == [True, False]


# Logging in and out


@pytest.mark.parametrize("login", ["alice", "ALICE", "alice@example.com", "Alice@Example.com", " alice "])
def test_people_log_in_with_user_name_or_address(client, alice, login):
    assert log_in(client, login)["Location"] == "/"
    assert user_of(client) == str(alice.pk)


def test_an_address_entered_with_capitals_logs_in_like_any_other(client, django_user_model):
    django_user_model.objects.create_user("chi", "Chi.Nguyen@Example.com", PASSWORD)
    assert log_in(client, "chi.nguyen@example.com")["Location"] == "/"


def test_a_wrong_password_keeps_the_name_and_says_what_is_wrong(client, alice):
    page = log_in(client, "alice", "wrong").content.decode()
    assert "The name or the password is not right." in page
    assert 'value="alice"' in page
    assert "wrong" not in page


def test_log_in_page_has_the_right_types_and_autocompletion(client):
    page = client.get(LOGIN).content.decode()
    assert re.search(r'<input[^>]*name="login"[^>]*autocomplete="username"', page)
    assert re.search(r'<input type="password"[^>]*autocomplete="current-password"', page)
    assert "placeholder" not in page


def test_sign_up_page_has_the_right_types_and_autocompletion(client):
    page = client.get(SIGNUP).content.decode()
    assert re.search(r'<input type="email"[^>]*autocomplete="email"', page)
    assert re.search(r'<input type="password"[^>]*autocomplete="new-password"', page)
    assert 'aria-describedby="id_password1_helptext"' in page
    assert 'id="id_password1_helptext"' in page


def test_logging_out_ends_the_session_on_the_server(client, alice):
    log_in(client, "alice")
    stolen = Client()
    stolen.cookies["sessionid"] = client.cookies["sessionid"].value
    assert stolen.get(PROFILE).status_code == 200
    assert client.post(LOGOUT)["Location"] == LOGIN
    assert stolen.get(PROFILE)["Location"].startswith(LOGIN)


def test_log_out_by_get_asks_first(client, alice):
    client.force_login(alice)
    page = client.get(LOGOUT)
    assert (page.status_code, b"Log out?" in page.content) == (200, True)
    assert user_of(client) == str(alice.pk)


def test_log_out_while_logged_out_leads_to_log_in(client):
    assert client.get(LOGOUT)["Location"] == LOGIN


def test_a_deactivated_person_cannot_log_in_and_is_told_why(client, alice):
    alice.is_active = False
    alice.save()
    answer = log_in(client, "alice")
    assert answer["Location"] == "/accounts/inactive/"
    assert b"deactivated" in client.get(answer["Location"]).content
    assert user_of(client) is None


def test_a_deactivated_person_is_out_with_the_next_request(client, alice, django_user_model):
    log_in(client, "alice")
    assert client.get(PROFILE).status_code == 200
    django_user_model.objects.update(is_active=False)
    assert client.get(PROFILE)["Location"].startswith(LOGIN)


# Passwords


def change_password(client: Client, old: str = PASSWORD, new: str = NEW_PASSWORD):
    return client.post(CHANGE, {"oldpassword": old, "password1": new, "password2": new})


def test_changing_the_password_ends_all_other_sessions(client, alice):
    other = Client()
    log_in(client, "alice")
    log_in(other, "alice")
    assert change_password(client)["Location"] == PROFILE
    assert client.get(PROFILE).status_code == 200
    assert other.get(PROFILE)["Location"].startswith(LOGIN)
    assert log_in(Client(), "alice", NEW_PASSWORD)["Location"] == "/"


def test_changing_the_password_needs_the_old_one(client, alice):
    client.force_login(alice)
    assert b"not your current password" in change_password(client, old="wrong").content
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


def test_a_password_is_reset_by_mail_and_every_session_ends(client, alice):
    logged_in = Client()
    log_in(logged_in, "alice")
    client.post(RESET, {"email": "alice@example.com"})
    assert mail.outbox[0].subject == "[Chatsite] Choose a new password"
    assert "Your user name is alice." in mail.outbox[0].body
    form = client.get(link_in(mail.outbox[0]))["Location"]
    assert "set-password" in form  # the key itself is in no address that a page sees
    answer = client.post(form, {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
    assert b"Your password is changed" in client.get(answer["Location"]).content
    assert logged_in.get(PROFILE)["Location"].startswith(LOGIN)
    assert log_in(Client(), "alice", NEW_PASSWORD)["Location"] == "/"


def test_a_reset_link_works_once(client, alice):
    client.post(RESET, {"email": "alice@example.com"})
    link = link_in(mail.outbox[0])
    form = client.get(link)["Location"]
    client.post(form, {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
    again = Client().get(link)
    assert (again.status_code, b"does not work any more" in again.content) == (200, True)


@pytest.mark.usefixtures("verification")
def test_resetting_the_password_by_mail_confirms_the_address_too(client):
    sign_up(Client(), "chi@example.com", "somebody else's guess")
    client.post(RESET, {"email": "chi@example.com"})
    form = client.get(link_in(mail.outbox[1]))["Location"]
    client.post(form, {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
    assert log_in(client, "chi@example.com", NEW_PASSWORD)["Location"] == "/"


def test_a_site_without_mail_says_so_instead_of_pretending(client, alice, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    page = client.get(RESET)
    assert (page.status_code, b"cannot send e-mail" in page.content) == (200, True)
    assert client.post(RESET, {"email": "alice@example.com"}).status_code == 403


# The profile


def test_names_of_any_script_are_kept_as_written(client, alice):
    client.force_login(alice)
    decomposed = "Nguye\u0302\u0303n Thi\u0323 Minh Khai"
    assert client.post(PROFILE, {"name": decomposed})["Location"] == PROFILE
    alice.refresh_from_db()
    assert (alice.name, str(alice)) == ("Nguyễn Thị Minh Khai", "Nguyễn Thị Minh Khai")
    assert "Nguyễn Thị Minh Khai" in client.get(PROFILE).content.decode()


def test_the_profile_changes_nothing_but_the_name(client, alice, django_user_model):
    client.force_login(alice)
    client.post(PROFILE, {"name": "A", "email": "new@example.com", "is_staff": "on", "username": "root"})
    alice.refresh_from_db()
    assert (alice.name, alice.email, alice.is_staff, alice.username) == ("A", "alice@example.com", False, "alice")


def test_an_address_belongs_to_one_person_however_it_is_spelled(alice, django_user_model):
    from django.db import IntegrityError, transaction

    with pytest.raises(IntegrityError), transaction.atomic():
        django_user_model.objects.create_user("alice2", "ALICE@example.com", PASSWORD)
    django_user_model.objects.create_user("root", "", PASSWORD)
    django_user_model.objects.create_user("service", "", PASSWORD)  # no address is no address


# People in the admin


def test_an_address_changed_in_the_admin_takes_the_old_ones_place(client, admin, django_user_model):
    sign_up(Client(), "chi@example.com")
    person = django_user_model.objects.get(email="chi@example.com")
    EmailAddress.objects.filter(user=person).update(verified=True)
    client.force_login(admin)
    url = reverse("admin:accounts_user_change", args=[person.pk])
    fields = {"username": "chi", "name": "", "email": "chi@example.org", "is_active": "on"}
    assert client.post(url, fields).status_code == 302
    assert log_in(Client(), "chi@example.org")["Location"] == "/"
    assert log_in(Client(), "chi@example.com").status_code == 200


def test_staff_can_confirm_an_address_whose_mail_got_lost(client, admin, verification, django_user_model):
    sign_up(Client(), "chi@example.com")
    person = django_user_model.objects.get(email="chi@example.com")
    client.force_login(admin)
    url = reverse("admin:accounts_user_changelist")
    client.post(url, {"action": "confirm_address", "_selected_action": [person.pk]})
    assert log_in(Client(), "chi@example.com")["Location"] == "/"


def test_an_account_made_in_the_admin_works(client, admin):
    client.force_login(admin)
    fields = {
        "username": "chi",
        "email": "chi@example.com",
        "name": "Chi",
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
    }
    assert client.post(reverse("admin:accounts_user_add"), fields).status_code == 302
    assert log_in(Client(), "chi@example.com")["Location"] == "/"


def test_deleting_a_person_erases_their_conversations_and_nobody_else_s(client, admin, alice, bob):
    keys = {person: talk(person) for person in (alice, bob)}
    client.force_login(admin)
    url = reverse("admin:accounts_user_delete", args=[alice.pk])
    assert b"Conversations: 1" in client.get(url).content
    assert client.post(url, {"post": "yes"}).status_code == 302
    assert get_store().load(keys[alice]).version is None
    assert get_store().load(keys[bob]).version is not None
    assert [conversation.user for conversation in Conversation.objects.all()] == [bob]


def test_a_person_stays_while_their_conversations_cannot_be_erased(client, admin, alice, settings):
    talk(alice)
    settings.CONVERSATION_STORE = {"BACKEND": "tests.helpers.BrokenStore"}
    client.force_login(admin)
    answer = client.post(reverse("admin:accounts_user_delete", args=[alice.pk]), {"post": "yes"})
    assert (answer.status_code, "The storage does not answer." in answer.content.decode()) == (503, True)
    alice.refresh_from_db()


def talk(person) -> Key:
    """A conversation with one message, in the table and in the store."""
    conversation = Conversation.objects.create(user=person, title="Plans")
    get_store().append(conversation.key, Message("user", "Hello"), create=True)
    return conversation.key
