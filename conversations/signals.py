"""What the heart tells the rest of the site."""

from django.dispatch import Signal

generation_finished = Signal()
"""A reply was decided. Sent in a database thread, with `generation_id`; a receiver that raises is logged."""
