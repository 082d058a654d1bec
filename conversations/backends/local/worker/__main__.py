"""The process itself: `python -m conversations.backends.local.worker SOURCE`. It ends when its input does.

Messages are lines of JSON, in both directions (conversations/backends/local/process.py). Whatever libraries print
goes to the log, because what they would print to is the line to the server.
"""

from __future__ import annotations

import copy
import json
import os
import queue
import signal
import sys
import threading
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from conversations.backends.local.faults import Fault
from conversations.backends.local.parameters import Parameters
from conversations.backends.local.prompt import encoded
from conversations.backends.local.source import Source
from conversations.backends.local.worker.desk import Desk, Send
from conversations.backends.local.worker.fetching import fetch

NICE = 10  # pages go before tokens


def main() -> None:
    _stand_back()
    send = _sender(_take_output())
    inbox: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    counter = Counter(send)
    threading.Thread(target=_receive, args=(inbox, counter), daemon=True).start()
    desk = Desk(inbox, send)
    runner = _loaded(Source.from_json(sys.argv[1]), desk, counter, send)
    send({"kind": "ready"})
    while True:
        desk.listen(wait=not runner.is_busy and not desk.has_questions)
        runner.step()


def _loaded(source: Source, desk: Desk, counter: Counter, send: Send) -> Any:
    """What runs replies. A fault is told, and ends the process: with the next message another one tries."""

    def tell(phase: str, done: int = 0, total: int = 0) -> None:
        send({"kind": "loading", "phase": phase, "done": done, "total": total})

    try:
        folder = fetch(source, lambda done, total: tell("download", done, total))
        tell("weights")
        from conversations.backends.local.worker import batch, loading, solo

        engine = loading.load(source, folder)
        counter.tokenizer = copy.deepcopy(engine.tokenizer)
        return batch.Batch(engine, desk, source.batch) if engine.joins else solo.Solo(engine, desk)
    except ImportError as error:
        fault = Fault("missing_packages", names=error.name or str(error))
    except Fault as error:
        fault = error
    except Exception:
        fault = Fault("bug", traceback=traceback.format_exc())
    send({"kind": "fault", "id": None, "fault": fault.as_dict()})
    os._exit(0)  # without the interpreter's own end, which would wait for the thread that reads


def _stand_back() -> None:
    """Pages come first, and where memory runs out it is this process that ends, not the site's.

    Signals are the server's business: it lets replies end, then closes this process's input.
    """
    with suppress(OSError):
        os.nice(NICE)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _take_output() -> TextIO:
    line = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    return line


def _sender(line: TextIO) -> Send:
    lock = threading.Lock()  # the bars of a download tell from their own threads

    def send(message: dict[str, Any]) -> None:
        with lock:
            line.write(f"{json.dumps(message)}\n")
            line.flush()

    return send


class Counter:
    """Counts the tokens of prompts beside the model's own thread, with a tokenizer of its own."""

    def __init__(self, send: Send):
        self._send = send
        self.tokenizer: Any = None

    def count(self, question: dict[str, Any]) -> None:
        tokens = None
        with suppress(Exception):  # whoever counts a prompt that cannot be made has an estimate
            parameters = Parameters(**question["parameters"])
            tokens = len(encoded(self.tokenizer, question["turns"], parameters, ""))
        self._send({"kind": "count", "id": question["id"], "tokens": tokens})


def _receive(inbox: queue.SimpleQueue[dict[str, Any]], counter: Counter) -> None:
    for line in sys.stdin:
        message = json.loads(line)
        if message["kind"] == "count":
            counter.count(message)
        else:
            inbox.put(message)
    os._exit(0)  # in the middle of a forward pass, too: nobody reads what it would say


if __name__ == "__main__":
    try:
        main()
    except BaseException:  # whatever it is: it is logged, and the server sees this process end
        traceback.print_exc()
    os._exit(1)
