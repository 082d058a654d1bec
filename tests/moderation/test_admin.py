"""What administrators do with lists, and what they see of hits."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from chatsite.moderation import lines, lists
from chatsite.moderation.filtering import MASK
from chatsite.moderation.models import Action, Hit, Level, Term, TermList

SECRET = "the very words"


@pytest.fixture
def terms(db):
    TermList.objects.all().delete()
    lists.forget()
    return TermList.objects.create(name="Our words", action="mask", level="standard")


@pytest.fixture
def desk(client, admin):
    client.force_login(admin)
    return client


def entries(terms: TermList) -> set[tuple[str, str, str, str, bool]]:
    return set(terms.terms.values_list("text", "kind", "action", "level", "enabled"))


def imported(desk, terms: TermList, text: str, **data):
    return desk.post(reverse("admin:moderation_import", args=[terms.pk]), {"text": text, **data}, follow=True)


LINES = r"""
# what we mask
damn
kill myself | flag
/\b\d{4}-\d{4}\b/ | refuse | strict
/a|b\/c/ | flag
old one | off
"""


def test_lines_become_entries_with_what_differs_from_the_list(desk, terms):
    page = imported(desk, terms, LINES)
    assert "5 lines were read: 5 entries are new" in page.content.decode()
    assert entries(terms) == {
        ("damn", "word", "mask", "standard", True),
        ("kill myself", "word", "flag", "standard", True),
        (r"\b\d{4}-\d{4}\b", "pattern", "refuse", "strict", True),
        (r"a|b\/c", "pattern", "flag", "standard", True),
        ("old one", "word", "mask", "standard", False),
    }


def test_importing_again_changes_what_is_there_and_adds_what_is_not(desk, terms):
    imported(desk, terms, "damn\nold")
    pk = terms.terms.get(text="damn").pk
    imported(desk, terms, "damn | refuse\nnew")
    assert {text for text, *_rest in entries(terms)} == {"damn", "old", "new"}
    assert (terms.terms.get(text="damn").pk, terms.terms.get(text="damn").action) == (pk, "refuse")


def test_an_import_may_replace_the_list(desk, terms):
    imported(desk, terms, "damn\nold")
    imported(desk, terms, "damn", replaces="on")
    assert {text for text, *_rest in entries(terms)} == {"damn"}


def test_a_file_is_read_as_lines_are(desk, terms):
    file = SimpleUploadedFile("words.txt", "\ufeffđịt\r\nlồn\r\n".encode())
    desk.post(reverse("admin:moderation_import", args=[terms.pk]), {"file": file})
    assert {text for text, *_rest in entries(terms)} == {"địt", "lồn"}


def test_a_wrong_line_is_named_and_nothing_is_taken_in(desk, terms):
    page = imported(desk, terms, "fine\n/(/\nother | mash\n!!!").content.decode()
    assert "Line 2: This is no regular expression" in page
    assert "Line 3: “mash” is no action" in page
    assert "Line 4: A word needs at least one letter" in page
    assert entries(terms) == set()


def test_an_import_of_nothing_and_of_no_text_is_told(desk, terms):
    assert "There is no entry in this." in imported(desk, terms, "# nothing").content.decode()
    file = SimpleUploadedFile("words.txt", b"\xff\xfe\x00")
    page = desk.post(reverse("admin:moderation_import", args=[terms.pk]), {"file": file})
    assert "The file is no text in UTF-8" in page.content.decode()


WORD = st.text(st.characters(categories=["L", "N", "Zs", "Pd"], exclude_characters="\u2028"), min_size=1, max_size=12)


@settings(deadline=None)  # no timed tests
@given(st.dictionaries(WORD, st.tuples(st.sampled_from(Action.values), st.sampled_from(Level.values), st.booleans())))
def test_what_is_exported_can_be_imported_again(given_entries):
    terms = TermList(name="x", action="flag", level="strict")
    made = [
        Term(list=terms, text=text.strip(), action=action, level=level, enabled=enabled)
        for text, (action, level, enabled) in given_entries.items()
        if any(map(str.isalnum, text))
    ]
    read = lines.read("\n".join(lines._line(term, terms) for term in made), terms)
    assert [line.problem for line in read] == [""] * len(made)
    fields = [(term.text, term.action, term.level, term.enabled) for term in made]
    assert [(line.term.text, line.term.action, line.term.level, line.term.enabled) for line in read] == fields


def test_an_export_is_a_text_file(desk, terms):
    imported(desk, terms, LINES)
    answer = desk.get(reverse("admin:moderation_export", args=[terms.pk]))
    assert answer["Content-Disposition"] == 'attachment; filename="our-words.txt"'
    before = entries(terms)
    text = answer.content.decode()
    assert "kill myself | flag\n" in text
    imported(desk, terms, text, replaces="on")
    assert entries(terms) == before


def tried(desk, text: str, level: str = "standard") -> str:
    return desk.post(reverse("admin:moderation_try"), {"text": text, "level": level}).content.decode()


def test_a_text_can_be_tried_and_leaves_no_hit(desk, terms):
    imported(desk, terms, "damn\nsecret plan | refuse\nmerger | flag\nbloody | strict")
    assert f"Oh {MASK * 4}!" in tried(desk, "Oh damn!")
    assert "Refused because of “secret  plan”" in tried(desk, "a secret  plan")
    flagged = tried(desk, "the merger")
    assert "It passes as it stands here:" in flagged
    assert "<td>Our words</td><td>flag</td>" in flagged
    assert "nothing was found" in tried(desk, "bloody")
    assert MASK * 6 in tried(desk, "bloody", "strict")
    assert Hit.objects.count() == 0


def test_a_tried_text_is_shown_as_text(desk, terms):
    imported(desk, terms, "damn")
    page = tried(desk, "<script>alert(1)</script> damn")
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_an_entry_that_cannot_be_used_is_refused_with_a_sentence(desk, terms):
    data = {"list": terms.pk, "text": "(a+", "kind": "pattern", "action": "mask", "level": "standard", "enabled": "on"}
    page = desk.post(reverse("admin:moderation_term_add"), data).content.decode()
    assert "This is no regular expression" in page
    assert entries(terms) == set()


def test_entries_are_switched_in_the_list_and_by_action(desk, terms):
    imported(desk, terms, "damn\nshit")
    url = reverse("admin:moderation_term_changelist")
    chosen = list(terms.terms.values_list("pk", flat=True))
    desk.post(url, {"action": "disable", "_selected_action": chosen})
    assert set(terms.terms.values_list("enabled", flat=True)) == {False}
    first, second = terms.terms.order_by("list", "text")
    form = {"form-TOTAL_FORMS": 2, "form-INITIAL_FORMS": 2, "_save": "Save"}
    for place, term in enumerate((first, second)):
        form |= {f"form-{place}-id": term.pk, f"form-{place}-action": "flag", f"form-{place}-level": "strict"}
    form["form-0-enabled"] = "on"
    desk.post(url, form)
    assert entries(terms) == {
        (first.text, "word", "flag", "strict", True),
        (second.text, "word", "flag", "strict", False),
    }


def test_a_new_entry_begins_as_its_list_says(desk, terms):
    TermList.objects.update(action="flag", level="strict")
    came_from = {"_changelist_filters": f"list__id__exact={terms.pk}"}
    form = desk.get(reverse("admin:moderation_term_add"), came_from).context["adminform"].form
    assert form.initial | {"list": terms.pk, "action": "flag", "level": "strict"} == form.initial
    elsewhere = {"_changelist_filters": "list__id__exact=x"}
    assert "list" not in desk.get(reverse("admin:moderation_term_add"), elsewhere).context["adminform"].form.initial


@pytest.mark.parametrize("name", ["termlist", "term", "hit"])
def test_the_pages_are_there_with_search(desk, terms, name):
    imported(desk, terms, "damn")
    assert desk.get(reverse(f"admin:moderation_{name}_changelist"), {"q": "damn"}).status_code == 200


@pytest.fixture
def hit(alice, terms):
    term = Term.objects.create(list=terms, text="damn")
    return Hit.objects.create(
        created_at=timezone.now(),
        user=alice,
        conversation_id=uuid4(),
        term=term,
        entry="damn",
        part="answer",
        action="mask",
        text=SECRET,
    )


@pytest.fixture
def moderator(client, bob):
    """Staff who may see hits, and nothing else."""
    bob.is_staff = True
    bob.save()
    bob.user_permissions.add(Permission.objects.get(codename="view_hit"))
    client.force_login(bob)
    return client


def pages_of(hit: Hit) -> list[str]:
    changelist = reverse("admin:moderation_hit_changelist")
    return [changelist, reverse("admin:moderation_hit_change", args=[hit.pk])]


def test_hits_are_seen_without_their_text(moderator, hit):
    for url in pages_of(hit):
        page = moderator.get(url).content.decode()
        assert "damn" in page
        assert SECRET not in page


def test_the_text_is_for_those_who_may_read_it(moderator, bob, hit):
    bob.user_permissions.add(Permission.objects.get(codename="view_hit_text"))
    for url in pages_of(hit):
        assert SECRET in moderator.get(url).content.decode()


def test_no_search_and_no_filter_tells_the_text(moderator, hit):
    url = reverse("admin:moderation_hit_changelist")
    assert "field-entry" in moderator.get(url, {"q": "damn"}).content.decode()
    assert "field-entry" not in moderator.get(url, {"q": SECRET}).content.decode()
    assert moderator.get(url, {"text__startswith": "the"}).status_code == 400
    assert moderator.get(url, {"text": SECRET}).status_code == 400
    assert moderator.get(url, {"text__contains": "very"}).status_code == 400


def test_hits_cannot_be_made_or_changed(desk, hit):
    assert desk.get(reverse("admin:moderation_hit_add")).status_code == 403
    assert desk.post(pages_of(hit)[1], {"entry": "other"}).status_code == 403


@pytest.mark.parametrize("name", ["import", "export"])
def test_lists_are_for_those_who_may_see_or_change_them(moderator, terms, name):
    url = reverse(f"admin:moderation_{name}", args=[terms.pk])
    assert moderator.get(url).status_code == 403
    assert moderator.post(url, {"text": "damn"}).status_code == 403
    assert entries(terms) == set()


def test_trying_is_for_those_who_may_see_lists(moderator, terms):
    assert moderator.get(reverse("admin:moderation_try")).status_code == 403


@pytest.mark.parametrize("name", ["import", "export", "try"])
def test_the_pages_are_not_for_people_without_the_right_to_the_admin(client, alice, terms, name):
    url = reverse(f"admin:moderation_{name}", args=[] if name == "try" else [terms.pk])
    assert client.get(url).status_code == 302
    client.force_login(alice)
    assert client.get(url, follow=True).status_code == 403


def test_a_list_that_does_not_exist_can_neither_be_seen_nor_changed(desk, terms):
    assert desk.get(reverse("admin:moderation_export", args=[terms.pk + 1])).status_code == 403
