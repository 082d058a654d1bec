"""Style sheets that a page needs together are one file in production."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import override_settings
from django.urls import reverse

STORAGE = {"BACKEND": "chatsite.staticfiles.ManifestStorage"}


@pytest.fixture
def collected(settings, tmp_path):
    settings.STATIC_ROOT = tmp_path / "static"
    with override_settings(STORAGES=settings.STORAGES | {"staticfiles": STORAGE}):
        call_command("collectstatic", "--noinput", "--verbosity", "0")
        yield settings.STATIC_ROOT


def sheets(client, person) -> list[str]:
    client.force_login(person)
    return re.findall(r'rel="stylesheet" href="([^"]+)"', client.get(reverse("conversations:home")).content.decode())


def test_the_chat_page_asks_for_one_sheet_that_holds_all_of_its_parts(collected, settings, client, alice):
    (link,) = sheets(client, alice)
    served = Path(collected, link.removeprefix(settings.STATIC_URL)).read_text()
    for part in settings.STYLE_BUNDLES["css/chat.css"]:
        assert Path(settings.BASE_DIR, "static", part).read_text().strip() in served


def test_collecting_again_after_a_change_gives_the_bundle_another_name(collected, settings, tmp_path):
    before = set(Path(collected, "css").glob("chat.*.css"))
    changed = tmp_path / "other" / "css"
    changed.mkdir(parents=True)
    (changed / "compare.css").write_text(".changed { color: red }\n")
    settings.STATICFILES_DIRS = [changed.parent, *settings.STATICFILES_DIRS]
    call_command("collectstatic", "--noinput", "--verbosity", "0")
    (new,) = set(Path(collected, "css").glob("chat.*.css")) - before
    assert ".changed" in new.read_text()


def test_development_serves_each_sheet_from_its_own_file(client, alice, settings):
    assert len(sheets(client, alice)) == len(settings.STYLE_BUNDLES["css/chat.css"])
