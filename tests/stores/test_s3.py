"""What is particular to S3: names, options, and services that are away, slow, wrong or simpler than Amazon's."""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from conversations.errors import ConflictError, CorruptDocument, StoreUnavailable
from conversations.stores.document import dumps
from conversations.stores.s3 import S3Store, key_of, object_name
from conversations.types import Key, Message, Transcript
from tests.s3_server import CREDENTIALS

KEY = Key("1", "c0ffee")
LONG = 40  # seconds: less than boto3 would wait by itself
NAME = "conversations/1/c0ffee.json"
HELLO = Transcript().with_messages(Message("user", "Xin chào", id="m1"))


@pytest.fixture
def store(s3_bucket):
    return S3Store(**s3_bucket)


def refusal(status, code):
    return status, f"<Error><Code>{code}</Code><Message>No.</Message></Error>".encode()


class Service:
    """An HTTP server that gives the answers it is told to (status and body), the last one for ever."""

    def __init__(self):
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"  # which answers boto3's "Expect: 100-continue"

            def answer(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, body = service.answers.popleft() if len(service.answers) > 1 else service.answers[0]
                self.send_response(status)
                self.send_header("ETag", '"e"')
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_PUT = do_DELETE = answer

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.options = {
            "bucket": "chats",
            "endpoint_url": f"http://127.0.0.1:{self.server.server_port}",
            "access_key": "rather-secret",
            "secret_key": "very-secret",
        }
        self.store = S3Store(**self.options)

    def answers_with(self, *answers) -> S3Store:
        self.answers = deque(answers)
        return self.store


@pytest.fixture(scope="module")
def service():
    service = Service()
    thread = threading.Thread(target=service.server.serve_forever, args=(0.05,))
    thread.start()
    yield service
    service.server.shutdown()
    thread.join()
    service.server.server_close()


@contextmanager
def listener(backlog=8):
    """Something that takes connections and never answers; yields OPTIONS for it."""
    with socket.create_server(("127.0.0.1", 0), backlog=backlog) as silent:
        yield {"bucket": "chats", "endpoint_url": f"http://127.0.0.1:{silent.getsockname()[1]}", **CREDENTIALS}


# Names


def test_a_key_has_a_name_and_the_name_its_key():
    assert object_name(KEY) == NAME
    assert key_of(NAME) == KEY


@pytest.mark.parametrize("bad", ["", ".", "..", "../2", "a/b", "a\\b", "a\n", "ä", "a" * 65, "%2e", "a b", "\0"])
def test_no_id_leads_out_of_its_folder(bad):
    for key in (Key(bad, "c0ffee"), Key("1", bad)):
        with pytest.raises(ValueError, match="not the key of a conversation"):
            object_name(key)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "conversations/1/c0ffee.txt",
        "conversations/1/c0ffee.json\n",
        "conversations/1/2/c0ffee.json",
        "conversations/../c0ffee.json",
        "conversations//c0ffee.json",
        "other/1/c0ffee.json",
        "prefix/conversations/1/c0ffee.json",
        "conversations/1/.json",
    ],
)
def test_other_names_are_no_conversations(name):
    assert key_of(name) is None


def test_a_bad_key_never_reaches_the_bucket(store):
    for ask in (store.load, store.delete, lambda key: store.save(key, HELLO)):
        with pytest.raises(ValueError, match="not the key"):
            ask(Key("..", "c0ffee"))
    with pytest.raises(ValueError, match="not the key"):
        list(store.keys(".."))


# Objects


def test_the_object_is_the_document_and_says_so(store):
    store.save(KEY, HELLO)
    found = store.bucket.client.get_object(Bucket=store.options.bucket, Key=NAME)
    assert found["Body"].read().decode() == dumps(KEY, HELLO)
    assert found["ContentType"] == "application/json; charset=utf-8"


@pytest.mark.parametrize("prefix", ["teams/blue", "/teams/blue/"])
def test_a_prefix_is_a_folder_of_its_own(s3_bucket, prefix):
    inside, outside = S3Store(**s3_bucket, prefix=prefix), S3Store(**s3_bucket)
    saved = inside.save(KEY, HELLO)
    inside.probe()
    assert outside.load(KEY) == Transcript()
    assert list(outside.keys()) == []
    assert list(inside.keys()) == list(inside.keys("1")) == [KEY]
    assert list(outside.bucket.names("")) == ["teams/blue/" + NAME]
    assert inside.load(KEY) == saved


def test_objects_that_are_no_conversations_are_left_alone(store):
    store.save(KEY, HELLO)
    for name in ("conversations/README.txt", "conversations/1/notes/a.json", "conversations.json"):
        store.bucket.put(name, b"{}", None)
    assert list(store.keys()) == [KEY]


