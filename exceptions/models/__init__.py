"""Tickets, what hangs on them, what people wrote, asked and learned, what the clock did, views."""

from exceptions.models.bulk import BulkItem, BulkJob, BulkJobQuerySet, Outcome
from exceptions.models.escalation import Escalation
from exceptions.models.link import TicketLink
from exceptions.models.note import TicketNote
from exceptions.models.occurrence import Occurrence
from exceptions.models.permanent_fix import PermanentFix
from exceptions.models.reopening import Reopening
from exceptions.models.runbook import Runbook, RunbookQuerySet
from exceptions.models.saved_view import QueueLook, SavedView, SavedViewQuerySet
from exceptions.models.step import Step
from exceptions.models.ticket import UNRESOLVED, Ticket, TicketQuerySet

__all__ = [
    "UNRESOLVED", "BulkItem", "BulkJob", "BulkJobQuerySet", "Escalation", "Occurrence", "Outcome",
    "PermanentFix", "QueueLook", "Reopening", "Runbook", "RunbookQuerySet", "SavedView",
    "SavedViewQuerySet", "Step", "Ticket", "TicketLink", "TicketNote", "TicketQuerySet",
]  # fmt: skip
