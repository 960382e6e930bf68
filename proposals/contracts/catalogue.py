"""What a contract may ask for: each kind of outcome, where it happens and what it must be told.

A test compares it with what the connectors carry. Pure: no database, no clock.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from exceptions.kinds import KINDS
from proposals.states import State

# Promised and done in the very transaction, without a journey through the outbox.
OPEN_TICKET = "ticket.open"
# What is asked of the owner by a time: a follow-up here, a task in the CRM.
CREATE_TASK = "task.create"
# What is asked of it when a person chose another time.
MOVE_TASK = "task.move"


class Form(StrEnum):
    """How a parameter is written."""

    LINE = "line"  # a text with places, one line
    TEXT = "text"  # a text with places, several lines
    CHOICE = "choice"
    WORD = "word"  # one word for a program, such as proposal.signed
    SPAN = "span"  # business minutes


@dataclass(frozen=True)
class Parameter:
    """One thing an outcome is told; of a CHOICE the `choices`, by label."""

    name: str
    label: str
    form: Form = Form.LINE
    needed: bool = False
    choices: dict[str, str] = field(default_factory=dict)
    help: str = ""


class Carries(StrEnum):
    """What of the proposal itself an outcome takes along."""

    NOTHING = "nothing"
    FACTS = "facts"  # as of the promise
    MIRROR = "mirror"  # and again whenever it changes


@dataclass(frozen=True)
class Deed:
    """One kind of outcome: the part that does it, its parameters, what takes it back, and what
    changes when it is due (`moved`).

    `leads_to` are the states that a proposal comes into because of it, as the other side then
    tells. What happens `here` is part of the promise itself and cannot wait for anybody. Of what
    is `single` a proposal has one: asked for twice in a state, it is done twice. What is made
    `anew` each time is not asked for in another state either: a customer would be billed twice.
    A deal may be: it is found again by its proposal.
    """

    kind: str
    label: str
    target: str
    parameters: tuple[Parameter, ...] = ()
    carries: Carries = Carries.NOTHING
    undo: str = ""
    moved: str = ""
    leads_to: frozenset[State] = frozenset()
    here: bool = False
    single: bool = False
    anew: bool = False
    # What proves it, where a contract says nothing of its own.
    proof: str = ""

    def parameter(self, name: str) -> Parameter | None:
        return next((one for one in self.parameters if one.name == name), None)


_SUBJECT = Parameter("subject", "Text", needed=True)
_BODY = Parameter("body", "More text", Form.TEXT)
_TICKETS = {kind.name: kind.label for kind in KINDS.values()}
_PRIORITIES = {"HIGH": "High", "MEDIUM": "Medium", "LOW": "Low"}

_TABLE = [
    Deed(
        "deal.upsert", "Create or update the deal in the CRM", "crm",
        carries=Carries.MIRROR,
        single=True,
        proof="The deal is read back from the CRM with the same content.",
    ),
    Deed(
        CREATE_TASK, "Create a task for the owner in the CRM", "crm",
        (
            _SUBJECT, _BODY,
            Parameter("priority", "Priority", Form.CHOICE, choices=_PRIORITIES),
            Parameter("due_within", "Due within, in business time", Form.SPAN, needed=True),
        ),
        undo="task.complete",
        moved=MOVE_TASK,
        proof="The task is read back from the CRM.",
    ),
    Deed(
        "invoice.create", "Create the invoice in the billing tool", "billing",
        carries=Carries.FACTS,
        single=True,
        anew=True,
        leads_to=frozenset({State.INVOICED}),
        proof="The invoice is read back from the billing tool with its amount.",
    ),
    Deed(
        "notice.tell", "Tell the owner here", "meshline",
        (_SUBJECT,),
        proof="The notice is in front of the owner.",
    ),
    Deed(
        "message.post", "Post a message in the chat", "chat",
        (_SUBJECT,),
        proof="The message is read back from the channel.",
    ),
    Deed(
        "webhook.send", "Send a signed webhook", "automation",
        (
            Parameter(
                "type", "Type", Form.WORD, needed=True,
                help="What the receiver knows it by, such as proposal.signed.",
            ),
        ),
        carries=Carries.FACTS,
        proof="The receiver answered that it took it.",
    ),
    Deed(
        OPEN_TICKET, "Open a ticket here", "meshline",
        (
            Parameter("ticket", "Kind of ticket", Form.CHOICE, needed=True, choices=_TICKETS),
            _SUBJECT,
            Parameter("body", "Reason", Form.TEXT, needed=True),
        ),
        here=True,
        proof="The ticket is opened in the same step.",
    ),
]  # fmt: skip

DEEDS: dict[str, Deed] = {deed.kind: deed for deed in _TABLE}
# Every part that an outcome may be asked of.
TARGETS = list(dict.fromkeys(deed.target for deed in _TABLE))
