"""bench/RESULTS.md, of which each benchmark writes its own part."""

from __future__ import annotations

HEADING_LOCAL = "## Local models"
HEADING_PAGES = "## Pages"


def section(text: str, heading: str) -> str:
    """A heading and what stands under it; empty if it is not there."""
    lines = text.splitlines(keepends=True)
    starts = [number for number, line in enumerate(lines) if line.rstrip() == heading]
    if not starts:
        return ""
    ends = [number for number in range(starts[0] + 1, len(lines)) if lines[number].startswith("## ")]
    return "".join(lines[starts[0] : ends[0] if ends else len(lines)])


def sections_but(text: str, headings: list[str]) -> str:
    """All sections of a text, without those under these headings and what stands before the first."""
    found = [line.rstrip() for line in text.splitlines() if line.startswith("## ")]
    return "\n".join(section(text, heading).rstrip("\n") + "\n" for heading in found if heading not in headings)


def replace_section(text: str, heading: str, lines: list[str]) -> str:
    """With another section under this heading, at the end if there was none."""
    new = "\n".join([heading, *lines])
    old = section(text, heading)
    return text.replace(old, new) if old else f"{text.rstrip()}\n\n{new}"
