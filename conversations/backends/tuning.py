"""What people can usually tune. A backend names those that it knows, and declares inputs of its own beside them:

settings = (TEMPERATURE, MAX_TOKENS, MEMORY, Setting("tone", "Tone", "choice", "plain", choices=…))
"""

from __future__ import annotations

from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from conversations.types import Setting

ALL_THAT_FITS = 0  # turns of memory

_turns = lazy(lambda count: ngettext("%d turn", "%d turns", count) % count, str)  # formatted when it is read

TEMPERATURE = Setting(
    "temperature",
    _("Temperature"),
    default=0.7,
    least=0,
    most=1,
    step=0.1,
    help=_("Low: steady answers. High: varied ones."),
)
MAX_TOKENS = Setting(
    "max_tokens",
    _("Longest answer, in tokens"),
    "choice",
    default=512,
    choices=tuple((count, str(count)) for count in (256, 512, 1024, 2048, 4096, 8192)),
    help=_("A token is about three quarters of an English word."),
)
MEMORY = Setting(
    "memory",
    _("Memory"),
    "choice",
    default=3,
    choices=(
        *((count, _turns(count)) for count in range(1, 11)),
        (ALL_THAT_FITS, _("All that fits")),
    ),
    help=_("How many of the last questions, with their answers, the model is shown again."),
)
TOP_P = Setting(
    "top_p",
    _("Top p"),
    least=0.05,
    most=1,
    step=0.05,
    help=_("Only the likeliest words that together reach this share are considered."),
)
TOP_K = Setting(
    "top_k",
    _("Top k"),
    "integer",
    least=1,
    most=200,
    step=1,
    help=_("Only so many of the likeliest words are considered."),
)

USUAL = (TEMPERATURE, MAX_TOKENS, MEMORY, TOP_P, TOP_K)
USUAL_NAMES = frozenset(setting.name for setting in USUAL)
