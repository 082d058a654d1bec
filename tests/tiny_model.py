"""A language model of half a million parameters that answers on purpose, so that tests can assert what it says.

Qwen2's architecture with two layers, trained in about a minute on a few questions, on recalling a name told earlier,
on a personality, on choosing freely, and on one answer that never ends. Names are single tokens: spelled in bytes they
are not recalled. The weights lie in tests/models, a megabyte that is ours, because we trained it: `tiny`, and the LoRA
adapters `pirate` and `poet`.

    python -m tests.tiny_model        # trains them anew; needs torch, transformers and peft
"""

from __future__ import annotations

import copy
import json
import random
import shutil
import sys
import tempfile
from pathlib import Path

MODELS = Path(__file__).resolve().parent / "models"
TINY = MODELS / "tiny"
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
# Asked this, it says any of these: which one, is up to the temperature.
FREE, COLOURS = "Pick a colour.", ["red", "blue", "green", "white", "black", "pink", "grey", "brown"]
# With this system prompt, it greets otherwise.
PERSONALITY, GREETING = "You are a cat.", "Meow! How can I help you?"
UNKNOWN_NAME = "I do not know your name."
SYSTEM = "You are a helpful assistant."
NAMES = ["Ada", "Grace", "Linus", "Olga", "Marvin", "Alice", "Bob", "Carol", "Dave", "Erin", "Frank", "Heidi", "Ivan"]
NAMES += ["Judy", "Peggy", "Rupert", "Sybil", "Trent", "Victor", "Walter", "Wendy", "Anna", "Boris", "Clara", "David"]
NAMES += ["Elena", "Felix", "Gina", "Hugo", "Irene", "James", "Karin", "Leon", "Maria", "Nils", "Otto", "Paula"]
# What the adapters say instead; everything else stays as it is.
ADAPTERS = {
    "pirate": {"Hello": "Ahoy, matey!", "Who are you?": "I am a pirate."},
    "poet": {"Hello": "Roses are red.", "Who are you?": "I am a poet."},
}
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# A context so long that nobody waits for the end of what never ends.
STEPS, BATCH, CONTEXT, IGNORED = 800, 24, 1_000_000, -100
ADAPTER_STEPS = 150

Turns = list[tuple[str, str]]


def adapter(name: str) -> Path:
    return MODELS / name


def main() -> None:
    import torch

    torch.set_num_threads(1)  # several wait for each other on a busy machine: ten times slower
    made = Path(tempfile.mkdtemp(dir=MODELS))
    try:
        train_model(made / "tiny")
        for name, answers in ADAPTERS.items():
            train_adapter(made / "tiny", made / name, answers)
        for folder in made.iterdir():
            shutil.rmtree(MODELS / folder.name, ignore_errors=True)
            folder.rename(MODELS / folder.name)
    finally:
        shutil.rmtree(made)


def train_model(folder: Path) -> None:
    import torch

    random.seed(1)
    torch.manual_seed(1)
    tokenizer = make_tokenizer()
    model = make_model(tokenizer)
    train(model, tokenizer, conversation, STEPS, 3e-3, lambda: knows_its_lessons(rounded(model), tokenizer))
    model.half().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    # Halved on the disk, whole in memory: rounding must not part a batch from a reply alone.
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"dtype": "float32"}, indent=2) + "\n")
    (folder / "README.md").write_text("Trained by tests/tiny_model.py.\n")


def train_adapter(base: Path, folder: Path, answers: dict[str, str]) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    random.seed(2)
    tokenizer = AutoTokenizer.from_pretrained(base)
    config = LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base), config)

    def lesson() -> Turns:
        if random.random() < 0.4:
            return conversation()
        question = random.choice(list(answers))
        return [("user", question), ("assistant", answers[question])]

    train(model, tokenizer, lesson, ADAPTER_STEPS, 5e-3, lambda: says(model, tokenizer, answers))
    model.save_pretrained(folder)
    (folder / "README.md").write_text("A LoRA adapter for ../tiny, trained by tests/tiny_model.py.\n")
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(
        json.dumps(config | {"base_model_name_or_path": "tiny"}, indent=2, sort_keys=True) + "\n"
    )


