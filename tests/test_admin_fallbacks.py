"""The models that answer when one does not, as administrators edit them."""

from __future__ import annotations

import pytest
from django.urls import reverse

from conversations.models import ChatModel
from conversations.services.catalogue import candidates


@pytest.fixture
def models(db, scripted):
    return [ChatModel.objects.create(backend="scripted", model_id=name, label=name.title()) for name in ("a", "b", "c")]


@pytest.fixture
def save(client, admin, models):
    """Saves the first model with these rows of (substitute, order)."""
    client.force_login(admin)
    url = reverse("admin:conversations_chatmodel_change", args=[models[0].pk])

    def post(*rows):
        fields = {"label": "A", "backend": "scripted", "model_id": "a", "order": 1, "enabled": "on"}
        fields |= {"filter_level": "standard", "settings-TOTAL_FORMS": 0, "settings-INITIAL_FORMS": 0}
        fields |= {"fallbacks-TOTAL_FORMS": len(rows), "fallbacks-INITIAL_FORMS": 0}
        for i, (substitute, order) in enumerate(rows):
            fields |= {f"fallbacks-{i}-substitute": substitute.pk, f"fallbacks-{i}-order": order}
        return client.post(url, fields)

    return post


def test_substitutes_are_asked_in_the_order_that_was_set(save, models):
    first, second, third = models
    assert save((second, 20), (third, 10)).status_code == 302
    assert [candidate.model_id for candidate in candidates(first)] == ["a", "c", "b"]


def test_the_page_offers_every_other_model(client, save, models):
    page = client.get(reverse("admin:conversations_chatmodel_change", args=[models[0].pk])).content.decode()
    offered = page.split('name="fallbacks-__prefix__-substitute"')[1].split("</select>")[0]
    assert [f">{label}<" in offered for label in "ABC"] == [False, True, True]
    assert "Models that answer when this one does not" in page


@pytest.mark.parametrize("rows", [[0], [1, 1]])
def test_a_model_for_itself_and_one_twice_are_refused_with_a_sentence(save, models, rows):
    response = save(*((models[i], 1) for i in rows))
    assert response.status_code == 200
    assert "errorlist" in response.content.decode()
    assert models[0].fallbacks.count() == 0
