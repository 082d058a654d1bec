"""What Django and allauth say is in the reader's language too, where they themselves have no words for it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import allauth
import django
import polib
import pytest
from django.conf import settings
from django.contrib import admin as administration
from django.urls import reverse
from django.utils import translation

from tests.test_translations import PLACEHOLDER, texts

CATALOGUE = Path(settings.LOCALE_PATHS[1], "vi", "LC_MESSAGES", "django.po")
PACKAGES = [Path(package.__file__).parent for package in (django, allauth)]
# Names, which are the same in every language, and what only a reader of the log meets.
NAMES = {"", "Enter", "Logo", "Email", "JSON", "URL", ":", ":?.!", ", ", "•", "…", "kB"}


def said_by_packages() -> set[tuple[str | None, str]]:
    files = [path for package in PACKAGES for path in package.rglob("locale/en/LC_MESSAGES/django.po")]
    return {(entry.msgctxt, entry.msgid) for path in files for entry in polib.pofile(str(path))}


@pytest.fixture
def untranslated(monkeypatch):
    """Collects what a page asks for and gets back in English."""
    found, translations = set(), translation._trans
    same = {one.msgid for path in settings.LOCALE_PATHS for one in polib.pofile(str(Path(path, *CATALOGUE.parts[-3:])))}

    def listening(name: str):
        real = getattr(translations, name)

        def asked(*args):
            answer = real(*args)
            if translation.get_language() == "vi" and answer in args and not {answer, str(answer)} & (same | NAMES):
                found.add(str(answer))
            return answer

        return asked

    for name in ("gettext", "pgettext", "ngettext", "npgettext"):
        monkeypatch.setattr(translations, name, listening(name))
    return found


def test_it_translates_what_is_said_and_keeps_what_is_filled_in():
    ours = polib.pofile(str(CATALOGUE))
    assert {(entry.msgctxt, entry.msgid) for entry in ours} - said_by_packages() == set()
    for entry in ours:
        for original, translated in texts(entry):
            assert set(PLACEHOLDER.findall(translated)) == set(PLACEHOLDER.findall(original)), original


@pytest.mark.django_db(transaction=True)
def test_the_administration_speaks_vietnamese(client, admin, catalogue, untranslated):
    client.force_login(admin)
    asking = SimpleNamespace(user=admin)
    pages = [reverse("admin:index"), reverse("admin:password_change")]
    for model, model_admin in administration.site._registry.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        pages.append(reverse(f"{name}_changelist"))
        if model_admin.has_add_permission(asking):
            pages.append(reverse(f"{name}_add"))
    for page in pages:
        client.get(page, headers={"accept-language": "vi"})
    assert untranslated == set()


@pytest.mark.django_db
def test_a_refused_password_is_refused_in_vietnamese(client):
    said = {"email": "linh@example.com", "password1": "abc", "password2": "abc"}
    page = client.post(reverse("account_signup"), said, headers={"accept-language": "vi"}).content.decode()
    assert "Mật khẩu này quá ngắn: cần ít nhất 8 ký tự." in page
