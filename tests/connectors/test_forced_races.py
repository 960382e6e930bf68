"""Somebody is at work on an outcome while a new effect in its place is let go."""

import pytest
from django.db import transaction

from connectors import foreseeing
from connectors.replaying import Moved
from meshline import instant
from proposals.models import Outcome
from tests.connectors.test_forced_effects import ask, max_, ticket  # noqa: F401
from tests.sessions import Other

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_was_shown_is_held_against_what_stands_once_nobody_else_is_at_work(
    ticket, staff, max_  # noqa: F811
):  # fmt: skip
    asked = ask(ticket, staff["rosa"])
    shown = foreseeing.look(asked, by=max_, at=instant.now()).fingerprint
    with transaction.atomic():
        Outcome.objects.filter(pk=asked.outcome_id).update(external_id="task-7")
        other = Other(
            lambda: foreseeing.approve(
                asked_id=asked.pk, shown=shown, comment="", by=max_, at=instant.now()
            )
        )
        other.until_it_waits_or_is_over()
    assert isinstance(other.over(), Moved)
    assert not Outcome.objects.filter(key__endswith="/anew-1").exists()
