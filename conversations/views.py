"""Thin mouths over services."""
