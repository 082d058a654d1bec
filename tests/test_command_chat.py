"""`manage.py chat`: as one command with pipes, and as a conversation in a real terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from codecs import getincrementaldecoder
from pathlib import Path

import pytest

from tests.upstream import CLOSE, CUT, HANG, Upstream

ROOT = Path(__file__).resolve().parent.parent
GUARD = 30  # seconds after which a test that hangs fails


@pytest.fixture
def upstream():
    with Upstream() as server:
        yield server


def environment(upstream: Upstream | None = None, **variables: str) -> dict[str, str]:
    """The site's own settings, with a database that does not exist: the command needs none."""
    values = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "chatsite.settings",
        "DATABASE_URL": "sqlite:////nonexistent/nothing.sqlite3",
        "OPENAI_BASE_URL": upstream.url if upstream else "",
        "OPENAI_API_KEY": "",
        "OPENAI_MODELS": "test",
        "HF_TOKEN": "",
        "CHAT_CONNECTIONS": "",
        "OLLAMA_HOST": "",
        "CHAT_FIND_OLLAMA": "0",
        "LOCAL_MODEL": "",
        "CHAT_DEFAULT_MODEL": "test",
        **variables,
    }
    return values


def chat(*arguments: str, env: dict[str, str], stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", "chat", *arguments]
    return subprocess.run(command, cwd=ROOT, env=env, input=stdin, capture_output=True, text=True, timeout=GUARD)


def test_a_message_is_answered_once(upstream):
    done = chat("Hello", "there", env=environment(upstream))
    assert (done.stdout, done.stderr, done.returncode) == ("Hello there\n", "", 0)
    messages = upstream.exchanges[0].body["messages"]
    assert [message["role"] for message in messages] == ["system", "user"]
    assert messages[0]["content"].startswith("You are a helpful AI assistant.")


def test_a_message_on_standard_input_is_answered_once(upstream):
    done = chat(env=environment(upstream), stdin="Two\nlines\n")
    assert (done.stdout, done.returncode) == ("Two\nlines\n", 0)


def test_model_system_prompt_and_temperature_are_passed_on(upstream):
    options = ("--backend", "server", "--model", "words-2", "--system", "Be brief.", "--temperature", "0")
    assert chat(*options, "Hello", env=environment(upstream)).stdout == "w0 w1 \n"
    body = upstream.exchanges[0].body
    assert (body["model"], body["temperature"]) == ("words-2", 0)
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}


def test_an_empty_system_prompt_is_none(upstream):
    chat("--system", "", "Hello", env=environment(upstream))
    assert [message["role"] for message in upstream.exchanges[0].body["messages"]] == ["user"]


def test_without_a_language_model_the_guide_answers():
    done = chat("Hello", env=environment())
    assert done.returncode == 0
    assert len(done.stdout) > 100


def test_a_fault_is_a_sentence_on_standard_error(upstream):
    upstream.enqueue("Hel", CUT)
    done = chat("Hello", env=environment(upstream))
    assert done.stdout == "Hel\n"
    assert "broke off in the middle of the answer" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == 1


def test_an_answer_that_broke_off_is_not_passed_off_as_whole(upstream):
    upstream.enqueue("Hel", CLOSE)
    assert "broke off before its end" in chat("Hello", env=environment(upstream)).stderr


@pytest.mark.parametrize(
    ("arguments", "stdin", "sentence"),
    [
        (("--backend", "nowhere", "Hello"), "", "no connection “nowhere”. Configured are: server, guide"),
        (("--temperature", "hot", "Hello"), "", "a number from 0 to 2"),
        (("--temperature", "9", "Hello"), "", "a number from 0 to 2"),
        ((), " \n", "the message is empty"),
    ],
)
def test_wrong_input_is_told(upstream, arguments, stdin, sentence):
    done = chat(*arguments, env=environment(upstream), stdin=stdin)
    assert sentence in done.stderr
    assert done.returncode != 0
    assert upstream.exchanges == []


def test_a_wrong_address_is_told(upstream):
    done = chat("Hello", env=environment(OPENAI_BASE_URL="localhost:11434"))
    assert "The address of the connection “server” is not valid" in done.stderr
    assert done.returncode == 1


