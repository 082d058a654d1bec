"""The benchmark's people are logged in, and can log in by no other way."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse


def sessions(count, capsys):
    call_command("make_sessions", str(count))
    return capsys.readouterr().out.split()


def test_each_cookie_is_a_person_who_is_logged_in(db, client, capsys, django_user_model):
    cookies = sessions(2, capsys)
    assert [user.username for user in django_user_model.objects.order_by("pk")] == ["bench-1", "bench-2"]
    for cookie in cookies:
        client.cookies.load(cookie)
        assert client.get(reverse("account_login")).status_code == 302  # whoever is in needs no log-in page


def test_the_people_have_no_password(db, capsys, django_user_model):
    sessions(1, capsys)
    assert not django_user_model.objects.get().has_usable_password()


def test_asked_again_it_makes_sessions_but_no_more_people(db, capsys, django_user_model):
    assert set(sessions(2, capsys)).isdisjoint(sessions(2, capsys))
    assert django_user_model.objects.count() == 2


def test_fewer_than_one_is_refused(db):
    with pytest.raises(CommandError, match="at least 1"):
        call_command("make_sessions", "0")
