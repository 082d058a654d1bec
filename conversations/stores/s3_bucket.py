"""One bucket, spoken to through boto3: bounded in time, shared by all threads, its refusals told apart."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, NoReturn

from conversations.errors import ConflictError, StoreUnavailable
from conversations.outage import Outage
from conversations.stores.base import CONFLICT, UNAVAILABLE

logger = logging.getLogger(__name__)
MAX_CONNECTIONS = 8  # as many as threads work on stores (streaming/executors.py)
RETRY_WITHIN = 1.0  # seconds: a bucket that is only busy says so at once
RETRY_PAUSE = 0.2
ABSENT = {"NoSuchKey", "404"}
_connecting = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class S3Options:
    """What OPTIONS of the S3 store may hold."""

    bucket: str = ""
    endpoint_url: str = ""  # empty: AWS
    region: str = ""
    access_key: str = field(default="", repr=False)  # empty: boto3 looks in its own places (environment, role)
    secret_key: str = field(default="", repr=False)
    prefix: str = ""  # a folder in the bucket
    connect_timeout: float = 1.5  # seconds
    read_timeout: float = 3  # seconds, for each read: a page that waits for both still answers within five
    encryption: str = ""  # "AES256" or "aws:kms"; empty: as the bucket does by itself
    kms_key_id: str = ""


class _Absent(Exception):
    """There is no such object."""


class Bucket:
    """Objects by name. Every method raises StoreUnavailable; the log says why."""

    def __init__(self, options: S3Options):
        self.options = options
        self.page_size = 1000  # names for each request; S3 allows no more
        self._outage = Outage("S3")

    @property
    def client(self) -> Any:
        """boto3's client, made at the first call and shared by all buckets of the same service."""
        with _connecting:  # a cache alone lets two threads make one each
            return _connect(replace(self.options, bucket="", prefix="", encryption="", kms_key_id=""))

    def get(self, name: str) -> tuple[bytes, str] | None:
        """Content and ETag; None if there is no such object."""
        try:
            answer = self._ask("get_object", Key=name)
        except _Absent:
            return None
        return answer["Body"], answer["ETag"]

    def put(self, name: str, body: bytes, etag: str | None) -> str:
        """Write and return the new ETag, if the object is still the one of `etag` (None: still absent).

        Raises ConflictError if it is not.
        """
        condition = {"IfNoneMatch": "*"} if etag is None else {"IfMatch": etag}
        encryption = {"ServerSideEncryption": self.options.encryption, "SSEKMSKeyId": self.options.kms_key_id}
        condition.update({parameter: value for parameter, value in encryption.items() if value})
        try:
            answer = self._ask(
                "put_object", Key=name, Body=body, ContentType="application/json; charset=utf-8", **condition
            )
        except _Absent as error:
            raise ConflictError(CONFLICT) from error
        return answer["ETag"]

    def delete(self, name: str, etag: str | None = None) -> None:
        """Remove it, if it is still the one of `etag` (None: in any case). Raises ConflictError if it is not."""
        condition = {} if etag is None else {"IfMatch": etag}
        try:
            self._ask("delete_object", Key=name, **condition)
        except _Absent:
            return

    def names(self, prefix: str) -> Iterator[str]:
        """All names that begin with it, in the order of their bytes."""
        page: dict[str, Any] = {"Prefix": prefix, "MaxKeys": self.page_size}
        while True:
            answer = self._ask("list_objects_v2", **page)
            yield from (item["Key"] for item in answer.get("Contents", ()))
            if not answer.get("IsTruncated"):
                return
            page["ContinuationToken"] = answer["NextContinuationToken"]

    def _ask(self, operation: str, **parameters: Any) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, ReadTimeoutError

        if not self._outage.lets_pass():
            raise StoreUnavailable(UNAVAILABLE)
        give_up = time.monotonic() + RETRY_WITHIN
        while True:
            asked = time.monotonic()
            try:
                answer = getattr(self.client, operation)(Bucket=self.options.bucket, **parameters)
                answer = {**answer, "Body": answer["Body"].read()} if "Body" in answer else answer
                self._outage.ended()
                return answer
            except ClientError as error:
                self._outage.ended()
                self._translate(operation, error)
                if _status(error) != 503 or time.monotonic() > give_up:
                    _fail(operation, error)
            except (ConnectTimeoutError, ReadTimeoutError) as error:
                self._outage.began(asked)
                _fail(operation, error)
            except BotoCoreError as error:
                _fail(operation, error)
            time.sleep(RETRY_PAUSE)

    @staticmethod
    def _translate(operation: str, error: Any) -> None:
        if error.response["Error"]["Code"] in ABSENT:
            raise _Absent(operation) from error
        if _status(error) in (409, 412):  # conditions: not met, or another write was under way
            raise ConflictError(CONFLICT) from error


def _status(error: Any) -> int:
    return error.response["ResponseMetadata"]["HTTPStatusCode"]


def _fail(operation: str, error: Exception) -> NoReturn:
    logger.warning("S3: %s failed: %s", operation, error)
    raise StoreUnavailable(UNAVAILABLE) from error


@cache
def _connect(options: S3Options) -> Any:
    # Imported here: it takes a third of a second and 30 MB, which other stores need not spend.
    from botocore.config import Config
    from storages.backends.s3 import S3Storage

    # The newer checksum headers are refused by some of the services that are not AWS.
    checksums = "when_required" if options.endpoint_url else "when_supported"
    config = Config(
        connect_timeout=options.connect_timeout,
        read_timeout=options.read_timeout,
        # A second attempt after a time-out would double the wait; the callers have their own ways to try again.
        retries={"total_max_attempts": 1},
        max_pool_connections=MAX_CONNECTIONS,
        signature_version="s3v4",
        s3={"addressing_style": "path" if options.endpoint_url else "auto"},
        request_checksum_calculation=checksums,
        response_checksum_validation=checksums,
    )
    given = {
        "endpoint_url": options.endpoint_url,
        "region_name": options.region,
        "access_key": options.access_key,
        "secret_key": options.secret_key,
    }
    try:
        storage = S3Storage(client_config=config, **{name: value for name, value in given.items() if value})
        return storage.connection.meta.client
    except ValueError as error:  # an address that is none (check() says so at start)
        _fail("connecting", error)
