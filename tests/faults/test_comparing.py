"""Models are compared: the process that writes their answers is killed, or another process is asked for the page."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from collections.abc import Callable

import pytest

from tests.faults.cases import Case, standing
from tests.serving import PATIENCE, Served, Visitor, free_port, impatient, manage, served
from tests.upstream import HANG, Upstream

PASSWORD = "correct horse battery"
NAMES = ("alpha", "beta", "gamma")
DATABASE = "Postgres" if os.environ.get("DATABASE_URL", "").startswith("postgres") else "SQLite"
COLUMN = re.compile(r'<article class="message assistant lane".*?</article>', re.DOTALL)


class Script:
    """What each model says; alpha ends by itself, the others wait to be let go."""

    def __init__(self) -> None:
        self.gate = threading.Event()

    def __call__(self, body):
        return {
            "alpha": ("Alpha is done.",),
            "beta": ("Beta has beg", self.gate, "un."),
            "gamma": (HANG,),
        }.get(str(body["model"]), ("Title",))


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture(params=["database", "S3"])
def env(request, tmp_path, script, db):
    """(`db`, so that --database-only takes it to Postgres.)"""
    with standing(Case(DATABASE, request.param), tmp_path / "postgres") as variables, Upstream(script) as upstream:
        yield impatient(tmp_path, upstream.url) | {"OPENAI_MODELS": ",".join(NAMES)} | variables
        script.gate.set()


def member(env: dict[str, str], site: Served) -> Visitor:
    who = ("--username", "carol", "--email", "carol@example.com")
    manage(env | {"DJANGO_SUPERUSER_PASSWORD": PASSWORD}, "createsuperuser", "--noinput", *who)
    visitor = Visitor(site.port)
    assert visitor.log_in("carol", PASSWORD).status == 302
    return visitor


def compare(visitor: Visitor) -> str:
    """Send a message to all three; the address of its chat."""
    start = visitor.get("/").text
    boxes = re.findall(r'name="models" value="(\d+)"[^>]*><span[^>]*>(\w+)', start)
    chosen = {label: pk for pk, label in boxes}
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', start)[1]
    form = [("csrfmiddlewaretoken", token), ("content", "Which is best?"), ("parent_id", "")]
    answer = visitor.post("/send/", [*form, *(("models", chosen[name]) for name in NAMES)])
    assert answer.status == 303, answer.text
    return answer.headers["location"].partition("#")[0]


def columns(visitor: Visitor, address: str) -> list[str]:
    return COLUMN.findall(visitor.get(address).text)


def statuses(found: list[str]) -> list[str]:
    return [re.search(r'data-status="(\w+)"', column)[1] for column in found]


def until(look: Callable[[], list[str]], wanted: Callable[[list[str]], bool]) -> list[str]:
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        if wanted(found := look()):
            return found
        time.sleep(0.1)
    raise AssertionError(f"It did not come to that: {found}")


def act(visitor: Visitor, page: str, action: str, **fields: str):
    return visitor.post(action, {"csrfmiddlewaretoken": visitor.token(page), **fields})


def test_a_kill_in_the_middle_settles_each_answer_by_itself(env, tmp_path):
    port = free_port()
    with served(env, tmp_path, port) as site:
        visitor = member(env, site)
        address = compare(visitor)
        until(lambda: columns(visitor, address), lambda found: "Beta has beg" in "".join(found))
        until(lambda: statuses(columns(visitor, address)), lambda found: found[0] == "completed")
        site.signal(signal.SIGKILL)
        site.wait()
    with served(env, tmp_path, port):
        found = until(lambda: columns(visitor, address), lambda found: "in_progress" not in statuses(found))
        assert statuses(found) == ["completed", "interrupted", "interrupted"]
        assert ["Alpha is done." in found[0], "Beta has beg" in found[1]] == [True, True]
        assert "Keep this one" not in found[2]  # it had said nothing
        kept = re.search(r'data-id="(\w+)"', found[1])[1]
        assert act(visitor, address, f"{address}keep/", message_id=kept).status == 303
        page = visitor.get(address).text
        assert not COLUMN.findall(page)
        assert "2/3" in page
        assert page.count('data-role="user"') == 1


def test_another_process_shows_all_answers_live_and_stops_one(env, tmp_path, script):
    with served(env, tmp_path) as here, served(env, tmp_path) as there:
        visitor = member(env, here)
        address = compare(visitor)
        other = Visitor(there.port, cookies=visitor.cookies)
        found = until(lambda: columns(other, address), lambda found: "Beta has beg" in "".join(found))
        follow = [re.search(r'data-follow="([^"]+)"', column) for column in found]
        events = other.events(follow[1][1])
        stop = re.search(r'formaction="(/g/[^"]+/stop/)"', found[2])[1]
        assert act(other, address, stop).status == 302
        script.gate.set()
        said = list(events)
        assert [data["status"] for name, data in said if name == "done"] == ["completed"]
        texts = (data.get(part, "") for _name, data in said for part in ("text", "html", "tail"))
        assert "Beta has begun." in re.sub("<[^>]+>", "", "".join(texts))
        until(lambda: statuses(columns(other, address)), lambda found: found == ["completed", "completed", "cancelled"])
