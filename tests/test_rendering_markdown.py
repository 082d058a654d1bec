"""What models commonly write comes out as they meant it."""

from __future__ import annotations

import re
import threading
from html import unescape
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversations.rendering import needs_whole, render, render_block, render_open, split, warm_up
from conversations.rendering.highlight import LANGUAGES, NEAREST
from conversations.rendering.plain import plain_paragraph
from conversations.rendering.reply import _format
from tests.rendering_pieces import CORPUS

LINK = 'rel="noopener noreferrer nofollow" target="_blank"'


def link(address: str, text: str) -> str:
    return f'<a href="{address}" {LINK}>{text}</a>'


def host(name: str) -> str:
    return f'<span class="host"> {name}</span>'


def code(language: str, html: str) -> str:
    attribute = f' class="language-{language}"' if language else ""
    head = f'<div class="code-head"><span class="code-lang">{language}</span></div>'
    return f'<div class="code">{head}<pre><code{attribute}>{html}</code></pre></div>'


def text_of(html: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", html))


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("", ""),
        (" \n\n", ""),
        ("Hello, world!", "<p>Hello, world!</p>"),
        ("one\ntwo", "<p>one\ntwo</p>"),
        ("one  \ntwo\\\nthree", "<p>one<br>two<br>three</p>"),
        ("one\r\ntwo", "<p>one\ntwo</p>"),
        ("It costs $5 and $6.", "<p>It costs $5 and $6.</p>"),
        ("snake_case_names and 5 * 3 * 2", "<p>snake_case_names and 5 * 3 * 2</p>"),
        (
            "*a* **b** _c_ __d__ ~~e~~",
            "<p><em>a</em> <strong>b</strong> <em>c</em> <strong>d</strong> <del>e</del></p>",
        ),
        ("***a***", "<p><strong><em>a</em></strong></p>"),
        ("这是**“重点”**内容", "<p>这是<strong>“重点”</strong>内容</p>"),
        (r"\*not\* \<b\>", "<p>*not* &lt;b&gt;</p>"),
        ("a List<int> of &copy; & co", "<p>a List&lt;int&gt; of &copy; &amp; co</p>"),
        ("a | b\nc - d | e", "<p>a | b\nc - d | e</p>"),
        ("<b>bold</b> <script>x</script>", "<p>&lt;b&gt;bold&lt;/b&gt; &lt;script&gt;x&lt;/script&gt;</p>"),
        ("<div>\n\ntext\n\n</div>", "<p>&lt;div&gt;</p><p>text</p><p>&lt;/div&gt;</p>"),
        ("use `a<b>` and ``x ` y``", "<p>use <code>a&lt;b&gt;</code> and <code>x ` y</code></p>"),
        ("# One #\n## C# ##\n#three", "<h1>One</h1><h2>C#</h2><p>#three</p>"),
        ("Title\n===\nSub\n---\n", "<h1>Title</h1><h2>Sub</h2>"),
        ("a\nb\n---\n***\n", "<p>a\nb</p><hr><hr>"),
        ("> a\n> - b\n>\n> c\n\nd", "<blockquote><p>a</p><ul><li>b</li></ul><p>c</p></blockquote><p>d</p>"),
    ],
)
def test_prose(text, html):
    assert render(text) == html


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a:\n- b\n- c", "<p>a:</p><ul><li>b</li><li>c</li></ul>"),
        ("a:\n1. b\n2. c", "<p>a:</p><ol><li>b</li><li>c</li></ol>"),
        ("1) b\n2) c", "<ol><li>b</li><li>c</li></ol>"),
        ("3. b\n4. c", '<ol start="3"><li>b</li><li>c</li></ol>'),
        ("- a\n  - b\n    - c\n- d", "<ul><li>a<ul><li>b<ul><li>c</li></ul></li></ul></li><li>d</li></ul>"),
        ("- a\n    - b\n        - c\n- d", "<ul><li>a<ul><li>b<ul><li>c</li></ul></li></ul></li><li>d</li></ul>"),
        ("1. a\n  - b\n2. c", "<ol><li>a<ul><li>b</li></ul></li><li>c</li></ol>"),
        ("1. a\n   - b\n2. c", "<ol><li>a<ul><li>b</li></ul></li><li>c</li></ol>"),
        ("1. a\n\t- b\n2. c", "<ol><li>a<ul><li>b</li></ul></li><li>c</li></ol>"),
        ("1. a\n  1. b\n  2. c\n", "<ol><li>a<ol><li>b</li><li>c</li></ol></li></ol>"),
        ("- a\n    - b\n  - c", "<ul><li>a<ul><li>b</li><li>c</li></ul></li></ul>"),
        ("- a\n\n        - b", "<ul><li><p>a</p><ul><li>b</li></ul></li></ul>"),
        ("- a\n\n- b", "<ul><li><p>a</p></li><li><p>b</p></li></ul>"),
        ("- a\n\n  b\n- c", "<ul><li><p>a</p><p>b</p></li><li><p>c</p></li></ul>"),
        ("- a\n  - b\n\n  - c\n- d", "<ul><li>a<ul><li><p>b</p></li><li><p>c</p></li></ul></li><li>d</li></ul>"),
        ("- a\n  b", "<ul><li>a\nb</li></ul>"),
        ("- a\nb", "<ul><li>a</li></ul><p>b</p>"),
        ("- a\n- ", "<ul><li>a</li><li></li></ul>"),
        ("- [ ] a\n- [x] b", '<ul><li class="task">☐ a</li><li class="task done">✓ b</li></ul>'),
        ("- # a\n- > b", "<ul><li><h1>a</h1></li><li><blockquote><p>b</p></blockquote></li></ul>"),
        ("-5 degrees\n2024 was", "<p>-5 degrees\n2024 was</p>"),
    ],
)
def test_lists(text, html):
    assert render(text) == html


