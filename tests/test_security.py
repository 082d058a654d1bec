"""Limits on guessing, headers, the one door of the admin, error pages, stale forms and oversized bodies."""

from __future__ import annotations

import http.client
import logging
import re
import socket
import threading
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from django.db import connections
from django.test import Client
from django.urls import include, path, reverse

from chatsite import urls
from chatsite.body_limit import MARK, BodyLimit
from conversations.errors import StoreUnavailable
from tests.conftest import PASSWORD

LOGIN, SIGNUP, RESET, PROFILE = (
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/password/reset/",
    "/accounts/profile/",
)


def explode(request):
    raise RuntimeError("a bug")


def fall(request):
    raise StoreUnavailable("The storage does not answer.")


# The site and a view with a bug, for tests that set ROOT_URLCONF to this module.
urlpatterns = [path("explode/", explode), path("fall/", fall), path("", include(urls.urlpatterns))]
handler400, handler403, handler404 = urls.handler400, urls.handler403, urls.handler404
handler429, handler500 = urls.handler429, urls.handler500


def log_in(login: str = "alice", password: str = PASSWORD, *, at: str = "192.0.2.1", **extra):
    return Client().post(LOGIN, {"login": login, "password": password}, REMOTE_ADDR=at, **extra)


def succeeded(answer) -> bool:
    return answer.status_code == 302 and answer["Location"] == "/"


def fail(times: int, login: str = "alice", **extra) -> list[int]:
    return [log_in(login, "wrong", **extra).status_code for _ in range(times)]


# Guessing


@pytest.mark.django_db
def test_five_failures_close_the_door_and_the_page_says_for_how_long(alice):
    assert fail(5) == [200] * 5
    answer = log_in()  # even with the right password
    assert (answer.status_code, answer["Retry-After"]) == (429, "300")
    assert "wait a few minutes" in answer.content.decode()


@pytest.mark.django_db
def test_the_owner_gets_in_elsewhere_while_somebody_guesses(alice):
    assert fail(6)[-1] == 429
    assert succeeded(log_in(at="192.0.2.2"))


@pytest.mark.django_db
def test_other_accounts_are_open_from_the_same_address(alice, bob):
    assert fail(6)[-1] == 429
    assert succeeded(log_in("bob"))


@pytest.mark.django_db
def test_an_account_is_one_account_however_it_is_spelled(alice):
    spellings = ["alice", "ALICE", "alice@example.com", "Alice@Example.com", " alice "]
    assert [fail(1, login)[0] for login in spellings] == [200] * 5
    assert log_in("aLiCe", "wrong").status_code == 429


@pytest.mark.django_db
def test_accounts_that_do_not_exist_close_just_the_same():
    assert fail(6, "nobody@example.com") == [200] * 5 + [429]


@pytest.mark.django_db
def test_logging_in_in_between_does_not_wipe_failures_away(alice):
    fail(4)
    assert succeeded(log_in())
    assert fail(2) == [200, 429]


@pytest.mark.django_db
def test_logging_in_often_is_no_failure(alice):
    assert all(succeeded(log_in()) for _ in range(8))


@pytest.mark.django_db
def test_an_address_that_tries_many_accounts_is_stopped(alice):
    statuses = [fail(1, f"nobody{n}")[0] for n in range(31)]
    assert statuses == [200] * 30 + [429]
    assert succeeded(log_in(at="192.0.2.2"))


@pytest.mark.django_db
@pytest.mark.parametrize(("page", "field"), [(SIGNUP, "email"), (RESET, "email")])
def test_sign_up_and_reset_are_limited_by_address(page, field):
    fields = {"password1": PASSWORD}
    statuses = [Client().post(page, {field: f"{n}@example.com", **fields}).status_code for n in range(21)]
    assert statuses == [302] * 20 + [429]


@pytest.mark.django_db
def test_nobody_is_flooded_with_mails_about_a_reset(alice, mailoutbox):
    answers = [
        Client().post(RESET, {"email": "alice@example.com"}, REMOTE_ADDR=f"192.0.2.{n}").status_code for n in range(6)
    ]
    assert answers == [302] * 5 + [429]
    assert len(mailoutbox) == 5


@pytest.mark.django_db
def test_limits_speak_json_to_those_who_want_it(alice):
    fail(5)
    answer = log_in(headers={"Accept": "application/json"})
    assert answer.status_code == 429
    assert answer.json()["error"]["code"] == "too_many_requests"
    assert answer.json()["error"]["request_id"] == answer["X-Request-ID"]


# Addresses behind proxies


@pytest.mark.django_db
def test_without_proxies_a_forwarded_address_is_not_believed(alice):
    statuses = [log_in("alice", "wrong", headers={"X-Forwarded-For": f"198.51.100.{n}"}).status_code for n in range(6)]
    assert statuses[-1] == 429