def test_keys_run_over_many_pages_in_order(store):
    keys = [Key(user, f"c{number}") for user in "12" for number in range(5)]
    for key in keys:
        store.save(key, Transcript())
    store.bucket.page_size = 3
    assert list(store.keys()) == keys
    assert list(store.keys("2")) == keys[5:]


def test_encryption_is_asked_for_when_it_is_set(s3_bucket):
    store = S3Store(**s3_bucket, encryption="aws:kms", kms_key_id="key-of-ours")
    store.save(KEY, HELLO)
    found = store.bucket.client.head_object(Bucket=store.options.bucket, Key=NAME)
    assert (found["ServerSideEncryption"], found["SSEKMSKeyId"]) == ("aws:kms", "key-of-ours")
    assert store.append(KEY, Message("user", "more")).version == store.load(KEY).version


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b'{"schema": 1}'])
def test_a_damaged_object_is_told(store, body):
    store.bucket.put(NAME, body, None)
    with pytest.raises(CorruptDocument, match="1/c0ffee"):
        store.load(KEY)


def test_two_processes_see_each_others_changes(s3_bucket):
    here, there = S3Store(**s3_bucket), S3Store(**s3_bucket)
    saved = here.save(KEY, HELLO)
    assert there.load(KEY) == saved
    there.append(KEY, Message("user", "more"))
    with pytest.raises(ConflictError):
        here.save(KEY, saved)


# Services that fail


def test_a_bucket_that_does_not_exist_is_unavailable_not_empty(store, caplog):
    lost = S3Store(**{**vars(store.options), "bucket": "no-such-bucket"})
    for ask in (lost.load, lost.delete, lambda key: lost.save(key, HELLO), lambda key: list(lost.keys())):
        with pytest.raises(StoreUnavailable, match="Try again"):
            ask(KEY)
    assert "NoSuchBucket" in caplog.text


def test_a_service_that_is_not_there_is_unavailable():
    with listener() as options:
        pass  # closed: nobody listens on its port any more
    with pytest.raises(StoreUnavailable) as caught:
        S3Store(**options).load(KEY)
    assert caught.value.retry_after


def test_a_service_that_never_answers_is_given_up():
    with listener() as options, ThreadPoolExecutor(1) as pool, pytest.raises(StoreUnavailable):
        pool.submit(S3Store(**options, read_timeout=0.2).load, KEY).result(LONG)


def test_a_service_that_takes_no_connection_is_given_up():
    with listener(backlog=0) as options:
        port = int(options["endpoint_url"].rpartition(":")[2])
        waiting = [socket.socket() for _ in range(3)]
        for connection in waiting:
            connection.setblocking(False)
            connection.connect_ex(("127.0.0.1", port))  # the queue is full now
        with ThreadPoolExecutor(1) as pool, pytest.raises(StoreUnavailable):
            pool.submit(S3Store(**options, connect_timeout=0.2).load, KEY).result(LONG)
        for connection in waiting:
            connection.close()


@pytest.mark.parametrize(
    "answer",
    [
        refusal(403, "AccessDenied"),
        refusal(403, "SignatureDoesNotMatch"),
        refusal(404, "NoSuchBucket"),
        refusal(500, "InternalError"),
        refusal(501, "NotImplemented"),
        (400, b"<html>Bad gateway</html>"),
        (502, b""),
    ],
)
def test_a_refusal_is_unavailable_never_empty(service, answer):
    store = service.answers_with(answer)
    for ask in (store.load, store.delete, lambda key: store.save(key, HELLO), lambda key: list(store.keys())):
        with pytest.raises(StoreUnavailable):
            ask(KEY)


def test_an_answer_cut_short_is_unavailable():
    cut = b'HTTP/1.1 200 OK\r\nETag: "e"\r\nContent-Length: 1000\r\n\r\n{'

    def serve():
        connection, _ = silent.accept()
        connection.recv(65536)
        connection.sendall(cut)
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor(1) as pool:
        done = pool.submit(serve)
        store = S3Store(bucket="chats", endpoint_url=f"http://127.0.0.1:{silent.getsockname()[1]}", **CREDENTIALS)
        with pytest.raises(StoreUnavailable):
            store.load(KEY)
        done.result(30)


@pytest.mark.parametrize(("status", "code"), [(412, "PreconditionFailed"), (409, "ConditionalRequestConflict")])
def test_both_ways_to_refuse_a_condition_are_conflicts(service, status, code):
    with pytest.raises(ConflictError):
        service.answers_with(refusal(status, code)).save(KEY, HELLO)


