r"""Answers from fixed rules: a decision tree that people walk by number, by words, or by asking freely.

A tree is a mapping, in Python or in a JSON file:

    {
        "start": "hello",
        "languages": ["en", "vi"],                     # the first is the default; may be left out
        "nodes": {
            "hello": {
                "text": {"en": "What is wrong?", "vi": "Có chuyện gì?"},      # Markdown
                "choices": ["printer", {"to": "printer", "label": "It makes a noise", "keywords": ["noise"]}]
            },
            "printer": {
                "label": "The printer",                # how choices call it
                "text": "Switch it off and on again.", # a plain string holds for every language
                "keywords": ["printer*", "paper jam"], # lead here from anywhere; * stands for any ending
                "alone": ["paper"],                    # lead here when they are the whole message
                "patterns": ["\\be[0-9]{3}\\b"]        # regular expressions; they weigh more than keywords
            }
        }
    }

`keywords`, `alone` and `patterns` are lists, or lists by language. They are held against the message in lower
case, without accents, and with single spaces for punctuation. Beside these a tree may carry `unknown` (said
when no rule fits), `prompt` (said above the choices), `commands` ({"back": …, "restart": …}: the words for
them), `signs` ({language: a regular expression of what gives it away}), `description` and `use_case` (for
the catalogue of models).
"""

from conversations.backends.rules.backend import RulesBackend

__all__ = ["RulesBackend"]
