"""What the other scenes do not show: what one reaches by menus, by keys and by links, and what is empty or amiss."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.screenshots import furniture
from tests.screenshots.photographer import Photographer


def lists(with_: Photographer, home: furniture.Furniture) -> None:
    page = with_.page
    pages = {"folder": home.folder, "folder-empty": home.empty_folder, "archive": "/c/archive/", "trash": "/c/trash/"}
    pages |= {"rename-folder": f"{home.folder}rename/", "again": f"{home.rich}again/?message_id={home.answer}"}
    with_.take_all(pages)
    page.goto("/c/")
    for box in page.locator(".row-check input").all()[:3]:
        box.check(force=True)
    with_.take("selected")
    if with_.size == "phone":
        page.locator(".header [popovertarget=sidebar]").click()
        with_.take("sidebar-full")


def search(with_: Photographer) -> None:
    page = with_.page
    for name, words in {"recent": "", "some": "math", "many": "line", "none": "zyx qwv"}.items():
        page.goto(f"/search/?q={words}")
        with_.take(f"search-{name}")
    page.goto("/")
    if with_.size == "phone":
        page.locator(".header [popovertarget=sidebar]").click()
    page.locator("[data-search-open]").click()
    page.get_by_role("combobox").first.wait_for()
    with_.take("search-panel-recent")
    for name, words in {"some": "much text", "none": "zyx qwv"}.items():
        page.locator("dialog[open] [role=combobox]").fill(words)
        page.wait_for_timeout(700)
        with_.take(f"search-panel-{name}")


def keys(with_: Photographer) -> None:
    page = with_.page
    page.goto("/")
    page.locator("body[data-listens]").wait_for()
    page.keyboard.press("Control+k")
    page.locator("[data-palette][open]").wait_for()
    with_.take("palette")
    page.keyboard.type("zyx")
    with_.take("palette-none")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+/")
    page.locator("[data-keys-dialog][open]").wait_for()
    with_.take("keys-dialog")
    page.keyboard.press("Escape")
    page.locator("[data-composer] textarea").press_sequentially("/s")
    with_.take("prompts-menu")
    with_.take_all({"keys": "/keys/", "prompts": "/prompts/", "prompt": "/prompts/new/", "temporary": "/?temporary=1"})


def reading(with_: Photographer, home: furniture.Furniture) -> None:
    page = with_.page
    page.goto(home.rich)
    with_.take("rich-end")
    with_.take("rich", whole=True)
    page.locator("article.assistant .thumb[aria-pressed=false]").last.click()
    page.locator("[data-feedback-form]").wait_for()
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    with_.take("feedback")
    page.goto(home.rich)
    page.locator("article.user [data-edit], article.user a[href*=edit]").first.click(force=True)
    with_.take("editing")
    page.goto(home.long)
    page.mouse.move(600, 300)
    page.mouse.wheel(0, -900)
    with_.take("long")
    page.goto(home.long)
    page.locator("[data-header-title] [data-menu]").click()
    with_.take("chat-menu")


def yours(with_: Photographer) -> None:
    pages = {"preferences": "/accounts/preferences/", "profile": "/accounts/profile/", "offline": "/offline/"}
    for name, address in (pages | {"transfer": "/transfer/", "links": "/shared/"}).items():
        with_.page.goto(address)
        with_.take(name, whole=True)


def bringing(with_: Photographer) -> None:
    from tests.transfer import samples

    chats = [
        samples.chatgpt(conversation_id=f"{with_.language}{with_.size}{with_.theme}{n}", title=f"Trip {n}")
        for n in range(3)
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chatgpt.zip"
        path.write_bytes(samples.packed(**{"conversations-000": [*chats, {"title": "Half", "mapping": None}]}))
        with_.page.goto("/transfer/")
        with_.page.locator("#import-file").set_input_files(path)
        with_.page.locator("[data-upload] button").click()
        with_.page.locator("[data-stage=ready]").wait_for()
        with_.take("import-ready", whole=True)
        with_.page.locator("[data-stage=ready] .button-primary").click()
        with_.page.locator("[data-stage=done]").wait_for()
        with_.take("import-done", whole=True)


def sharing(with_: Photographer, home: furniture.Furniture) -> None:
    page = with_.page
    pages = {"share": f"{home.rich}share/", "export": f"{home.rich}export/", "print": f"{home.rich}export/print/"}
    for name, address in pages.items():
        page.goto(address)
        with_.take(name, whole=True)
    page.context.clear_cookies()
    for name, address in {"shared": home.link, "shared-locked": home.locked, "shared-gone": "/s/nothing/"}.items():
        page.goto(address)
        with_.take(name, whole=True)
    page.goto(home.locked)
    page.locator("input[type=password]").fill("wrong password")
    page.locator("form button.button-primary").click()
    with_.take("shared-refused")


def trial(with_: Photographer, address: str) -> None:
    page = with_.page
    page.goto(address)
    with_.take("trial")
    page.locator("form button.button-primary").click()
    page.locator("[data-composer]").wait_for()
    with_.take("guest")
    with_.ask(with_.script.second)
    page.locator("article.assistant[data-status=completed]").wait_for()
    with_.take("guest-chat")


def corners(with_: Photographer) -> None:
    from django.contrib.auth import get_user_model

    home = furniture.of(get_user_model().objects.get(username=with_.language))
    with_.log_in(with_.language)
    lists(with_, home)
    search(with_)
    keys(with_)
    reading(with_, home)
    yours(with_)
    bringing(with_)
    sharing(with_, home)
    trial(with_, furniture.trial())


def proclaimed(with_: Photographer) -> None:
    """Last, for what is announced stands on every page from then on."""
    furniture.proclaim()
    with_.log_in(with_.language)
    with_.take_all({"announced": "/", "terms": "/terms/"})
    furniture.recall()
