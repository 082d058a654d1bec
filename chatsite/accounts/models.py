"""The people of the site. A user model of our own from the first migration, so that it can grow."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    def __str__(self) -> str:
        return self.get_full_name() or self.email or self.username