@pytest.mark.parametrize("indent", ["   ", "  ", "    "])
def test_a_fence_in_a_list_is_code_of_its_item(indent):
    lines = ["1. a", "```bash", "x", "", "  y", "```", "2. b"]
    text = "\n".join(line if line[:1] in ("1", "2", "") else indent + line for line in lines)
    assert render(text) == f"<ol><li>a{code('bash', 'x' + chr(10) * 2 + '  y' + chr(10))}</li><li>b</li></ol>"


def test_a_fence_in_a_list_holds_lines_without_indent():
    text = "- a\n  ```\nb\n  ```\n- c"
    assert render(text) == f"<ul><li>a{code('', 'b' + chr(10))}</li><li>c</li></ul>"


TABLE = '<div class="table" role="region" tabindex="0"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>'


@pytest.mark.parametrize(
    ("text", "before", "head", "body", "after"),
    [
        ("|a|b|\n|---|---|\n|1|2|", "", "<th>a</th><th>b</th>", "<tr><td>1</td><td>2</td></tr>", ""),
        (
            "x:\na | b\n--- | ---\n1 | 2\ny",
            "<p>x:</p>",
            "<th>a</th><th>b</th>",
            "<tr><td>1</td><td>2</td></tr>",
            "<p>y</p>",
        ),
        ("|a|b|\n|---|\n|1|", "", "<th>a</th><th>b</th>", "<tr><td>1</td><td></td></tr>", ""),
        ("|a|\n|---|\n|`x|y` *z*|", "", "<th>a</th>", "<tr><td><code>x|y</code> <em>z</em></td></tr>", ""),
        (r"|a|" + "\n|-|\n" + r"|x \| y|", "", "<th>a</th>", "<tr><td>x | y</td></tr>", ""),
        (
            "|a|\n|-|\n|x<br>y <BR/> `<br>`|",
            "",
            "<th>a</th>",
            "<tr><td>x<br>y <br> <code>&lt;br&gt;</code></td></tr>",
            "",
        ),
        (
            "|a|b|c|\n|:-|:-:|-:|\n",
            "",
            '<th class="align-left">a</th><th class="align-center">b</th><th class="align-right">c</th>',
            "<tr><td></td><td></td><td></td></tr>",
            "",
        ),
    ],
)
def test_tables(text, before, head, body, after):
    assert render(text) == before + TABLE.format(head, body) + after


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("[a](https://b.c)", link("https://b.c", "a" + host("b.c"))),
        ('[a](https://b.c/d_(e) "T")', f'<a href="https://b.c/d_(e)" {LINK} title="T">a{host("b.c")}</a>'),
        ("<https://b.c/d>", link("https://b.c/d", "https://b.c/d")),
        ("https://b.c/d_e?f=1&g=2.", link("https://b.c/d_e?f=1&amp;g=2", "https://b.c/d_e?f=1&amp;g=2") + "."),
        ("(https://b.c/d_(e))", "(" + link("https://b.c/d_(e)", "https://b.c/d_(e)") + ")"),
        ("www.b.c", link("http://www.b.c", "www.b.c")),
        ("https://b.c/d!?", link("https://b.c/d", "https://b.c/d") + "!?"),
        ("[https://b.c/[d]]", "[" + link("https://b.c/[d]", "https://b.c/[d]") + "]"),
        ("https://b.c/?d=e;", link("https://b.c/?d=e", "https://b.c/?d=e") + ";"),
        ("https://b.c/d&quot;", link("https://b.c/d", "https://b.c/d") + "&quot;"),
        ("**https://b.c/d**", f"<strong>{link('https://b.c/d', 'https://b.c/d')}</strong>"),
        ("https://a_b.c_d/e https://", "https://a_b.c_d/e https://"),
        ("a.b+c@d.ef. g@h i/j@k.lm", link("mailto:a.b+c@d.ef", "a.b+c@d.ef") + ". g@h i/j@k.lm"),
        ("请看https://b.c/路，好", "请看" + link("https://b.c/路", "https://b.c/路") + "，好"),
        ("a@b.cd", link("mailto:a@b.cd", "a@b.cd")),
        ("[a](mailto:a@b.cd)", link("mailto:a@b.cd", "a" + host("a@b.cd"))),
        ("`https://b.c`", "<code>https://b.c</code>"),
        ("[a](/admin) [b](./c.md) [d](#e)", "<span>a</span> <span>b</span> <span>d</span>"),
        ("![a](https://b.c/d.png)", f'<a class="image-link" href="https://b.c/d.png" {LINK}>a{host("b.c")}</a>'),
        ("![](https://b.c/d.png)", f'<a class="image-link" href="https://b.c/d.png" {LINK}>b.c</a>'),
        ("![a](data:image/png;base64,AAAA)", "<span>a</span>"),
        ("[![a](https://b.c/d.png)](https://e.f)", link("https://e.f", "<span>a</span>" + host("e.f"))),
        ("[**b.c** shop](https://www.b.c/d)", link("https://www.b.c/d", "<strong>b.c</strong> shop")),
        ("[b.c](https://b.c.evil)", link("https://b.c.evil", "b.c" + host("b.c.evil"))),
        ("[b.c](https://x-b.c)", link("https://x-b.c", "b.c" + host("x-b.c"))),
        ("https://b.c@evil.d/", link("https://b.c@evil.d/", "https://b.c@evil.d/" + host("evil.d"))),
        ("[b.c](https://evil.d&#64;b.c)", link("https://evil.d@b.c", "b.c" + host("b.c"))),
        ("[b.c](https://b.c&#64;evil.d)", link("https://b.c@evil.d", "b.c" + host("evil.d"))),
        ("[b.c](https://b.c℀@evil.d)", link("https://b.c℀@evil.d", "b.c" + host("evil.d"))),
        ("[b.c]\n\n[b.c]: https://evil.d\\@b.c", link("https://evil.d%5C@b.c", "b.c" + host("b.c"))),
        ("[fass.de](https://faß.de)", link("https://faß.de", "fass.de" + host("xn--fa-hia.de"))),
        ("[a](https://%D0%B0pple.com)", link("https://%D0%B0pple.com", "a" + host("xn--pple-43d.com"))),
        ("[a](mailto:b@%D0%B0pple.com)", link("mailto:b@%D0%B0pple.com", "a" + host("b@xn--pple-43d.com"))),
        ("[a](mailto:%E2%80%AEb@c.de)", link("mailto:%E2%80%AEb@c.de", "a" + host("\ufffdb@c.de"))),
        ("[\u202emoc.b.de](https://moc.b.de)", link("https://moc.b.de", "\u202emoc.b.de" + host("moc.b.de"))),
        ("[a](https://b.c/?d&copy;=e&amp;amp;)", link("https://b.c/?d©=e&amp;amp;", "a" + host("b.c"))),
        ("[аpple.com](https://аpple.com)", link("https://аpple.com", "аpple.com" + host("xn--pple-43d.com"))),
    ],
)
def test_links(text, html):
    assert render(text) == f"<p>{html}</p>"


