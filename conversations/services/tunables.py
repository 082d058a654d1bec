"""What can be tuned with one model: what its connection declares, as the site and the catalogue's entry have it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.conf import settings

from conversations.backends import get_backend
from conversations.errors import BackendError
from conversations.models import ChatModel, ModelSetting
from conversations.services.values import narrowed, nearest
from conversations.types import NOTHING, Setting


class Tunable(NamedTuple):
    """A setting twice: as the connection `declared` it, with the site's default, and as the entry narrows it."""

    declared: Setting
    setting: Setting
    is_hidden: bool

    def value_for(self, wishes: Mapping[str, Any]) -> Any:
        """What comes closest to the wish, if there is one and the entry lets people wish."""
        name = self.setting.name
        if self.is_hidden or name not in wishes:
            return self.setting.default
        return nearest(self.setting, wishes[name])


class Tunables(NamedTuple):
    """All of one model. `fixed` is what the site says beside it to language models, and nobody tunes."""

    each: tuple[Tunable, ...] = ()
    fixed: Mapping[str, Any] = NOTHING

    def options_for(self, wishes: Mapping[str, Any]) -> dict[str, Any]:
        """What this model is asked with. A value of None is left out: the model's server knows better."""
        options = {**self.fixed, **{one.setting.name: one.value_for(wishes) for one in self.each}}
        return {name: value for name, value in options.items() if value is not None}

    def wishes_in(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """What of these options was wished: another model would not have it by default."""
        defaults = {one.setting.name: one.setting.default for one in self.each}
        return {name: options[name] for name in options.keys() & defaults.keys() if options[name] != defaults[name]}


def tunables(model: ChatModel, changes: Mapping[str, ModelSetting]) -> Tunables:
    """`changes` are those of the entry, by the names of the settings. Nothing if the connection is gone."""
    try:
        backend = get_backend(model.backend)
    except BackendError:
        return Tunables()
    site = settings.CHAT_DEFAULT_OPTIONS
    fixed = dict(site) if backend.is_language_model else {}
    each = []
    for declared in backend.settings:
        if declared.name in site:
            declared = narrowed(declared, default=site[declared.name])
        each.append(_tunable(declared, changes.get(declared.name)))
        fixed.pop(declared.name, None)
    return Tunables(tuple(each), fixed)


def _tunable(declared: Setting, row: ModelSetting | None) -> Tunable:
    if row is None:
        return Tunable(declared, declared, is_hidden=False)
    setting = narrowed(declared, default=row.default or None, least=row.least, most=row.most)
    return Tunable(declared, setting, row.is_hidden)
