"""Values of settings: checked when somebody gives them, brought within bounds when those are other ones now."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _

from conversations.backends.tuning import ALL_THAT_FITS, MEMORY
from conversations.cleaning import clean
from conversations.errors import InputError
from conversations.types import Setting

MOST_TEXT = 2_000  # characters, where a setting names no other limit
_FLAGS: Mapping[str, bool] = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False, "": False}


def checked(setting: Setting, value: Any, *, also: Setting | None = None) -> Any:
    """`value`, perhaps as a form gave it, in the setting's own kind; None for an empty one: the default is meant.

    `also`: the choices of this one are taken, too. Raises InputError, naming the field.
    """
    if value is None:
        return None
    if setting.kind != "flag" and isinstance(value, str) and not value.strip():
        return "" if setting.kind == "text" and setting.default is not None else None
    return _CHECKS[setting.kind](setting, value, also)


def _number(setting: Setting, value: Any, _also: Setting | None) -> float:
    try:
        number = float(value) if not isinstance(value, bool) else math.nan
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number) or number != _within(setting, number):
        raise InputError(_out_of_bounds(setting))
    return number


def _integer(setting: Setting, value: Any, also: Setting | None) -> int:
    number = _number(setting, value, also)
    if number != int(number):
        raise InputError(_("“{field}” must be a whole number.").format(field=setting.label))
    return int(number)


def _choice(setting: Setting, value: Any, also: Setting | None) -> Any:
    choices = [*setting.choices, *(also.choices if also else ())]
    for known, _label in choices:
        if known == value or str(known) == str(value):
            return known
    raise InputError(_("“{field}” must be one of the values offered.").format(field=setting.label))


def _text(setting: Setting, value: Any, _also: Setting | None) -> str:
    limit = int(setting.most or MOST_TEXT)
    if not isinstance(value, str) or len(value) > limit:
        sentence = _("“{field}” may have at most {limit} characters.")
        raise InputError(sentence.format(field=setting.label, limit=limit))
    return clean(value).replace("\r\n", "\n")


def _flag(setting: Setting, value: Any, _also: Setting | None) -> bool:
    known = value if isinstance(value, bool) else _FLAGS.get(str(value).lower())
    if known is None:
        raise InputError(_("“{field}” is either on or off.").format(field=setting.label))
    return known


_CHECKS = {"number": _number, "integer": _integer, "choice": _choice, "text": _text, "flag": _flag}


def _out_of_bounds(setting: Setting) -> str:
    least, most = (None if bound is None else f"{bound:g}" for bound in (setting.least, setting.most))
    if least is not None and most is not None:
        return _("“{field}” must be a number from {least} to {most}.").format(
            field=setting.label, least=least, most=most
        )
    if least is not None:
        return _("“{field}” must be a number of at least {least}.").format(field=setting.label, least=least)
    if most is not None:
        return _("“{field}” must be a number of at most {most}.").format(field=setting.label, most=most)
    return _("“{field}” must be a number.").format(field=setting.label)


def nearest(setting: Setting, value: Any) -> Any:
    """The value that the setting takes and that is closest to this one; its default if it is of another kind."""
    if setting.kind == "choice":
        return _nearest_choice(setting, value)
    if setting.kind in ("number", "integer") and isinstance(value, int | float) and not isinstance(value, bool):
        value = _within(setting, value)
    try:
        found = checked(setting, value)
    except InputError:
        return setting.default
    return setting.default if found is None else found


def _nearest_choice(setting: Setting, value: Any) -> Any:
    """The same, else the next smaller, else the smallest; the default where nothing can be compared."""
    offered = [choice for choice, _label in setting.choices]
    if value in offered:
        return value
    ranks = {choice: _rank(setting, choice) for choice in offered}
    wished = _rank(setting, value)
    if wished is None or None in ranks.values():
        return setting.default
    smaller = [choice for choice in offered if ranks[choice] <= wished]
    return max(smaller, key=ranks.get) if smaller else min(offered, key=ranks.get)


def _rank(setting: Setting, value: Any) -> float | None:
    """How much a choice is, among others; None for what is no number. All that fits is more than any count."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return math.inf if setting.name == MEMORY.name and value == ALL_THAT_FITS else value


def narrowed(
    setting: Setting, *, default: Any = None, least: float | None = None, most: float | None = None
) -> Setting:
    """The setting within these bounds, if they leave anything of it, and with this default, if it can be one."""
    offered = _with_choice(setting, default)
    within = _bounded(offered, least, most)
    try:
        chosen = checked(offered, setting.default if default is None else default)
    except InputError:
        chosen = setting.default
    return replace(within, default=None if chosen is None else nearest(within, chosen))


def _bounded(setting: Setting, least: float | None, most: float | None) -> Setting:
    if setting.kind == "choice":
        ranked = [(choice, _rank(setting, choice[0])) for choice in setting.choices]
        kept = tuple(choice for choice, at in ranked if at is None or _lies_within(at, least, most))
        return replace(setting, choices=kept or setting.choices)
    if setting.kind == "text":
        return setting
    lowest = max((bound for bound in (setting.least, least) if bound is not None), default=None)
    highest = min((bound for bound in (setting.most, most) if bound is not None), default=None)
    if lowest is not None and highest is not None and lowest > highest:
        return setting
    return replace(setting, least=lowest, most=highest)


def _with_choice(setting: Setting, value: Any) -> Setting:
    """A number that stands between the choices becomes one, because somebody who runs the site wants it so."""
    offered = [choice for choice, _label in setting.choices]
    if setting.kind != "choice" or not offered or any(_rank(setting, choice) is None for choice in offered):
        return setting
    try:
        number = int(value)
    except (TypeError, ValueError):
        return setting
    if number in offered or number < 1:
        return setting
    choices = sorted([*setting.choices, (number, str(number))], key=lambda choice: _rank(setting, choice[0]))
    return replace(setting, choices=tuple(choices))


def _lies_within(value: float, least: float | None, most: float | None) -> bool:
    return (least is None or value >= least) and (most is None or value <= most)


def _within(setting: Setting, number: float) -> float:
    if setting.least is not None and number < setting.least:
        return setting.least
    if setting.most is not None and number > setting.most:
        return setting.most
    return number
