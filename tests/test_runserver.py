"""`manage.py runserver` and `make run`: an ASGI server with live streams, which says where it is and ends at once."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading

import pytest
import uvicorn

from chatsite.management.commands.runserver import Reloader, watched_folders
from tests.serving import PATIENCE, PYTHON, ROOT, Visitor, environment, free_port, manage, started
from tests.upstream import Upstream


@pytest.fixture
def env(tmp_path):
    """A development environment with an empty database."""
    return environment(DATABASE_URL=f"sqlite:///{tmp_path / 'site.sqlite3'}")


def runserver(port: int, *options: str) -> list[str]:
    return [str(PYTHON), "manage.py", "runserver", *options, f"127.0.0.1:{port}"]


def somebody(env: dict[str, str], port: int) -> Visitor:
    """Somebody who is logged in."""
    name, value = manage(env, "make_sessions", "1").strip().split("=", 1)
    return Visitor(port, cookies={name: value})


def say(visitor: Visitor, text: str) -> str:
    """Send a first message, as the page's script does; the address of the reply's events."""
    answer = visitor.post(
        "/send/",
        {"csrfmiddlewaretoken": visitor.token("/"), "content": text, "parent_id": ""},
        **{"X-Requested-With": "fetch"},
    )
    assert answer.status == 200, answer.text
    return answer.text.split('data-follow="')[-1].split('"')[0]


def test_it_prepares_the_database_and_says_where_the_site_is_and_how_to_create_an_admin(env, tmp_path):
    port = free_port()
    with started(runserver(port, "--noreload", "--migrate"), env, tmp_path, port) as site:
        site.wait_until_up()
        assert Visitor(port).get("/readyz").status == 200
        assert f"http://127.0.0.1:{port}/" in site.output
        assert "manage.py createsuperuser" in site.output


def test_a_reply_arrives_while_it_is_being_written(env, tmp_path):
    port, gate = free_port(), threading.Event()
    with Upstream() as upstream:
        env |= {"OPENAI_BASE_URL": upstream.url, "OPENAI_MODELS": "test"}
        with started(runserver(port, "--noreload", "--migrate"), env, tmp_path, port) as site:
            site.wait_until_up()
            upstream.enqueue("Hello", gate, " there")
            visitor = somebody(env, port)
            events = visitor.events(say(visitor, "Hi"))
            begun = next(data for name, data in events if "Hello" in data.get("text", "") + data.get("tail", ""))
            assert "there" not in str(begun)
            gate.set()  # only now does the model say the rest
            assert next(data["status"] for name, data in events if name == "done") == "completed"


def test_ctrl_c_ends_it_although_a_reply_is_being_read(env, tmp_path):
    port = free_port()
    with Upstream() as upstream:
        env |= {"OPENAI_BASE_URL": upstream.url, "OPENAI_MODELS": "silent"}
        with started(runserver(port, "--noreload", "--migrate"), env, tmp_path, port) as site:
            site.wait_until_up()
            visitor = somebody(env, port)
            events = visitor.events(say(visitor, "Hi"))
            assert next(events)
            site.signal(signal.SIGINT)
            assert "restart" in [name for name, _ in events]
            assert site.wait() == 0
            assert "Traceback" not in site.output
    shell = "from conversations.models import Generation; print(Generation.objects.get().status)"
    assert "interrupted" in manage(env, "shell", "-c", shell)


def test_static_files_are_served_without_collecting_them(env, tmp_path):
    port = free_port()
    with started(runserver(port, "--noreload", "--migrate"), env, tmp_path, port) as site:
        site.wait_until_up()
        answer = Visitor(port).get("/static/css/tokens.css")
        assert (answer.status, answer.headers["content-type"]) == (200, 'text/css; charset="utf-8"')
        assert answer.text == (ROOT / "static" / "css" / "tokens.css").read_text(encoding="utf-8")


def test_missing_migrations_are_told(env, tmp_path):
    port = free_port()
    with started(runserver(port, "--noreload"), env, tmp_path, port) as site:
        site.wait_until_up()
        assert "unapplied migration" in site.output


def test_wrong_settings_are_told_and_nothing_is_served(env, tmp_path):
    port = free_port()
    env |= {"CONVERSATION_STORE": "nowhere"}
    with started(runserver(port, "--noreload", "--migrate"), env, tmp_path, port) as site:
        assert site.wait() != 0
        assert "CONVERSATION_STORE is “nowhere”" in site.output


def test_a_port_in_use_is_told_as_a_sentence(env):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = runserver(taken.getsockname()[1], "--noreload", "--migrate")
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 1
    assert "is in use" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["views.py", "page.html", "django.mo"])
def test_code_templates_and_translations_are_watched(tmp_path, name):
    file = tmp_path / name
    file.touch()
    config = uvicorn.Config("chatsite.asgi:application", reload=True, reload_dirs=[str(tmp_path)], reload_delay=0)
    reloader = Reloader(config, target=lambda sockets: None, sockets=[])
    assert reloader.should_restart() is None
    later = file.stat().st_mtime_ns + 10**9
    os.utime(file, ns=(later, later))
    assert reloader.should_restart() == [file]


def test_the_virtual_environment_is_not_watched():
    folders = watched_folders()
    assert str(ROOT / "conversations") in folders
    assert str(ROOT / "templates") in folders
    assert not [folder for folder in folders if ".venv" in folder]


def test_the_reloader_takes_its_server_with_it(env, tmp_path):
    port = free_port()
    with started(runserver(port, "--migrate"), env, tmp_path, port) as site:
        site.wait_until_up()
        site.process.terminate()
        site.wait()
        with pytest.raises(OSError, match="refused"):
            Visitor(port).get("/healthz")
