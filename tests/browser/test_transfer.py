"""Taking chats out and bringing chats in, as a person does it."""

from __future__ import annotations

import json
import threading
import zipfile

import pytest
from playwright.sync_api import expect

from conversations import services
from conversations.models import Conversation
from tests.transfer import samples
from tests.transfer.cast import said

PATIENCE = 20  # seconds; a guard against hanging

TABLE = "Here:\n\n| Town | Country |\n|---|---|\n| Huế | Việt Nam |\n\n```python\nprint('hi')\n```"


@pytest.fixture(autouse=True)
def _import_dir(settings, tmp_path):
    settings.IMPORT_DIR = tmp_path / "imports"


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


def test_what_is_printed_fits_a_phone_and_leaves_nothing_folded_on_paper(site, visits, cookies_of, alice):
    wide = "| a |" * 30 + "\n" + "|---|" * 30 + "\n" + "| 1,234,567.89 |" * 30
    chat = said(alice, "Show all", f"Here[^1]:\n\n{wide}\n\n[^1]: Said by Euler.", title="Wide")
    page = cookies_of(visits.window(site, viewport={"width": 390, "height": 800}), site, alice)
    page.goto(f"/c/{chat.pk}/export/print/")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    expect(page.get_by_text("Said by Euler.")).to_be_hidden()
    page.emulate_media(media="print")
    expect(page.get_by_text("Said by Euler.")).to_be_visible()
    assert page.locator(".table").evaluate("e => getComputedStyle(e).overflowX") == "visible"


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


def test_prompts_personas_and_folders_come_along_with_the_chats(site, visits, cookies_of, alice, chat, tmp_path):
    services.create_folder(alice, "Trips")
    services.save_persona(alice, name="Poet", prompt="Rhyme.")
    services.save_prompt(alice, name="hello", text="Dear …")
    page = cookies_of(visits.window(site), site, alice)
    page.goto("/transfer/")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download all chats").click()
    download.value.save_as(tmp_path / "all.zip")
    alice.folders.all().delete()
    alice.personas.all().delete()
    alice.saved_prompts.all().delete()
    page.get_by_label("File", exact=True).set_input_files(tmp_path / "all.zip")
    page.get_by_role("button", name="Read the file").click()
    expect(page.get_by_text("3 folders, personas and prompts can be imported.").first).to_be_visible()
    expect(page.get_by_text("Prompt “/hello”")).to_be_visible()
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("3 folders, personas and prompts have been imported.").first).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    assert services.own_prompts(alice).get().text == "Dear …"
    page.goto("/")
    expect(page.locator('nav[aria-label="Chats"] .folder').filter(has_text="Trips")).to_have_count(1)


def test_chats_are_brought_along_from_elsewhere(site, visits, cookies_of, alice, tmp_path):
    chats = [samples.chatgpt(conversation_id=str(number), title=f"Trip {number}") for number in range(3)]
    path = tmp_path / "chatgpt.zip"
    path.write_bytes(samples.packed(**{"conversations-000": [*chats, {"title": "Half", "mapping": None}]}))
    page = cookies_of(visits.window(site), site, alice)
    page.goto("/transfer/")
    page.get_by_label("File", exact=True).set_input_files(path)
    page.get_by_role("button", name="Read the file").click()
    expect(page.get_by_text("3 chats can be imported.").first).to_be_visible()
    expect(page.get_by_text("Its messages are missing from the file.")).to_be_visible()
    assert Conversation.objects.count() == 0
    page.get_by_role("button", name="Import 3 chats").click()
    expect(page.get_by_text("3 chats have been imported.").first).to_be_visible()
    page.get_by_role("main").get_by_role("link", name="Trip 1").click()
    expect(page.get_by_text("(Not imported: sky.jpg)")).to_be_visible()
    expect(page.get_by_text("You are welcome.")).to_be_visible()


def test_an_import_survives_reload_and_works_without_javascript(site, visits, cookies_of, alice, tmp_path, monkeypatch):
    gate, adopt = threading.Event(), services.adopt

    def waiting(*arguments):
        gate.wait(PATIENCE)
        return adopt(*arguments)

    monkeypatch.setattr(services, "adopt", waiting)
    path = tmp_path / "librechat.json"
    path.write_text(json.dumps(samples.librechat()))
    page = cookies_of(visits.window(site, javascript=False), site, alice)
    page.goto("/transfer/")
    page.get_by_label("File", exact=True).set_input_files(path)
    page.get_by_role("button", name="Read the file").click()
    expect(page.get_by_role("button", name="Import 1 chat")).to_be_visible()
    page.get_by_role("button", name="Import 1 chat").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    page.reload()
    expect(page.get_by_role("progressbar")).to_be_visible()
    gate.set()
    expect(page.get_by_text("1 chat has been imported.")).to_be_visible()


def test_a_file_that_is_too_large_is_told_before_it_is_sent(site, visits, cookies_of, alice, tmp_path, settings):
    settings.CHAT_MAX_IMPORT_SIZE = 1_000
    path = tmp_path / "large.json"
    path.write_text("[" + " " * 2_000 + "]")
    page = cookies_of(visits.window(site), site, alice)
    page.goto("/transfer/")
    page.get_by_label("File", exact=True).set_input_files(path)
    page.get_by_role("button", name="Read the file").click()
    expect(page.get_by_text("This file is too large: at most 1000 bytes")).to_be_visible()
    expect(page.get_by_label("File", exact=True)).to_be_focused()


def test_what_the_server_refuses_stands_under_the_field(site, visits, cookies_of, alice, tmp_path):
    path = tmp_path / "picture.json"
    path.write_bytes(b"\x89PNG and so on")
    page = cookies_of(visits.window(site), site, alice)
    page.goto("/transfer/")
    page.get_by_label("File", exact=True).set_input_files(path)
    page.get_by_role("button", name="Read the file").click()
    expect(page.get_by_text("This is no export of chats").first).to_be_visible()
    page.get_by_role("button", name="Discard the file").click()
    expect(page.get_by_text("The file and its report are deleted.")).to_be_visible()
