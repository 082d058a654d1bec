"""An S3 service on loopback: moto's server in a process of its own, so that boto3 here stays as it is.

`s3_endpoint` is its address; `s3_bucket` the OPTIONS of an S3Store on a fresh, empty bucket.
"""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, Thread
from typing import Any

import pytest

REGION = "us-east-1"
CREDENTIALS = {"access_key": "test-key", "secret_key": "test-secret"}
STOP_WITHIN = 10  # seconds


@contextmanager
def s3_server() -> Iterator[str]:
    """Serve S3 from another process; yields its address."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "tests.s3_server"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        address = process.stdout.readline().strip()
        if not address.startswith("http://"):
            raise RuntimeError("moto's server did not start. Install requirements-dev.txt.")
        yield address
    finally:
        process.stdin.close()  # it serves until then, so that it never outlives its parent
        try:
            process.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def new_bucket(endpoint: str) -> dict[str, Any]:
    """Make a bucket; OPTIONS for an S3Store on it."""
    from conversations.stores.s3_bucket import Bucket, S3Options

    options = {"bucket": f"test-{uuid.uuid4().hex}", "endpoint_url": endpoint, "region": REGION, **CREDENTIALS}
    Bucket(S3Options(**options)).client.create_bucket(Bucket=options["bucket"])
    return options


def environment(options: dict[str, Any]) -> dict[str, str]:
    """The variables by which a site in another process finds this bucket."""
    return {
        "CONVERSATION_STORE": "s3",
        "AWS_STORAGE_BUCKET_NAME": options["bucket"],
        "AWS_S3_ENDPOINT_URL": options["endpoint_url"],
        "AWS_S3_REGION_NAME": options["region"],
        "AWS_ACCESS_KEY_ID": options["access_key"],
        "AWS_SECRET_ACCESS_KEY": options["secret_key"],
    }


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    with s3_server() as address:
        yield address


@pytest.fixture
def s3_bucket(s3_endpoint) -> dict[str, Any]:
    return new_bucket(s3_endpoint)


def one_at_a_time(application):
    """moto looks at a condition and writes in two steps; S3 does both in one."""
    lock = Lock()

    def locked(environ, start_response):
        with lock:
            return application(environ, start_response)

    return locked


def main() -> None:
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server

    class QuietHandler(MotoRequestHandler):
        def log(self, *args) -> None:
            pass

    application = one_at_a_time(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=QuietHandler)
    print(f"http://127.0.0.1:{server.server_port}")
    # It ends with its parent, whose end of the pipe closes then.
    Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    server.serve_forever()


if __name__ == "__main__":
    main()
