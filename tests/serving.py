"""The site as a process of its own, started by the commands that hosts and people type; and somebody who visits it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 60.0  # seconds; a guard against hanging, far above what anything here takes
PYTHON = Path(sys.executable)


def environment(**variables: str) -> dict[str, str]:
    """What a process needs to find its programs, and nothing that the developer has configured."""
    return {
        "PATH": f"{PYTHON.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "HOME": os.environ.get("HOME", "/tmp"),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "ENV_FILE": os.devnull,
        "CHAT_FIND_OLLAMA": "0",
        **variables,
    }


def production(folder: Path, **variables: str) -> dict[str, str]:
    """A production environment whose database is a file in `folder`."""
    return environment(
        DEBUG="0",
        SECRET_KEY="k" * 25 + "0123456789abcdefghijklmnopq",
        ALLOWED_HOSTS="chat.example.com,127.0.0.1",
        SIGNUP_OPEN="0",
        DATABASE_URL=f"sqlite:///{folder / 'site.sqlite3'}",
        STATIC_ROOT=str(folder / "static"),
        **variables,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def manage(env: dict[str, str], *arguments: str) -> str:
    """Run a management command; its output. Fails with what it said."""
    command = [str(PYTHON), "manage.py", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, f"{' '.join(arguments)}: {done.stdout}{done.stderr}"
    return done.stdout


@dataclass
class Served:
    """A running site: its port, its process, and what it has printed so far."""

    port: int
    process: subprocess.Popen
    log: Path

    @property
    def output(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait_until_up(self) -> None:
        give_up = time.monotonic() + PATIENCE
        while time.monotonic() < give_up:
            assert self.process.poll() is None, f"The site ended by itself:\n{self.output}"
            try:
                if Visitor(self.port).get("/healthz").status == 200:
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(f"The site did not come up:\n{self.output}")

    def signal(self, number: signal.Signals) -> None:
        os.killpg(self.process.pid, number)

    def wait(self) -> int:
        """The exit status, once the process has ended by itself."""
        return self.process.wait(PATIENCE)


@contextmanager
def started(command: str | list[str], env: dict[str, str], folder: Path, port: int) -> Iterator[Served]:
    """Run a command (text: through bash, as a Procfile's line) that is to serve on `port`; end it afterwards."""
    log = folder / f"log-{port}.txt"
    arguments = ["bash", "-c", command] if isinstance(command, str) else command
    with log.open("wb") as sink:
        process = subprocess.Popen(
            arguments, cwd=ROOT, env=env, stdout=sink, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        yield Served(port, process, log)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    text: str

    def json(self) -> dict:
        return json.loads(self.text)


@dataclass
class Visitor:
    """A browser's essentials over plain HTTP: cookies, forms with their tokens, event streams."""

    port: int
    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)

    def open(self, method: str, path: str, body: str | None = None, **headers: str) -> HTTPResponse:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = self.headers | ({"Cookie": cookie} if cookie else {}) | headers
        connection.request(method, path, body, sent)
        response = connection.getresponse()
        for line in response.headers.get_all("Set-Cookie", []):
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
        return response

    def get(self, path: str, **headers: str) -> Answer:
        return self._answer(self.open("GET", path, **headers))

    def post(self, path: str, form: dict[str, str], **headers: str) -> Answer:
        """Post a form; its token is the one of the last page."""
        origin = {"Content-Type": "application/x-www-form-urlencoded"}
        if host := self.headers.get("Host"):
            origin |= {"Origin": f"https://{host}", "Referer": f"https://{host}{path}"}
        return self._answer(self.open("POST", path, urlencode(form), **origin, **headers))

    def token(self, path: str) -> str:
        """The form token on a page."""
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.get(path).text)
        assert found, f"No form on {path}"
        return found[1]

    def log_in(self, name: str, password: str) -> Answer:
        form = {"login": name, "password": password}
        return self.post("/accounts/login/", form | {"csrfmiddlewaretoken": self.token("/accounts/login/")})

    def events(self, path: str, **headers: str) -> Iterator[tuple[str, dict]]:
        """Server-sent events as (name, data), each as soon as it is there."""
        response = self.open("GET", path, Accept="text/event-stream", **headers)
        assert response.status == 200, response.read()
        yield from self.read_events(response)

    @staticmethod
    def read_events(response: HTTPResponse) -> Iterator[tuple[str, dict]]:
        name, data = "message", ""
        for raw in response:
            line = raw.decode().rstrip("\n")
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                data = line.removeprefix("data: ")
            elif not line and data:
                yield name, json.loads(data)
                name, data = "message", ""

    @staticmethod
    def _answer(response: HTTPResponse) -> Answer:
        body = response.read()
        return Answer(
            response.status, {k.lower(): v for k, v in response.headers.items()}, body.decode(errors="replace")
        )


def impatient(folder: Path, upstream: str) -> dict[str, str]:
    """An environment for `served` with short intervals and one model server; Postgres where the tests run on one."""
    given = os.environ.get("DATABASE_URL", "")
    return environment(
        DJANGO_SETTINGS_MODULE="tests.impatient",
        DEBUG="1",
        DATABASE_URL=given if given.startswith("postgres") else f"sqlite:///{folder / 'site.sqlite3'}",
        OPENAI_BASE_URL=upstream,
        OPENAI_MODELS="test",
    )


@contextmanager
def served(env: dict[str, str], folder: Path, port: int | None = None) -> Iterator[Served]:
    """The development server as one process: what it is told by signals, it hears itself."""
    port = port or free_port()
    command = [str(PYTHON), "manage.py", "runserver", "--noreload", "--migrate", f"127.0.0.1:{port}"]
    with started(command, env, folder, port) as site:
        site.wait_until_up()
        yield site