@pytest.mark.django_db
def test_behind_one_proxy_only_what_it_wrote_itself_counts(alice, settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1

    def attempt(password: str, forged: str, seen: str):
        return log_in("alice", password, headers={"X-Forwarded-For": f"{forged}, {seen}"})

    assert [attempt("wrong", f"198.51.100.{n}", "203.0.113.7").status_code for n in range(6)][-1] == 429
    assert succeeded(attempt(PASSWORD, "198.51.100.1", "203.0.113.8"))


@pytest.mark.django_db
@pytest.mark.parametrize("forwarded", ["203.0.113.7", "rubbish, rubbish", "", ",", "[::1]:80", "\x00"])
def test_a_strange_forwarded_header_is_no_error(alice, settings, forwarded):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 2
    assert succeeded(log_in(headers={"X-Forwarded-For": forwarded}))


@pytest.mark.django_db
def test_a_server_on_a_unix_socket_knows_no_address_and_limits_all_the_same(alice):
    assert fail(6, at="") == [200] * 5 + [429]


@pytest.mark.django_db
def test_addresses_of_one_ipv6_network_count_as_one(alice):
    assert [fail(1, at=f"2001:db8::{n:x}")[0] for n in range(6)][-1] == 429


# The admin


@pytest.mark.django_db
def test_the_admin_has_the_site_s_own_door(client, admin):
    first = client.get("/admin/", follow=True)
    assert [place for place, _ in first.redirect_chain] == [
        "/admin/login/?next=/admin/",
        "/accounts/login/?next=/admin/",
    ]
    answer = client.post("/accounts/login/?next=/admin/", {"login": "admin", "password": PASSWORD, "next": "/admin/"})
    assert answer["Location"] == "/admin/"
    page = client.get("/admin/").content.decode()
    assert "Chatsite" in page
    assert "Django" not in page


@pytest.mark.django_db
def test_the_admin_s_own_form_takes_no_passwords(client, admin):
    answer = client.post("/admin/login/", {"username": "admin", "password": PASSWORD})
    assert answer["Location"] == "/accounts/login/?next=/admin/"
    assert "_auth_user_id" not in client.session


@pytest.mark.django_db
def test_people_who_are_no_staff_get_a_page_and_not_a_circle(client, bob):
    client.force_login(bob)
    answer = client.get("/admin/", follow=True)
    assert (answer.status_code, len(answer.redirect_chain)) == (403, 1)
    assert "This page is not open to you" in answer.content.decode()


@pytest.mark.django_db
def test_staff_log_out_and_change_passwords_where_everybody_does(client, admin):
    client.force_login(admin)
    assert client.get("/admin/password_change/")["Location"] == "/accounts/password/change/"
    assert client.post("/admin/logout/")["Location"] == LOGIN
    assert "_auth_user_id" not in client.session


# Headers


EVERYWHERE = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=()",
    "Content-Security-Policy": "default-src 'none'",
}


@pytest.mark.django_db
@pytest.mark.parametrize("page", [LOGIN, SIGNUP, PROFILE, "/", "/nowhere/", "/admin/", "/admin/accounts/user/"])
def test_every_page_carries_careful_headers_and_is_kept_nowhere(client, admin, page):
    if page not in (LOGIN, SIGNUP):
        client.force_login(admin)
    answer = client.get(page)
    for name, value in EVERYWHERE.items():
        assert value in answer[name], name
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
    assert "no-store" in answer["Cache-Control"]
    assert "private" in answer["Cache-Control"]
    assert answer["X-Request-ID"]


def test_a_page_for_a_wrong_host_has_a_policy_too(client, settings):
    settings.SECURE_SSL_REDIRECT = True  # then the first middleware that looks at the host is an early one
    answer = client.get("/", headers={"Host": "evil.example"})
    assert answer.status_code == 400
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert "evil.example" not in answer.content.decode()


@pytest.mark.parametrize(
    ("given", "kept"), [("0123456789abcdef", True), ("short", False), ("a" * 65, False), ("has space 1234", False)]
)
def test_a_well_formed_request_id_of_the_router_is_kept(client, given, kept):
    assert (client.get("/nowhere/", headers={"X-Request-ID": given})["X-Request-ID"] == given) is kept


