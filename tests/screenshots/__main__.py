"""`python -m tests.screenshots`: the main pages at 1280 and 390 px, light and dark, English and Vietnamese.

    python -m tests.screenshots              the main pages, into docs/screenshots
    python -m tests.screenshots FOLDER       every page, into this folder: for whoever changed one and wants to look

The site is real; only the model follows a script.
"""

from __future__ import annotations

import sys
import tempfile
from itertools import product
from pathlib import Path

from tests.screenshots import stage

TARGET = Path(__file__).resolve().parents[2] / "docs" / "screenshots"


def main() -> int:
    from tests.browser.conftest import ARGUMENTS, CHROMIUM

    if not CHROMIUM:
        sys.stderr.write("No Chromium. Install it (Debian: apt-get install chromium) or name it in CHROMIUM.\n")
        return 1
    from playwright.sync_api import sync_playwright

    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as database:
        stage.prepare(database)
        from tests.live import serve
        from tests.screenshots.photographer import LOCALES, SIZES, Photographer
        from tests.screenshots.scenes import ALL, MAIN

        stage.people(*LOCALES)
        with serve() as site, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            for language, size, theme in product(LOCALES, SIZES, ("light", "dark")):
                for scene in MAIN if folder == TARGET else ALL:
                    with Photographer(browser, site, folder, size, theme, language) as photographer:
                        scene(photographer)
            browser.close()
    sys.stdout.write(f"{len(list(folder.glob('*.png')))} pictures in {folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
