"""Mathematics becomes MathML, money stays money, and no TeX is too much."""

from __future__ import annotations

import re
import threading
from itertools import islice
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversations.rendering import is_plain, limits, render, render_block, split
from conversations.rendering.formulas import MOST_DISPLAYED, MOST_INLINE, find_formulas
from conversations.rendering.mathml import to_mathml
from conversations.rendering.tex import depth_of, prepared
from tests.test_rendering_safety import inspect

X = "<math><mi>x</mi></math>"
DISPLAYED_X = '<span class="math displayed"><math display="block"><mi>x</mi></math></span>'


TIMES = '<mo lspace="0.2222em" rspace="0.2222em">∗</mo>'
X_1, Y_1 = (f"<math><msub><mi>{name}</mi><mn>1</mn></msub></math>" for name in "xy")
TO_B = '<a href="https://b.c" rel="noopener noreferrer nofollow" target="_blank">{}<span class="host"> b.c</span></a>'


def tex(source: str) -> str:
    return f'<code class="tex">{source}</code>'


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("$x$", X),
        (r"\(x\)", X),
        ("$$x$$", DISPLAYED_X),
        (r"\[x\]", DISPLAYED_X),
        (r"\[" + "\nx\n" + r"\]", DISPLAYED_X),
        ("$$\n\nx\n\n$$", DISPLAYED_X),
        ("so $$\nx\n$$ it is", f"so {DISPLAYED_X} it is"),
        ("a:\n$$\nx\n$$\nb", f"a:\n{DISPLAYED_X}\nb"),
        ("($x$), $x$-axis, 令$x$为", f"({X}), {X}-axis, 令{X}为"),
        ("**$x$**", f"<strong>{X}</strong>"),
        ("$x_1$ and $y_1$", f"{X_1} and {Y_1}"),
        ("$a*b*c$", f"<math><mi>a</mi>{TIMES}<mi>b</mi>{TIMES}<mi>c</mi></math>"),
        (r"\(a < b\)", "<math><mi>a</mi><mo>&lt;</mo><mi>b</mi></math>"),
        ("[$x$](https://b.c)", TO_B.format(X)),
    ],
)  # fmt: skip
def test_formulas_become_mathml(text, html):
    assert render(text) == f"<p>{html}</p>"


@pytest.mark.parametrize(
    "text",
    [
        "It costs $5 and $6.",
        "$5, $6 or $7",
        "between $5 and 6$ each",
        "It costs $5, B costs 10$.",
        "from $5-$10 or US$5/A$6",
        "($5)/($6) and $5/$6",
        "$100M vs. $200M, $1,000.50",
        "Set $HOME and $PATH, $x,$y, {$a}-{$b}",
        "the price is $ 5 $ or 5$ and 6$",
        "$$ is cheap, $$$ is not",
        "$$ or $$",
        "a lone $ here",
        r"\$x\$",
        "`$x$` and ``$$y$$``",
        "    $x$",
        "```\n$x$ $$y$$\n```",
        r"\(see below\)",
        r"\[no link\](x)",
        "$$\n\n",
        "https://a.b/?x=$y$&z=$$",
    ],
)
def test_what_is_no_formula_stays_as_it_is(text):
    html = render(text)
    assert "<math" not in html
    assert 'class="tex"' not in html


@pytest.mark.parametrize(
    ("text", "code"),
    [("`$x$` and `$$y$$`", ["$x$", "$$y$$"]), ("``$x$ ` $y$``", ["$x$ ` $y$"]), (r"`\(x\)` `\[`", [r"\(x\)", r"\["])],
)
def test_nothing_within_code_is_a_formula(text, code):
    assert re.findall("<code>(.*?)</code>", render(text)) == code


def test_prose_beside_an_amount_of_money_takes_the_fast_path():
    assert is_plain("It costs $5.")


