"""Connections, what came in, what went out, and what was looked through."""

from connectors.models.carried import DeliveryAttempt, PageTry, RecordLink
from connectors.models.connections import (
    Connection,
    ConnectionQuerySet,
    MappingVersion,
    MappingVersionQuerySet,
    Secret,
    SecretQuerySet,
)
from connectors.models.messages import Message, MessageQuerySet, Receipt, RejectedReceipt
from connectors.models.syncs import Snapshot, SnapshotRow, Sync, SyncCursor, SyncQuerySet

__all__ = [
    "Connection",
    "ConnectionQuerySet",
    "DeliveryAttempt",
    "MappingVersion",
    "MappingVersionQuerySet",
    "Message",
    "MessageQuerySet",
    "PageTry",
    "Receipt",
    "RecordLink",
    "RejectedReceipt",
    "Secret",
    "SecretQuerySet",
    "Snapshot",
    "SnapshotRow",
    "Sync",
    "SyncCursor",
    "SyncQuerySet",
]
