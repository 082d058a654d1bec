"""LoRA adapters: several on one base that is loaded once, chosen per request, also within one batch."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from safetensors import safe_open

from conversations.backends.local.faults import Fault
from conversations.backends.local.parameters import Parameters
from conversations.backends.local.worker import fetching
from conversations.backends.local.worker.classify import faults_of

BASE = "__base__"  # peft's name for "no adapter"
_WEIGHT = re.compile(r"base_model\.model\.(?P<module>.+)\.lora_(?P<side>[AB])\.weight")
_WRAPPER = re.compile(r"base_model\.model\.(?P<module>.+?)\.(weight|bias|lora_.+)")


class Adapters:
    """The adapters of one model. The empty name is the model itself."""

    def __init__(self, model: Any, base: str):
        self.model = model
        self._base = base
        self._peft: Any = None
        self._names: dict[tuple[str, str | None], str] = {}
        self._active = BASE

    def name_of(self, parameters: Parameters) -> str:
        """Load it if it is not there yet; its name for `switch`. Raises Fault."""
        if not parameters.adapter:
            return BASE
        key = (parameters.adapter, parameters.adapter_revision)
        if key not in self._names:
            name = f"adapter_{len(self._names)}"
            with faults_of(parameters.adapter):
                self._load(parameters, name)
            self._names[key] = name
        return self._names[key]

    def _load(self, parameters: Parameters, name: str) -> None:
        folder = fetching.folder_of(
            parameters.adapter,
            parameters.adapter_revision,
            fetching.ADAPTER,
            lambda *_: None,
            missing="adapter_missing",
        )
        self._refuse_what_does_not_fit(folder, parameters.adapter)
        from peft import PeftModel

        if self._peft is None:
            self._peft = PeftModel.from_pretrained(self.model, folder, adapter_name=name)
            self._active = name
        else:
            self._peft.load_adapter(folder, adapter_name=name)
        self._peft.eval()
        self._switch_to(self._active)

    def _refuse_what_does_not_fit(self, folder: Path, adapter: str) -> None:
        """peft fills what it finds and leaves the rest as it was, so a foreign adapter would answer nonsense."""
        weights = folder / "adapter_model.safetensors"
        if not weights.is_file():
            is_pickled = (folder / "adapter_model.bin").is_file()
            raise Fault("adapter_pickled" if is_pickled else "adapter_kind", model=adapter)
        try:
            config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise Fault("adapter_kind", model=adapter) from None
        if config.get("peft_type") != "LORA":
            raise Fault("adapter_kind", model=adapter)
        modules = dict(self._plain_modules())
        with safe_open(weights, framework="pt") as file:
            fits = all(_fits(key, file.get_slice(key).get_shape(), modules) for key in file.keys())  # noqa: SIM118
        if not fits:
            raise Fault("adapter_base", model=adapter, base=self._base)

    def _plain_modules(self) -> Any:
        """Modules by the names that they had before peft wrapped them."""
        for name, module in self.model.named_modules():
            yield name, getattr(module, "base_layer", module)

    def switch(self, names: Sequence[str]) -> dict[str, Any]:
        """Be ready for a batch in which text `i` uses names[i]; what the forward pass must be given for it."""
        if self._peft is None:
            return {}
        if len(set(names)) == 1:
            if names[0] != self._active:
                self._switch_to(names[0])
            return {}
        if self._active == BASE:
            self._switch_to(next(name for name in names if name != BASE))
        return {"adapter_names": list(names)}

    def _switch_to(self, name: str) -> None:
        if name == BASE:
            self._peft.base_model.disable_adapter_layers()
        else:
            self._peft.base_model.enable_adapter_layers()
            self._peft.set_adapter(name)
        self._active = name

    def forward_of(self, options: dict[str, Any]) -> Any:
        """What to call: peft's own only where it has to tell texts apart, because that costs milliseconds."""
        return self._peft if options else self.model


def _fits(key: str, shape: Sequence[int], modules: dict[str, Any]) -> bool:
    found = _WRAPPER.match(key)
    module = modules.get(found["module"]) if found else None
    if module is None:
        return False
    weight, sizes = _WEIGHT.fullmatch(key), _sizes(module)
    if weight is None or sizes is None:
        return True
    return shape[1] == sizes[0] if weight["side"] == "A" else shape[0] == sizes[1]


def _sizes(module: Any) -> tuple[int, int] | None:
    """How many numbers go in and come out; GPT-2's layers have names of their own for it."""
    if hasattr(module, "in_features"):
        return module.in_features, module.out_features
    return (module.nx, module.nf) if hasattr(module, "nx") else None
