"""Taking chats out and bringing chats in, as a person does it."""

from __future__ import annotations

import json
import zipfile

import pytest
from playwright.sync_api import expect

from tests.transfer.cast import said

TABLE = "Here:\n\n| Town | Country |\n|---|---|\n| Huế | Việt Nam |\n\n```python\nprint('hi')\n```"


@pytest.fixture
def chat(site, alice):
    return said(alice, "Where is Huế?", TABLE, title="Geography")


def test_a_chat_is_exported_from_its_menu_in_each_form(site, visits, cookies_of, alice, chat, tmp_path):
    page = cookies_of(visits.window(site), site, alice)
    page.goto(f"/c/{chat.pk}/")
    page.locator("[data-header-title] [data-menu]").click()
    page.locator("#chat-menu").get_by_text("Export").click()
    expect(page.get_by_role("heading", name="Export this chat")).to_be_visible()
    saved = {}
    for name in ("Markdown", "Web page", "JSON"):
        with page.expect_download() as download:
            page.get_by_role("link", name=name).click()
        path = tmp_path / download.value.suggested_filename
        download.value.save_as(path)
        saved[path.name] = path
    assert set(saved) == {"Geography.md", "Geography.html", "Geography.json"}
    assert json.loads(saved["Geography.json"].read_bytes())["chat"]["title"] == "Geography"
    reader = visits.window(f"file://{tmp_path}", javascript=True)
    reader.goto(saved["Geography.html"].as_uri())
    expect(reader.get_by_role("cell", name="Huế")).to_be_visible()
    assert reader.locator("main").evaluate("element => getComputedStyle(element).maxWidth") != "none"  # it is styled


def test_a_chat_is_printed_without_what_surrounds_it(site, visits, cookies_of, alice, chat):
    page = cookies_of(visits.window(site), site, alice)
    page.goto(f"/c/{chat.pk}/export/print/")
    page.evaluate("print = () => { document.body.dataset.printed = 'yes' }")
    page.get_by_role("button", name="Print").click()
    expect(page.locator("body[data-printed=yes]")).to_be_attached()
    page.emulate_media(media="print")
    expect(page.get_by_role("button", name="Print")).to_be_hidden()
    expect(page.get_by_role("cell", name="Huế")).to_be_visible()


def test_everything_is_exported_without_javascript(site, visits, cookies_of, alice, chat, tmp_path):
    page = cookies_of(visits.window(site, javascript=False), site, alice)
    page.goto("/")
    page.get_by_role("button", name="alice").click()
    page.get_by_role("link", name="Export and import").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download all chats").click()
    download.value.save_as(tmp_path / "all.zip")
    found = zipfile.ZipFile(tmp_path / "all.zip")
    assert found.testzip() is None
    assert "chats/00001 Geography.json" in found.namelist()
