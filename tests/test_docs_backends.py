"""The examples of docs/backends.md, run as they stand there."""

from __future__ import annotations

import re
import sys
import time
from types import ModuleType

import pytest

from conversations import services, streaming
from conversations.backends import ChatBackend, get_backend
from conversations.errors import InputError
from conversations.streaming.executors import in_database
from tests.helpers import branch, finished
from tests.serving import ROOT
from tests.upstream import Answer, Upstream

TEXT = (ROOT / "docs" / "backends.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
MODULES = {re.search(r"backends/(\w+)\.py", block)[1]: block for block in BLOCKS if block.startswith("# conv")}
SETTINGS = [block for block in BLOCKS if block.startswith("CHAT_BACKENDS")]


@pytest.fixture
async def backends(settings, monkeypatch, transactional_db):
    """All of them, at the places and by the settings that the page names."""
    for name, code in MODULES.items():
        module = ModuleType(f"conversations.backends.{name}")
        exec(code, module.__dict__)
        monkeypatch.setitem(sys.modules, module.__name__, module)
    configured: dict = {}
    for block in SETTINGS:
        exec(block, {"CHAT_BACKENDS": configured})
    settings.CHAT_BACKENDS = configured
    await in_database(services.seed_catalogue)
    yield configured
    await streaming.shutdown()


async def model_of(alias: str):
    return next(model for model in await in_database(services.available_models) if model.backend == alias)


async def answer(user, alias: str, text: str, wish: services.Wish | None = None) -> str:
    chat = services.start_conversation(user)
    model = await model_of(alias)
    row = await finished(await services.send_message(chat, text, parent_id="", model=model.pk, wish=wish))
    assert row.status == "completed", row.error
    return (await branch(row.conversation))[-1].content


def lead_to(settings, url: str) -> None:
    connection = settings.CHAT_BACKENDS["by-hand"]
    connection = connection | {"OPTIONS": connection["OPTIONS"] | {"base_url": url}}
    settings.CHAT_BACKENDS = settings.CHAT_BACKENDS | {"by-hand": connection}  # instances made before are forgotten


def test_the_page_has_four_examples_each_with_its_setting():
    assert list(MODULES) == ["echo", "yes_no", "slow_echo", "by_hand"]
    assert len(SETTINGS) == 4


@pytest.mark.parametrize("name", ["echo", "yes_no"])
def test_a_simple_one_has_about_ten_lines(name):
    lines = [
        line for line in MODULES[name].splitlines() if line.strip() and not line.startswith(("#", "import", "from"))
    ]
    assert len(lines) <= 10


async def test_all_are_backends_with_a_model_each(backends):
    assert all(isinstance(get_backend(alias), ChatBackend) for alias in backends)
    assert {model.backend for model in await in_database(services.available_models)} == set(backends)


async def test_echo_repeats(backends, alice):
    assert await answer(alice, "echo", "Hello there") == "Hello there"


async def test_yes_or_no_answers_questions(backends, alice):
    assert await answer(alice, "yes-no", "Is it raining?") in ("Yes", "No")
    assert await answer(alice, "yes-no", "It is raining.") == "Ask me something"


async def test_slow_echo_hears_its_own_inputs(backends, alice):
    said = {"pause": "0", "times": "2", "voice": "loud", "greeting": "Well:", "backwards": "true"}
    assert await answer(alice, "slow-echo", "a b", services.Wish(said)) == "WELL:… B… A… B… A… "
    assert await answer(alice, "slow-echo", "a b", services.Wish({"pause": "0"})) == "a… b… "


async def test_slow_echo_pauses_as_it_is_told(backends, alice):
    begun = time.monotonic()
    await answer(alice, "slow-echo", "a b c", services.Wish({"pause": "0.2"}))
    assert time.monotonic() - begun >= 0.6  # no upper bound: a busy machine is no fault


async def test_slow_echo_is_not_asked_with_what_it_never_takes(backends, alice):
    with pytest.raises(InputError, match="How often"):
        await answer(alice, "slow-echo", "a", services.Wish({"times": "6"}))


async def test_the_other_site_gets_settings_and_system_prompt(backends, settings, alice):
    settings.CHAT_TITLES = False
    with Upstream() as upstream:
        lead_to(settings, upstream.url)
        upstream.enqueue("Good ", "day")
        wish = services.Wish({"temperature": "0.2", "max_tokens": "1024"}, services.OWN_TEXT, "You are a butler.")
        assert await answer(alice, "by-hand", "Hello", wish) == "Good day"
        [exchange] = upstream.exchanges
        assert exchange.body["model"] == "some-model"
        assert (exchange.body["temperature"], exchange.body["max_tokens"]) == (0.2, 1024)
        assert exchange.body["messages"] == [
            {"role": "system", "content": "You are a butler."},
            {"role": "user", "content": "Hello"},
        ]
        assert exchange.headers["Authorization"] == "Bearer secret"


async def test_the_other_site_says_no_in_a_sentence(backends, settings, alice):
    with Upstream() as upstream:
        lead_to(settings, upstream.url)
        upstream.enqueue(Answer(400))
        chat = services.start_conversation(alice)
        model = await model_of("by-hand")
        row = await finished(await services.send_message(chat, "Hello", parent_id="", model=model.pk))
        assert row.error == "The other site did not take the message. Choose another model."
