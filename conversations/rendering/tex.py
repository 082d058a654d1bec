"""What of TeX may be handed to math-core, and made so that it understands it.

math-core is compiled and takes microseconds, but its parser calls itself: nesting without end would end the process. So
the depth is bounded before it sees a formula.
"""

from __future__ import annotations

import re

from conversations.rendering.limits import FORMULA_DEPTH

# What defines commands could make much of little.
REFUSED = re.compile(r"\\(?:[a-z]*def|let|(?:re)?newcommand|providecommand|DeclareMathOperator)(?![A-Za-z])")
TOKEN = re.compile(r"\\(?:begin|end)[ ]*\{([A-Za-z]*\*?)\}|\\(?:[A-Za-z]+|.)|[{}&]", re.DOTALL)
OPENING, CLOSING = {"{", r"\left", r"\begin"}, {"}", r"\right", r"\end"}
NAMES = """
alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi pi rho sigma tau upsilon
phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega infty partial nabla hbar ell Re Im
forall exists emptyset varnothing cdot cdots ldots dots vdots ddots times div pm mp leq le geq ge neq ne approx equiv
sim simeq cong propto in notin subset subseteq supset supseteq cup cap wedge land vee lor neg lnot to rightarrow
leftarrow Rightarrow Leftarrow leftrightarrow Leftrightarrow implies iff mapsto quad qquad mid parallel perp angle
circ degree star ast oplus otimes langle rangle
"""
# Symbols take no argument, so they nest nothing.
FLAT = {rf"\{name}" for name in NAMES.split()} | {rf"\{mark}" for mark in ",;:!> {}|%&#$_"}

# Names that mean nearly the same. Numbers would begin at (1) in each formula.
ENVIRONMENT = re.compile(
    r"\\(begin|end)[ ]*\{(align|gather|equation|multline|flalign|alignat|eqnarray|split|smallmatrix)(\*?)\}"
)
NEAREST = {"flalign": "align*", "alignat": "align*", "eqnarray": "align*", "split": "aligned", "smallmatrix": "matrix"}
GROUP = r"\{((?:[^{}]|\{[^{}]*\})*)\}"
REPAIRS = (
    (re.compile(r"(\\begin\{alignat\*?\})\{\d+\}"), r"\1"),
    (re.compile(r"\\(?:label|require)\{[^{}]*\}"), ""),
    (re.compile(r"\\tag\*"), r"\\tag"),
    (re.compile(r"\\substack" + GROUP), r"\\begin{subarray}{c}\1\\end{subarray}"),
    (re.compile(r"(\\text\{[^{}$]*)\$([^{}$]*)\$"), r"\1}\2\\text{"),  # math-core knows no formulas within text
    (ENVIRONMENT, lambda match: rf"\{match[1]}{{{NEAREST.get(match[2], match[2] + '*')}}}"),
)
SIZES = ("tiny", "scriptsize", "small", "normalsize", "large", "Large", "LARGE", "huge", "Huge")
MACROS = {
    **{"tag": r"\qquad\text{(#1)}", "href": "#2", "url": r"\text{#1}", "pmb": r"\boldsymbol{#1}", "hfill": r"\quad"},
    **dict.fromkeys(("smash", "llap", "rlap", "mathllap", "mathrlap", "mathclap"), "#1"),
    **dict.fromkeys(SIZES, ""),
}


def prepared(tex: str) -> str | None:
    """The formula as math-core understands it; None if it must not be given to it."""
    if REFUSED.search(tex):
        return None
    for pattern, replacement in REPAIRS:
        tex = pattern.sub(replacement, tex)
    return tex if depth_of(tex) <= FORMULA_DEPTH else None


def depth_of(tex: str) -> int:
    r"""How deep math-core may have to go at most. Each command may have an argument, and that begin with a command.

    A command's arguments end with its group, or with its cell.
    """
    levels = deepest = 0
    commands = [0]
    for match in TOKEN.finditer(tex):
        token = match[0] if match[1] is None else match[0][: match[0].index("{")].rstrip()
        if token in OPENING:
            commands.append(0)
            levels += 1
        elif token in CLOSING:
            if len(commands) > 1:
                levels -= 1 + commands.pop()
        elif token in ("&", r"\\"):
            levels -= commands[-1]
            commands[-1] = 0
        elif token not in FLAT:
            commands[-1] += 1
            levels += 1
        deepest = max(deepest, levels)
    return deepest
