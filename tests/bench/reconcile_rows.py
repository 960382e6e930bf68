"""Proposals beside deals and invoices of any number, by COPY, with differences planted in them.

What is planted is told by a row's own number, so each one is known, and that there is no other.
"""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from connectors.models import Connection, Snapshot, Sync
from meshline.people.models import User
from meshline.shell import database_roles

# Of a thousand proposals, what differs of their deals and of their invoices.
DEALS = {
    0: "missing", 200: "title", 400: "amount", 600: "duplicate", 800: "currency", 250: "stage",
    750: "owner",
}  # fmt: skip
INVOICES = {100: "missing", 300: "amount", 500: "currency", 700: "void", 900: "contact"}
# And so often there is one over there that nobody here knows.
UNKNOWN_EVERY = 1000
_TABLES = (
    "reconciliation_sighting", "reconciliation_divergence", "reconciliation_finding",
    "reconciliation_run", "connectors_recordlink", "connectors_snapshotrow",
    "connectors_snapshot", "connectors_sync", "proposals_proposal",
)  # fmt: skip


def empty() -> None:
    with database_roles.as_owner(), connection.cursor() as cursor:
        for table in _TABLES:
            cursor.execute(f"DELETE FROM {table}")


def fill(count: int, *, at: datetime) -> dict[str, Snapshot]:
    """So many proposals, their deals and invoices, with links to both."""
    crm, billing = Connection.objects.get(slug="hubspot"), Connection.objects.get(slug="stripe")
    owner = User.objects.get(email="remy@example.com").pk
    first = _copy("proposals_proposal", _PROPOSAL, _proposals(count, owner, at))
    made = {"deals": _snapshot(crm, "deals", at), "invoices": _snapshot(billing, "invoices", at)}
    _copy("connectors_snapshotrow", _ROW, _deals(count, made["deals"].pk, at))
    _copy("connectors_snapshotrow", _ROW, _invoices(count, made["invoices"].pk))
    link = ("connection_id", "record", "kind", "external_id", "key", "linked_at")
    rows = ((crm.pk, f"proposal:{first + n}", "deal", f"d{n}", "", at) for n in range(count))
    _copy("connectors_recordlink", link, rows)
    bills = ((billing.pk, f"proposal:{first + n}", "invoice", f"in{n}-0", "", at)
             for n in range(count))  # fmt: skip
    _copy("connectors_recordlink", link, bills)
    with database_roles.as_owner(), connection.cursor() as cursor:
        for table in _TABLES:
            cursor.execute(f"VACUUM ANALYZE {table}")
    return made


