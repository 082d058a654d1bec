"""What is photographed: the main pages, which stand in docs/screenshots, and all others, for eyes."""

from __future__ import annotations

import asyncio

from conversations.backends import get_backend
from conversations.errors import BackendError
from conversations.types import Delta
from tests.screenshots.corners import corners, proclaimed
from tests.screenshots.photographer import Photographer


def conversation(with_: Photographer) -> None:
    """A new chat, an answer in it, and one that is being written."""
    backend, page, script = get_backend("scripted"), with_.page, with_.script
    with_.take("home")
    backend.enqueue(script.answer)
    backend.enqueue_title(script.title)
    with_.ask(script.question)
    page.get_by_role("heading", name=script.title).wait_for()
    with_.take("chat")
    backend.enqueue(f"{script.cut}", asyncio.Event().wait)
    with_.ask(script.second)
    page.get_by_text(script.cut[:20]).wait_for()
    with_.take("writing")
    page.locator("[data-stop]").click()
    page.locator("article.assistant[data-status=cancelled]").wait_for()


def sidebar(with_: Photographer) -> None:
    if with_.size == "phone":
        with_.page.locator(".header [popovertarget=sidebar]").click()
        with_.take("sidebar")
        with_.page.keyboard.press("Escape")
        return
    with_.page.locator(".row [data-menu]").first.focus()
    with_.page.keyboard.press("Enter")
    with_.take("sidebar")
    with_.page.keyboard.press("Escape")


def settings(with_: Photographer) -> None:
    with_.page.locator("[data-settings-open]").click()
    with_.page.locator("[name=option-temperature]:visible").wait_for()
    with_.take("settings")
    with_.press("Close the settings")


def comparison(with_: Photographer) -> None:
    page = with_.page
    page.goto("/")
    page.locator("[data-compare-button]").click()
    page.locator("[data-compare][data-ready]").wait_for()
    for box in page.locator("[data-compare] input[type=checkbox]").all():
        box.check()
    with_.take("compare-picker")
    with_.press("Done")
    get_backend("scripted").enqueue(with_.script.answer)
    get_backend("scripted").enqueue_title(with_.script.title)
    with_.ask(with_.script.question)
    page.locator(".lane[data-status=completed]").nth(1).wait_for()
    with_.take("compared")


def main_pages(with_: Photographer) -> None:
    """Those that the README shows, as a member."""
    with_.log_in(with_.language)
    conversation(with_)
    settings(with_)
    sidebar(with_)
    comparison(with_)
    with_.take_all({"models": "/models/"})


def endings(with_: Photographer) -> None:
    """How answers end that are not complete."""
    backend, page = get_backend("scripted"), with_.page
    page.goto("/")
    backend.enqueue(BackendError("Hugging Face does not accept the token of this site. Ask its administrator."))
    with_.ask("And in Rust?")
    page.locator("article.assistant[data-status=failed]").wait_for()
    with_.take("failed")
    page.goto("/")
    backend.enqueue(with_.script.cut, Delta(finish_reason="length"))
    with_.ask("Which story shows it best?")
    page.locator("[data-continue]").wait_for()
    with_.take("cut")


def members_pages(with_: Photographer) -> None:
    with_.log_in(with_.language)
    endings(with_)
    address = with_.page.url
    if with_.size == "desktop":
        with_.page.locator("[popovertarget=person-menu]").click()
        with_.take("person-menu")
    pages = {"history": "/c/", "defaults": "/settings/", "personas": "/personas/", "persona": "/personas/new/"}
    pages |= {"rename": f"{address}rename/", "delete": f"{address}delete/"}
    with_.take_all(pages | {"password": "/accounts/password/change/", "logout": "/accounts/logout/"})


def visitors_pages(with_: Photographer) -> None:
    pages = {"login": "/accounts/login/", "signup": "/accounts/signup/", "reset": "/accounts/password/reset/"}
    with_.take_all(pages | {"not-found": "/no-such-page/"})
    with_.log_in(with_.language, "wrong")
    with_.take("login-refused")


def admins_pages(with_: Photographer) -> None:
    with_.log_in("admin")
    models = {"admin": "/admin/", "admin-models": "/admin/conversations/chatmodel/"}
    records = {"admin-conversations": "/admin/conversations/conversation/"}
    records |= {"admin-replies": "/admin/conversations/generation/"}
    lists = {"admin-filter": "/admin/moderation/termlist/", "admin-filter-entries": "/admin/moderation/term/"}
    with_.take_all(models | records | lists | {"admin-filter-try": "/admin/moderation/termlist/try/"})


MAIN = [main_pages]
ALL = [main_pages, visitors_pages, members_pages, admins_pages, corners, proclaimed]
