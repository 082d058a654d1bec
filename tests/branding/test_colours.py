"""Whatever colour an owner chooses, what is written in it and on it can be read: 4.5 : 1 in both themes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chatsite.branding.colours import Oklch, accent, contrast, of_hex, tokens

CSS = (Path(__file__).resolve().parents[2] / "static" / "css" / "tokens.css").read_text()
CHOSEN = ["#000000", "#ffffff", "#ff0000", "#ffff00", "#00ff00", "#0000ff", "#808080", "#0f766e", "#fde047", "#7c3aed"]
BEHIND = ("background", "raised", "sunken", "fill")
ENOUGH = 4.5


def colours(css: str) -> dict[str, tuple[Oklch, Oklch]]:
    """`--name: light-dark(oklch(l c h), oklch(l c h))`, per name."""
    pair = r"--([\w-]+): light-dark\(oklch\(([^)/]+)\), oklch\(([^)/]+)\)\)"
    return {
        name: tuple(Oklch(*map(float, numbers.split())) for numbers in (light, dark))
        for name, light, dark in re.findall(pair, css)
    }


@pytest.mark.parametrize("chosen", CHOSEN)
@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_an_accent_is_legible_whatever_was_chosen(chosen, theme):
    made, ours = colours(tokens(chosen)), colours(CSS)
    for name in ("accent", "accent-hover"):
        assert contrast(made[name][theme], made["accent-contrast"][theme]) >= ENOUGH
        for behind in BEHIND[:3] if name == "accent-hover" else BEHIND:
            assert contrast(made[name][theme], ours[behind][theme]) >= ENOUGH


@pytest.mark.parametrize("chosen", CHOSEN)
def test_every_token_that_hangs_on_the_accent_is_one_of_the_site_s(chosen):
    assert colours(tokens(chosen)).keys() <= colours(CSS).keys()


def test_a_colour_that_is_legible_already_stays_as_it_is():
    chosen = of_hex("#0f766e")
    assert accent(chosen, "light").lightness == pytest.approx(chosen.lightness, abs=0.02)


def test_the_hue_stays():
    assert accent(of_hex("#7c3aed"), "dark").hue == pytest.approx(of_hex("#7c3aed").hue)
    assert str(of_hex("#ff0000")) == "oklch(0.628 0.258 29.2)"
