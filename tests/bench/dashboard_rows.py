"""Events of 30 days in any number, made of one that came through the door, by INSERT … SELECT."""

from datetime import timedelta

from django.db import connection, transaction

from meshline import instant
from meshline.audit.models import TrailLine
from meshline.people.models import User
from meshline.shell import database_roles
from proposals import lifecycle
from proposals.models import Outcome, Proposal, Signal
from proposals.signals import TOUCH
from reconciliation import rolling
from tests.bench.queue_rows import copies
from tests.factories import digest_all, document, post_pandadoc

_CHUNK = 100_000
# So many of the newest wait for a person still, however many there are.
WAITING = 100
_NUMBER = "substring(p.external_id FROM 7)::bigint"
_AT = f"now() - (%(whole)s - {_NUMBER} + 1) * interval '30 days' / %(whole)s"
_PROPOSAL = {
    "external_id": "'bench-' || n", "state": "'sent'",
    "owner_id": "CASE WHEN n %% 3 = 0 THEN %(other)s ELSE first.owner_id END",
}  # fmt: skip
_SIGNAL = {
    "origin": f"'message:' || 1000000000 + {_NUMBER}", "external_id": "p.external_id",
    "proposal_id": "p.id", "occurred_at": _AT, "received_at": f"{_AT} + interval '2 seconds'",
}  # fmt: skip
_LATER = "s.received_at + (1 + s.id %% 97) * interval '{} seconds'"
_OUTCOME = {
    "proposal_id": "s.proposal_id", "signal_id": "s.id", "key": "'bench-' || s.id",
    "promised_at": "s.received_at + interval '1 second'", "state": "'proven'",
    "budget_ends_at": "s.received_at + interval '5 minutes'",
    "delivered_at": _LATER.format("1.5"), "proven_at": _LATER.format("3.2"),
}  # fmt: skip
_LINE = {
    "record": "'proposal:' || s.proposal_id", "at": "s.received_at + (60 + s.id %% 7919) * "
    "interval '7 seconds'",
}  # fmt: skip
_CALL = {
    "origin": "'call:' || s.id", "kind": f"'{TOUCH}call'", "target": "''", "piece": "'call:1'",
    "external_id": "s.external_id", "proposal_id": "s.proposal_id", "occurred_at": _LINE["at"],
    "received_at": _LINE["at"],
}  # fmt: skip
_NEW = "proposals_signal s WHERE s.id > %(after)s"


def fill(first: int, last: int, *, whole: int) -> None:
    """Events number `first` to `last` of `whole`, and everything that is counted of them."""
    if not Proposal.objects.filter(external_id="bench-0").exists():
        _first()
    other = User.objects.get(email="olivia@example.com").pk
    for start in range(first, last + 1, _CHUNK):
        _chunk({"whole": whole, "other": other, "start": start,
                "end": min(last, start + _CHUNK - 1)})  # fmt: skip
    _vacuum("proposals_proposal", "proposals_signal", "proposals_outcome", "audit_trailline")
    rolling.rebuild()
    _vacuum("reconciliation_passage", "reconciliation_rollup")


def _first() -> None:
    """One that walked the real way, and that somebody took up."""
    post_pandadoc([document("sent", id="bench-0", at=instant.now())], event_id="bench-0")
    digest_all()
    made = Proposal.objects.get(external_id="bench-0")
    lifecycle.assign(
        proposal_id=made.pk, owner=made.owner, version=made.version, reason="Mine.",
        by=User.objects.get(email="rosa@example.com"), at=instant.now() + timedelta(minutes=3),
    )  # fmt: skip


def _chunk(given: dict) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        for table in ("proposal", "signal"):
            cursor.execute(f"SELECT max(id) FROM proposals_{table}")
            given["after" if table == "signal" else "after_proposal"] = cursor.fetchone()[0]
        rows = "generate_series(%(start)s::bigint, %(end)s) n"
        cursor.execute(copies(Proposal, _PROPOSAL, rows), given)
        rows = "proposals_proposal p WHERE p.id > %(after_proposal)s"
        cursor.execute(copies(Signal, _SIGNAL, rows), given)
        cursor.execute(copies(Outcome, _OUTCOME, _NEW), given)
    _touch(given)


def _touch(given: dict) -> None:
    """A call of each, and a line without its link, as the queue's bench writes them."""
    like = TrailLine.objects.filter(what="proposal.assigned").order_by("pk").first()
    assert like is not None
    rows = f"{_NEW} AND substring(s.external_id FROM 7)::bigint <= %(whole)s - {WAITING}"
    wanted = copies(TrailLine, _LINE, rows).replace(
        "ORDER BY id LIMIT 1", f"WHERE id = {like.pk} LIMIT 1"
    )
    with database_roles.as_owner(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_trailline DISABLE TRIGGER USER")
        cursor.execute(wanted, given)
        cursor.execute("ALTER TABLE audit_trailline ENABLE TRIGGER USER")
        cursor.execute(copies(Signal, _CALL, rows), given)


def _vacuum(*tables: str) -> None:
    with database_roles.as_owner(), connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"VACUUM ANALYZE {table}")
