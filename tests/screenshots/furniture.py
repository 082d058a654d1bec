"""What a member of long standing has: a chat with everything in it, a long one, folders, an archive, links, prompts."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from tests.screenshots.script import CODE

HEADS = [f"A long heading {number}" for number in range(9)]
ROWS = [[f"Q{row}", *["1,234,567.89"] * 9] for row in range(4)]
WIDE = "\n".join(f"| {' | '.join(cells)} |" for cells in [["Quarter", *HEADS], ["---"] * 10, *ROWS])
LONG = 'print(", ".join(str(fibonacci(n)) for n in range(1_000) if n % 7 == 3 and n % 11 != 5), sep="", flush=True)'
LONG_CODE = CODE.replace("return a", f"return a\n\n\n{LONG}")
EVERYTHING = f"""\
# A heading of the first order

Euler[^1] showed that $e^{{i\\pi}} + 1 = 0$, and that

$$\\sum_{{n=1}}^{{\\infty}} \\frac{{1}}{{n^2}} = \\frac{{\\pi^2}}{{6}}, \\qquad
\\int_{{-\\infty}}^{{\\infty}} e^{{-x^2}}\\,dx = \\sqrt{{\\pi}}, \\qquad
\\begin{{pmatrix}} a & b \\\\ c & d \\end{{pmatrix}}$$

It cost $5 and $6, see [the proof](https://en.wikipedia.org/wiki/Basel_problem) or
https://example.org/a/very/long/address/that/goes/on/and/on/for/ever.html.[^2]

## Tasks

- [x] Read the paper
- [ ] Write to the author
  - a nested point, with `inline code` in it
  1. and a numbered one
- [ ] Sleep

### A table that is too wide

{WIDE}

{LONG_CODE}
> Said by somebody, *long ago*, and **quoted** here over more than one line so that one sees how it wraps.
>
> > And within it another.

1. One
2. Two, with a much longer text that must wrap under its own beginning and not under its number, on a phone too.

---

![A picture](https://example.org/picture.png)

[^1]: Leonhard Euler, *De summis serierum reciprocarum*, 1735.
[^2]: The prices are of **last year**.
"""
TERMS = """\
## What you may do

Be kind, and write nothing that is not yours.

## What we keep

- Your chats, until you delete them.
- Nothing else.
"""
NOTICE = "**Tonight from 22:00** the site rests for an hour. [More](https://example.org/)"


@dataclass(frozen=True, slots=True)
class Furniture:
    """Addresses of what was put up."""

    rich: str
    long: str
    folder: str
    empty_folder: str
    link: str
    locked: str
    answer: str


def _chat(member, title: str, *texts: str):
    from conversations import services
    from conversations.types import Message

    chat = services.create(member, title=title)
    said, parent = [], None
    for number, text in enumerate(texts):
        said.append(Message("assistant" if number % 2 else "user", text, parent_id=parent))
        parent = said[-1].id
    services.store(chat, *said)
    return chat, said


@functools.cache
def of(member) -> Furniture:
    """Put up once for each."""
    from chatsite.sharing import links

    rich, said = _chat(member, "Everything at once", "Show me *everything*.\n\nOn several lines, please.", EVERYTHING)
    lines = [f"Line {number} of much text. " * (1 + number % 9) for number in range(60)]
    long, _ = _chat(member, "A long talk", *lines)
    folder, empty = _filed(member)
    _saved(member)
    open_, locked = links.share(rich, days=30), links.share(rich, password="open sesame")
    chats = f"/c/{rich.pk}/", f"/c/{long.pk}/"
    folders = f"/folders/{folder.pk}/", f"/folders/{empty.pk}/"
    return Furniture(*chats, *folders, f"/s/{open_.token}/", f"/s/{locked.token}/", said[1].id)


def _filed(member) -> tuple:
    """Chats in a folder, in the archive, in the trash, and on top; and the folders, the second of them empty."""
    from django.utils import timezone

    from conversations import services
    from conversations.models import Conversation

    folder, empty = (
        services.create_folder(member, name) for name in ("Work", "A folder with quite a long name, empty")
    )
    for title in ("Minutes", "Budget", "Old plan", "Older plan", "Thrown away", "Thrown away, too", "Pinned one"):
        _chat(member, title, f"About {title.lower()}", "Yes.")
    rows = Conversation.objects.filter(user=member)
    services.move(rows.filter(title__in=["Minutes", "Budget"]), folder)
    services.archive(rows.filter(title__in=["Old plan", "Older plan"]), timezone.now())
    services.trash(rows.filter(title__startswith="Thrown"), timezone.now())
    services.pin(member, rows.filter(title="Pinned one"))
    return folder, empty


def _saved(member) -> None:
    from conversations import services

    services.save_prompt(member, name="summary", text="Summarise this in three sentences for whoever was not there.")
    services.save_prompt(member, name="translate", text="Translate into Vietnamese:")
    services.save_persona(member, name="Patient teacher", prompt="Explain slowly.", description="Explains it twice.")


def trial() -> str:
    """The address of one that is open."""
    from chatsite.sharing.models import Trial
    from conversations.models import ChatModel

    model = ChatModel.objects.filter(backend="scripted").first()
    return f"/try/{Trial.objects.create(name='Our pirate', model=model, enabled=True).token}/"


def proclaim() -> None:
    """Terms, a notice and an announcement: on every page from now on."""
    from chatsite.branding.models import Announcement, Site, SiteText

    site = Site.objects.get_or_create()[0]
    SiteText.objects.get_or_create(site=site, kind=SiteText.Kind.TERMS, text=TERMS)
    SiteText.objects.get_or_create(site=site, kind=SiteText.Kind.NOTICE, text="Write nothing secret here.")
    Announcement.objects.get_or_create(text=NOTICE, level=Announcement.Level.WARNING, can_be_dismissed=True)


def recall() -> None:
    from chatsite.branding.models import Announcement, SiteText

    Announcement.objects.all().delete()
    SiteText.objects.all().delete()
