"""/healthz says that the process lives, /readyz that it can serve; both answer whoever asks, however they ask."""

from __future__ import annotations

import socket
import sys

import pytest

from tests.serving import Visitor, environment, free_port, manage, started

SERVE = [sys.executable, "-m", "uvicorn", "chatsite.asgi:application", "--log-level", "warning", "--port"]


def test_healthz_needs_no_database(client):  # this test may not touch one
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.django_db(transaction=True)
def test_readyz_is_ready_when_the_database_answers_with_all_migrations(client):
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.django_db(transaction=True)
async def test_probes_answer_asynchronously_too(async_client):
    assert (await async_client.get("/healthz")).status_code == 200
    assert (await async_client.get("/readyz")).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_readyz_tells_that_the_store_is_not_configured(client, settings):
    settings.CONVERSATION_STORE = {"BACKEND": "nowhere.Store"}
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["reason"] == "The conversation store is not configured."


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_probe_comes_in_plain_to_an_address(client, settings, path):
    settings.ALLOWED_HOSTS = ["chat.example.com"]
    settings.SECURE_SSL_REDIRECT = True
    assert client.get(path, headers={"host": "10.1.2.3:8000"}).status_code == 200
    assert client.get("/accounts/login/", headers={"host": "10.1.2.3:8000"}).status_code == 400


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_are_only_read(client, path):
    assert client.post(path).status_code == 405


def test_probes_are_never_cached(client):
    assert "no-store" in client.get("/healthz")["Cache-Control"]


def test_a_database_that_hangs_stops_nothing_but_readiness(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts, never answers
        port = free_port()
        url = f"postgres://user:password@127.0.0.1:{silent.getsockname()[1]}/site"
        with started([*SERVE, str(port)], environment(DATABASE_URL=url), tmp_path, port) as site:
            site.wait_until_up()
            answer = Visitor(port).get("/readyz")
            assert answer.status == 503
            assert answer.json()["reason"].startswith("The database does not answer")
            assert Visitor(port).get("/healthz").status == 200


def test_a_site_without_its_migrations_says_so_and_recovers(tmp_path):
    env = environment(DATABASE_URL=f"sqlite:///{tmp_path / 'site.sqlite3'}")
    port = free_port()
    with started([*SERVE, str(port)], env, tmp_path, port) as site:
        site.wait_until_up()
        answer = Visitor(port).get("/readyz")
        assert (answer.status, "migrate" in answer.json()["reason"]) == (503, True)
        manage(env, "migrate", "--verbosity", "0")
        assert Visitor(port).get("/readyz").status == 200
