"""The sentences about model servers: what happened, then what to do. Filled in by sentences.py.

%(label)s is what people know the server by, %(alias)s its key in CHAT_BACKENDS, %(address)s its host and port, %(key)s
and %(url)s the settings that hold its key and its address.
"""

from django.utils.translation import gettext_lazy as _

OPTION = _("%(option)s of the connection “%(alias)s”")

MISCONFIGURED = _(
    "The address of the connection “%(alias)s” is not valid. Whoever runs the site can correct it: %(url)s."
)
HOST_UNKNOWN = _("The address of “%(label)s” (%(address)s) cannot be found. Whoever runs the site can check %(url)s.")
NOT_SECURE = _(
    "No secure connection to “%(label)s” (%(address)s) is possible: its certificate or protocol does not fit. "
    "Whoever runs the site can check %(url)s."
)
UNREACHABLE = _(
    "“%(label)s” cannot be reached at %(address)s. If it is a server of your own, see whether it runs; "
    "otherwise try again in a minute."
)
NOT_A_CHAT_SERVER = _(
    "What answers at %(address)s is no chat server, or not at this path. Whoever runs the site can check %(url)s: "
    "it usually ends in /v1."
)

TIMED_OUT = {
    "connect": _("“%(label)s” did not accept a connection at %(address)s within %(time)s. Try again in a minute."),
    "first": _("“%(label)s” did not begin to answer within %(time)s. Try again, or choose another model."),
    "between": _("“%(label)s” fell silent for %(time)s in the middle of the answer. What arrived is kept; try again."),
    "deadline": _("The answer was not finished within %(time)s and was ended here. What arrived is kept."),
}
GATEWAY_TIMED_OUT = _("“%(label)s” got no answer from its model in time. Try again, or choose another model.")
CLOSED_SILENTLY = _("“%(label)s” closed the connection without an answer. Try again.")
BROKEN_OFF = _("The connection to “%(label)s” broke off in the middle of the answer. What arrived is kept; try again.")

MALFORMED = _("“%(label)s” sent something that cannot be read as an answer. Try again, or choose another model.")
EMPTY = _("The model gave an empty answer. Try again, or put it in other words.")
ONLY_THOUGHT = _(
    "The model used up the allowed length before it came to its answer. Allow longer answers, or ask for less at once."
)
THOUGHT_AND_STOPPED = _("The model thought about it, but gave no answer. Try again, or choose another model.")
FILTERED = _("“%(label)s” declines to answer this by its rules on content. Put it in other words.")

TOO_LONG = _("This conversation is too long for the model. Start a new chat, or choose a model with a larger context.")
NO_CREDIT = _(
    "The credit of this site at “%(label)s” is used up. Choose another model; whoever runs the site can add credit "
    "to the account of the connection “%(alias)s”."
)
OUT_OF_MEMORY = _("“%(label)s” ran out of memory. Try a shorter conversation or a smaller model, or try again later.")
MODEL_UNKNOWN = _("“%(label)s” does not offer the model “%(model)s”. Choose another model.")
THIS_MODEL_UNKNOWN = _("“%(label)s” does not offer this model. Choose another model.")
OLLAMA_AWAY = _(
    "“%(label)s” cannot be reached at %(address)s. Whoever runs the site can start it there (ollama serve), and let "
    "other machines call it (OLLAMA_HOST=0.0.0.0 where it runs)."
)
OLLAMA_LACKS = _(
    "“%(label)s” has no model “%(model)s”. Choose another model; whoever runs the site can fetch it there: "
    "ollama pull %(model)s"
)
NO_KEY = _("“%(label)s” asks for an API key, and this site has none for it. Whoever runs the site can set it: %(key)s.")
WRONG_KEY = _("“%(label)s” does not accept the site's API key. Whoever runs the site can correct it: %(key)s.")
NOT_ALLOWED = _(
    "“%(label)s” does not allow this with the site's API key. Choose another model; whoever runs the site "
    "can check the rights of the key (%(key)s)."
)
TOO_MANY = _("“%(label)s” gets too many requests at the moment. Try again in %(time)s.")
LOADING = _("“%(label)s” is still loading the model. Try again in %(time)s.")
OVERLOADED = _("“%(label)s” is overloaded at the moment. Try again in %(time)s, or choose another model.")
FAILED = _("“%(label)s” failed (error %(status)s). Try again in a moment.")
NOT_TAKEN = _("“%(label)s” does not take this request (error %(status)s). Choose another model, or try other options.")
FAILED_WITHIN = _("“%(label)s” reported an error while it answered. Try again.")

QUOTED = _("%(sentence)s It said: “%(quote)s”")
