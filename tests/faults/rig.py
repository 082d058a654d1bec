"""The rig: people send, processes fall, and at the end what was accepted is held against what is stored."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import aiohttp

from tests.faults import oracle
from tests.faults.browser import Browser
from tests.faults.journal import Journal
from tests.faults.people import Person, Tab
from tests.faults.processes import DEAD_AFTER, Processes, fell
from tests.faults.script import REPLY_TOKENS, Script
from tests.serving import PYTHON, ROOT, manage, production
from tests.upstream import Upstream

OUTPUT_GUARD = 300.0  # seconds
EXCEPTION = re.compile(
    r"^(?:  .*\n){0,8}^\w[\w.]*(?:Error|Exception)\b.{0,200}", re.MULTILINE
)  # and where it was raised


@dataclass(frozen=True)
class Plan:
    """One run. A process falls each time that about `sends_between_falls` messages were accepted."""

    sends: int
    seed: int
    processes: int = 1
    people: int = 8
    sends_between_falls: int = 30
    pace: str = "short"  # or "production": see settings.py
    limit: float = 600.0  # seconds


@dataclass
class Report:
    plan: Plan
    journal: Journal
    violations: list[str]
    seconds: float
    settled_in: float  # seconds from the last fall
    lost: list[float] = field(default_factory=list)  # seconds of text, for each interrupted reply
    statuses: Counter = field(default_factory=Counter)
    orphans: int = 0  # documents that no conversation names
    errors: Counter[str] = field(default_factory=Counter)  # exceptions in the logs of the processes

    @property
    def kinds(self) -> Counter[str]:
        return Counter(violation.partition(":")[0] for violation in self.violations)

    def __str__(self) -> str:
        falls = Counter(fall.how for fall in self.journal.falls)
        return (
            f"seed {self.plan.seed}: {len(self.journal.sends)} sends, {self.journal.count('accepted')} accepted, "
            f"{self.journal.count('refused')} refused, {self.journal.count('unknown')} unknown; "
            f"{self.journal.resumed} readers came back; falls {dict(falls)}; replies {dict(self.statuses)}; "
            f"most text lost {max(self.lost, default=0):.2f} s; settled in {self.settled_in:.1f} s; "
            f"{self.orphans} orphans; {self.seconds:.0f} s; violations {dict(self.kinds)}"
        )


def environment(folder: Path, upstream: Upstream, plan: Plan, **variables: str) -> dict[str, str]:
    """The site's environment: production, with the model server of the rig."""
    return production(
        folder,
        DJANGO_SETTINGS_MODULE="tests.faults.settings",
        FAULTS_PACE=plan.pace,
        TRUSTED_PROXIES="1",
        OPENAI_BASE_URL=upstream.url,
        OPENAI_MODELS="test",
        CHAT_MAX_TOKENS=str(REPLY_TOKENS),
        CHAT_SHUTDOWN_GRACE="0.4",  # shorter than many replies, so that SIGTERM interrupts some
        CHAT_SHUTDOWN_EXIT="4",
        LOG_LEVEL="WARNING",
        **({"FAULTS_DEAD_AFTER": str(DEAD_AFTER)} if plan.processes > 1 else {}),
    ) | variables  # fmt: skip


def run(plan: Plan, folder: Path, **variables: str) -> Report:
    """One run on a fresh database and store, which `variables` name. Broken promises are in the report."""
    with Upstream(Script(plan.seed)) as upstream:
        env = environment(folder, upstream, plan, **variables)
        manage(env, "migrate", "--noinput", "--verbosity", "0")
        cookies = manage(env, "make_sessions", str(plan.people)).split()
        journal = Journal(plan.sends)
        with Processes(env, folder, plan.processes) as processes:
            settled_in = asyncio.run(_live(plan, journal, processes, cookies, env, folder))
            stored = _stored(env, folder)
        seconds = time.monotonic() - journal.began
        return Report(
            plan,
            journal,
            oracle.violations(journal, stored, upstream.exchanges),
            seconds,
            settled_in,
            oracle.seconds_lost(journal, stored, upstream.exchanges),
            Counter(row["status"] for row in stored.rows),
            sum(not document["owned"] for document in stored.documents.values()),
            Counter(EXCEPTION.findall(processes.logs)),
        )


async def _live(
    plan: Plan, journal: Journal, processes: Processes, cookies: list[str], env: dict[str, str], folder: Path
) -> float:
    rng = Random(plan.seed)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        people = []
        for number, cookie in enumerate(cookies):
            own = Random(f"{plan.seed} {number}")
            people.append(Person(number, Browser(session, cookie, processes.ports, own), journal, own))
        over = asyncio.Event()
        reaper = asyncio.create_task(_kill(plan, journal, processes, rng, over))
        async with asyncio.timeout(plan.limit):
            await asyncio.gather(*(person.work() for person in people))
        over.set()
        await reaper
        for port in processes.ports:
            journal.falls.append(await fell(processes, port, "kill"))
        stored = await asyncio.to_thread(_stored, env, folder)
        await _write_to_every_chat(journal, people)
        return stored.waited


async def _kill(plan: Plan, journal: Journal, processes: Processes, rng: Random, over: asyncio.Event) -> None:
    target, deck = 0, []
    while True:
        target += rng.randint(plan.sends_between_falls // 2, plan.sends_between_falls * 3 // 2)
        while journal.count("accepted") < target:
            if over.is_set():
                return
            await asyncio.sleep(0.01)
        await asyncio.sleep(rng.random() * 0.3)
        ports = rng.sample(processes.ports, rng.randint(1, len(processes.ports)))
        deck = deck or rng.sample(processes.hows, len(processes.hows))  # every kind has its turn
        falls = [fell(processes, port, deck.pop()) for port in ports[: len(deck)]]
        journal.falls += await asyncio.gather(*falls)


async def _write_to_every_chat(journal: Journal, people: list[Person]) -> None:
    """Nobody is blocked: each chat takes another message."""
    chats = {send.conversation: send.person for send in journal.accepted}

    async def write(person: Person) -> None:
        for address in [address for address, number in chats.items() if number == person.number]:
            tab = Tab(person, address, is_shared=True)
            await tab.load()
            send = tab.write()
            article = await tab.deliver(send)
            if send.outcome == "refused":
                journal.wrong.append(f"blocked: {address} takes no message any more")
            if article:
                await tab.look_at(send, article)
                await tab.settle_down()

    await asyncio.gather(*(write(person) for person in people))


def _stored(env: dict[str, str], folder: Path) -> oracle.Stored:
    path = folder / "stored.json"
    command = [str(PYTHON), "-m", "tests.faults.stored", str(path)]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=OUTPUT_GUARD, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return oracle.Stored(**json.loads(path.read_text(encoding="utf-8")))
