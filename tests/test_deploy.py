"""The deployment files at work: the Procfile's own lines, the container's start script, and what they serve.

On an SQLite file, or on the Postgres of DATABASE_URL where the tests run on one.
"""

from __future__ import annotations

import json
import os
import re
import runpy
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from urllib.parse import urljoin
from uuid import uuid4

import pytest

from tests.serving import PATIENCE, PYTHON, ROOT, Served, Visitor, environment, free_port, manage, production, started
from tests.upstream import Upstream

PROCFILE = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines() if line)
GUNICORN = ROOT / "deploy" / "gunicorn.conf.py"
PASSWORD = "correct horse battery"
# What Heroku's router adds.
ROUTED = {"Host": "chat.example.com", "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}

Serving = Callable[..., AbstractContextManager[Served]]


@pytest.fixture(scope="module")
def env(tmp_path_factory) -> dict[str, str]:
    """A production environment after the buildpack's collectstatic, its last hook and the release phase."""
    given = os.environ.get("DATABASE_URL", "")
    real = {"DATABASE_URL": given} if given.startswith("postgres") else {}
    env = production(tmp_path_factory.mktemp("production")) | {"TRUSTED_PROXIES": "1"} | real
    building = {name: env[name] for name in ("PATH", "HOME", "ENV_FILE", "DEBUG", "STATIC_ROOT")}
    manage(building, "collectstatic", "--noinput")
    hook = [ROOT / "bin" / "post_compile"]
    subprocess.run(hook, cwd=ROOT, env=building, check=True, capture_output=True, timeout=PATIENCE)
    release = ["bash", "-c", PROCFILE["release"]]
    subprocess.run(release, cwd=ROOT, env=env, check=True, capture_output=True, timeout=PATIENCE)
    return env


@pytest.fixture
def serving(env, tmp_path, db) -> Serving:
    """Starts the Procfile's web line, with further variables. (`db`, so that --database-only takes it to Postgres.)"""

    @contextmanager
    def serve(**variables: str) -> Iterator[Served]:
        port = free_port()
        with started(PROCFILE["web"], env | {"PORT": str(port)} | variables, tmp_path, port) as site:
            site.wait_until_up()
            yield site

    return serve


def member(env: dict[str, str], site: Served) -> Visitor:
    """Somebody new, who has logged in by the form."""
    name = f"alice-{uuid4().hex[:8]}"
    secret = {"DJANGO_SUPERUSER_PASSWORD": PASSWORD}
    manage(env | secret, "createsuperuser", "--noinput", "--username", name, "--email", f"{name}@example.com")
    visitor = Visitor(site.port, dict(ROUTED))
    assert visitor.log_in(name, PASSWORD).status == 302
    return visitor


def send(visitor: Visitor, text: str) -> str:
    """Send a first message, as the page's script does; the fragment with the two messages."""
    form = {"csrfmiddlewaretoken": visitor.token("/"), "content": text, "parent_id": ""}
    answer = visitor.post("/send/", form, **{"X-Requested-With": "fetch"})
    assert answer.status == 200, answer.text
    return answer.text


def follow_address(fragment: str) -> str:
    """Where the events of the reply are, or nothing if it is complete."""
    found = re.search(r'data-follow="([^"]+)"', fragment)
    return found[1] if found else ""


def last_reply(env: dict[str, str]) -> str:
    """Status and text of the newest reply."""
    newest = "Generation.objects.order_by('created_at').last()"
    shell = f"from conversations.models import Generation; g = {newest}; print(g.status, g.reply_text)"
    return manage(env, "shell", "--verbosity", "0", "-c", shell).strip()


def test_somebody_logs_in_and_reads_a_reply_of_the_guide(env, serving):
    with serving() as site:
        visitor = member(env, site)
        answer = send(visitor, "What can this site do?")
        if address := follow_address(answer):  # rules answer at once: all may stand on the page already
            events = list(visitor.events(address))
            assert [data["status"] for name, data in events if name == "done"] == ["completed"]
        page = visitor.get(re.search(r'data-url="([^"]+)"', answer)[1]).text
        assert 'data-status="completed"' in page
        assert "language model" in page.split('data-role="assistant"')[1]


def test_a_language_model_connected_later_becomes_the_default_and_streams(env, serving):
    gate = threading.Event()
    with serving():
        pass  # its catalogue holds the Guide now
    with Upstream() as upstream:
        upstream.enqueue("One half", gate, " and the other")
        with serving(OPENAI_BASE_URL=upstream.url, OPENAI_MODELS="test") as site:
            visitor = member(env, site)
            response = visitor.open("GET", follow_address(send(visitor, "Hi")))
            assert response.headers["Content-Type"] == "text/event-stream"
            assert response.headers["X-Accel-Buffering"] == "no"
            assert "no-store" in response.headers["Cache-Control"]
            events = visitor.read_events(response)
            assert any("half" in str(data) for _, data in events)
            gate.set()  # the model says the rest only now that the first half was read
            assert [data["status"] for name, data in events if name == "done"] == ["completed"]


def test_sigterm_sends_readers_away_and_keeps_what_was_said(env, serving):
    """As Heroku restarts a dyno: the signal goes to every process at once."""
    with Upstream() as upstream:
        upstream.enqueue("Half an answer", threading.Event())
        server = {"OPENAI_BASE_URL": upstream.url, "OPENAI_MODELS": "test"}
        with serving(**server, CHAT_SHUTDOWN_GRACE="1", CHAT_SHUTDOWN_EXIT="3") as site:
            visitor = member(env, site)
            events = visitor.events(follow_address(send(visitor, "Hi")))
            assert any("Half" in str(data) for _, data in events)
            site.signal(signal.SIGTERM)
            assert "restart" in [name for name, _ in events]
            assert site.wait() == 0
    assert last_reply(env) == "interrupted Half an answer"


def test_a_reply_that_ends_in_its_grace_is_complete(env, serving):
    gate = threading.Event()
    with Upstream() as upstream:
        upstream.enqueue("One half", gate, " and the other")
        server = {"OPENAI_BASE_URL": upstream.url, "OPENAI_MODELS": "test"}
        with serving(**server, CHAT_SHUTDOWN_GRACE="20", CHAT_SHUTDOWN_EXIT="22") as site:
            visitor = member(env, site)
            events = visitor.events(follow_address(send(visitor, "Hi")))
            assert any("half" in str(data) for _, data in events)
            site.process.terminate()
            assert "restart" in [name for name, _ in events]
            gate.set()
            assert site.wait() == 0
    assert last_reply(env) == "completed One half and the other"


def test_plain_requests_are_sent_to_https_but_probes_are_answered(serving):
    with serving() as site:
        plain = Visitor(site.port, {"Host": "chat.example.com"})
        answer = plain.get("/accounts/login/")
        assert (answer.status, answer.headers["location"]) == (301, "https://chat.example.com/accounts/login/")
        assert plain.get("/readyz").status == 200


def test_modules_have_hashed_names_and_are_cached_for_ever(env, serving):
    with serving() as site:
        visitor = member(env, site)
        waiting, seen = re.findall(r'<script[^>]+src="([^"]+)"', visitor.get("/").text), set()
        assert waiting
        while waiting:
            address = waiting.pop()
            if address in seen:
                continue
            seen.add(address)
            assert re.search(r"\.[0-9a-f]{12}\.js$", address)
            answer = visitor.get(address)
            assert (answer.status, answer.headers["content-type"]) == (200, 'text/javascript; charset="utf-8"')
            assert "immutable" in answer.headers["cache-control"]
            waiting += [urljoin(address, found) for found in re.findall(r'(?:from|import)\s*"([^"]+)"', answer.text)]
        assert len(seen) > 1


def test_static_files_are_compressed_and_answer_to_their_tag(serving):
    with serving() as site:
        visitor = Visitor(site.port, dict(ROUTED))
        sheet = re.search(r'href="(/static/css/[^"]+)"', visitor.get("/accounts/login/").text)[1]
        assert visitor.get(sheet, **{"Accept-Encoding": "gzip"}).headers["content-encoding"] == "gzip"
        tag = visitor.get(sheet).headers["etag"]
        assert visitor.get(sheet, **{"If-None-Match": tag}).status == 304
        head = visitor.open("HEAD", sheet)
        assert (head.status, head.read()) == (200, b"")
        assert int(head.headers["Content-Length"]) > 0


def test_the_site_does_not_start_without_a_secret_key(env, tmp_path):
    port = free_port()
    with started(PROCFILE["web"], env | {"PORT": str(port), "SECRET_KEY": ""}, tmp_path, port) as site:
        assert site.wait() != 0
        assert "SECRET_KEY is not set" in site.output


def test_the_site_does_not_start_without_its_static_files(env, tmp_path):
    port = free_port()
    nowhere = {"PORT": str(port), "STATIC_ROOT": str(tmp_path / "nowhere")}
    with started(PROCFILE["web"], env | nowhere, tmp_path, port) as site:
        assert site.wait() != 0
        assert "collectstatic" in site.output


@pytest.mark.parametrize(
    ("variables", "workers"),
    [({}, 1), ({"WEB_CONCURRENCY": "4"}, 1), ({"WEB_CONCURRENCY": "4", "REDIS_URL": "redis://localhost"}, 4)],
)
def test_there_is_one_worker_unless_redis_connects_several(monkeypatch, variables, workers):
    for name in ("WEB_CONCURRENCY", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert runpy.run_path(str(GUNICORN))["workers"] == workers


def test_gunicorn_gives_replies_their_grace_and_heroku_its_thirty_seconds(monkeypatch):
    monkeypatch.delenv("CHAT_SHUTDOWN_EXIT", raising=False)
    assert 22 < runpy.run_path(str(GUNICORN))["graceful_timeout"] < 30


def test_the_app_manifest_names_settings_that_exist_and_a_database():
    manifest = json.loads((ROOT / "app.json").read_text(encoding="utf-8"))
    files = ("settings.py", "connections.py", "environment.py")
    source = "".join((ROOT / "chatsite" / name).read_text(encoding="utf-8") for name in files)
    assert [name for name in manifest["env"] if f'"{name}"' not in source] == []
    assert [name for name, entry in manifest["env"].items() if not entry["description"].endswith(".")] == []
    assert manifest["env"]["SECRET_KEY"]["generator"] == "secret"
    assert any(addon.startswith("heroku-postgresql") for addon in manifest["addons"])


def test_the_manifest_alone_makes_a_site_that_starts(env, tmp_path):
    """What the button sets, and what Heroku itself does: no further variable is needed."""
    manifest = json.loads((ROOT / "app.json").read_text(encoding="utf-8"))
    values = {name: entry.get("value", "") for name, entry in manifest["env"].items()}
    values["SECRET_KEY"] = env["SECRET_KEY"]
    heroku = {"DATABASE_URL": env["DATABASE_URL"], "STATIC_ROOT": env["STATIC_ROOT"]}
    port = free_port()
    if heroku["DATABASE_URL"].startswith("postgres"):
        heroku["DYNO"] = "web.1"
    with started(PROCFILE["web"], environment(PORT=str(port), **values) | heroku, tmp_path, port) as site:
        site.wait_until_up()
        address = ROUTED | {"Host": "chat-1234.herokuapp.com"}
        assert Visitor(port, address).get("/accounts/login/").status == 200


def container_environment() -> dict[str, str]:
    """The ENV lines of the Dockerfile."""
    lines = re.findall(r"^ENV (.+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    return dict(pair.split("=", 1) for line in lines for pair in line.split())


def test_the_container_is_built_without_secrets_and_starts_from_nothing(tmp_path):
    port = free_port()
    image = environment(**container_environment(), STATIC_ROOT=str(tmp_path / "static"))
    manage(image, "collectstatic", "--noinput")
    given = production(tmp_path, PORT=str(port))
    with started(["sh", "deploy/start.sh"], image | given, tmp_path, port) as site:
        site.wait_until_up()
        assert Visitor(port).get("/readyz").status == 200
        assert probe(port) == 0
        site.process.terminate()
        assert site.wait() == 0
    assert probe(port) == 1


def probe(port: int) -> int:
    """What the container's health check exits with."""
    command = [str(PYTHON), "deploy/probe.py"]
    done = subprocess.run(command, cwd=ROOT, env=environment(PORT=str(port)), capture_output=True, check=False)
    return done.returncode


def test_the_container_has_the_port_of_spaces_and_their_user():
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert container_environment()["PORT"] == "7860"
    assert container_environment()["DEBUG"] == "0"
    assert "--uid 1000" in dockerfile
    assert dockerfile.rindex("\nUSER chatsite") < dockerfile.rindex("\nCMD")


def test_the_container_leaves_secrets_and_data_outside():
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".env", ".git", ".venv*", "var"} <= set(ignored)


def test_a_space_that_would_forget_everything_does_not_start(tmp_path, env):
    port = free_port()
    space = env | {
        "PORT": str(port),
        "DATABASE_URL": f"sqlite:///{tmp_path / 'site.sqlite3'}",
        "SPACE_ID": "alice/chat",
    }
    manage(space | {"ALLOW_EPHEMERAL_DATA": "1"}, "migrate", "--verbosity", "0")
    with started(PROCFILE["web"], space, tmp_path, port) as site:
        assert site.wait() != 0
        assert "ALLOW_EPHEMERAL_DATA=1" in site.output
    with started(PROCFILE["web"], space | {"ALLOW_EPHEMERAL_DATA": "1"}, tmp_path, port) as site:
        site.wait_until_up()


def test_the_python_version_is_one_that_the_project_supports():
    wanted = Path(ROOT / ".python-version").read_text().strip()
    assert re.fullmatch(r"3\.\d+", wanted)
    assert f"python:{wanted}-slim" in (ROOT / "Dockerfile").read_text()


def test_the_client_for_redis_is_installed(tmp_path):
    env = production(tmp_path, REDIS_URL="redis://localhost:6379/0")
    shell = "from django.core.cache import cache; print(type(cache._cache).__name__)"
    assert "RedisCacheClient" in manage(env, "shell", "--verbosity", "0", "-c", shell)
