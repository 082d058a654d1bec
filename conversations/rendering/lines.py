"""What a single line may begin, and how far it is indented."""

from __future__ import annotations

import re

CODE_INDENT = 4  # columns

BLANK = " \t\r"
HEADING = re.compile(r"(#{1,6})(?:[ \t]+|$)(.*)")
RULE = re.compile(r"([-*_])[ \t]*(?:\1[ \t]*){2,}$")
FENCE = re.compile(r"(`{3,})([^`]*)$|(~{3,})(.*)$")
ITEM = re.compile(r"([-*+]|(\d{1,9})[.)])(?:([ \t]+)(.*))?$")
INTERRUPTING_ITEM = re.compile(r"(?:[-*+]|1[.)])[ \t]+[^ \t]")
UNDECIDED_ITEM = re.compile(r"[-*+_ \t]+|\d{1,9}[.)]?[ \t]*")
SETEXT = re.compile(r"(?:={2,}|-{2,})[ \t]*$")


def indent_of(line: str) -> int:
    """Columns of white space before the text; a tab leads to the next multiple of four."""
    lead = line[: len(line) - len(line.lstrip(" \t"))]
    return len(lead.expandtabs(CODE_INDENT)) if "\t" in lead else len(lead)


def dedent(line: str, columns: int) -> str:
    """The line without up to so many columns of leading white space."""
    if not columns or not line[:1].isspace():
        return line
    text = line.lstrip(" \t")
    return " " * max(0, indent_of(line) - columns) + text


def is_item(text: str) -> re.Match[str] | None:
    return None if RULE.match(text) else ITEM.match(text)


def is_delimiter_row(text: str) -> bool:
    return "|" in text and "-" in text and set(text) <= set("|:- \t")