def test_link_definitions_reach_the_whole_reply():
    text = "[a][1], [b] and ![c][1]\n\n[1]: https://d.e\n[B]: <https://f.g> 'T'\n\n[none][2]"
    image = f'<a class="image-link" href="https://d.e" {LINK}>c{host("d.e")}</a>'
    titled = f'<a href="https://f.g" {LINK} title="T">b{host("f.g")}</a>'
    first = f"<p>{link('https://d.e', 'a' + host('d.e'))}, {titled} and {image}</p>"
    assert needs_whole(text)
    assert render(text) == f"{first}<p>[none][2]</p>"


def test_definitions_stand_at_the_beginning_of_their_paragraph():
    text = "[a]: https://b.c\n*text*\n[d]: e\n\n[a] [d]"
    assert render(text) == f"<p><em>text</em>\n[d]: e</p><p>{link('https://b.c', 'a' + host('b.c'))} [d]</p>"


def test_footnotes_stand_below_the_reply_with_ids_of_their_own():
    text = "One[^x], two[^y].\n\n[^y]: Of *two*\n[^x]: Of one"
    html = render(text)
    ids = re.findall(r' id="([^"]*)"', html)
    assert needs_whole(text)
    assert all(re.fullmatch(r"fn(ref)?-[0-9a-f]{12}-[12]", id_) for id_ in ids)
    assert sorted(re.findall(r'href="#([^"]*)"', html)) == sorted(ids)
    assert html.index("Of <em>two</em>") < html.index("Of one")
    assert set(ids).isdisjoint(re.findall(r' id="([^"]*)"', render(text + "!")))


