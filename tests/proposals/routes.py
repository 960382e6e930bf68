"""Short ways to write routing rules in tests, through the verbs that people use."""

from proposals.routing import rulebook
from tests.factories import MONDAY

NAMED = rulebook.FOUNDING[0]
DEFAULT = rulebook.FOUNDING[-1]
LARGE = {"field": "amount", "op": "at_least", "value": "50000"}


def rule(slug, when=LARGE, then=None, **more):
    """A rule by its slug; without a target it gives to Sam."""
    then = then or {"to": "person", "person": "sam@example.com"}
    name = slug.replace("-", " ").capitalize()
    return {"slug": slug, "name": name, "when": when, "then": then, **more}


def pool(*emails, most_open=None, **weights):
    members = [
        {"person": email, "weight": weights.get(email.partition("@")[0], 1)} for email in emails
    ]
    return {"to": "pool", "members": members} | ({"most_open": most_open} if most_open else {})


def draft(*content, by, note=""):
    """The rules as the draft, from whatever there is."""
    here = rulebook.draft()
    return rulebook.save_draft(
        content=list(content), note=note, revision=here.revision if here else 0,
        based_on=rulebook.in_force().number, by=by, at=MONDAY,
    )  # fmt: skip


def publish(*content, by):
    """The rules in force, drafted and published by one manager; the default comes last."""
    drafted = draft(*content, by=by)
    return rulebook.publish(
        revision=drafted.revision, seen=rulebook.in_force().number, note="", by=by, at=MONDAY
    )
