"""A server's address: read once, shown without what is secret in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """`problem` tells what is wrong with it; a site with a wrong setting must start to say so."""

    scheme: str = ""
    host: str = ""
    port: int = 0  # 0: the scheme's own
    path: str = ""
    query: str = ""
    username: str = ""
    password: str = ""
    problem: str = ""

    @classmethod
    def parse(cls, url: str) -> Address:
        try:
            parts = urlsplit(url.strip())
            return cls._from_parts(parts, parts.port)
        except ValueError as error:
            return cls(problem=str(error))

    @classmethod
    def _from_parts(cls, parts: SplitResult, port: int | None) -> Address:
        if parts.scheme not in DEFAULT_PORTS:
            return cls(problem="it does not begin with http:// or https://")
        if not parts.hostname:
            return cls(problem="it names no host")
        return cls(
            parts.scheme,
            parts.hostname,
            port or 0,
            parts.path.rstrip("/").removesuffix("/chat/completions"),
            parts.query,
            unquote(parts.username or ""),
            unquote(parts.password or ""),
        )

    @property
    def netloc(self) -> str:
        """Host and port, as people are told it."""
        return f"{self._bracketed}:{self.port or DEFAULT_PORTS.get(self.scheme, 0)}"

    def url(self, path: str = "") -> str:
        """The base address, or one below it, without credentials: `url("/models")`."""
        port = f":{self.port}" if self.port else ""
        query = f"?{self.query}" if self.query else ""
        return f"{self.scheme}://{self._bracketed}{port}{self.path}{path}{query}"

    def above(self, path: str) -> Address:
        """The same server without this end of the path."""
        return replace(self, path=self.path.removesuffix(path))

    @property
    def _bracketed(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host

    def proxy(self) -> str | None:
        """The proxy that the environment (HTTPS_PROXY, NO_PROXY …) asks for."""
        if self.host in ("localhost", "127.0.0.1", "::1") or proxy_bypass(self.host):
            return None
        proxies = getproxies()
        return proxies.get(self.scheme) or proxies.get("all")
