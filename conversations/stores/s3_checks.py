"""Wrong settings of the S3 store, told at start and without asking the network."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from django.core.checks import CheckMessage, Error, Warning

from conversations.stores.s3_bucket import S3Options

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html; capitals and _ elsewhere
BUCKET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]")
PREFIX = re.compile(r"([A-Za-z0-9!_.*'()-]+(/[A-Za-z0-9!_.*'()-]+)*)?")
# Where boto3 finds keys by itself, beside a machine's own role.
ELSEWHERE = (
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)


def check_options(options: S3Options) -> Iterator[CheckMessage]:
    if not BUCKET_NAME.fullmatch(options.bucket):
        yield Error(
            f"“{options.bucket}” is no bucket's name." if options.bucket else "The S3 store has no bucket.",
            hint="Set AWS_STORAGE_BUCKET_NAME to the name of your bucket.",
            id="conversations.E130",
        )
    if bool(options.access_key) != bool(options.secret_key):
        yield Error(
            "The S3 store has only one half of its credentials.",
            hint="Set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
            id="conversations.E131",
        )
    if not options.access_key and not options.secret_key and not _are_elsewhere():
        yield _no_credentials(options)
    yield from _check_address(options)
    if not PREFIX.fullmatch(options.prefix.strip("/")) or {".", ".."} & set(options.prefix.split("/")):
        yield Error(
            f"The folder “{options.prefix}” for the S3 store has characters that a bucket may not take.",
            hint="Use letters, digits, hyphens and slashes in AWS_LOCATION.",
            id="conversations.E134",
        )


def _check_address(options: S3Options) -> Iterator[CheckMessage]:
    if not options.endpoint_url:
        return
    try:
        address = urlsplit(options.endpoint_url)
        is_plain = bool(address.hostname) and address.scheme in ("http", "https") and not address.username
        _ = address.port  # raises ValueError
    except ValueError:
        is_plain = False
    if not is_plain:
        yield Error(
            "The address of the S3 service is not an http or https address, or has a name and password in it.",
            hint="Set AWS_S3_ENDPOINT_URL to something like https://minio.example.com:9000, or leave it out for AWS.",
            id="conversations.E132",
        )


def _no_credentials(options: S3Options) -> CheckMessage:
    hint = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
    if options.endpoint_url:
        return Error("The S3 store has no credentials.", hint=hint, id="conversations.E133")
    return Warning(
        "The S3 store has no credentials, unless this machine has a role of its own on AWS.",
        hint=f"{hint} With a role, add conversations.W133 to SILENCED_SYSTEM_CHECKS.",
        id="conversations.W133",
    )


def _are_elsewhere() -> bool:
    file = os.environ.get("AWS_SHARED_CREDENTIALS_FILE") or Path.home() / ".aws" / "credentials"
    return any(os.environ.get(name) for name in ELSEWHERE) or Path(file).is_file()
