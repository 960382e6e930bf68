"""Drafts of the operating model: shared, counted, and never published unseen."""

import pytest

from meshline.audit.models import TrailLine
from meshline.people.permissions import NotAllowed
from meshline.policy import drafts
from meshline.policy.models import Draft
from meshline.policy.operating_model import Stale
from tests import factories
from tests.factories import MONDAY

pytestmark = pytest.mark.django_db
WHICH = {"kind": "routing-rules", "slug": "proposals"}


def save(by, content="west first", revision=0, based_on=3):
    return drafts.save(
        **WHICH, content=content, based_on=based_on, revision=revision, by=by, at=MONDAY
    )


def take(by, revision=1, in_force=3, second=False):
    return drafts.take(
        **WHICH, revision=revision, in_force=in_force, second=second, by=by, at=MONDAY
    )


def test_each_save_counts_and_is_on_the_trail(olivia, rosa):
    save(olivia)
    draft = save(rosa, "east first", revision=1)
    assert (draft.revision, draft.changed_by) == (2, rosa)
    line = TrailLine.objects.latest("pk")
    assert (line.what, line.before["content"], line.after["content"]) == (
        "routing-rules.drafted", "west first", "east first",
    )  # fmt: skip


def test_what_was_not_seen_is_not_overwritten(olivia, rosa):
    save(olivia)
    with pytest.raises(Stale) as caught:
        save(rosa, "east first")
    assert (caught.value.seen, caught.value.now) == ({"revision": 0}, {"revision": 1})
    assert drafts.of(**WHICH).content == "west first"


def test_saving_the_same_again_changes_nothing(olivia, rosa):
    save(olivia)
    assert save(rosa, revision=1).revision == 1
    assert TrailLine.objects.filter(what="routing-rules.drafted").count() == 1


def test_whoever_was_asked_must_be_asked_again_after_a_change(olivia):
    save(olivia)
    drafts.submit(**WHICH, revision=1, by=olivia, at=MONDAY)
    assert drafts.of(**WHICH).submitted_by == olivia
    save(olivia, "east first", revision=1)
    assert drafts.of(**WHICH).submitted_by is None


def test_publishing_takes_the_draft_out(olivia, rosa):
    save(olivia)
    assert take(rosa).content == "west first"
    assert not Draft.objects.exists()


def test_a_draft_of_another_version_than_the_one_in_force_is_not_published(olivia, rosa):
    save(olivia, based_on=2)
    with pytest.raises(Stale) as caught:
        take(rosa)
    assert (caught.value.seen, caught.value.now) == ({"version": 2}, {"version": 3})


def test_where_it_takes_a_second_person_the_author_is_refused(rosa):
    save(rosa)
    with pytest.raises(drafts.SecondPerson, match="Rosa Marin wrote this"):
        take(rosa, second=True)
    assert drafts.of(**WHICH)


def test_whoever_wrote_a_part_of_it_is_no_second_person_however_little_others_add(
    olivia, rosa, staff
):
    save(rosa)
    save(olivia, "west first, then east", revision=1)
    assert drafts.of(**WHICH).changed_by == olivia
    with pytest.raises(drafts.SecondPerson, match="Rosa Marin wrote part of this"):
        take(rosa, revision=2, second=True)
    max_ = factories.person("max@example.com", "Max Hale", rosa.role, rosa.team)
    assert take(max_, revision=2, second=True).authors == [olivia.pk, rosa.pk]


def test_a_new_note_alone_makes_nobody_its_author(olivia, rosa):
    save(olivia)
    draft = drafts.save(
        **WHICH, content="west first", note="As agreed.", based_on=3, revision=1, by=rosa,
        at=MONDAY,
    )  # fmt: skip
    assert (draft.revision, draft.note, draft.changed_by) == (2, "As agreed.", olivia)
    assert take(rosa, revision=2, second=True).note == "As agreed."


def test_who_may_not_change_the_model_publishes_nothing(olivia, staff):
    save(olivia)
    with pytest.raises(NotAllowed):
        take(olivia)
    with pytest.raises(NotAllowed):
        save(staff["remy"], "mine", revision=1)
    with pytest.raises(NotAllowed):
        drafts.discard(**WHICH, revision=1, by=staff["vera"], at=MONDAY)


def test_what_is_discarded_stands_on_the_trail_alone(olivia):
    save(olivia)
    drafts.discard(**WHICH, revision=1, by=olivia, at=MONDAY)
    assert not Draft.objects.exists()
    assert TrailLine.objects.latest("pk").before["content"] == "west first"
