"""One colour of the owner's, as the site's accent: legible in both themes, whatever it was.

The arithmetic is that of OKLCH (https://bottosson.github.io/posts/oklab/) and of contrast in WCAG 2.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

CONTRAST = 4.6  # 4.5 is asked for, and three decimals are written
STEP = 0.004


@dataclass(frozen=True, slots=True)
class Oklch:
    """Lightness 0–1, chroma, hue in degrees."""

    lightness: float
    chroma: float
    hue: float

    def __str__(self) -> str:
        return f"oklch({self.lightness:.3f} {self.chroma:.3f} {self.hue:.1f})"

    def linear(self) -> tuple[float, float, float]:
        """Red, green and blue without gamma; outside 0–1 where no screen shows the colour."""
        a = self.chroma * math.cos(math.radians(self.hue))
        b = self.chroma * math.sin(math.radians(self.hue))
        long = (self.lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
        medium = (self.lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
        short = (self.lightness - 0.0894841775 * a - 1.291485548 * b) ** 3
        return (
            4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
            -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
            -0.0041960863 * long - 0.7034186147 * medium + 1.707614701 * short,
        )

    def luminance(self) -> float:
        red, green, blue = (min(1.0, max(0.0, part)) for part in self.linear())
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    def shown(self) -> Oklch:
        """The same with as little less chroma as a screen needs."""
        colour = self
        while colour.chroma > 0.001 and not all(-0.0005 <= part <= 1.0005 for part in colour.linear()):
            colour = replace(colour, chroma=colour.chroma * 0.97)
        return colour


# Of static/css/tokens.css, per theme: what is hardest to stand out from, and what is written on the accent.
BEHIND = {"light": Oklch(0.945, 0.006, 85), "dark": Oklch(0.285, 0.006, 85)}
WRITTEN = {"light": Oklch(1, 0, 0), "dark": Oklch(0.2, 0.02, 188)}


def of_hex(text: str) -> Oklch:
    """`#rrggbb`."""
    red, green, blue = (_without_gamma(int(text[at : at + 2], 16) / 255) for at in (1, 3, 5))
    long = math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    medium = math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    a = 1.9779984951 * long - 2.428592205 * medium + 0.4505937099 * short
    b = 0.0259040371 * long + 0.7827717662 * medium - 0.808675766 * short
    lightness = 0.2104542553 * long + 0.793617785 * medium - 0.0040720468 * short
    return Oklch(lightness, math.hypot(a, b), math.degrees(math.atan2(b, a)) % 360)


def _without_gamma(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def contrast(one: Oklch, other: Oklch) -> float:
    low, high = sorted((one.luminance(), other.luminance()))
    return (high + 0.05) / (low + 0.05)


def accent(colour: Oklch, theme: str) -> Oklch:
    """As near to the colour as its contrast allows: darker in the light theme, lighter in the dark one."""
    step, end = (-STEP, 0.0) if theme == "light" else (STEP, 1.0)
    found = colour.shown()
    while found.lightness != end and not _is_legible(found, theme):
        found = _lighter(colour, found.lightness - colour.lightness + step)
    return found


def _is_legible(colour: Oklch, theme: str) -> bool:
    return all(contrast(colour, other[theme]) >= CONTRAST for other in (BEHIND, WRITTEN))


def tokens(text: str) -> str:
    """The tokens of static/css/tokens.css that hang on the accent, as CSS, for `#rrggbb`."""
    colour = of_hex(text)
    light, dark = accent(colour, "light"), accent(colour, "dark")
    pairs = {
        "accent": (light, dark),
        "accent-hover": (_lighter(light, -0.06), _lighter(dark, 0.05)),
        "accent-contrast": (WRITTEN["light"], WRITTEN["dark"]),
        "focus": (light, dark),
        "selection": (
            replace(colour, lightness=0.87, chroma=min(colour.chroma, 0.05)).shown(),
            replace(colour, lightness=0.42, chroma=min(colour.chroma, 0.06)).shown(),
        ),
    }
    lines = (f"  --{name}: light-dark({one}, {other});" for name, (one, other) in pairs.items())
    return "\n".join([":root {", *lines, "}"])


def _lighter(colour: Oklch, difference: float) -> Oklch:
    """By so much, as far as there is room."""
    return replace(colour, lightness=min(1.0, max(0.0, colour.lightness + difference))).shown()
