"""The site speaks the language that a person has chosen, else the browser's, else its own."""

from __future__ import annotations

import datetime

import pytest
from django import forms
from django.http import HttpResponse
from django.urls import include, path
from django.utils import formats, translation
from django.utils.translation import get_language


async def language(request):
    await request.auser()
    return HttpResponse(get_language())


urlpatterns = [path("language/", language), path("", include("chatsite.urls"))]
pytestmark = pytest.mark.urls(__name__)


def spoken(response) -> tuple[str, bool]:
    """What the header says, and whether the page says the same."""
    return response["Content-Language"], f'<html lang="{response["Content-Language"]}"' in response.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(("browser", "expected"), [("vi-VN,vi;q=0.9,en;q=0.8", "vi"), ("de", "en"), ("", "en")])
def test_a_visitor_is_spoken_to_as_the_browser_asks(client, browser, expected):
    response = client.get("/accounts/login/", headers={"accept-language": browser})
    assert spoken(response) == (expected, True)
    assert "Accept-Language" in response["Vary"]


@pytest.mark.django_db
@pytest.mark.parametrize(("chosen", "expected"), [("vi", "vi"), ("en", "en"), ("", "vi"), ("xx", "vi")])
def test_what_a_person_chose_counts_more_than_the_browser(client, alice, catalogue, chosen, expected):
    alice.language = chosen
    alice.save()
    client.force_login(alice)
    response = client.get("/", headers={"accept-language": "vi"})
    assert spoken(response) == (expected, True)


@pytest.mark.django_db(transaction=True)
async def test_on_the_event_loop_too(async_client, alice):
    alice.language = "vi"
    await alice.asave()
    await async_client.aforce_login(alice)
    assert (await async_client.get("/language/", headers={"accept-language": "en"})).content == b"vi"


@pytest.mark.django_db
def test_one_person_s_choice_is_not_the_next_one_s(client, alice, bob, catalogue):
    alice.language = "vi"
    alice.save()
    client.force_login(alice)
    client.get("/")
    client.force_login(bob)
    assert spoken(client.get("/"))[0] == "en"


def test_dates_are_short_and_read_as_they_are_written_in_vietnamese():
    day = datetime.date(2026, 4, 3)
    with translation.override("vi"):
        assert formats.date_format(day, "DATE_FORMAT") == "03/04/2026"
        assert formats.date_format(day, "YEAR_MONTH_FORMAT") == "Tháng 4 năm 2026"
        assert forms.DateField().clean("3/4/2026") == day
        assert forms.DateField().clean("2026-04-03") == day
