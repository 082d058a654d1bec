"""Ollama's address: from OLLAMA_HOST in the forms that Ollama itself takes, or found on this machine."""

from __future__ import annotations

from contextlib import closing
from http.client import HTTPConnection, HTTPException

PORT = 11434
CALLED = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104  what Ollama listens on, nobody can call
LOOK_FOR = 0.3  # seconds; where nobody listens, this machine says so at once


def base_url(host: str) -> str:
    """`gpu-box`, `gpu-box:11500`, `0.0.0.0` or `https://ollama.example.com` as the address up to and including /v1."""
    if not host:
        return ""
    scheme, _, rest = host.rpartition("://")
    authority, _, path = rest.rstrip("/").partition("/")
    name, colon, port = authority.rpartition(":")
    if not colon or port.endswith("]"):
        name, port = authority, "" if scheme else str(PORT)
    name = CALLED.get(name, name)
    path = f"/{path.removesuffix('/v1').removesuffix('v1')}".rstrip("/")
    return f"{scheme or 'http'}://{name}{f':{port}' if port else ''}{path}/v1"


def find(port: int = 0) -> str:
    """The address of an Ollama that runs on this machine, or nothing."""
    port = port or PORT
    try:
        with closing(HTTPConnection("127.0.0.1", port, timeout=LOOK_FOR)) as connection:
            connection.request("GET", "/api/version")
            is_ollama = connection.getresponse().status == 200
    except (OSError, HTTPException):
        return ""
    return base_url(f"127.0.0.1:{port}") if is_ollama else ""
