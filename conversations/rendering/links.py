"""Where links may lead, and that one sees where: their host stands behind them unless they are named after it."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import unquote, urlsplit
from xml.etree.ElementTree import Element, SubElement

from markdown.treeprocessors import Treeprocessor
from markdown.util import AtomicString

LINK_ATTRIBUTES = {"rel": "noopener noreferrer nofollow", "target": "_blank"}
EXTERNAL = re.compile(r"(?:https?://|mailto:)[^\s/]", re.IGNORECASE)
QUOTED = str.maketrans({"<": "%3C", ">": "%3E", '"': "%22"})
LONGEST_TARGET = 60  # characters that are shown; the end of a host tells whose it is


class SafeLinks(Treeprocessor):
    """Links lead to web and mail addresses, in another tab, and tell nothing about this page; others become text."""

    def run(self, root: Element) -> None:
        for link in root.iter("a"):
            for inner in list(link.iter("a"))[1:]:
                inner.tag = "span"
                inner.attrib.clear()
        for link in list(root.iter("a")):
            address = "%20".join(link.get("href", "").split()).translate(QUOTED)
            if EXTERNAL.match(address):
                link.attrib.update(href=address, **LINK_ATTRIBUTES)
                _show_target(link, address)
            elif not address.startswith("#fn"):
                link.tag = "span"
                link.attrib.clear()


def host_of(address: str) -> str:
    """As a browser would look it up: a name in another script that looks like a known one is seen to be another."""
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        return ""
    try:
        return host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:  # no browser finds it either
        return host


def _show_target(link: Element, address: str) -> None:
    """Put the host, or who gets the mail, behind a link whose text does not say it.

    The space stands with the host, where no line is drawn under it."""
    target = _target(address)
    if not target or _says("".join(link.itertext()), target, address):
        return
    SubElement(link, "span", {"class": "host"}).text = AtomicString(f" {target[-LONGEST_TARGET:]}")


def _target(address: str) -> str:
    is_mail = address[:7].lower() == "mailto:"
    return unquote(address[7:].partition("?")[0] if is_mail else host_of(address).removeprefix("www."))


def _says(text: str, target: str, address: str) -> bool:
    is_named = re.search(rf"(?<![\w.-])(?:www\.)?{re.escape(target)}(?![\w-]|\.\w)", unescape(text), re.IGNORECASE)
    # Whoever stands before an @ is not the host.
    is_disguised = "@" in address.partition("?")[0] and address[:7].lower() != "mailto:"
    return is_named is not None and not is_disguised
