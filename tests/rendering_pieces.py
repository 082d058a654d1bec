"""What Markdown is made of, for tests and benchmarks that put it together at random, and the models' answers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from random import Random

CORPUS = sorted((Path(__file__).parent / "rendering_corpus").glob("*.md"))

PIECES = [
    *"[]()*_~`<>&\\!#|:=-+@\"'. a\n\t",
    *("**", "***", "__", "~~", "``", "```", "```\n", "~~~\n", "```js\n", "\\\\", "  \n", "\\\n", "\n\n", "    ", "  "),
    *("- ", "* ", "1. ", "7) ", "> ", "# ", "- [x] ", "\n- ", "\n  - ", "\n    ", "\n\n   ", "\n> ", "\n1. ", "\r\n"),
    *("| a | b |\n", "|---|:-:|\n", "| ", "---\n", "===\n", "* * *\n", "\n| a | b |"),
    *("http://", "https://a.b", "www.", "a@b.c", "//", "mailto:", "<https://", "javascript:", "data:"),
    *("](", "](a)", "[a](b)", "[a](https://b.c)", "![", "![a](https://b.c)", "[^1]", "[^1]: x\n", "[a]: https://b.c\n"),
    *("*a", "a*", "_a", "a_", "**a", "a**", "`a`", "*a*", "**a**", "[a]", "x_y", "<a", "<a>", "</a>", "<br>", "&amp;"),
    *(
        "$",
        "$$",
        "\n$$\n",
        r"\(",
        r"\)",
        r"\[",
        r"\]",
        "\n\\[\n",
        "\n\\]\n",
        "$x$",
        r"\frac",
        r"\left(",
        "x^2",
        "{",
        "}",
        "$5 ",
    ),
    *("word ", "é", "中", "。", "😀", "\u200f", "\u00a0", "\u3000", "\x00", "\x02", "\x03", "\u2028", "\ufffe"),
]
BEGINNINGS = ["", "- ", "> ", "# ", "| a | b |\n|---|---|\n| ", "1. a\n   ", "- - - ", "```python\n"]
LENGTHS = [300, 1_000, 3_000, 6_000, 10_000, 30_000]


CODE_PIECES = [
    *"\"'()[]{}<>#@$%&*/\\|!?~^=+-_:;,. \n\t",
    *(
        "/*",
        "*/",
        "//",
        "--",
        "{-",
        "(*",
        "<!--",
        "-->",
        "<%",
        "<?php",
        "{{",
        "{%",
        "${",
        "#{",
        "$(",
        "((",
        "[[",
        "<<",
        "<<A\n",
    ),
    *(
        '"""',
        "'''",
        'r"',
        '@"',
        "%q{",
        "q{",
        "s/",
        "m/",
        '\\"',
        "::",
        "->",
        "=>",
        "a ",
        "a.",
        "a::",
        "a(",
        "a[",
        "a<b>(",
    ),
    *(
        "if ",
        "def ",
        "class ",
        "func ",
        "import ",
        "begin ",
        "case ",
        "select ",
        "type ",
        "=begin\n",
        ">>> ",
        "$ ",
        "- ",
    ),
    *("<a ", "</", "<script>", "<style>", "0x", "1e", "1.", "1_", "&a;", "\n\n", "    ", "é", "中", "\\begin{", 'R"('),
]


def repeated(piece: str, length: int) -> str:
    return piece * (length // len(piece))


def hostile_blocks(seed: int) -> Iterator[str]:
    """Texts that repeat what is dear to parse, endlessly: each piece, each two, then random mixtures."""
    random = Random(seed)
    pairs = [first + second for first, second in product(PIECES, repeat=2)]
    random.shuffle(pairs)
    for piece in [*PIECES, *pairs]:
        yield repeated(piece, random.choice(LENGTHS))
    while True:
        mixture = "".join(random.choices(PIECES, k=random.randint(2, 6)))
        length = random.choice(LENGTHS)
        text = random.choice(BEGINNINGS) + repeated(mixture, length)
        if random.random() < 0.4:
            other = "".join(random.choices(PIECES, k=random.randint(1, 4)))
            text = text[: length // 2] + repeated(other, length // 2)
        yield text


def hostile_code(seed: int, languages: list[str], length: int, line_length: int) -> Iterator[str]:
    """Code blocks, of at most so many characters, that repeat what lexers seek a partner for."""
    random = Random(seed)
    singles = list(product(languages, CODE_PIECES))
    random.shuffle(singles)
    while True:
        language, piece = singles.pop() if singles else (random.choice(languages), "")
        piece = piece or "".join(random.choices(CODE_PIECES, k=random.randint(2, 4)))
        text = random.choice(["", "", '"', "/*", "<script>", "a = ", "("]) + repeated(piece, length)
        lines = [line[i : i + line_length] for line in text.split("\n") for i in range(0, len(line) + 1, line_length)]
        times = random.choice([1, 1, 1, 4, 9])
        code = "\n".join(lines)[: length // times]
        fence = f"```{language}\n{code}\n```\n"
        yield fence if times == 1 else "- a\n" + (fence * times).replace("```", "  ```")
