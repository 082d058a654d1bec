"""The cast: alice owns, bob is a stranger. The stage: real servers on loopback."""

from __future__ import annotations

import pytest

PASSWORD = "correct horse battery"


@pytest.fixture
def alice(db, django_user_model):
    return django_user_model.objects.create_user("alice", "alice@example.com", PASSWORD)


@pytest.fixture
def bob(db, django_user_model):
    return django_user_model.objects.create_user("bob", "bob@example.com", PASSWORD)


@pytest.fixture
def admin(db, django_user_model):
    return django_user_model.objects.create_superuser("admin", "admin@example.com", PASSWORD)
