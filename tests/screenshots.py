"""`python -m tests.screenshots`: pictures of every page, at 1280 and 390 px, light and dark, into docs/screenshots.

Also a check for eyes: whoever changes a page runs it and looks. The site is real; only the model follows a script.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path

TARGET = Path(__file__).resolve().parent.parent / "docs" / "screenshots"
SIZES = {
    "desktop": {"viewport": {"width": 1280, "height": 800}},
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
}
PASSWORD = "correct horse battery"
QUESTION = "Write a Python function for Fibonacci numbers, and tell me how fast it is."
ANSWER = """\
Here is one that keeps nothing but the last two numbers:

```python
def fibonacci(n: int) -> int:
    \"\"\"The n-th Fibonacci number, counting from zero.\"\"\"
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a
```

How it compares:

| Method | Time | Memory |
|---|---|---|
| Loop | O(n) | O(1) |
| Recursion | O(2ⁿ) | O(n) |
| Matrix power | O(log n) | O(1) |

- For **small** n the loop is best.
- For *very large* n, use [matrix powers](https://en.wikipedia.org/wiki/Fibonacci_sequence).
"""
CUT = "The one of two twins. One of them travels to the stars and back; when she returns, her bro"
OTHERS = [
    "Plan a weekend in Huế",
    "Tiếng Việt: thư xin nghỉ phép",
    "Regular expressions for dates",
    "Dinner for six, no nuts",
    "Averyveryverylongtitlewithoutanyspaceatallthatmustnotbreakthesidebar",
    "كيف أتعلم البرمجة؟",
]


def prepare(folder: str) -> None:
    """A site of its own, on a database that is thrown away."""
    os.environ["DATABASE_URL"] = f"sqlite:///{folder}/site.sqlite3"
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def people():
    """A member with a history, and an administrator. Returns the member."""
    from datetime import timedelta

    from django.contrib.auth import get_user_model
    from django.utils import timezone

    from conversations import services
    from conversations.models import Conversation

    User = get_user_model()
    User.objects.create_superuser("admin", "admin@example.com", PASSWORD)
    member = User.objects.create_user("linh", "linh@example.com", PASSWORD)
    for age, title in enumerate(OTHERS):
        conversation = services.create(member, title=title)
        moment = timezone.now() - timedelta(days=age * age)
        Conversation.objects.filter(pk=conversation.pk).update(updated_at=moment)
    return member


class Photographer:
    def __init__(self, browser, site: str):
        self.browser, self.site = browser, site

    def window(self, size: str, scheme: str):
        context = self.browser.new_context(base_url=self.site, color_scheme=scheme, locale="en-US", **SIZES[size])
        context.set_default_timeout(20_000)
        return context.new_page()

    def log_in(self, page, name: str) -> None:
        page.goto("/accounts/login/")
        page.locator("input[name=login]").fill(name)
        page.locator("input[type=password]").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url(f"{self.site}/")

    def take(self, page, name: str, size: str, scheme: str, *, full: bool = False) -> None:
        page.wait_for_timeout(350)  # transitions end
        page.screenshot(path=TARGET / f"{name}-{size}-{scheme}.png", full_page=full)


def visitors_pages(photographer: Photographer, size: str, scheme: str) -> None:
    page = photographer.window(size, scheme)
    for name, url in {
        "login": "/accounts/login/",
        "signup": "/accounts/signup/",
        "reset": "/accounts/password/reset/",
        "not-found": "/no-such-page/",
    }.items():
        page.goto(url)
        photographer.take(page, name, size, scheme)
    page.goto("/accounts/login/")
    page.locator("input[name=login]").fill("linh")
    page.locator("input[type=password]").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    page.wait_for_load_state()
    photographer.take(page, "login-refused", size, scheme)
    page.context.close()


def members_pages(photographer: Photographer, backend, size: str, scheme: str) -> None:
    from conversations.errors import BackendError
    from conversations.types import Delta

    page = photographer.window(size, scheme)
    photographer.log_in(page, "linh")
    photographer.take(page, "home", size, scheme)
    backend.enqueue(ANSWER)
    backend.enqueue_title("Fibonacci Numbers in Python")
    ask(page, QUESTION)
    page.get_by_role("heading", name="Fibonacci Numbers in Python").wait_for()
    photographer.take(page, "chat", size, scheme)
    backend.enqueue(BackendError("Hugging Face does not accept the token of this site. Ask its administrator."))
    ask(page, "And in Rust?")
    page.locator("article.assistant[data-status=failed]").wait_for()
    photographer.take(page, "failed", size, scheme)
    address = page.url
    page.goto("/")
    backend.enqueue("Certainly. First, ", asyncio.Event().wait)
    ask(page, "Explain relativity to a child")
    page.get_by_text("Certainly. First").wait_for()
    photographer.take(page, "writing", size, scheme)
    page.get_by_role("button", name="Stop").click()
    page.locator("article.assistant[data-status=cancelled]").wait_for()
    photographer.take(page, "stopped", size, scheme)
    page.goto("/")
    backend.enqueue(CUT, Delta(finish_reason="length"))
    ask(page, "Which story shows it best?")
    page.get_by_role("button", name="Continue").wait_for()
    photographer.take(page, "cut", size, scheme)
    page.locator("[data-settings-open]").click()
    page.get_by_label("Temperature", exact=True).wait_for()
    photographer.take(page, "settings", size, scheme)
    page.get_by_role("button", name="Close the settings").click()
    open_menus(photographer, page, size, scheme)
    compared_models(photographer, page, backend, size, scheme)
    for name, url in {
        "models": "/models/",
        "history": "/c/",
        "defaults": "/settings/",
        "personas": "/personas/",
        "persona": "/personas/new/",
        "rename": f"{address}rename/",
        "delete": f"{address}delete/",
        "password": "/accounts/password/change/",
        "logout": "/accounts/logout/",
    }.items():
        page.goto(url)
        photographer.take(page, name, size, scheme)
    page.context.close()


def compared_models(photographer: Photographer, page, backend, size: str, scheme: str) -> None:
    page.goto("/")
    page.get_by_role("button", name="Compare models").click()
    page.locator("[data-compare][data-ready]").wait_for()
    for box in page.locator("[data-compare] input[type=checkbox]").all():
        box.check()
    photographer.take(page, "compare-picker", size, scheme)
    page.get_by_role("button", name="Done").click()
    backend.enqueue(ANSWER)
    ask(page, QUESTION)
    page.locator(".lane[data-status=completed]").nth(1).wait_for()
    photographer.take(page, "compared", size, scheme)


def open_menus(photographer: Photographer, page, size: str, scheme: str) -> None:
    if size == "phone":
        page.locator(".header [popovertarget=sidebar]").click()
        photographer.take(page, "sidebar", size, scheme)
        page.keyboard.press("Escape")
        return
    page.locator("[popovertarget=person-menu]").click()
    photographer.take(page, "person-menu", size, scheme)
    page.keyboard.press("Escape")
    page.locator(".row [data-menu]").first.focus()
    page.keyboard.press("Enter")
    photographer.take(page, "row-menu", size, scheme)
    page.keyboard.press("Escape")


def admins_pages(photographer: Photographer, size: str, scheme: str) -> None:
    page = photographer.window(size, scheme)
    photographer.log_in(page, "admin")
    for name, url in {
        "admin": "/admin/",
        "admin-models": "/admin/conversations/chatmodel/",
        "admin-conversations": "/admin/conversations/conversation/",
        "admin-replies": "/admin/conversations/generation/",
        "admin-filter": "/admin/moderation/termlist/",
        "admin-filter-entries": "/admin/moderation/term/",
        "admin-filter-try": "/admin/moderation/termlist/try/",
    }.items():
        page.goto(url)
        photographer.take(page, name, size, scheme)
    page.context.close()


def ask(page, text: str) -> None:
    field = page.get_by_placeholder("Ask something…")
    field.fill(text)
    page.locator("[data-send]").click()


def main() -> int:
    from tests.browser.conftest import ARGUMENTS, CHROMIUM

    if not CHROMIUM:
        sys.stderr.write("No Chromium. Install it (Debian: apt-get install chromium) or name it in CHROMIUM.\n")
        return 1
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder:
        prepare(folder)
        from conversations.backends import get_backend
        from tests.live import serve

        people()
        TARGET.mkdir(parents=True, exist_ok=True)
        with serve() as site, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            photographer = Photographer(browser, site)
            for size in SIZES:
                for scheme in ("light", "dark"):
                    visitors_pages(photographer, size, scheme)
                    members_pages(photographer, get_backend("scripted"), size, scheme)
                    admins_pages(photographer, size, scheme)
            browser.close()
    sys.stdout.write(f"{len(list(TARGET.glob('*.png')))} pictures in {TARGET.relative_to(Path.cwd())}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
