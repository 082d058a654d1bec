"""Settings from a .env file, as people write them."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from chatsite.environment import load_dotenv
from tests.serving import ROOT


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("NAME=value", "value"),
        ("NAME = value ", "value"),
        ("export NAME=value", "value"),
        ("NAME=value   # a comment", "value"),
        ("NAME=0 # off", "0"),
        ("NAME=http://host/#part", "http://host/#part"),
        ("NAME='a # b' # c", "a # b"),
        ('NAME="quoted"', "quoted"),
        ("NAME=it's", "it's"),
        ("NAME=# nothing", ""),
        ("NAME=", ""),
        ("NAME=a=b", "a=b"),
    ],
)
def test_a_line_means_what_people_mean(tmp_path, monkeypatch, line, value):
    monkeypatch.setenv("NAME", "so that it is restored")
    monkeypatch.delenv("NAME")
    (tmp_path / ".env").write_text(f"# NAME=other\n\n{line}\n", encoding="utf-8")
    load_dotenv(tmp_path / ".env")
    assert os.environ["NAME"] == value


def test_what_the_environment_says_wins(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("NAME=file\n", encoding="utf-8")
    monkeypatch.setenv("NAME", "environment")
    load_dotenv(tmp_path / ".env")
    assert os.environ["NAME"] == "environment"


def test_the_patience_with_models_and_what_a_server_can_come_from_the_environment():
    told = {"CHAT_CONNECT_TIMEOUT": "2", "CHAT_FIRST_TOKEN_TIMEOUT": "300", "CHAT_READ_TIMEOUT": "30"}
    told |= {"CHAT_REPLY_DEADLINE": "900", "OPENAI_CAN_CONTINUE": "1", "OPENAI_BASE_URL": "http://localhost:1/v1"}
    told |= {"HF_TOKEN": "hf_test", "DJANGO_SETTINGS_MODULE": "chatsite.settings", "ENV_FILE": os.devnull}
    program = (
        "import django; django.setup(); from conversations.backends import get_backend as b; "
        "print(b('server').limits == b('huggingface').limits, b('server').limits, b('server').supports_continue)"
    )
    found = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert found.stdout.strip() == "True Limits(connect=2.0, first=300.0, between=30.0, deadline=900.0) True"