@pytest.mark.parametrize(
    "text", [r"$\nonsense{x}$", r"$\frac{1}$", r"$x^$", r"$\begin{pmatrix}$", r"\(\def\a{b}\a\)", r"$\ce{H2O}$"]
)
def test_tex_that_is_not_understood_is_shown_as_it_was_written(text):
    assert render(text) == f"<p>{tex(text)}</p>"


def test_a_minus_begins_no_list_within_a_formula():
    html = render("$$\n\\begin{aligned}\na\n- b\n+ c\n\\end{aligned}\n$$\n- item")
    assert html.count("<math") == 1
    assert html.endswith("</p><ul><li>item</li></ul>")


@pytest.mark.parametrize("opening", ["$$", r"\["])
def test_a_formula_that_never_ends_swallows_nothing(opening):
    html = render(f"{opening}\n- one\n- two\n\n**after**")
    assert html.endswith("<ul><li>one</li><li>two</li></ul><p><strong>after</strong></p>")


def test_a_pipe_within_a_formula_ends_no_cell():
    html = render("| a | b | c |\n|---|---|---|\n| $|x|$ | $P(A|B)$ | \\(|y|\\) |\n| $5 | $6 | 7 |")
    assert html.count("<math") == 3
    assert html.count("<td>") == 6
    assert "<td>$5</td><td>$6</td>" in html


def test_an_address_keeps_its_dollars():
    assert '<a href="https://b.c/?d=$x$"' in render("[a](https://b.c/?d=$x$)")


@pytest.mark.parametrize("name", ["align", "align*", "aligned", "split", "equation", "gather", "cases", "pmatrix"])
def test_the_environments_that_models_use_are_known(name):
    equals = "=" if name in ("equation", "gather", "cases", "pmatrix") else "&="
    mathml = to_mathml(rf"\begin{{{name}}} a {equals} b \\ c {equals} d \end{{{name}}}", is_displayed=True)
    assert mathml is not None
    assert "(1)" not in mathml


@pytest.mark.parametrize(
    "tex",
    [
        r"x \tag{1}",
        r"x \label{a}",
        r"\boxed{42}",
        r"\cancel{x}",
        r"\sum_{\substack{i<n\\j<m}} i",
        r"\text{for $x$ in } A",
        r"\Large x",
        r"\operatorname{argmax}_x f",
        r"\left. \frac{a}{b} \right|_0",
        r"\overset{!}{=}",
        r"\xrightarrow{f}",
        r"\widetilde{ab} \overline{AB} \vec{v}",
        r"90^\circ \; 50\,\%",
        r"\{x \mid x > 0\}",
        r"\begin{array}{c|c} a & b \end{array}",
    ],
)  # fmt: skip
def test_what_models_write_is_known(tex):
    assert to_mathml(tex, is_displayed=True) is not None


def test_nothing_of_a_formula_reaches_beyond_it():
    for tex in (r"\hspace{-100em}x", r"\hspace{99em}x", r"\href{javascript:alert(1)}{x}", r"\color{white}{x}"):
        mathml = to_mathml(tex, is_displayed=True)
        assert "style" not in mathml
        assert "javascript" not in mathml
        assert "99em" not in mathml
        assert "100em" not in mathml


# A parser in compiled code that went too deep would end the process, one that went back and forth would stop it.

NESTING = [
    *("{", "x^{", r"\sqrt", r"\sqrt[", r"\frac", r"\frac1", r"\left(", r"\hat{", r"\text{", r"\underbrace", r"\not"),
    *(r"\color{red}", r"\displaystyle ", r"\prescript{a}{b}", r"\begin{pmatrix}", r"\begin{array}{c}"),
]


@pytest.mark.parametrize("piece", NESTING)
def test_deep_nesting_is_shown_as_it_was_written(piece):
    source = f"$${piece * (MOST_DISPLAYED // len(piece) - 5)}$$"
    html = render(source)
    assert prepared(source.strip("$")) is None  # or a thread with a small stack would take the process with it
    assert "<math" not in html
    inspect(html)