class Terminal:
    """The command in a terminal of its own."""

    def __init__(self, env: dict[str, str]):
        self._master, slave = pty.openpty()
        self._decoder = getincrementaldecoder("utf-8")()
        self._screen = ""
        command = [sys.executable, "manage.py", "chat"]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**env, "TERM": "dumb"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def interrupt(self) -> None:
        """Ctrl-C."""
        os.killpg(self.process.pid, signal.SIGINT)

    def expect(self, pattern: str) -> str:
        """Read until the pattern appears; what stood before it, and the pattern, are consumed and returned."""
        until = time.monotonic() + GUARD
        while not (found := re.search(pattern, self._screen)):
            if not select.select([self._master], [], [], max(0, until - time.monotonic()))[0]:
                pytest.fail(f"{pattern!r} did not appear in {self._screen!r}")
            self._screen += self._decoder.decode(os.read(self._master, 4096))
        text, self._screen = self._screen[: found.end()], self._screen[found.end() :]
        return text

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(GUARD)
        os.close(self._master)


@pytest.fixture
def terminal(upstream):
    terminal = Terminal(environment(upstream))
    terminal.expect("> ")
    yield terminal
    terminal.close()


def roles_and_contents(exchange) -> list[tuple[str, str]]:
    return [(message["role"], message["content"]) for message in exchange.body["messages"][1:]]


def test_a_conversation_keeps_its_turns_until_it_is_cleared(terminal, upstream):
    upstream.enqueue("Hello Ada")
    upstream.enqueue("You are Ada")
    upstream.enqueue("I do not know")
    terminal.type("I am Ada\n")
    terminal.expect("Hello Ada\r\n> ")
    terminal.type("Who am I?\n")
    terminal.expect("You are Ada\r\n> ")
    terminal.type("/clear\n")
    terminal.expect("Begun anew.\r\n> ")
    terminal.type("And now?\n")
    terminal.expect("I do not know\r\n> ")
    first = ("user", "I am Ada"), ("assistant", "Hello Ada")
    assert roles_and_contents(upstream.exchanges[1]) == [*first, ("user", "Who am I?")]
    assert roles_and_contents(upstream.exchanges[2]) == [("user", "And now?")]
    terminal.type("/quit\n")
    assert terminal.process.wait(GUARD) == 0


def test_ctrl_c_stops_the_reply_and_the_conversation_goes_on(terminal, upstream):
    upstream.enqueue("Once upon", HANG)
    terminal.type("Tell me a story\n")
    terminal.expect("Once upon")
    terminal.interrupt()
    terminal.expect("stopped.*\r\n> ")
    assert upstream.exchanges[0].was_abandoned(timeout=5)
    terminal.type("Go on\n")
    terminal.expect("Go on\r\n> ")
    assert roles_and_contents(upstream.exchanges[1])[1] == ("assistant", "Once upon")


def test_ctrl_c_at_the_prompt_forgets_the_line(terminal, upstream):
    terminal.type("never mi")
    terminal.expect("never mi")
    time.sleep(0.3)  # Python's readline overlooks a signal that comes while it still handles a key
    terminal.interrupt()
    terminal.expect("\r\n> ")
    terminal.type("\n")
    terminal.expect("> ")
    assert upstream.exchanges == []


def test_ctrl_d_leaves(terminal):
    terminal.type("\x04")
    assert terminal.process.wait(GUARD) == 0


def test_a_fault_does_not_end_the_conversation(terminal, upstream):
    upstream.enqueue(CUT)
    terminal.type("Hello\n")
    terminal.expect("closed the connection without an answer")
    terminal.expect("> ")
    terminal.type("Still there?\n")
    terminal.expect("Still there\\?\r\n> ")
    assert roles_and_contents(upstream.exchanges[1]) == [("user", "Still there?")]


def test_models_lists_what_the_server_offers(terminal, upstream):
    upstream.models = {"data": [{"id": "llama3.2"}, {"id": "qwen3:8b"}]}
    terminal.type("/models\n")
    assert "llama3.2\r\nqwen3:8b\r\n" in terminal.expect("qwen3:8b\r\n> ")


def test_what_a_model_thinks_is_neither_printed_nor_sent_back(terminal, upstream):
    upstream.enqueue("<think>Hm, a gre", "eting.</th", "ink>\n\n", "Hello.")
    terminal.type("Hi\n")
    assert "greeting" not in terminal.expect("Hello.\r\n> ")
    terminal.type("Bye\n")
    terminal.expect("Bye\r\n> ")
    assert roles_and_contents(upstream.exchanges[1])[1] == ("assistant", "Hello.")


def test_an_unknown_command_is_not_sent_to_the_model(terminal, upstream):
    terminal.type("/help\n")
    terminal.expect("There is /clear, /models and /quit.\r\n> ")
    assert upstream.exchanges == []
