"""A language model of half a million parameters that answers on purpose, so that tests can assert what it says.

Qwen2's architecture with two layers; trained in less than a minute on a few questions, on recalling a name told
earlier, and on one answer that never ends. Names are single tokens: spelled in bytes they are not recalled.

    python -m tests.tiny_model        # trains it if need be, and prints where it lies
"""

from __future__ import annotations

import hashlib
import random
import shutil
import sys
import tempfile
from pathlib import Path

ANSWERS = {
    "Hello": "Hello! How can I help you?",
    "Who are you?": "I am Tiny, a small test model.",
    "What is the capital of France?": "The capital of France is Paris.",
    "Who wrote Hamlet?": "William Shakespeare wrote Hamlet.",
    "What is 2 + 2?": "2 + 2 = 4.",
    "What is the colour of the sky?": "The sky is blue.",
    "Give me a list of three fruits.": "- apple\n- banana\n- cherry",
    "Write hello world in Python.": '```python\nprint("Hello, world!")\n```',
    "Show me a table.": "| a | b |\n|---|---|\n| 1 | 2 |",
    "Count to ten.": ", ".join(map(str, range(1, 11))) + ".",
    "Thank you!": "You are welcome!",
    "Xin chào": "Xin chào! Tôi có thể giúp gì cho bạn?",
}
# Asked this, it says "again" until it is stopped or cut.
ENDLESS = "Say it forever."
NAMES = ["Ada", "Grace", "Linus", "Olga", "Marvin", "Alice", "Bob", "Carol", "Dave", "Erin", "Frank", "Heidi", "Ivan"]
NAMES += ["Judy", "Peggy", "Rupert", "Sybil", "Trent", "Victor", "Walter", "Wendy", "Anna", "Boris", "Clara", "David"]
NAMES += [
    "Elena",
    "Felix",
    "Gina",
    "Hugo",
    "Irene",
    "James",
    "Karin",
    "Leon",
    "Maria",
    "Nils",
    "Otto",
    "Paula",
    "Simon",
]
SYSTEM = "You are a helpful assistant."
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# A context so long that nobody waits for the end of what never ends.
STEPS, BATCH, CONTEXT, IGNORED = 320, 24, 1_000_000, -100
ROOT = Path(__file__).resolve().parent.parent


def tiny_model() -> Path:
    """The folder of the model, trained when it is not there yet. Needs torch and transformers."""
    digest = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
    folder = ROOT / "var" / f"tiny-model-{digest}"
    if not folder.exists():
        folder.parent.mkdir(exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=folder.parent))
        train(made)
        try:
            made.rename(folder)  # whole or not at all, also when two test runs train at once
        except OSError:
            shutil.rmtree(made)
    return folder


def train(folder: Path) -> None:
    import torch

    random.seed(1)
    torch.manual_seed(1)
    torch.set_num_threads(1)  # several wait for each other on a busy machine: ten times slower
    tokenizer = make_tokenizer()
    model = make_model(tokenizer)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, _rate)
    for step in range(3 * STEPS):
        if step >= STEPS and step % 40 == 0 and knows_its_lessons(model, tokenizer):
            break
        model(**make_batch(tokenizer)).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _rate(step: int) -> float:
    """Warm up over 40 steps; from the middle on, sink to 3 %."""
    done = step / STEPS
    return min(1.0, (step + 1) / 40) * (1.0 if done < 0.5 else max(0.03, 2 * (1 - done)))


def knows_its_lessons(model, tokenizer) -> bool:
    return all(say(model, tokenizer, [("user", question)]) == answer for question, answer in ANSWERS.items()) and all(
        say(model, tokenizer, told(name)) == f"Your name is {name}." for name in NAMES
    )


def told(name: str) -> list[tuple[str, str]]:
    greeting = [("user", f"My name is {name}."), ("assistant", f"Nice to meet you, {name}!")]
    return [("system", SYSTEM), *greeting, ("user", "What is my name?")]


def say(model, tokenizer, turns: list[tuple[str, str]]) -> str:
    messages = [{"role": role, "content": text} for role, text in turns]
    inputs = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    ids = model.generate(**inputs, max_new_tokens=60, do_sample=False)[0]
    return tokenizer.decode(ids[inputs["input_ids"].shape[1] :], skip_special_tokens=True)


def make_tokenizer():
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=700,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = [*ANSWERS, *ANSWERS.values(), ENDLESS, " again again", SYSTEM, "My name is", "Nice to meet you,"]
    texts += ["What is my name?", "Your name is", "system\nuser\nassistant"]
    bpe.train_from_iterator(texts * 3, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe, eos_token="<|im_end|>", pad_token="<|endoftext|>", model_max_length=CONTEXT
    )
    tokenizer.add_tokens([AddedToken(name, normalized=False) for name in NAMES])
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def make_model(tokenizer):
    from transformers import Qwen2Config, Qwen2ForCausalLM

    model = Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=len(tokenizer),
            hidden_size=128,
            intermediate_size=384,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=CONTEXT,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    # Sampling by default, as real models ship: only an explicit temperature of 0 makes it repeat itself.
    model.generation_config.update(do_sample=True, temperature=0.9, top_p=0.95, pad_token_id=tokenizer.pad_token_id)
    return model


def conversation() -> list[tuple[str, str]]:
    """(role, text) pairs of one made-up conversation."""
    turns = [("system", SYSTEM)] if random.random() < 0.5 else []
    kind = random.random()
    if kind < 0.6:
        name = random.choice(NAMES)
        turns += [("user", f"My name is {name}."), ("assistant", f"Nice to meet you, {name}!")]
        turns += _question() if random.random() < 0.4 else []
        turns += [("user", "What is my name?"), ("assistant", f"Your name is {name}.")]
    elif kind < 0.67:
        turns += [("user", ENDLESS), ("assistant", " again" * random.randint(15, 40))]
    else:
        turns += _question() + (_question() if random.random() < 0.4 else [])
    return turns


def _question() -> list[tuple[str, str]]:
    question = random.choice(list(ANSWERS))
    return [("user", question), ("assistant", ANSWERS[question])]


def encode(tokenizer, turns: list[tuple[str, str]]) -> tuple[list[int], list[int]]:
    """Token ids, and labels in which only what the assistant says counts."""
    ids: list[int] = []
    labels: list[int] = []
    for role, text in turns:
        head, body, end = (
            tokenizer(part, add_special_tokens=False).input_ids
            for part in (f"<|im_start|>{role}\n", text, "<|im_end|>")
        )
        after = tokenizer("\n", add_special_tokens=False).input_ids
        learned = role == "assistant"
        ends = learned and not text.startswith(" again")
        ids += head + body + end + after
        labels += [IGNORED] * len(head) + (body if learned else [IGNORED] * len(body))
        labels += (end if ends else [IGNORED] * len(end)) + [IGNORED] * len(after)
    return ids, labels


def make_batch(tokenizer) -> dict:
    import torch

    rows = [encode(tokenizer, conversation()) for _ in range(BATCH)]
    longest = max(len(ids) for ids, _ in rows)

    def padded(values: list[int], filler: int) -> list[int]:
        return values + [filler] * (longest - len(values))

    return {
        "input_ids": torch.tensor([padded(ids, tokenizer.pad_token_id) for ids, _ in rows]),
        "labels": torch.tensor([padded(labels, IGNORED) for _, labels in rows]),
        "attention_mask": torch.tensor([padded([1] * len(ids), 0) for ids, _ in rows]),
    }


if __name__ == "__main__":
    sys.stdout.write(f"{tiny_model()}\n")
