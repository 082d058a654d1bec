"""What templates, scripts and styles promise each other, and how much of them a first page takes."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from django.template import Context, Template
from django.test import RequestFactory

BASE = Path(__file__).resolve().parent.parent
SCRIPTS = BASE / "static" / "js"
TEMPLATES = sorted((BASE / "templates").rglob("*.html"))
IMPORT = re.compile(r'^import .* from "\./([\w-]+\.js)";$', re.MULTILINE)
FETCHED = re.compile(r'<(?:link|script)[^>]*(?:href|src)="/static/([^"]+)"')
MAX_REQUESTS, MAX_BYTES = 15, 100_000


def imported(name: str) -> set[str]:
    """The modules that a module needs, at whatever distance."""
    found = set(IMPORT.findall((SCRIPTS / name).read_text()))
    return found.union(*map(imported, found))


@pytest.fixture
def first_page(client, alice, catalogue):
    client.force_login(alice)
    return client.get("/").content.decode()


def test_every_module_is_preloaded_and_no_other(first_page):
    preloaded = set(re.findall(r'rel="modulepreload" href="/static/js/([\w-]+\.js)"', first_page))
    assert preloaded == imported("chat.js")


def test_a_first_page_is_light(first_page, settings):
    files = set(FETCHED.findall(first_page))
    bundled = files & set(settings.STYLE_BUNDLES["css/chat.css"])  # one request in production (test_bundles.py)
    assert bundled
    assert len(["the page", "the bundle", *files - bundled]) <= MAX_REQUESTS
    sent = [first_page.encode(), *((BASE / "static" / name).read_bytes() for name in files)]
    assert sum(len(gzip.compress(content)) for content in sent) <= MAX_BYTES


def test_scripts_hold_neither_addresses_nor_inline_html():
    for script in SCRIPTS.glob("*.js"):
        code = re.sub(r"/\*.*?\*/|//.*", "", script.read_text())
        assert not re.search(r"""["'`]/\w""", code), script.name
        assert not re.search(r"<(?!template)[a-z]+[ >]", code), script.name


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_needs_more_than_the_content_security_policy_allows(template):
    html = re.sub(r"{%.*?%}|{#.*?#}", "", template.read_text())
    assert not re.search(r"\s(?:style|on\w+)\s*=", html)
    assert not re.search(r"<style|<script(?![^>]*\ssrc=)", html)


def test_an_icon_says_nothing_to_screen_readers():
    svg = Template('{% load ui %}{% icon "pencil" %}').render(Context())
    assert 'aria-hidden="true"' in svg
    assert 'stroke-width="1.75"' in svg
    assert "\n" not in svg


def test_a_page_without_a_request_has_no_notices():
    source = Template("{% load ui %}{% notices as found %}{{ found|length }}")
    assert source.render(Context()) == "0"
    request = RequestFactory().get("/")
    assert source.render(Context({"request": request})) == "0"