def test_a_busy_service_is_asked_again(service):
    store = service.answers_with(refusal(503, "SlowDown"), (200, dumps(KEY, HELLO).encode()))
    assert store.load(KEY).messages == HELLO.messages


def test_a_service_that_stays_busy_is_unavailable(service):
    with pytest.raises(StoreUnavailable):
        service.answers_with(refusal(503, "SlowDown")).load(KEY)


def test_a_service_that_ignores_conditions_is_found_out(service):
    with pytest.raises(StoreUnavailable, match="conditional writes"):
        service.answers_with((200, b"")).probe()


def test_an_address_that_is_none_is_unavailable():
    with pytest.raises(StoreUnavailable):
        S3Store(bucket="chats", endpoint_url="not an address", **CREDENTIALS).load(KEY)


def test_secrets_are_in_no_text_that_is_shown_or_logged(service, caplog):
    caplog.set_level(logging.INFO)
    store = service.answers_with(refusal(403, "SignatureDoesNotMatch"))
    with pytest.raises(StoreUnavailable) as caught:
        store.load(KEY)
    assert "-secret" not in caplog.text + str(caught.value) + str(caught.value.__cause__) + repr(store.options)
    assert "SignatureDoesNotMatch" in caplog.text


# Cost


def test_boto_is_imported_at_the_first_call_only():
    code = (
        "import os, sys; os.environ['DJANGO_SETTINGS_MODULE'] = 'tests.settings'; import django; django.setup();"
        "from conversations.stores.s3 import S3Store; store = S3Store(bucket='chats'); list(store.check());"
        "assert not {'boto3', 'botocore', 'storages'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_all_threads_share_one_client(s3_bucket):
    store = S3Store(**s3_bucket, read_timeout=4.5)  # no earlier test has made this client
    with ThreadPoolExecutor(8) as pool:
        clients = list(pool.map(lambda _: store.bucket.client, range(16)))
    assert len(set(map(id, clients))) == 1
    assert clients[0].meta.config.max_pool_connections == 8


# Checks

GOOD = {"bucket": "our-chats", **CREDENTIALS}


@pytest.fixture
def bare_machine(monkeypatch, tmp_path):
    """Nothing by which boto3 would find credentials."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)


def found(**options):
    return [message.id.removeprefix("conversations.") for message in S3Store(**options).check()]


@pytest.mark.parametrize(
    "options",
    [
        GOOD,
        {**GOOD, "endpoint_url": "http://minio:9000", "prefix": "teams/blue"},
        {**GOOD, "endpoint_url": "https://s3.example.com", "prefix": "/teams/"},
    ],
)
def test_good_settings_pass(bare_machine, options):
    assert found(**options) == []


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({**GOOD, "bucket": ""}, ["E130"]),
        ({**GOOD, "bucket": "s3://our-chats"}, ["E130"]),
        ({**GOOD, "secret_key": ""}, ["E131"]),
        ({**GOOD, "access_key": ""}, ["E131"]),
        ({**GOOD, "endpoint_url": "minio:9000"}, ["E132"]),
        ({**GOOD, "endpoint_url": "https://"}, ["E132"]),
        ({**GOOD, "endpoint_url": "https://minio:port"}, ["E132"]),
        ({**GOOD, "endpoint_url": "https://name:password@minio"}, ["E132"]),
        ({"bucket": "our-chats", "endpoint_url": "https://minio"}, ["E133"]),
        ({"bucket": "our-chats"}, ["W133"]),
        ({**GOOD, "prefix": "a/../b"}, ["E134"]),
        ({**GOOD, "prefix": "a//b"}, ["E134"]),
        ({**GOOD, "prefix": "ä b"}, ["E134"]),
        ({}, ["E130", "W133"]),
    ],
)
def test_wrong_settings_are_told(bare_machine, options, expected):
    assert found(**options) == expected


def test_every_message_says_what_to_do_and_no_password(bare_machine):
    messages = list(S3Store(bucket="", access_key="key", endpoint_url="https://name:hush@minio", prefix="..").check())
    assert len(messages) == 4
    for message in messages:
        assert message.msg.endswith(".")
        assert message.hint.endswith(".")
        assert "hush" not in message.msg + message.hint


def test_credentials_may_be_where_boto_looks(bare_machine, monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_PROFILE", "chats")
    assert found(bucket="our-chats") == []
    monkeypatch.delenv("AWS_PROFILE")
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text("[default]\n")
    assert found(bucket="our-chats") == []


def test_an_empty_transcript_can_be_replaced(store):
    saved = store.save(KEY, Transcript())
    assert store.save(KEY, replace(HELLO, version=saved.version)).messages == HELLO.messages
