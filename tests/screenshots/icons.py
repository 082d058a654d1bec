"""`python -m tests.screenshots.icons`: the PNG icons of the installed site, drawn from static/img/favicon.svg."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.conftest import ARGUMENTS, CHROMIUM

IMAGES = Path(__file__).resolve().parents[2] / "static" / "img"
# Name, pixels, and the share of the picture that the drawing takes: platforms cut the maskable one to their shapes.
ICONS = [("icon-192", 192, 1.0), ("icon-512", 512, 1.0), ("icon-maskable", 512, 1.4)]


def main() -> None:
    drawing = (IMAGES / "favicon.svg").read_text(encoding="utf-8")
    colour = drawing.split('fill="', 1)[1].split('"', 1)[0]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for name, pixels, room in ICONS:
            page = browser.new_page(viewport={"width": pixels, "height": pixels})
            ground = colour if room > 1 else "transparent"
            inner = round(pixels / room)
            page.set_content(
                f"<body style='margin:0;height:100vh;display:grid;place-items:center;background:{ground}'>"
                f"{drawing.replace('<svg', f'<svg width={inner} height={inner}', 1)}"
            )
            page.screenshot(path=IMAGES / f"{name}.png", omit_background=True)
        browser.close()


if __name__ == "__main__":
    main()
