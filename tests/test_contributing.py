"""The backend in CONTRIBUTING.md is ten lines, and works as it stands there."""

from __future__ import annotations

import re
import sys
from types import ModuleType

import pytest

from conversations import services, streaming
from conversations.backends import get_backend
from tests.helpers import branch, finished, say
from tests.serving import ROOT

CODE, SETTING = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def echo(settings, monkeypatch, transactional_db):
    """The class of the document, at the place and by the setting that it names."""
    module = ModuleType("conversations.backends.echo")
    exec(CODE, module.__dict__)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    backends: dict = {}
    exec(SETTING, {"CHAT_BACKENDS": backends})
    settings.CHAT_BACKENDS = backends
    services.seed_catalogue()
    return get_backend("echo")


def test_it_is_ten_lines():
    assert len([line for line in CODE.splitlines() if line.strip()]) <= 10


def test_the_guide_to_it_names_what_exists():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:conversations|chatsite|tests|deploy)/[\w/.]+)`", text)
    missing = [name for name in named if not (ROOT / name).exists()]
    assert missing == ["conversations/backends/echo.py"]  # the one that the reader is to write


async def test_it_answers_a_message(echo, alice):
    try:
        generation = await finished(await say(alice, "Hello there"))
        assert generation.status == "completed"
        said = [message.content for message in await branch(generation.conversation)]
        assert said == ["Hello there", "Hello there "]
    finally:
        await streaming.shutdown()