class Forbidden(HTMLParser):
    """Collects what a policy without 'unsafe-inline' blocks."""

    def __init__(self):
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag, attrs):
        names = dict(attrs)
        inline_script = tag == "script" and "src" not in names and names.get("type") != "application/json"
        if inline_script or tag == "style":
            self.found.append(tag)
        self.found += [f"{tag}[{name}]" for name in names if name == "style" or name.startswith("on")]
        self.found += [f"{tag} {value}" for value in names.values() if (value or "").startswith("javascript:")]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name", ["index", "accounts_user_changelist", "accounts_user_add", "auth_group_changelist", "auth_group_add"]
)
def test_the_admin_needs_nothing_that_the_policy_forbids(client, admin, name):
    client.force_login(admin)
    assert_clean(client.get(reverse(f"admin:{name}")))


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["change", "history", "delete"])
def test_the_admin_s_pages_about_a_person_need_nothing_that_the_policy_forbids(client, admin, alice, name):
    client.force_login(admin)
    assert_clean(client.get(reverse(f"admin:accounts_user_{name}", args=[alice.pk])))


@pytest.mark.django_db
@pytest.mark.parametrize("page", [LOGIN, SIGNUP, RESET, "/nowhere/", "/accounts/confirm-email/"])
def test_pages_need_nothing_that_the_policy_forbids(client, page):
    assert_clean(client.get(page))


def assert_clean(answer) -> None:
    assert answer.status_code in (200, 404)
    parser = Forbidden()
    parser.feed(answer.content.decode())
    assert parser.found == []


# Error pages


@pytest.mark.django_db
def test_an_unknown_page_is_the_same_page_for_everybody(client, alice):
    def page() -> bytes:
        answer = client.get("/nowhere/")
        assert answer.status_code == 404
        assert answer["X-Request-ID"].encode() in answer.content
        return answer.content.replace(answer["X-Request-ID"].encode(), b"")

    anonymous = page()
    client.force_login(alice)
    assert page() == anonymous
    assert b"There is nothing here" in anonymous


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream", "application/json, text/html;q=0.5"])
def test_errors_are_json_for_those_who_want_it(client, accept):
    answer = client.get("/nowhere/", headers={"Accept": accept})
    assert answer.status_code == 404
    error = answer.json()["error"]
    assert error["code"] == "not_found"
    assert error["message"]
    assert error["request_id"] == answer["X-Request-ID"]


@pytest.mark.parametrize("accept", ["*/*", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "text/html"])
def test_errors_are_pages_for_browsers(client, accept):
    assert client.get("/nowhere/", headers={"Accept": accept})["Content-Type"].startswith("text/html")


def test_a_bug_shows_a_page_with_the_request_s_number_and_nothing_of_the_bug(client, settings):
    settings.ROOT_URLCONF = __name__
    client.raise_request_exception = False
    answer = client.get("/explode/")
    assert answer.status_code == 500
    page = answer.content.decode()
    assert "Something went wrong here" in page
    assert answer["X-Request-ID"] in page
    assert "a bug" not in page
    assert "default-src 'none'" in answer["Content-Security-Policy"]


def test_an_error_page_whose_template_is_broken_still_says_what_happened(client, settings, tmp_path):
    settings.ROOT_URLCONF = __name__
    (tmp_path / "errors").mkdir()
    (tmp_path / "errors" / "error.html").write_text("{% nonsense %}")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    client.raise_request_exception = False
    answer = client.get("/explode/")
    assert answer.status_code == 500
    assert "Something went wrong here" in answer.content.decode()
    assert answer["X-Request-ID"] in answer.content.decode()


