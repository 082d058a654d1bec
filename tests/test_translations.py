"""Every text that people read can be read in every language that the site offers."""

from __future__ import annotations

import gettext
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest
from django.core.management import call_command

from chatsite.catalogues import catalogues, compile_catalogue
from tests.serving import ROOT
from tests.untranslated import words_outside_translation

TEMPLATES = sorted(path for path in (ROOT / "templates").rglob("*.*") if path.suffix in (".html", ".txt"))
LANGUAGE = "vi"
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[a-z%]|{\w*}")
UNREAD = re.search(r"^UNREAD = (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split()


@pytest.fixture
def collected(tmp_path, monkeypatch, settings) -> polib.POFile:
    """The catalogue as `make messages` would leave it now."""
    if not shutil.which("xgettext"):
        pytest.skip("gettext is not installed: apt install gettext")
    kept = next(path for path in catalogues() if LANGUAGE in path.parts)
    there = tmp_path / LANGUAGE / "LC_MESSAGES" / kept.name
    there.parent.mkdir(parents=True)
    shutil.copy(kept, there)
    settings.LOCALE_PATHS = [tmp_path]
    monkeypatch.chdir(ROOT)
    ignored = [*UNREAD, "locale"]
    call_command("makemessages", locale=[LANGUAGE], ignore_patterns=ignored, no_obsolete=True, verbosity=0)
    return polib.pofile(str(there))


def texts(entry: polib.POEntry) -> Iterator[tuple[str, str]]:
    """The original and its translation; for plurals each form of it."""
    if entry.msgid_plural:
        yield from ((entry.msgid_plural, form) for form in entry.msgstr_plural.values())
    else:
        yield entry.msgid, entry.msgstr


def test_every_text_is_translated(collected):
    missing = [entry.msgid for entry in collected if "fuzzy" in entry.flags or not all(t for _, t in texts(entry))]
    assert missing == []


def test_what_is_filled_in_later_stands_in_the_translation_too(collected):
    for entry in collected:
        for original, translation in texts(entry):
            if translation and "fuzzy" not in entry.flags:
                assert set(PLACEHOLDER.findall(translation)) == set(PLACEHOLDER.findall(original)), original


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_a_template_holds_no_word_that_cannot_be_translated(template):
    assert words_outside_translation(template.read_text(encoding="utf-8")) == []


def test_words_outside_translation_are_found_wherever_a_reader_meets_them():
    assert words_outside_translation("<p>Hello {{ name }}</p>") == ["Hello"]
    assert words_outside_translation('<a title="Close" href="/x">{% icon "x" %}</a>') == ["title=Close"]
    assert words_outside_translation('<form data-error="Please try again."></form>') == ["data-error=Please try again."]
    good = '<p class="a b">{% translate "Hello" %} {# a remark #}{% blocktranslate %}You{% endblocktranslate %} · 3</p>'
    assert words_outside_translation(good) == []


def test_catalogues_are_compiled_without_gettext(tmp_path: Path):
    source = tmp_path / "django.po"
    header = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\nPlural-Forms: nplurals=1; plural=0;\\n"\n'
    one = 'msgid "Send"\nmsgstr "Gửi"\n'
    guess = '#, fuzzy\nmsgid "Stop"\nmsgstr "Gửi"\n'
    many = 'msgid "%d chat"\nmsgid_plural "%d chats"\nmsgstr[0] "%d cuộc trò chuyện"\n'
    source.write_text("\n".join([header, one, guess, many]), encoding="utf-8")
    compile_catalogue(source)
    with source.with_suffix(".mo").open("rb") as file:
        found = gettext.GNUTranslations(file)
    assert found.gettext("Send") == "Gửi"
    assert found.gettext("Stop") == "Stop"
    assert found.ngettext("%d chat", "%d chats", 2) == "%d cuộc trò chuyện"


def test_no_text_is_asked_for_within_an_f_string_where_makemessages_does_not_see_it():
    hidden = re.compile(r"""\bf(["']).*\{[^{}]*\b(_|gettext|ngettext|pgettext)\(""")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in ("chatsite", "conversations")
        for path in (ROOT / folder).rglob("*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if hidden.search(line)
    ]
    assert found == []