def planted(count: int, kind: str) -> int:
    """How many findings there must be."""
    places = DEALS if kind == "deals" else INVOICES
    whole, rest = divmod(count, 1000)
    twice = ["currency" if kind == "invoices" else "", "amount" if kind == "invoices" else ""]
    # An invoice of another amount is neither what was signed nor what was billed.
    each = sum(2 if what in twice else 1 for what in places.values())
    left = sum(2 if what in twice else 1 for place, what in places.items() if place < rest)
    return whole * each + left + -(-count // UNKNOWN_EVERY)


_PROPOSAL = (
    "source", "external_id", "title", "state", "amount", "currency", "contact_name",
    "contact_email", "owner_id", "owner_why", "owner_named", "owner_is_temporary", "owner_basis",
    "owner_pinned", "version", "created_at", "changed_at", "hold", "invoice_id", "invoice_number",
    "invoice_status", "invoice_url", "invoiced", "invoiced_currency",
)  # fmt: skip
_ROW = ("snapshot_id", "external_id", "fields", "amount_minor", "currency", "raw")


def _proposals(count: int, owner: int, at: datetime) -> Iterator[tuple[Any, ...]]:
    changed = at - timedelta(days=2)
    for n in range(count):
        amount = 1000 + n % 9000
        yield (
            "pandadoc", _key(n), f"Relaunch {n}", "invoiced", amount, "EUR", "Nina Brook",
            f"nina{n}@customer.example.com", owner, "", "remy@example.com", False, "", False, 1,
            changed, changed, "", f"in{n}", "", "open", "", amount, "EUR",
        )  # fmt: skip


def _deals(count: int, snapshot: int, at: datetime) -> Iterator[tuple[Any, ...]]:
    older, newer = (at - timedelta(days=days) for days in (3, 1))
    for n in range(count):
        what, amount, title, currency = DEALS.get(n % 1000, ""), 1000 + n % 9000, "Relaunch", "EUR"
        if what == "missing":
            continue
        title = "Another" if what == "title" else title
        amount += what == "amount"
        currency = "USD" if what == "currency" else currency
        changed = older if what == "amount" else newer
        for pk in (f"d{n}", f"d{n}-2") if what == "duplicate" else (f"d{n}",):
            yield _deal(snapshot, pk, _key(n), f"{title} {n}", amount, currency, changed, what)
    for n in range(0, count, UNKNOWN_EVERY):
        yield _deal(snapshot, f"x{n}", f"unknown-{n}", "Nobody's", 1000, "EUR", newer)


def _deal(
    snapshot: int, pk: str, key: str, title: str, amount: int, currency: str, changed: datetime,
    what: str = "",
) -> tuple[Any, ...]:  # fmt: skip
    fields = {
        "title": title, "state": "invoiced", "amount": f"{amount}.00", "invoice": "",
        "stage": "closedwon" if what == "stage" else "contractsent", "owner": "77",
        "owner_email": "rosa@example.com" if what == "owner" else "remy@example.com",
        "proposal": f"pandadoc:{key}",
        "changed_at": changed.isoformat(),
    }  # fmt: skip
    return snapshot, pk, json.dumps(fields), amount * 100, currency, b"{}"


def _invoices(count: int, snapshot: int) -> Iterator[tuple[Any, ...]]:
    for n in range(count):
        what, amount = INVOICES.get(n % 1000, ""), 1000 + n % 9000
        if what == "missing":
            continue
        state = "void" if what == "void" else "open"
        mail = "other@example.com" if what == "contact" else f"nina{n}@customer.example.com"
        currency = "USD" if what == "currency" else "EUR"
        # Every tenth is billed in two parts, and has one that was voided beside them.
        parts = [(amount - 100, state), (100, state), (7, "void")] if n % 10 == 1 else [
            (amount + (what == "amount"), state)
        ]  # fmt: skip
        for number, (part, its_state) in enumerate(parts):
            yield _invoice(snapshot, f"in{n}-{number}", _key(n), part, currency, its_state, mail)
    for n in range(0, count, UNKNOWN_EVERY):
        yield _invoice(snapshot, f"y{n}", f"unknown-{n}", 10, "EUR", "open", "x@example.com")


def _invoice(
    snapshot: int, pk: str, key: str, amount: int, currency: str, state: str, mail: str
) -> tuple[Any, ...]:
    fields = {
        "proposal": f"pandadoc:{key}", "number": pk, "state": state, "contact_email": mail,
        "amount": f"{amount}.00",
    }  # fmt: skip
    return snapshot, pk, json.dumps(fields), amount * 100, currency, b"{}"


def _key(n: int) -> str:
    """In no order, as vendors' ids are."""
    return f"{n * 2654435761 % 2**32:08x}"


def _snapshot(there: Connection, kind: str, at: datetime) -> Snapshot:
    sync = Sync.objects.create(
        connection=there, kind=kind, mode="full", asked_at=at, until=at, finished_at=at,
        state="done", complete=True,
    )  # fmt: skip
    return Snapshot.objects.create(
        connection=there, kind=kind, sync=sync, begun_at=at, complete=True
    )


def _copy(table: str, columns: tuple[str, ...], rows: Iterator[tuple[Any, ...]]) -> int:
    """Written as a stream; the first id that was given."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT coalesce(max(id), 0) FROM {table}")
        highest = cursor.fetchone()[0]
        with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as stream:
            for row in rows:
                stream.write_row(row)
        cursor.execute(f"SELECT min(id) FROM {table} WHERE id > %s", [highest])
        return cursor.fetchone()[0]
