"""Colours for code, by Pygments, in the language that is declared: none is guessed."""

from __future__ import annotations

from functools import cache
from time import thread_time

from pygments.lexer import Lexer
from pygments.lexers import find_lexer_class_by_name
from pygments.token import STANDARD_TYPES, _TokenType

from conversations.rendering.leaves import Code
from conversations.rendering.limits import LEXING, can_highlight
from conversations.rendering.plain import code_html, escaped, language_of, plain_code

# What models write. Nothing else is reached from outside: there are 600 lexers, and their regular expressions have not
# all been held against hostile code, as bench/hostile_markdown.py holds these. (`http` would guess what it carries.)
NAMES = """
asm awk bash bat batch c c# c++ clj clojure cmake console cpp cs csharp css dart diff docker dockerfile elixir erlang
ex f# fish fortran fsharp gherkin glsl go golang graphql groovy haskell hcl hs html ini java javascript jinja js json
json5 jsx julia kotlin latex lisp lua make makefile markdown md mysql nasm nginx nim nix objc objective-c ocaml
pascal perl php pl plpgsql postgres postgresql powershell properties proto protobuf ps1 pwsh py py3 pycon pytb python
python3 r rb rs ruby rust sass scala scheme scss sh shell shell-session solidity sql sqlite3 swift tcl terraform tex
tf toml ts tsql tsx typescript v vb.net vbnet verilog vhdl vim vue xml yaml yml zig zsh
"""
LANGUAGES = frozenset(NAMES.split())
# Names that Pygments does not know, and a language it does that looks the same.
NEAREST = {"gradle": "groovy", "jsonc": "json5", "kt": "kotlin", "patch": "diff", "sol": "solidity", "svelte": "html"}
# A text in Markdown may hold code in any language.
OPTIONS = {"stripnl": False, "ensurenl": False, "handlecodeblocks": False}
# Themes leave these as they are; without their spans the page is half as long.
UNMARKED = frozenset({"", "n", "nx", "p", "w"})
CLASSES = frozenset(STANDARD_TYPES.values()) - UNMARKED


class Highlighter:
    """Highlights the code of one block, in at most so many spans together.

    Lexers are quadratic in places that differ from lexer to lexer (an opening bracket without its partner, a run of
    blank lines), but no single token takes them long, and between tokens they can be stopped. Ordinary code takes a
    quarter of the time that they have; so this is the one limit that may decide differently on a second try, about
    hostile code.
    """

    def __init__(self, spans: int) -> None:
        self._spans_left, self._seconds_left = spans, LEXING

    def code_block(self, block: Code) -> str:
        """A code block as HTML, in colours if its language is known and there is time and space for them."""
        code = self.coloured(block)
        return plain_code(block.info, block.lines) if code is None else code_html(language_of(block.info), code)

    def coloured(self, block: Code) -> str | None:
        """The inside of a code block in colours."""
        lexer = _lexer_class(language_of(block.info).lower()) if can_highlight(block.lines) else None
        return self._highlight("".join(f"{line}\n" for line in block.lines), lexer(**OPTIONS)) if lexer else None

    def _highlight(self, code: str, lexer: Lexer) -> str | None:
        began = thread_time()
        spans: list[tuple[str, list[str]]] = []
        named = 0
        for kind, value in lexer.get_tokens(code):
            name = _class(kind)
            if spans and spans[-1][0] == name:
                spans[-1][1].append(value)
            else:
                spans.append((name, [value]))
                named += bool(name)
            if named > self._spans_left or thread_time() - began > self._seconds_left:
                self._seconds_left -= thread_time() - began
                return None
        self._seconds_left -= thread_time() - began
        self._spans_left -= named
        return "".join(_span(name, escaped("".join(values))) for name, values in spans)


def _span(name: str, html: str) -> str:
    return f'<span class="{name}">{html}</span>' if name else html


@cache
def _lexer_class(language: str) -> type[Lexer] | None:
    language = NEAREST.get(language, language)
    return find_lexer_class_by_name(language) if language in LANGUAGES else None


@cache
def _class(kind: _TokenType) -> str:
    """The short name of a kind of token, or of the nearest that has one; empty if it has no colour."""
    while kind not in STANDARD_TYPES:
        kind = kind.parent
    name = STANDARD_TYPES[kind]
    return "" if name in UNMARKED else name