def test_the_depth_counts_groups_commands_and_cells():
    assert depth_of("x + y") == 0
    assert depth_of(r"\frac{a}{b}") == 2
    assert depth_of(r"\sqrt\sqrt x") == 2
    assert depth_of(r"\alpha\beta\gamma") == 0
    assert depth_of(r"\sqrt x & \sqrt y \\ \sqrt z") == 1
    assert depth_of("{" * 50 + "}" * 50) == 50


@pytest.mark.parametrize("piece", ["(", "[", r"\{", r"\langle ", r"\lceil ", "|", "(x", r"\bigl(", "x^2(", r"\|"])
def test_brackets_without_partners_take_no_time(piece):
    assert to_mathml(piece * 60 + "x", is_displayed=True)  # 0.9.0 of math-core takes 2^60 steps


def test_hostile_formulas_stay_within_the_limits():
    random = Random(1)
    pieces = [
        *NESTING,
        *"(){}[]|^_&x1=+<'~",
        r"\\",
        r"\}",
        r"\right)",
        r"\end{pmatrix}",
        r"\sum",
        r"\text{a}",
        "$",
        "$$",
        r"\(",
    ]
    threading.stack_size(1024 * 1024)  # an eighth of what threads have
    texts = ("".join(random.choices(pieces, k=random.randint(1, 4))) * random.randint(1, 400) for _ in range(10**6))

    def work() -> None:
        for text in islice(texts, 400):
            for source in (f"$${text}$$", f"${text}$", rf"\({text}\)"):
                html = render_block(source)
                inspect(html)

    try:
        thread = threading.Thread(target=work)
        thread.start()
    finally:
        threading.stack_size(0)
    thread.join(120)
    assert not thread.is_alive()


def test_a_formula_and_a_block_of_formulas_have_a_size():
    assert to_mathml("x" * (limits.FORMULA_ELEMENTS + 1), is_displayed=True) is None
    assert not list(find_formulas(f"${'x' * (MOST_INLINE + 1)}$"))
    assert not list(find_formulas(f"$${'x' * (MOST_DISPLAYED + 1)}$$"))
    item = f"- ${'x+' * 40}1$\n"
    html = render_block(item * 100)
    assert 0 < html.count("<math") < 100
    assert html.count("</m") <= limits.FORMULAS + 200
    assert html.count("<li>") == 100
    inspect(html)


@settings(deadline=None)
@given(st.text(st.sampled_from("$\\()[]{}`x1 =\n|^_&<-"), max_size=60))
def test_any_mixture_of_marks_is_safe_and_none_raises(text):
    inspect(render(text))
    for block in split(text):
        inspect(render_block(block))


@settings(deadline=None)
@given(st.text(max_size=80))
def test_any_tex_is_safe_and_none_raises(tex):
    inspect(render(rf"\({tex}\) $${tex}$$"))


def test_formulas_cost_no_import_before_the_first():
    import subprocess
    import sys

    code = (
        "import os, sys; os.environ['DJANGO_SETTINGS_MODULE'] = 'tests.settings'\nimport django; django.setup()\n"
        "from conversations.rendering import render, warm_up; warm_up(); render('*a* and $5')\n"
        "assert 'math_core' not in sys.modules; render('$x$'); assert 'math_core' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_footnotes_of_two_messages_with_one_text_have_ids_of_their_own():
    text = "One[^x] and again[^x].\n\n[^x]: Of one\nthat goes on with $x$"
    first, second = render(text, "m1"), render(text, "m2")
    ids = [re.findall(r' id="([^"]*)"', html) for html in (first, second)]
    assert set(ids[0]).isdisjoint(ids[1])
    assert len(ids[0]) == len(set(ids[0])) == 2  # the way back leads to the first place
    assert sorted(set(re.findall(r'href="#([^"]*)"', first))) == sorted(ids[0])
    assert f"that goes on with {X}" in first
