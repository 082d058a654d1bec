"""The site on a real port: Django's own live server is WSGI and delivers a stream in one block."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler

from chatsite import slow_readers


@contextmanager
def serve(app=None) -> Iterator[str]:
    """Serve the site (or another ASGI application) from a thread; yields its address."""
    if app is None:
        from chatsite.asgi import Application

        app = _with_static(Application())
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(64)
    slow_readers.bound(listener)
    config = uvicorn.Config(app, lifespan="on", log_level="warning", timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise RuntimeError("The site did not start; its log says why.")
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


def _with_static(app):
    """Static files as the development server serves them; everything else, lifespan too, goes to the site."""
    static = ASGIStaticFilesHandler(app)

    async def route(scope, receive, send):
        await (static if scope["type"] == "http" else app)(scope, receive, send)

    return route
