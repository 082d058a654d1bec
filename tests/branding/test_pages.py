"""What the owner of the site says in the admin is what people see, without a query for each page."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from chatsite.branding import current, logo
from chatsite.branding.announcing import announcements
from chatsite.branding.buttons import LABELS
from chatsite.branding.models import Announcement, Button, Site, SiteText
from chatsite.branding.templatetags.branding import buttons
from chatsite.branding.terms import terms_first

ROOT = Path(__file__).resolve().parents[2]
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 50
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
pytestmark = pytest.mark.django_db


@pytest.fixture
def home(client, alice, catalogue):
    """The first page as alice sees it."""
    client.force_login(alice)

    def get(**headers: str) -> str:
        return client.get("/", headers=headers).content.decode()

    return get


def test_the_name_of_the_admin_counts_more_than_the_setting(client, home, settings):
    settings.SITE_NAME = "From the environment"
    assert "<title>From the environment</title>" in home()
    Site.objects.create(name="Our chat")
    assert "<title>Our chat</title>" in home()
    client.logout()
    assert "Our chat" in client.get(reverse("account_login")).content.decode()


def test_the_administration_has_the_site_s_icon_and_name(client, admin):
    client.force_login(admin)
    page = client.get(reverse("admin:index")).content.decode()
    assert "img/favicon.svg" in page
    Site.objects.create(name="Our chat", logo=PNG, logo_type="image/png", logo_version="v1")
    page = client.get(reverse("admin:branding_site_change", args=[Site.KEY])).content.decode()
    assert f'<link rel="icon" href="{reverse("branding:logo")}?v=v1">' in page
    assert f'<a href="{reverse("admin:index")}">Our chat</a>' in page


def test_mails_come_from_the_site_under_its_name(client, alice, mailoutbox):
    Site.objects.create(name="Our chat")
    client.post(reverse("account_reset_password"), {"email": alice.email})
    assert mailoutbox[0].subject.startswith("[Our chat] ")
    assert "Our chat" in mailoutbox[0].body


def test_no_page_asks_the_database_how_the_site_looks(home, client, settings):
    Site.objects.create(name="Our chat", accent="#7c3aed")
    Announcement.objects.create(text="Hello")
    home()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        home()
    assert not [query["sql"] for query in queries if "branding_" in query["sql"]]


def test_other_processes_see_a_change_some_seconds_later(home, settings):
    home()
    Site.objects.create()
    home()
    Site.objects.filter(pk=Site.KEY).update(name="Changed elsewhere")  # no signal comes here
    assert "Changed elsewhere" not in home()
    settings.BRANDING_AGE = 0.0
    assert "Changed elsewhere" in home()


def test_a_database_that_is_away_changes_nothing(monkeypatch, settings):
    Site.objects.create(name="Our chat")
    assert current.current().name == "Our chat"

    def away():
        raise DatabaseError

    settings.BRANDING_AGE = 0.01
    monkeypatch.setattr(current, "_read", away)
    time.sleep(0.02)
    assert current.current().name == "Our chat"


def test_the_style_sheet_is_a_file_of_the_site_that_browsers_keep(client, home):
    assert "site/styles.css" not in home()
    Site.objects.create(accent="#7c3aed", css="body { letter-spacing: 0.01em }")
    page = home()
    address = page.split('href="/site/styles.css')[1].split('"')[0]
    answer = client.get("/site/styles.css" + address)
    assert answer["Content-Type"].startswith("text/css")
    assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
    css = answer.content.decode()
    assert css.index("--accent: light-dark(") < css.index("letter-spacing")
    assert page.index("site/styles.css") > page.index("css/layout.css")
    assert client.get("/site/styles.css?v=of-another-process")["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    ("content", "kind"),
    [(PNG, "image/png"), (b"\xff\xd8\xff\xe0", "image/jpeg"), (b"RIFF\0\0\0\0WEBP", "image/webp"), (SVG, logo.SVG)],
)
def test_a_logo_is_known_by_what_it_is(content, kind):
    assert logo.type_of(content) == kind


BOMB = b'<!DOCTYPE s [<!ENTITY a "aaaa">]><svg xmlns="http://www.w3.org/2000/svg">&a;</svg>'


UNREADABLE = [
    f'<?xml version="1.0" encoding="{name}"?>'.encode() + SVG for name in ("ebcdic", "utf-7", "idna", "hex", "rot13")
]


@pytest.mark.parametrize(
    "content", [b"", b"<html></html>", b"GIF89a", b"<svg>", PNG + b"0" * 200_001, BOMB, *UNREADABLE]
)
def test_what_is_no_logo_is_refused(content):
    with pytest.raises(ValidationError):
        logo.type_of(content)


def test_a_logo_opened_as_a_page_can_do_nothing(client, home):
    Site.objects.create(logo=SVG, logo_type=logo.SVG, logo_version="abc")
    assert home().count("/site/logo?v=abc") == 2  # in the tab and beside the name: one request
    answer = client.get("/site/logo?v=abc")
    assert answer.content == SVG
    assert "sandbox" in answer["Content-Security-Policy"]
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_there_is_no_logo_until_there_is_one(client):
    assert client.get("/site/logo").status_code == 404


def test_an_administrator_enters_all_of_it_on_one_page(client, admin, home):
    client.force_login(admin)
    assert client.get(reverse("admin:branding_site_changelist")).url == reverse("admin:branding_site_add")
    inlines = {f"{name}-{part}": "0" for name in ("texts", "buttons") for part in ("TOTAL_FORMS", "INITIAL_FORMS")}
    inlines |= {
        "texts-TOTAL_FORMS": "1",
        "texts-0-kind": "notice",
        "texts-0-text": "Nothing confidential, please.",
        "buttons-TOTAL_FORMS": "1",
        "buttons-0-name": "models",
        "buttons-0-label": "Brains",
    }
    fields = {"name": "Our chat", "accent": "#7c3aed", "picture": SimpleUploadedFile("logo.png", PNG), **inlines}
    assert client.post(reverse("admin:branding_site_add"), fields).status_code == 302
    page = home()
    for shown in ("Our chat", "/site/logo?v=", "Nothing confidential, please.", "Brains"):
        assert shown in page
    client.force_login(admin)
    assert "Our chat" in client.get(reverse("admin:index")).content.decode()


@pytest.mark.parametrize(("field", "value"), [("accent", "red"), ("accent", "#12345g"), ("css", "a" * 100_001)])
def test_what_cannot_be_is_told_to_the_administrator(client, admin, field, value):
    client.force_login(admin)
    inlines = {f"{name}-{part}": "0" for name in ("texts", "buttons") for part in ("TOTAL_FORMS", "INITIAL_FORMS")}
    answer = client.post(reverse("admin:branding_site_add"), {**inlines, field: value})
    assert answer.status_code == 200
    assert field in answer.context["adminform"].form.errors


def test_texts_are_in_the_reader_s_language_else_in_the_one_for_all(home):
    site = Site.objects.create()
    SiteText.objects.create(site=site, kind="notice", text="Nothing secret")
    SiteText.objects.create(site=site, kind="notice", text="Không gửi thông tin mật", language="vi")
    assert "Nothing secret" in home()
    assert "Không gửi thông tin mật" in home(accept_language="vi")


def test_a_hostile_text_is_text(home):
    site = Site.objects.create(name="<script>alert(1)</script>")
    SiteText.objects.create(site=site, kind="notice", text="<img src=x onerror=alert(1)>")
    Announcement.objects.create(text="<script>alert(2)</script> [link](javascript:alert(3))")
    page = home()
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "javascript:" not in page


# Buttons


def test_a_button_has_another_name_or_is_gone(home):
    site = Site.objects.create()
    assert "Personas" in home()
    Button.objects.create(site=site, name="personas", label="Characters")
    Button.objects.create(site=site, name="models", is_off=True)
    page = home()
    assert "Characters" in page
    assert reverse("conversations:models") + '"' not in page


def test_a_button_without_which_people_would_be_stuck_stays():
    Button.objects.create(site=Site.objects.create(), name="new_chat", is_off=True)
    current.current()
    assert buttons()["new_chat"]


def test_a_label_is_in_the_reader_s_language():
    site = Site.objects.create()
    Button.objects.create(site=site, name="models", label="Brains")
    Button.objects.create(site=site, name="models", label="Bộ não", language="vi")
    current.current()
    assert buttons()["models"] == "Brains"
    with translation.override("vi"):
        assert buttons()["models"] == "Bộ não"


def test_templates_name_no_button_that_does_not_exist():
    pages = (ROOT / "templates").rglob("*.html")
    named = {name for page in pages for name in re.findall(r"\bbutton\.(\w+)", page.read_text(encoding="utf-8"))}
    assert named == set(LABELS)


# Announcements


def test_an_announcement_is_seen_until_it_is_dismissed_and_again_when_its_text_changes(client, home):
    one = Announcement.objects.create(text="Closed on **Friday**")
    assert "Closed on <strong>Friday</strong>" in home()
    key = home().split('name="key" value="')[1].split('"')[0]
    answer = client.post(reverse("branding:dismiss"), {"key": key, "next": "/c/"})
    assert answer.url == "/c/"
    assert "Closed on" not in home()
    one.text = "Closed on Saturday"
    one.save()
    assert "Closed on Saturday" in home()


def key_in(page: str) -> str:
    return page.split('name="key" value="')[1].split('"')[0]


def test_what_a_person_dismissed_stays_away_on_their_other_devices_and_from_nobody_else(
    client, home, alice, bob, django_assert_num_queries
):
    Announcement.objects.create(text="Closed on Friday")
    client.post(reverse("branding:dismiss"), {"key": key_in(home())})
    assert not client.cookies.get("dismissed")  # whoever logs in here next has not read it
    phone, others = Client(), Client()
    phone.force_login(alice)
    others.force_login(bob)
    assert "Closed on" not in phone.get("/").content.decode()
    assert "Closed on" in others.get("/").content.decode()
    client.force_login(bob)
    assert "Closed on" in home()
    with CaptureQueriesContext(connection) as with_it:
        others.get("/")
    with django_assert_num_queries(len(with_it)):
        phone.get("/")


def test_two_devices_that_dismiss_two_things_lose_neither(client, home, alice):
    for text in ("Closed on Friday", "New models"):
        Announcement.objects.create(text=text)
    page, phone = home(), Client()
    phone.force_login(alice)
    keys = re.findall(r'name="key" value="([0-9]+-[^"]+)"', page)
    for browser, key in zip((client, phone), keys, strict=True):
        browser.post(reverse("branding:dismiss"), {"key": key})
    assert not [text for text in ("Closed on", "New models") if text in home()]


def test_a_visitor_s_browser_keeps_what_was_dismissed_in_a_cookie(client, home):
    Announcement.objects.create(text="Closed on Friday", for_visitors=True)
    page = home()
    client.logout()
    client.post(reverse("branding:dismiss"), {"key": key_in(page)})
    assert "Closed on" not in client.get(reverse("account_login")).content.decode()
    assert "Closed on" in Client().get(reverse("account_login")).content.decode()


@pytest.mark.parametrize("key", ["", "x" * 5_000, "1-zzzzzzzz", "1-00000000.2-00000000"])
def test_what_is_no_announcement_is_not_remembered(client, home, alice, key):
    home()
    client.post(reverse("branding:dismiss"), {"key": key})
    alice.refresh_from_db()
    assert alice.dismissed == ""


def test_a_person_s_row_stays_small_however_much_they_dismiss(client, home, alice):
    home()
    for number in range(60):
        client.post(reverse("branding:dismiss"), {"key": f"{number}-00000000"})
    alice.refresh_from_db()
    assert alice.dismissed.split(".") == [f"{number}-00000000" for number in range(10, 60)]


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_dismissing_leads_nowhere_else(client, wanted):
    assert client.post(reverse("branding:dismiss"), {"key": "1", "next": wanted}).url == "/"


def test_what_cannot_be_dismissed_stays(client, home):
    Announcement.objects.create(text="Under attack", can_be_dismissed=False)
    assert reverse("branding:dismiss") not in home()
    assert "Under attack" in home()


def test_announcements_have_their_time_their_language_and_their_readers(client, home):
    hour, now = timezone.timedelta(hours=1), timezone.now()
    Announcement.objects.create(text="Tomorrow", begins_at=now + hour)
    Announcement.objects.create(text="Yesterday", ends_at=now - hour)
    Announcement.objects.create(text="Chào", language="vi")
    Announcement.objects.create(text="For members", begins_at=now - hour, ends_at=now + hour)
    Announcement.objects.create(text="For everybody", for_visitors=True)
    page = home()
    assert "For members" in page
    assert not [text for text in ("Tomorrow", "Yesterday", "Chào") if text in page]
    client.logout()
    visitor = client.get(reverse("account_login")).content.decode()
    assert "For everybody" in visitor
    assert "For members" not in visitor


# Terms


@pytest.fixture
def terms():
    site = Site.objects.create(must_agree=True)
    return SiteText.objects.create(site=site, kind="terms", text="Be **kind**.")


def test_terms_are_there_for_everybody_who_comes(client, terms):
    page = client.get(reverse("branding:terms")).content.decode()
    assert "Be <strong>kind</strong>." in page
    for name in ("account_login", "account_signup"):
        assert reverse("branding:terms") in client.get(reverse(name)).content.decode()


def test_whoever_must_agree_does_so_first_and_goes_on_where_they_wanted(client, alice, catalogue, terms):
    client.get(reverse("account_login"))  # any page reads them
    client.force_login(alice)
    answer = client.get("/c/?page=2")
    assert answer.url == "/terms/?next=%2Fc%2F%3Fpage%3D2"
    assert "I agree" in client.get(answer.url).content.decode()
    assert client.post("/send/", {"content": "Hello"}).status_code == 403
    assert client.post("/terms/", {"next": "/c/?page=2"}).url == "/c/?page=2"
    assert client.get("/").status_code == 200
    assert "I agree" not in client.get("/terms/").content.decode()


def test_terms_that_changed_are_agreed_to_again(client, alice, catalogue, terms):
    client.get(reverse("account_login"))
    client.force_login(alice)
    client.post("/terms/")
    assert client.get("/").status_code == 200
    site = terms.site
    site.agreed_since = timezone.now()
    site.save()
    client.get(reverse("account_login"))
    assert client.get("/").status_code == 302


def test_people_can_leave_and_administrators_work_without_having_agreed(client, admin, terms):
    client.get(reverse("account_login"))
    client.force_login(admin)
    assert client.get(reverse("admin:index")).status_code == 200
    assert client.get(reverse("account_logout")).status_code == 200
    assert client.post(reverse("account_logout")).status_code == 302


# Guests (chatsite.sharing)


@pytest.fixture
def guest_s(alice):
    """A request of somebody who tries a link: none of the site's own pages are open to them."""
    request = RequestFactory().get("/")
    request.guest, request.user = object(), alice
    return request


def test_a_guest_is_not_led_to_a_page_that_guests_do_not_have(guest_s, terms):
    assert terms_first(lambda request: HttpResponse("the chat"))(guest_s).content == b"the chat"
    del guest_s.guest
    assert terms_first(lambda request: HttpResponse("the chat"))(guest_s).status_code == 302


def test_a_guest_reads_what_visitors_read_and_has_nothing_to_dismiss(guest_s):
    Announcement.objects.create(text="For members")
    Announcement.objects.create(text="For everybody", for_visitors=True)
    (shown,) = announcements(guest_s)
    assert "For everybody" in shown.html
    assert not shown.can_be_dismissed