@pytest.mark.parametrize(
    "text", ["a [b]: https://c.d", "```\n[a]: https://b.c\n```", "- [a]: https://b.c", "a\n[b]: https://c.d", "[x] [y]"]
)
def test_what_defines_nothing_needs_no_whole(text):
    assert not needs_whole(text)


@pytest.mark.parametrize("mark", ["```", "~~~", "`````"])
def test_code_is_highlighted_in_its_language(mark):
    html = '<span class="kd">let</span> a <span class="o">=</span> <span class="s2">"&lt;b&gt;"</span>;\n'
    assert render(f'{mark}js\nlet a = "<b>";\n{mark}\n') == code("js", html)


@pytest.mark.parametrize("info", ["", "frobnicate", "text", "plaintext"])
def test_code_in_no_known_language_is_plain(info):
    assert render(f"```{info}\nlet <a> & b;\n```") == code(info, "let &lt;a&gt; &amp; b;\n")


@pytest.mark.parametrize(
    ("info", "language"),
    [
        ("python title=a", "python"),
        ("{.python}", "python"),
        ("C++", "C++"),
        ("c#", "c#"),
        ("src/app.py", "src"),
        ("app.py", "app.py"),
        ('"><script>', ""),
        ("é", ""),
    ],
)
def test_the_language_is_the_first_word_if_it_is_a_name(info, language):
    assert f'<span class="code-lang">{language}</span>' in render(f"```{info}\nx\n```")


