"""The server's part of a page: from the request until the last byte is there, over a connection that is open."""

from __future__ import annotations

import statistics
import time
from http.client import HTTPConnection


class Asker:
    TIMES = 31

    def __init__(self, port: int, cookie: str):
        self._connection = HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = {"Cookie": f"sessionid={cookie}", "Accept-Encoding": "gzip"}

    def ask(self, address: str, **headers: str) -> tuple[float, bytes]:
        """Milliseconds, and the body."""
        began = time.perf_counter()
        self._connection.request("GET", address, headers=self._headers | headers)
        response = self._connection.getresponse()
        body = response.read()
        taken = 1000 * (time.perf_counter() - began)
        if response.status != 200:
            raise RuntimeError(f"{address} answers {response.status}")
        return taken, body

    def median(self, address: str, **headers: str) -> float:
        self.ask(address, **headers)
        return statistics.median(self.ask(address, **headers)[0] for _ in range(self.TIMES))
