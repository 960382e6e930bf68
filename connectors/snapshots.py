"""Full snapshots: everything a connection holds of one kind, page by page, never all in memory."""

from typing import Any

from connectors import digest
from connectors.base import Ignored
from connectors.minor import minor
from connectors.models import Message, Snapshot, SnapshotRow, Sync
from connectors.parsing import Unreadable
from connectors.polls import Entry, Find, Mode
from proposals.models.proposal import SYNTHETIC

# So many are kept of each kind: the newest, and the one it is compared with.
KEPT = 2


def keep(sync: Sync, finds: list[Find]) -> None:
    """Keep what a page held, in the caller's transaction; the later word of a record counts."""
    snapshot = Snapshot.objects.get(sync=sync)
    rows: dict[str, SnapshotRow] = {}
    for find in finds:
        entry = find.entry or _entry(sync, find)
        if entry is not None and not _is_synthetic(entry):
            rows[entry.external_id] = SnapshotRow(
                snapshot=snapshot, external_id=entry.external_id, fields=dict(entry.fields),
                amount_minor=entry.amount_minor, currency=entry.currency, raw=find.raw,
            )  # fmt: skip
    SnapshotRow.objects.bulk_create(
        rows.values(), update_conflicts=True, unique_fields=["snapshot", "external_id"],
        update_fields=["fields", "amount_minor", "currency", "raw"],
    )  # fmt: skip


def _is_synthetic(entry: Entry) -> bool:
    """What a canary left over there is compared with nothing."""
    return str(entry.fields.get("proposal", "")).startswith(f"{SYNTHETIC}:")


def finish(sync: Sync) -> None:
    """The last page was read without a gap: it is complete, and the oldest go."""
    if sync.mode != Mode.FULL:
        return
    Snapshot.objects.filter(sync=sync).update(complete=True)
    older = Snapshot.objects.filter(connection=sync.connection, kind=sync.kind).exclude(sync=sync)
    newest = older.filter(complete=True).order_by("-pk").values_list("pk", flat=True)[: KEPT - 1]
    older.exclude(pk__in=list(newest)).filter(
        sync__state__in=[Sync.State.DONE, Sync.State.FAILED, Sync.State.CANCELLED]
    ).delete()


def newest_complete(connection_id: int, kind: str) -> Snapshot | None:
    """What may be compared with; None while nothing was read to its end."""
    kept = Snapshot.objects.filter(connection=connection_id, kind=kind, complete=True)
    return kept.order_by("-pk").first()


def _entry(sync: Sync, find: Find) -> Entry | None:
    """How a record stands, as its last event tells it in our words."""
    if not find.elements:
        return None
    last = find.elements[-1]
    message = Message(connection=sync.connection, key=last.key, payload=last.payload)
    state = _state(sync, find)
    try:
        told = digest.translated(message)
    except (Ignored, Unreadable):
        return None
    changed = told.occurred_at.isoformat()
    fields: dict[str, Any] = {**told.fields, "state": state, "changed_at": changed}
    currency = fields.pop("currency", "")
    return Entry(told.external_id, fields, minor(fields.get("amount"), currency), currency)


def _state(sync: Sync, find: Find) -> str:
    """The state that the latest of its events says."""
    for element in reversed(find.elements):
        message = Message(connection=sync.connection, key=element.key, payload=element.payload)
        try:
            if target := digest.translated(message).target:
                return target
        except (Ignored, Unreadable):
            continue
    return ""
