"""Mappings for tests, made by walking their verbs; and PandaDoc's events to read by them."""

from datetime import timedelta

from connectors import mappings
from meshline import instant
from tests.factories import MONDAY, document, post_pandadoc

LEGAL = {"words": {"document.in_legal_review": "sent"}, "fields": {}}
OWNER = {"words": {}, "fields": {"owner_email": "data.metadata.rep"}}


def drafted(there, content, by, based_on=0, revision=0):
    return mappings.save_draft(
        connection=there, content=content, based_on=based_on, revision=revision, by=by,
        at=instant.now(),
    )  # fmt: skip


def published(there, content, by, seen=0):
    draft = drafted(there, content, by, based_on=seen)
    return mappings.publish(
        connection=there, revision=draft.revision, seen=seen, note="", by=by, at=instant.now()
    )


def sent(state, minutes=0, **more):
    event = document(state, at=MONDAY + timedelta(minutes=minutes), **more)
    post_pandadoc([event], event_id=f"evt-{minutes}")
