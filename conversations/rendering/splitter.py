"""A text's top-level blocks, while it arrives and afterwards: the same, however it was cut into pieces."""

from __future__ import annotations

from conversations.rendering.blocks import Container
from conversations.rendering.leaves import Table
from conversations.rendering.lines import BLANK

PREFIX = 40  # characters of an unfinished line; enough to tell that it begins another block
MOST_PIECES = 64  # of an unfinished line; many short ones take four times the memory of one
BLOCKS = 2_000  # in a text; whatever follows them is one block: each costs something, however small it is


class BlockSplitter:
    """Cuts a growing text into the sources of its top-level blocks, in time linear in the text.

    Blank lines belong to the block before them (those at the beginning to the first), so that the sources joined are
    the text. A line counts once it has ended, or as soon as nothing that may follow could change where it belongs.
    """

    def __init__(self) -> None:
        self._container = Container()
        self._blocks_left = BLOCKS - 1
        self._lines: list[str] = []  # of the unfinished block, with their ends
        self._partial: list[str] = []  # pieces of the unfinished line
        self._prefix = ""  # its first characters
        self._tail: str | None = ""  # None: ask again

    def feed(self, text: str) -> list[str]:
        """Take more text; return the sources of the blocks that can no longer change, in order."""
        self._tail = None
        ended, newline, rest = text.rpartition("\n")
        done: list[str] = []
        if newline:
            lines = "".join([*self._partial, ended]).split("\n")
            self._partial, self._prefix = [], ""
            for line in lines:
                done += self._end_line(line)
        if rest:
            self._partial.append(rest)
            if len(self._partial) > MOST_PIECES:
                self._partial = ["".join(self._partial)]
            if len(self._prefix) < PREFIX:
                self._prefix = (self._prefix + rest)[:PREFIX]
                done += self._look_ahead()
        return done

    @property
    def tail(self) -> str:
        """The source of the unfinished block; empty if there is none."""
        if self._tail is None:
            # The last line stays apart: it may turn out to be a table's header.
            self._lines = ["".join(self._lines[:-1]), *self._lines[-1:]]
            self._partial = ["".join(self._partial)]
            self._tail = "".join(self._lines + self._partial)
        return self._tail

    def _end_line(self, line: str) -> list[str]:
        if not self._blocks_left:
            self._lines.append(line + "\n")
            return []
        blocks = self._container.blocks
        before = len(blocks)
        self._container.feed(line.removesuffix("\r"))
        self._lines.append(line + "\n")
        if not before or len(blocks) == before:
            return []
        own = 2 if isinstance(blocks[-1], Table) else 1  # a table takes its header from the paragraph before
        del blocks[:-1]
        return self._finish(len(self._lines) - own)

    def _look_ahead(self) -> list[str]:
        blocks = self._container.blocks if self._blocks_left else []
        if not blocks or not self._prefix.strip(BLANK) or not blocks[-1].ends_before(self._prefix):
            return []
        self._container = Container()
        return self._finish(len(self._lines))

    def _finish(self, lines: int) -> list[str]:
        """The unfinished block's first lines are a block."""
        done, self._lines = "".join(self._lines[:lines]), self._lines[lines:]
        self._blocks_left -= 1
        return [done]


def split(text: str) -> list[str]:
    """The sources of the text's top-level blocks; joined, they are the text."""
    splitter = BlockSplitter()
    blocks = splitter.feed(text)
    return [*blocks, splitter.tail] if splitter.tail else blocks
