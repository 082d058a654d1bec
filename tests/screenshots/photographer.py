"""A browser window of one size, theme and language, and what a person does in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.utils import translation

from tests.screenshots.script import SCRIPTS, Script
from tests.screenshots.stage import PASSWORD

SIZES = {
    "desktop": {"viewport": {"width": 1280, "height": 800}},
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
}
LOCALES = {"en": "en-US", "vi": "vi-VN"}


@dataclass
class Photographer:
    """`page` is Playwright's; pictures go to `folder` as name-size-theme.png, other languages with their code."""

    browser: Any
    site: str
    folder: Path
    size: str
    theme: str
    language: str = "en"
    page: Any = None

    def __enter__(self) -> Photographer:
        context = self.browser.new_context(
            base_url=self.site, color_scheme=self.theme, locale=LOCALES[self.language], **SIZES[self.size]
        )
        context.set_default_timeout(30_000)
        self.page = context.new_page()
        return self

    def __exit__(self, *_error: object) -> None:
        self.page.context.close()

    @property
    def script(self) -> Script:
        return SCRIPTS[self.language]

    def words(self, text: str) -> str:
        """A text of the interface, as this window shows it."""
        with translation.override(self.language):
            return translation.gettext(text)

    def log_in(self, name: str, password: str = PASSWORD) -> None:
        self.page.goto("/accounts/login/")
        self.page.locator("input[name=login]").fill(name)
        self.page.locator("input[type=password]").fill(password)
        self.page.locator("main form button[type=submit], form button.button-primary").first.click()
        self.page.wait_for_load_state()

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=self.words(name), exact=True).first.click()

    def ask(self, text: str) -> None:
        self.page.locator("[data-composer] textarea").fill(text)
        self.page.locator("[data-send]").click()

    def take(self, name: str, *, whole: bool = False) -> None:
        """What the window shows, or the `whole` page."""
        self.page.wait_for_timeout(350)  # transitions end
        language = "" if self.language == "en" else f"-{self.language}"
        self.page.screenshot(path=self.folder / f"{name}-{self.size}-{self.theme}{language}.png", full_page=whole)

    def take_all(self, pages: dict[str, str]) -> None:
        """`pages`: addresses by the names of their pictures."""
        for name, address in pages.items():
            self.page.goto(address)
            self.take(name)
