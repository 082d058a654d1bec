"""What stands within a line: links that load nothing, addresses, footnotes, strike-through, line breaks."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, SubElement

from markdown import Markdown
from markdown import inlinepatterns as patterns
from markdown.util import AtomicString, Registry

from conversations.rendering.links import address_of, host_of
from conversations.rendering.places import MARK, FormulaMark

MAX_ADDRESS = 2_000  # characters

ESCAPABLE = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"  # CommonMark: ASCII punctuation
AUTOLINK = r"<(https?://[^<>\s]+)>"
# An address may follow a letter of a script that puts no spaces between words.
BARE_LINK = r"(?i)(?<![a-z0-9@/._+-])(?:https?://|(?P<www>www\.))"
AFTER_BARE_LINK = re.compile(r"[\s<>\"`\u3000-\u303f\uff00-\uff65\u2018-\u201f\x02]")
DOMAIN = re.compile(r"[^\W_][\w.-]*")
SENTENCE_ENDS = frozenset("?!.,:*_~^'\"")
BRACKETS = {")": "(", "]": "["}
BARE_MAIL = (
    r"(?i)(?<![a-z0-9_.+/@-])(?P<mail>[a-z0-9_+-](?:[a-z0-9_+-]|\.(?!\.))*(?<!\.)"  # not within a path or a longer name
    r"@[a-z0-9_-]+\.(?:[a-z0-9_-]|(?<!\.)\.(?!\.))*[a-z](?![a-z0-9_@-]))"
)
CELL_BREAK = r"(?i)<br ?/?>"
LINE_BREAK = r"(?:(?<! ) {2,}|\\)\n"
FOOTNOTE = r"\[\^([^\[\]\s]{1,60})\]"


def inline_patterns(markdown: Markdown) -> Registry:
    """Python-Markdown's own patterns but raw HTML, which stays text, and ours."""
    md, registry = markdown, Registry()
    registry.register(patterns.BacktickInlineProcessor(patterns.BACKTICK_RE), "backtick", 190)
    registry.register(FormulaMark(MARK, md), "formula", 185)
    registry.register(patterns.EscapeInlineProcessor(patterns.ESCAPE_RE, md), "escape", 180)
    registry.register(FootnoteReference(FOOTNOTE, md), "footnote", 175)
    registry.register(Reference(patterns.REFERENCE_RE, md), "reference", 170)
    registry.register(patterns.LinkInlineProcessor(patterns.LINK_RE, md), "link", 160)
    registry.register(ImageLink(patterns.IMAGE_LINK_RE, md), "image_link", 150)
    registry.register(ImageReference(patterns.IMAGE_REFERENCE_RE, md), "image_reference", 140)
    registry.register(patterns.ShortReferenceInlineProcessor(patterns.REFERENCE_RE, md), "short_reference", 130)
    registry.register(ShortImageReference(patterns.IMAGE_REFERENCE_RE, md), "short_image_ref", 125)
    registry.register(patterns.AutolinkInlineProcessor(AUTOLINK, md), "autolink", 120)
    registry.register(patterns.SubstituteTagInlineProcessor(LINE_BREAK, "br"), "linebreak", 100)
    registry.register(CellBreak(CELL_BREAK, md), "cell_break", 90)
    registry.register(BareLink(BARE_LINK, md), "bare_link", 85)
    registry.register(BareMail(BARE_MAIL, md), "bare_mail", 84)
    registry.register(patterns.DelimiterProcessor("*", "strong,em", md), "em_strong", 60)
    md.delimiters.add("_", "strong,em", smart=True)
    md.delimiters.add("~", "del", double=True)
    return registry


def image_link(source: str, description: str) -> Element:
    """A picture is never loaded: whoever wrote its address would learn who reads. It becomes a link."""
    link = Element("a", {"href": source, "class": "image-link"})
    link.text = AtomicString(description.strip() or host_of(address_of(source)) or source)
    return link


class ImageLink(patterns.ImageInlineProcessor):
    def handleMatch(self, m, data):
        image, start, end = super().handleMatch(m, data)
        return image if image is None else image_link(image.get("src"), image.get("alt")), start, end


# No space between text and label, as in CommonMark: `[1] [2]` are two references.
LABEL = re.compile(r"\[([^\]]*)\]")


class Reference(patterns.ReferenceInlineProcessor):
    RE_LINK = LABEL


class ImageReference(patterns.ImageReferenceInlineProcessor):
    RE_LINK = LABEL

    def makeTag(self, href, title, text):
        return image_link(href, self.unescape(text))


class ShortImageReference(patterns.ShortImageReferenceInlineProcessor):
    def makeTag(self, href, title, text):
        return image_link(href, self.unescape(text))


class CellBreak(patterns.InlineProcessor):
    """`<br>` in a table's cell, which has no other way to break a line. Everywhere else tags are text."""

    def handleMatch(self, m, data):
        if not {"td", "th"}.intersection(self.md.treeprocessors["inline"].ancestors):
            return None, None, None
        return Element("br"), m.start(), m.end()


class BareLink(patterns.InlineProcessor):
    """An address in a text; what ends the sentence, or closes a bracket around it, stays outside."""

    ANCESTOR_EXCLUDES = ("a",)

    def handleMatch(self, m, data):
        after = AFTER_BARE_LINK.search(data, m.end(), m.end() + MAX_ADDRESS)
        if after is None and len(data) > m.end() + MAX_ADDRESS:
            return None, None, None
        domain = DOMAIN.match(data, m.end(), after.start() if after else len(data))
        if domain is None or "_" in "".join(domain[0].rstrip(".").split(".")[-2:]):
            return None, None, None
        address = _without_ending(data[m.start() : domain.endpos])
        link = Element("a", {"href": self.unescape(f"http://{address}" if m["www"] else address)})
        link.text = AtomicString(address)
        return link, m.start(), m.start() + len(address)


def _without_ending(address: str) -> str:
    """Cut off what ends the sentence, an entity such as `&amp;`, and closing brackets that it did not open."""
    end = len(address)
    surplus = {closing: address.count(closing) - address.count(opening) for closing, opening in BRACKETS.items()}
    while end:
        last = address[end - 1]
        if last == ";":
            start = address.rfind("&", 0, end)
            end = start if start >= 0 and address[start + 1 : end - 1].isalnum() else end - 1
        elif last in SENTENCE_ENDS:
            end -= 1
        elif surplus.get(last, 0) > 0:
            surplus[last] -= 1
            end -= 1
        else:
            break
    return address[:end]


class BareMail(patterns.InlineProcessor):
    """A mail address in a text."""

    ANCESTOR_EXCLUDES = ("a",)

    def handleMatch(self, m, data):
        address = self.unescape(m.group("mail"))
        link = Element("a", {"href": f"mailto:{address}"})
        link.text = AtomicString(address)
        return link, m.start(), m.end()


class FootnoteReference(patterns.InlineProcessor):
    """`[^name]`, where the reply defines it (`definitions` of our Markdown)."""

    ANCESTOR_EXCLUDES = ("a",)

    def handleMatch(self, m, data):
        note = self.md.definitions.footnotes.get(m[1])
        if note is None:
            return None, None, None
        place = Element("sup", {"class": "footnote-ref"})
        if not note.is_referred_to:  # the way back leads to the first place
            place.set("id", note.reference_id)
        note.is_referred_to = True
        link = SubElement(place, "a", {"href": f"#{note.id}"})
        link.text = AtomicString(str(note.number))
        return place, m.start(), m.end()