def test_an_error_of_the_heart_is_told_in_its_own_words(client, settings):
    settings.ROOT_URLCONF = __name__
    answer = client.get("/fall/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "The storage does not answer." in answer.content.decode()
    error = client.get("/fall/", headers={"Accept": "application/json"}).json()["error"]
    assert (error["code"], error["message"]) == ("store_unavailable", "The storage does not answer.")


# Stale forms


@pytest.mark.django_db
def test_a_stale_form_leads_back_to_its_page():
    answer = Client(enforce_csrf_checks=True).post(LOGIN, {"login": "alice", "password": PASSWORD})
    page = answer.content.decode()
    assert answer.status_code == 403
    assert f'href="{LOGIN}"' in page
    assert PASSWORD not in page


@pytest.mark.django_db
def test_what_was_typed_into_a_stale_form_can_be_copied():
    text = "Line one\n<script>alert(1)</script>"
    page = Client(enforce_csrf_checks=True).post(LOGIN, {"content": text}).content.decode()
    assert re.search(r"<textarea[^>]*>Line one\r?\n&lt;script&gt;", page)


@pytest.mark.django_db
def test_a_message_in_a_stale_form_is_back_in_the_composer(alice):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    answer = client.post("/send/", {"content": "Do not lose me"})
    assert answer.status_code == 403
    assert re.search(r'<textarea[^>]*name="content"[^>]*>\s*Do not lose me</textarea>', answer.content.decode())


@pytest.mark.django_db
def test_a_stale_form_speaks_json_to_those_who_want_it():
    answer = Client(enforce_csrf_checks=True).post(LOGIN, {}, headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "stale_form")


# Oversized bodies


@pytest.mark.django_db
def test_a_form_that_is_too_large_is_refused_with_a_sentence(client, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    answer = client.post(LOGIN, {"login": "x" * 2000})
    assert answer.status_code == 413
    assert "larger than this site accepts" in answer.content.decode()


class Upstream:
    """An ASGI server's end: the pieces of a body, endless if need be, then a disconnect."""

    def __init__(self, *pieces: bytes, endless: bool = False):
        self.pieces, self.endless, self.asked = list(pieces), endless, 0

    async def receive(self) -> dict:
        self.asked += 1
        if self.endless and self.asked < 1000:
            return {"type": "http.request", "body": b"x" * 100, "more_body": True}
        if self.pieces:
            body = self.pieces.pop(0)
            return {"type": "http.request", "body": body, "more_body": bool(self.pieces)}
        return {"type": "http.disconnect"}


async def what_passes(upstream: Upstream, **headers: str) -> tuple[bytes, bool, str]:
    """The body as the application reads it, whether it was marked, and what comes after its end."""
    result = {}

    async def application(scope, receive, send):
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        result.update(body=body, marked=MARK in scope, after=(await receive())["type"])

    fields = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    await BodyLimit(application)({"type": "http", "headers": fields}, upstream.receive, None)
    return result["body"], result["marked"], result["after"]


async def test_a_body_within_the_limit_passes_whole(settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    assert await what_passes(Upstream(b"12345", b"67890"), content_length="10") == (
        b"1234567890",
        False,
        "http.disconnect",
    )
    assert await what_passes(Upstream(b"")) == (b"", False, "http.disconnect")


async def test_a_declared_body_beyond_the_limit_is_not_even_read(settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    assert await what_passes(Upstream(b"12345678901"), content_length="11") == (b"", True, "http.disconnect")


async def test_an_endless_body_is_cut_at_the_limit_and_the_rest_is_dropped(settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    body, marked, after = await what_passes(Upstream(endless=True))
    assert (len(body) <= 1000, marked, after) == (True, True, "http.disconnect")


def test_a_server_answers_an_endless_upload_before_it_ends(site):
    place = urlsplit(site)
    with socket.create_connection((place.hostname, place.port), timeout=30) as connection:
        connection.sendall(b"POST /send/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        for _ in range(60):  # more than the limit, and no end
            connection.sendall(chunk)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert answer.status == 413
        assert b"larger than this site accepts" in answer.read()


def test_a_server_answers_a_huge_declared_upload_before_it_arrives(site):
    place = urlsplit(site)
    with socket.create_connection((place.hostname, place.port), timeout=30) as connection:
        connection.sendall(b"POST /send/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n")
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert answer.status == 413


# Logs


@pytest.mark.parametrize(
    "path", ["/accounts/password/reset/key/1a-c0ffee-123/", "/accounts/confirm-email/MQ:1x:sig_-/"]
)
def test_the_keys_of_links_in_mails_are_in_no_log(path):
    record = logging.LogRecord("uvicorn.access", logging.INFO, "", 0, '"%s %s" %d', ("GET", path, 302), None)
    console = next(handler for handler in logging.getLogger().handlers if handler.get_name() == "console")
    assert console.filter(record)
    line = console.format(record)
    assert "GET /accounts/" in line
    assert "…" in line
    assert not re.search("c0ffee|sig_", line)


# Races


@pytest.mark.django_db(transaction=True)
def test_the_same_address_signing_up_twice_at_once_makes_one_account(settings, django_user_model):
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    start, answers = threading.Barrier(4), []

    def sign_up():
        client = Client()
        start.wait(10)
        answers.append(client.post(SIGNUP, {"email": "chi@example.com", "password1": PASSWORD}))
        connections.close_all()

    threads = [threading.Thread(target=sign_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [(answer.status_code, answer["Location"]) for answer in answers] == [(302, "/accounts/confirm-email/")] * 4
    assert django_user_model.objects.count() == 1


@pytest.mark.parametrize(
    "place", ["home", "?a", "#a", "healthz", "//evil.example", "/\\evil.example", "http:evil.example"]
)
@pytest.mark.parametrize("form", ["branding:dismiss", "account_theme", "conversations:organise"])
def test_wherever_a_form_wants_to_lead_on_to_it_is_a_page_of_this_site(client, alice, form, place):
    client.force_login(alice)
    answer = client.post(reverse(form), {"next": place})
    assert answer.status_code == 302
    assert client.get(answer["Location"]).status_code == 200
    assert urlsplit(answer["Location"]).netloc == ""
