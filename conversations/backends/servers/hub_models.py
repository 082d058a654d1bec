"""A selection of the chat models on Hugging Face's router: what the catalogue starts with.

The admin edits it afterwards, and `offers` asks the router for everything it offers today. Context sizes
are those of the models' own configurations, in tokens, and licences those of their model cards; a provider
may allow less.
"""

from __future__ import annotations

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


def _model(model_id: str, label: str, use_case: Promise, context_size: int, licence: str) -> dict[str, Any]:
    return {
        "model_id": model_id,
        "label": label,
        "use_case": use_case,
        "context_size": context_size,
        "licence": licence,
    }


EVERYDAY = _("Everyday questions")
LARGE = _("Demanding questions, long texts")
FAST = _("Quick, short answers")
CODE = _("Programming")
REASONING = _("Reasoning step by step")
LANGUAGES = _("Many languages")

ROUTER_MODELS: tuple[dict[str, Any], ...] = (
    _model("google/gemma-2-9b-it", "Gemma 2 9B", EVERYDAY, 8_192, "Gemma"),
    _model("google/gemma-3-27b-it", "Gemma 3 27B", LANGUAGES, 131_072, "Gemma"),
    _model("meta-llama/Llama-3.1-8B-Instruct", "Llama 3.1 8B", FAST, 131_072, "Llama 3.1 Community"),
    _model("meta-llama/Llama-3.3-70B-Instruct", "Llama 3.3 70B", LARGE, 131_072, "Llama 3.3 Community"),
    _model("Qwen/Qwen2.5-7B-Instruct", "Qwen 2.5 7B", FAST, 32_768, "Apache 2.0"),
    _model("Qwen/Qwen2.5-72B-Instruct", "Qwen 2.5 72B", LARGE, 32_768, "Qwen"),
    _model("Qwen/Qwen2.5-Coder-32B-Instruct", "Qwen 2.5 Coder 32B", CODE, 32_768, "Apache 2.0"),
    _model("Qwen/Qwen3-32B", "Qwen 3 32B", REASONING, 40_960, "Apache 2.0"),
    _model("Qwen/Qwen3-235B-A22B-Instruct-2507", "Qwen 3 235B", LARGE, 262_144, "Apache 2.0"),
    _model("Qwen/Qwen3-Coder-480B-A35B-Instruct", "Qwen 3 Coder 480B", CODE, 262_144, "Apache 2.0"),
    _model("mistralai/Mistral-7B-Instruct-v0.3", "Mistral 7B", FAST, 32_768, "Apache 2.0"),
    _model("mistralai/Mistral-Small-24B-Instruct-2501", "Mistral Small 24B", EVERYDAY, 32_768, "Apache 2.0"),
    _model("deepseek-ai/DeepSeek-V3.1", "DeepSeek V3.1", LARGE, 163_840, "MIT"),
    _model("deepseek-ai/DeepSeek-R1", "DeepSeek R1", REASONING, 163_840, "MIT"),
    _model("openai/gpt-oss-20b", "gpt-oss 20B", REASONING, 131_072, "Apache 2.0"),
    _model("openai/gpt-oss-120b", "gpt-oss 120B", LARGE, 131_072, "Apache 2.0"),
    _model("microsoft/phi-4", "Phi-4 14B", REASONING, 16_384, "MIT"),
    _model("CohereLabs/aya-expanse-32b", "Aya Expanse 32B", LANGUAGES, 131_072, "CC BY-NC 4.0"),
    _model("CohereLabs/c4ai-command-r7b-12-2024", "Command R7B", EVERYDAY, 132_096, "CC BY-NC 4.0"),
    _model("moonshotai/Kimi-K2-Instruct", "Kimi K2", LARGE, 131_072, "Modified MIT"),
    _model("zai-org/GLM-4.6", "GLM 4.6", CODE, 202_752, "MIT"),
    _model("HuggingFaceTB/SmolLM3-3B", "SmolLM 3 3B", FAST, 65_536, "Apache 2.0"),
)
