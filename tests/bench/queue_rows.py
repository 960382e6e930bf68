"""A queue of any length, made of one ticket by INSERT … SELECT: one in twenty is open."""

from django.db import connection, models, transaction

from exceptions import troubles
from exceptions.models import Occurrence, Ticket
from exceptions.troubles import Trouble
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine
from meshline.people.models import User
from meshline.shell import database_roles

OPEN_EVERY = 20
# How much of a trail each ticket has.
LINES_EACH = 10
_CHUNK = 100_000
_IS_OPEN = f"n %% {OPEN_EVERY} = 0"
_AGO = "now() - ((%(whole)s - n) * interval '20 seconds')"
# Deadlines a month around now.
_DUE = "now() + (n::bigint * 7919 %% 5184000 - 2592000) * interval '1 second'"
_KINDS = "ARRAY['delivery-failed', 'role-drift', 'on-hold', 'message-unreadable']"
_SEVERITIES = "ARRAY['critical', 'high', 'normal', 'low']"
_TICKET = {
    # A sixteenth of what is open is of one kind and severity.
    "kind": f"({_KINDS})[1 + n / {OPEN_EVERY} %% 4]",
    "severity": f"({_SEVERITIES})[1 + n / {4 * OPEN_EVERY} %% 4]",
    "failure": "(ARRAY['timeout', 'refused', ''])[1 + n %% 3]",
    "cause": "'bench-' || n",
    "title": "'Delivery of quote ' || n || ' to customer' || n %% 5000 || ' failed'",
    "reason": "'The CRM answered 503 eleven times, as case' || lpad(n::text, 7, '0') || '.'",
    "record": "'proposal:' || n",
    "record_title": "'Relaunch ' || n",
    "amount_at_risk": "n %% 10000 + 0.5",
    "status": f"CASE WHEN {_IS_OPEN} THEN 'open' ELSE 'resolved' END",
    "resolution": f"CASE WHEN {_IS_OPEN} THEN '' ELSE 'fixed' END",
    "resolved_at": f"CASE WHEN {_IS_OPEN} THEN NULL ELSE {_AGO} + interval '3 hours' END",
    "resolved_within": f"CASE WHEN {_IS_OPEN} THEN NULL ELSE (n %% 500) * interval '1 minute' END",
    "first_acknowledged_at": f"CASE WHEN {_IS_OPEN} THEN NULL ELSE {_AGO} + interval '1 hour' END",
    "acknowledged_within": f"CASE WHEN {_IS_OPEN} THEN NULL ELSE n %% 90 * interval '1 minute' END",
    "next_step_at": f"CASE WHEN {_IS_OPEN} THEN now() + interval '1 day' END",
    "opened_at": _AGO, "counted_from": _AGO, "ack_counted_from": _AGO, "last_seen_at": _AGO,
    "ack_due_at": f"{_DUE} - interval '1 hour'", "fix_due_at": _DUE,
}  # fmt: skip
_OCCURRENCE = {
    "ticket_id": "t.id", "subject": "'outcome:' || t.id", "at": "t.opened_at",
    "record": "t.record", "record_title": "t.record_title", "amount": "t.amount_at_risk",
    "currency": "t.currency", "settled_at": "t.resolved_at",
}  # fmt: skip
_LINE = {"subject_id": "t.id", "record": "t.record", "at": "t.opened_at"}


def fill(first: int, last: int, *, whole: int, lines: int = LINES_EACH) -> None:
    """Tickets number `first` to `last` of `whole`, what hangs on them, and their trail."""
    like = Ticket.objects.filter(cause="bench-0").first() or _first()
    for start in range(first, last + 1, _CHUNK):
        given = {"like": like.pk, "whole": whole, "lines": lines,
                 "start": start, "end": min(last, start + _CHUNK - 1)}  # fmt: skip
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT coalesce(max(id), 0) FROM exceptions_ticket")
            given["after"] = cursor.fetchone()[0]
            cursor.execute(copies(Ticket, _TICKET, "generate_series(%(start)s, %(end)s) n"), given)
            cursor.execute(copies(Occurrence, _OCCURRENCE, _NEW), given)
        _write_trail(given)
    with database_roles.as_owner(), connection.cursor() as cursor:
        # As autovacuum leaves them, once it has come by.
        for table in ("exceptions_ticket", "exceptions_occurrence", "audit_trailline"):
            cursor.execute(f"VACUUM ANALYZE {table}")


_NEW = "exceptions_ticket t WHERE t.id > %(after)s"


def _first() -> Ticket:
    owner = User.objects.get(email="olivia@example.com")
    told = Trouble(
        kind="delivery-failed", cause="bench-0", title="The first", reason="It failed.",
        subject="outcome:0", evidence={"attempts": 11}, record="proposal:0", connection="hubspot",
        currency="EUR", owner=owner,
    )  # fmt: skip
    return troubles.open_ticket(told, by=SETUP, at=instant.now())


def _write_trail(given: dict) -> None:
    """Lines without their links: the chain is another bench's, and takes a lock a line."""
    rows = "exceptions_ticket t, generate_series(1, %(lines)s) WHERE t.id > %(after)s"
    with database_roles.as_owner(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_trailline DISABLE TRIGGER USER")
        cursor.execute(copies(TrailLine, _LINE, rows), given)
        cursor.execute("ALTER TABLE audit_trailline ENABLE TRIGGER USER")


def copies(model: type[models.Model], changed: dict[str, str], rows: str) -> str:
    """As the first row of its table, but for what is changed."""
    columns = [
        str(one.column) for one in model._meta.concrete_fields
        if not one.primary_key and not isinstance(one, models.GeneratedField)
    ]  # fmt: skip
    values = [changed.get(column, f"first.{column}") for column in columns]
    table = model._meta.db_table
    like = f"(SELECT * FROM {table} ORDER BY id LIMIT 1) first"
    if model is Ticket:
        like = f"(SELECT * FROM {table} WHERE id = %(like)s) first"
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)} FROM {like}, {rows}"
    )