def test_indented_code_keeps_its_lines():
    assert render("    a\n\n\tb\n      c") == code("", "a\n\nb\n  c\n")


def test_an_unclosed_fence_is_only_appended_to_while_it_is_written():
    lines = ["```python\n", "def f():\n", '    return "<a>"\n', "\n", "x = 1\n"]
    end = "</code></pre></div>"
    shown = [render_open("".join(lines[:count])).removesuffix(end) for count in range(1, len(lines) + 1)]
    for earlier, later in pairwise(shown):
        assert later.startswith(earlier)
    assert '<span class="k">' not in shown[-1]
    assert '<span class="k">def</span>' in render_block("".join(lines))
    assert text_of(render_block("".join(lines))) == text_of(shown[-1])


def test_an_unclosed_fence_in_a_list_waits_for_its_colours():
    text = "- a\n  ```python\n  def f(): pass\n"
    assert '<span class="k">' not in render_open(text)
    assert '<span class="k">' in render_block(text)


@pytest.mark.parametrize("language", sorted(LANGUAGES | set(NEAREST)))
def test_highlighting_changes_no_character(language):
    source = '\n\n  if (a < b && c) { return "x<y>"; } // é 中 😀\n\t# comment\n\n/* <b> */ def f(x): pass\n   \n'
    assert text_of(render(f"```{language}\n{source}```")) == language + source


@settings(deadline=None)
@given(st.sampled_from(sorted(LANGUAGES)), st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60))
def test_highlighting_changes_no_character_of_any_line(language, line):
    source = line.replace("`", "'") + "\n"
    assert text_of(render(f"```{language}\n{source}```")) == language + source


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from([*"abc xyz.,;:!?'\"()$%/{}#-+=^\n", "1. ", "- ", "  ", "中", "é ", "😀", "\u00a0", "\u2028"]),
        max_size=30,
    ).map("".join)
)
def test_plain_prose_looks_the_same_on_the_fast_and_on_the_slow_path(text):
    fast = plain_paragraph(text)
    assert fast is None or fast == _format(text)


@pytest.mark.parametrize(
    "text",
    [
        "Hello there, how are you?",
        'Two lines\nof prose (with brackets), "quotes" and it\'s 5 % of $7.',
        "Xin chào 你好",
    ],
)
def test_plain_prose_takes_the_fast_path(text):
    assert plain_paragraph(text) == render(text)


def test_threads_render_alike():
    blocks = [block for path in CORPUS for block in split(path.read_text(encoding="utf-8"))]
    seen = []

    def work() -> None:
        warm_up()
        seen.append([render_open(block) for block in blocks])  # which no cache answers

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert seen == [[render_open(block) for block in blocks]] * 4


def test_split_and_rendered_blocks_are_strings_for_templates():
    assert all(hasattr(render_block(block), "__html__") for block in split("a\n\n*b*\n"))
    assert hasattr(render("*a*"), "__html__")


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("- بند\n- item", '<ul dir="rtl">'),
        ("1. בית", '<ol dir="rtl">'),
        ("- item\n- بند", "<ul>"),
        ("- 12: بند", '<ul dir="rtl">'),
        ("> اقتباس", '<blockquote dir="rtl">'),
        ("| اسم | عمر |\n|---|---|\n| أ | 1 |", '<table dir="rtl">'),
        ("- ```\n  code\n  ```\n- بند", '<ul dir="rtl">'),
        ("- 1\n- 2", "<ul>"),
    ],
)
def test_a_list_a_table_or_a_quotation_begins_on_the_side_of_its_first_letter(text, marked):
    assert marked in render(text)
