"""The kinds of ticket there are: what each is called, how grave it is, whose process it is."""

from dataclasses import dataclass
from enum import StrEnum

# In an address and a table, what has no failure class.
NO_FAILURE = "none"


class Severity(StrEnum):
    CRITICAL = "critical"
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"

    @property
    def label(self) -> str:
        return self.value.capitalize()


@dataclass(frozen=True)
class Kind:
    """One kind: its name on screen, its severity, the RACI process, what usually helps."""

    name: str
    label: str
    severity: Severity
    process: str
    advice: str
    # Nothing on it comes right at once: it is proven by what does not happen any more.
    is_proven_by_time: bool = False


PERMANENT_FIX = "permanent-fix"

_TABLE = [
    Kind(
        "delivery-failed", "Delivery failed", Severity.HIGH, "delivery",
        "Look at the last answer of the other system. Once it works again, retry: the outcome "
        "keeps its key, so nothing happens twice.",
    ),
    Kind(
        "proof-missing", "Delivered, but not found", Severity.HIGH, "delivery",
        "The other system said yes, but the record cannot be read back. Look there by hand; retry "
        "to write it again under the same key.",
    ),
    Kind(
        "credentials-refused", "Credentials refused", Severity.CRITICAL, "connection-health",
        "The connection is paused. Enter a valid credential on its page, then resume it; what was "
        "held goes out by itself.",
    ),
    Kind(
        "sync-failed", "Connection cannot be looked through", Severity.NORMAL, "connection-health",
        "What its webhooks miss is not found meanwhile. Look at the last answer; once it reads to "
        "its end again, this closes by itself.",
    ),
    Kind(
        "message-unreadable", "Message could not be read", Severity.NORMAL, "translation",
        "The bytes are kept. Correct the sender or the mapping, then release the message; it takes "
        "its place in order.",
    ),
    Kind(
        "message-conflict", "Same key, other content", Severity.NORMAL, "translation",
        "The sender used one event id for two contents. The first one counts; compare both and ask "
        "the sender which is right.",
    ),
    Kind(
        "processing-failed", "Processing failed", Severity.HIGH, "translation",
        "Meshline itself could not digest this message. The bytes are kept; release it once the "
        "cause is gone.",
    ),
    Kind(
        "role-drift", "Nobody we know is named as owner", Severity.NORMAL, "proposal-state",
        "A temporary owner has it. Set the right owner here, and add the missing person or correct "
        "the owner in the quoting tool so that it does not happen again.",
    ),
    Kind(
        "route-by-hand", "An owner is to be chosen", Severity.NORMAL, "proposal-state",
        "A routing rule leaves it to a person. Give the record to somebody on its page; if such "
        "records always go the same way, a rule can say so.",
    ),
    Kind(
        "not-the-authority", "A move by a system that may not make it", Severity.NORMAL,
        "proposal-state",
        "The state was left as it is. Make the move in the system that is its authority, or change "
        "who is.",
    ),
    Kind(
        "field-conflict", "Two systems, two values", Severity.NORMAL, "proposal-state",
        "Neither was taken. Take the right one here and correct the other system; what you decide "
        "counts until a system tells a new value. Or agree on whose word counts for this field: "
        "then the ticket closes by itself.",
    ),
    Kind(
        "dispute", "Proposal disputed", Severity.HIGH, "proposal-state",
        "Talk to the owner and the customer; send a corrected proposal or mark it lost. The ticket "
        "closes by itself when the proposal moves on.",
    ),
    Kind(
        "invoice-voided", "Won, but its invoice was voided", Severity.HIGH, "delivery",
        "Find out in the billing tool why it was voided. Issue another one there that names the "
        "proposal, or take the proposal back in the quoting tool; the ticket closes by itself.",
    ),
    Kind(
        "on-hold", "On hold", Severity.NORMAL, "proposal-state",
        "Nothing goes out for it meanwhile. Look at the proposal, and lift the hold on its page "
        "once it may go on; the ticket then closes by itself, and what waited goes out in order.",
    ),
    Kind(
        "approval-overdue", "Not approved in time", Severity.HIGH, "proposal-state",
        "Ask those for whom it waits; for somebody who has left, who is accountable for the "
        "proposal state decides. Another gate in the contract counts for what begins after that "
        "alone. The ticket closes by itself once somebody approves or rejects it, or the proposal "
        "moves on.",
    ),
    Kind(
        "approval-rejected", "Rejected at its review gate", Severity.NORMAL, "proposal-state",
        "Read why it was rejected, and do by hand what should happen instead. It is not asked for "
        "again by itself.",
    ),
    Kind(
        "link-missing", "A person or record is missing in the other system", Severity.LOW,
        "connection-health",
        "Add the person or record there under the same e-mail, then retry, or link it by hand.",
    ),
    Kind(
        "notices-stuck", "Notices do not reach people outside", Severity.HIGH, "connection-health",
        "Everything they say stands in Meshline, too. For e-mail look at EMAIL_URL and at the mail "
        "server, for Slack at its connection; the ticket closes by itself with the next message "
        "that gets through.",
    ),
    Kind(
        "invariant-broken", "Meshline's own books do not add up", Severity.CRITICAL,
        "exception-queue",
        "Nothing like this should ever happen: show it to whoever looks after Meshline. "
        "`manage.py check_invariants` names every row; the ticket closes by itself once the next "
        "hourly look finds everything whole.",
    ),
    Kind(
        "check-failed", "A check does not hold", Severity.HIGH, "reconciliation",
        "Look at the check's page: it says how it looks and lists what fails. Mend the cause; the "
        "ticket closes by itself once the check finds all of it right.",
    ),
    Kind(
        "reconciliation-missed", "Reconciliation missed", Severity.HIGH, "reconciliation",
        "The clock was down at its hour: look at Operations for why. The run is caught up once, by "
        "itself; the ticket closes when it is done.",
    ),
    Kind(
        "divergence", "Here and there differ", Severity.NORMAL, "reconciliation",
        "Open the differences: each shows both sides and who should win. Take a side, edit, or "
        "accept it for a while. The ticket closes by itself once a later read shows them equal.",
    ),
    Kind(
        "canary-red", "A canary does not get through", Severity.HIGH, "delivery",
        "What breaks for it breaks for real events, too. The leg says where to look: before "
        "“translated” at the web server and the workers, then at the contracts, then at the CRM "
        "connection. The ticket closes by itself once every path that hangs on it gets through.",
    ),
    Kind(
        PERMANENT_FIX, "Permanent fix", Severity.LOW, "rule-ownership",
        "Find out why it keeps coming back, and change what lets it: a mapping, a contract, a "
        "rule, an owner, or the other system. Then resolve this with what was changed; whether it "
        "held is measured here, and if it comes back, so does this ticket.",
        is_proven_by_time=True,
    ),
]  # fmt: skip

KINDS: dict[str, Kind] = {kind.name: kind for kind in _TABLE}


def choices() -> list[tuple[str, str]]:
    return [(kind.name, kind.label) for kind in _TABLE]