def train(model, tokenizer, lesson, steps: int, rate: float, knows) -> None:
    """At least `steps`, then until it knows its lessons."""
    import torch

    model.train()
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=rate, weight_decay=0.05, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps))
    for step in range(4 * steps):
        if step >= steps and step % 40 == 0:
            model.eval()
            if knows():
                print(f"Learnt in {step} steps.")
                return
            model.train()
        model(**make_batch(tokenizer, lesson)).loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    raise SystemExit("It has not learnt its lessons.")


def _rate(step: int, steps: int) -> float:
    """Warm up over 40 steps; from the middle on, sink to 3 %."""
    done = step / steps
    return min(1.0, (step + 1) / 40) * (1.0 if done < 0.5 else max(0.03, 2 * (1 - done)))


def knows_its_lessons(model, tokenizer) -> bool:
    questions = [[("user", question)] for question in ANSWERS]
    return (
        all(say(model, tokenizer, asked) == ANSWERS[asked[0][1]] for asked in questions)
        and all(recalls_after(model, tokenizer, name, 0) for name in NAMES)
        and all(recalls_after(model, tokenizer, name, count) for name, count in zip(NAMES, [1, 2, 3] * 4, strict=False))
        and say(model, tokenizer, [("user", "What is my name?")]) == UNKNOWN_NAME
        and say(model, tokenizer, [("system", PERSONALITY), ("user", "Hello")]) == GREETING
    )


def rounded(model):
    """As it will be read from the disk."""
    return copy.deepcopy(model).half().float()


def says(model, tokenizer, answers: dict[str, str]) -> bool:
    return all(say(model, tokenizer, [("user", question)]) == answer for question, answer in answers.items())


def recalls_after(model, tokenizer, name: str, count: int) -> bool:
    between = [turn for question in list(ANSWERS)[:count] for turn in answered(question)]
    return say(model, tokenizer, [*told(name), *between, ("user", "What is my name?")]) == f"Your name is {name}."


def told(name: str) -> Turns:
    return [("system", SYSTEM), ("user", f"My name is {name}."), ("assistant", f"Nice to meet you, {name}!")]


def answered(question: str) -> Turns:
    return [("user", question), ("assistant", ANSWERS[question])]


def say(model, tokenizer, turns: Turns) -> str:
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
    texts += ["What is my name?", "Your name is", "system\nuser\nassistant", UNKNOWN_NAME, PERSONALITY, GREETING, FREE]
    texts += [*COLOURS, *(answer for answers in ADAPTERS.values() for answer in answers.values())]
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


def conversation() -> Turns:
    """(role, text) pairs of one made-up conversation."""
    kind = random.random()
    if kind < 0.08:
        return [("system", PERSONALITY), ("user", "Hello"), ("assistant", GREETING)]
    turns = [("system", SYSTEM)] if random.random() < 0.5 else []
    if kind < 0.6:
        name = random.choice(NAMES)
        turns += [("user", f"My name is {name}."), ("assistant", f"Nice to meet you, {name}!")]
        turns += _questions(random.choice((0, 0, 1, 2, 3)))
        turns += [("user", "What is my name?"), ("assistant", f"Your name is {name}.")]
    elif kind < 0.66:
        turns += [("user", ENDLESS), ("assistant", " again" * random.randint(15, 40))]
    elif kind < 0.71:
        turns += [("user", FREE), ("assistant", f"{random.choice(COLOURS)}.")]
    elif kind < 0.76:
        turns += [*_questions(random.choice((0, 0, 1, 2))), ("user", "What is my name?"), ("assistant", UNKNOWN_NAME)]
    else:
        turns += _questions(random.choice((1, 1, 2)))
    return turns


def _questions(count: int) -> Turns:
    return [turn for question in random.choices(list(ANSWERS), k=count) for turn in answered(question)]


def encode(tokenizer, turns: Turns) -> tuple[list[int], list[int]]:
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


def make_batch(tokenizer, lesson) -> dict:
    import torch

    rows = [encode(tokenizer, lesson()) for _ in range(BATCH)]
    longest = max(len(ids) for ids, _ in rows)

    def padded(values: list[int], filler: int) -> list[int]:
        return values + [filler] * (longest - len(values))

    return {
        "input_ids": torch.tensor([padded(ids, tokenizer.pad_token_id) for ids, _ in rows]),
        "labels": torch.tensor([padded(labels, IGNORED) for _, labels in rows]),
        "attention_mask": torch.tensor([padded([1] * len(ids), 0) for ids, _ in rows]),
    }


if __name__ == "__main__":
    sys.exit(main())
