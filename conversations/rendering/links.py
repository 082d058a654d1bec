"""Where links may lead, and that one sees where: their host stands behind them unless they are named after it."""

from __future__ import annotations

import re
from functools import lru_cache
from html import unescape
from unicodedata import normalize
from urllib.parse import unquote
from xml.etree.ElementTree import Element, SubElement

import idna
from markdown.treeprocessors import Treeprocessor
from markdown.util import AtomicString

LINK_ATTRIBUTES = {"rel": "noopener noreferrer nofollow", "target": "_blank"}
EXTERNAL = re.compile(r"(?:https?://|mailto:)[^\s/]", re.IGNORECASE)
ENTITY = re.compile(r"&(?:#\d+|#x[0-9a-f]+|[0-9a-z]+);", re.IGNORECASE)
# The last one is a slash to browsers and to nobody else.
QUOTED = str.maketrans({"<": "%3C", ">": "%3E", '"': "%22", "\\": "%5C"})
AUTHORITY = re.compile(r"https?://([^/?#\\]*)", re.IGNORECASE)
PORT = re.compile(r":\d*\Z")
TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")  # letters the other way round
LONGEST_HOST, LONGEST_LABEL = 253, 63  # characters; longer ones lead nowhere, and looking them up costs their square
LONGEST_TARGET = 60  # characters that are shown; the end of a host tells whose it is


class SafeLinks(Treeprocessor):
    """Links lead to web and mail addresses, in another tab, and tell nothing about this page; others become text."""

    def run(self, root: Element) -> None:
        for link in root.iter("a"):
            for inner in list(link.iter("a"))[1:]:
                inner.tag = "span"
                inner.attrib.clear()
        for link in list(root.iter("a")):
            address = address_of(link.get("href", ""))
            if EXTERNAL.match(address):
                link.attrib.update(href=address.replace("&", "&amp;"), **LINK_ATTRIBUTES)
                _show_target(link, address)
            elif not address.startswith("#fn"):
                link.tag = "span"
                link.attrib.clear()


def address_of(written: str) -> str:
    """As every browser reads it, whatever way it was written."""
    plain = ENTITY.sub(lambda entity: unescape(entity[0]), written)
    return "%20".join(plain.split()).translate(QUOTED)


def host_of(address: str) -> str:
    """As a browser would look it up: a name in another script that looks like a known one is seen to be another."""
    authority = AUTHORITY.match(address)
    return _looked_up(PORT.sub("", unquote(authority[1].rpartition("@")[2]))) if authority else ""


@lru_cache(maxsize=2_048)
def _looked_up(host: str) -> str:
    """By the rules of https://url.spec.whatwg.org/#idna; Python's own are those of 2003, where ß is ss."""
    if host.isascii() or len(host) > LONGEST_HOST or max(map(len, host.split("."))) > LONGEST_LABEL:
        return host.lower()
    try:
        host = idna.uts46_remap(host, std3_rules=False, transitional=False)
    except idna.IDNAError:  # no browser finds it either
        host = normalize("NFKC", host).lower()
    labels = host.split(".")
    return ".".join(part if part.isascii() else f"xn--{part.encode('punycode').decode()}" for part in labels)


def _show_target(link: Element, address: str) -> None:
    """Put the host, or who gets the mail, behind a link whose text does not say it.

    The space stands with the host, where no line is drawn under it."""
    target = _target(address)
    if not target or _says("".join(link.itertext()), target, address):
        return
    SubElement(link, "span", {"class": "host"}).text = AtomicString(f" {target[-LONGEST_TARGET:]}")


def _target(address: str) -> str:
    if address[:7].lower() != "mailto:":
        return host_of(address).removeprefix("www.")
    name, at, host = unquote(address[7:].partition("?")[0]).rpartition("@")
    return TURNING.sub("\ufffd", name) + at + _looked_up(host)


def _says(text: str, target: str, address: str) -> bool:
    is_named = re.search(rf"(?<![\w.-])(?:www\.)?{re.escape(target)}(?![\w-]|\.\w)", unescape(text), re.IGNORECASE)
    # Whoever stands before an @ is not the host; and what is turned round does not read as it is written.
    is_disguised = "@" in address.partition("?")[0] and address[:7].lower() != "mailto:"
    return is_named is not None and not is_disguised and not TURNING.search(text)
