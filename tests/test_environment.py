"""Settings from a .env file, as people write them."""

from __future__ import annotations

import os

import pytest

from chatsite.environment import load_dotenv


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
