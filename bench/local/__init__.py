"""What a local model gives: many people at once, one alone, and pages meanwhile. See __main__.py."""
