"""A model of realistic size that says nothing sensible, and transformers running it without this site."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

PEOPLE, TOKENS, PROMPT = 8, 64, 60
THREADS = max(1, (os.cpu_count() or 2) - 1)
VOCABULARY = 49_152
SAMPLING = {"temperature": 0.7, "top_k": 50, "top_p": 0.9}
TEMPLATE = "{% for m in messages %}{{ m['content'] }} {% endfor %}"


def prompts() -> list[str]:
    """One for each person, of words that are single tokens."""
    return [" ".join(f"w{(17 * person + 31 * word) % 1000 + 5}" for word in range(PROMPT)) for person in range(PEOPLE)]


def make(folder: Path) -> float:
    """Write it, the shape of SmolLM2-135M; its parameters in millions."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=576,
        intermediate_size=1536,
        num_hidden_layers=30,
        num_attention_heads=9,
        num_key_value_heads=3,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=None,
        pad_token_id=0,
    )
    model = LlamaForCausalLM(config)
    model.save_pretrained(folder)
    words = Tokenizer(models.WordLevel({f"w{number}": number for number in range(VOCABULARY)}, unk_token="w0"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, unk_token="w0", pad_token="w0")
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    return sum(weight.numel() for weight in model.parameters()) / 1e6


def alone(folder: str) -> None:
    """Run it by `generate`: for each number that comes in, so many people at once; tokens per second go out."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

    os.nice(10)  # as the site's own
    torch.set_num_threads(THREADS)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    config = GenerationConfig(max_new_tokens=TOKENS, do_sample=True, pad_token_id=0, **SAMPLING)
    for line in sys.stdin:
        people = int(line)
        began = time.perf_counter()
        inputs = tokenizer(prompts()[:people], return_tensors="pt", return_token_type_ids=False)
        with torch.inference_mode():
            ids = model.generate(**inputs, generation_config=config)
        written = ids.numel() - inputs["input_ids"].numel()
        print(json.dumps(written / (time.perf_counter() - began)), flush=True)


if __name__ == "__main__":
    alone(sys.argv[1])
