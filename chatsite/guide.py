"""The Guide's tree of rules."""

TREE: dict = {}
