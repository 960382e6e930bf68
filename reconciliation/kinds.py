"""What is compared of each kind of record, field by field: the table, and nothing that runs.

`ours` is told of a proposal `p`, `theirs` of a snapshot's row `r`, both as SQL. Where several rows
of theirs add up to one of ours, `theirs` adds them up.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from meshline.money import MINOR_UNITS
from proposals.states import State


class As(StrEnum):
    """As what two values of a field are compared."""

    TEXT = "text"
    EMAIL = "e-mail"
    MONEY = "money"
    STATE = "state"
    DATE = "date"


@dataclass(frozen=True)
class Field:
    """One field: as what it is compared, and where each side has it.

    `agreed` is the line of the authority table that it falls under. What a system does not tell is
    no difference where `silent`. Of a state `words` are theirs for each of ours; a state without
    any is not compared. Of money `units` is the exact amount in minor units beside its `currency`.
    `written` is what stands over there, where only what it means is compared.
    """

    name: str
    label: str
    how: As
    ours: str
    theirs: str
    agreed: str = ""
    silent: bool = False
    words: Mapping[str, tuple[str, ...]] | None = None
    our_currency: str = ""
    their_units: str = ""
    their_currency: str = ""
    written: str = ""


@dataclass(frozen=True)
class Kind:
    """One kind of record of one system.

    A row names its proposal by `source` and `document`. `expected` says of a proposal that such a
    record is known to be there; of several rows only those that `counts` add up.
    """

    name: str
    system: str
    one: str
    many: str
    fields: tuple[Field, ...]
    source: str
    document: str
    expected: str
    # Rows that name a proposal at all; what else is there is none of ours.
    named: str = "true"
    adds_up: bool = False
    counts: str = "true"
    # What is read beside `p`: one row for each of ours.
    beside: str = ""
    # A missing one is money that is not asked for.
    is_money: bool = False

    @property
    def names_ours(self) -> bool:
        """Whether a row of theirs says by itself which proposal it is of."""
        return self.source != "%(slug)s"

    @property
    def money(self) -> Field:
        """What is at risk where the whole record is missing."""
        return next(one for one in self.fields if one.how is As.MONEY)

    def field(self, name: str) -> Field | None:
        return next((one for one in self.fields if one.name == name), None)


def minor_units(currency: str) -> str:
    """By how much an amount in that column is multiplied to be in its smallest unit, as SQL."""
    named = {
        factor: ", ".join(f"'{name}'" for name, digits in MINOR_UNITS.items() if digits == places)
        for places, factor in ((0, 1), (3, 1000))
    }
    cases = " ".join(f"WHEN {currency} IN ({names}) THEN {n}" for n, names in named.items())
    return f"(CASE {cases} ELSE 100 END)"


def _told(name: str) -> str:
    return f"r.fields ->> '{name}'"


# --- Documents of the quoting tool ------------------------------------------------------------
# What follows the signature is for others to say: to the quoting tool it stays signed.
_DOCUMENT_WORDS: dict[str, tuple[str, ...]] = {
    State.DRAFT: ("draft",), State.SENT: ("sent",), State.VIEWED: ("viewed",),
    State.SIGNED: ("signed",), State.EXPIRED: ("expired",),
    # A payment is disputed, too, of a document that stays signed.
    State.DISPUTED: ("disputed", "signed"), State.INVOICED: ("signed",),
    State.CLOSED_WON: ("signed",),
}  # fmt: skip
DOCUMENTS = Kind(
    name="documents", system="pandadoc", one="document", many="documents",
    source="%(slug)s", document="r.external_id", expected="true",
    fields=(
        Field("title", "title", As.TEXT, "p.title", _told("title"), "title", silent=True),
        Field("amount", "amount", As.MONEY, "p.amount", _told("amount"), "amount", silent=True,
              our_currency="p.currency", their_units="r.amount_minor", their_currency="r.currency"),
        # What a document is while the quoting tool prepares or approves it moves nothing here.
        Field("state", "state", As.STATE, "p.state", _told("state"), silent=True,
              words=_DOCUMENT_WORDS),
        Field("owner_email", "owner", As.EMAIL, "p.owner_named", _told("owner_email"),
              "owner_email", silent=True),
        Field("contact_name", "contact's name", As.TEXT, "p.contact_name", _told("contact_name"),
              "contact_name", silent=True),
        Field("contact_email", "contact's e-mail", As.EMAIL, "p.contact_email",
              _told("contact_email"), "contact_email", silent=True),
    ),
)  # fmt: skip

# --- Deals of the CRM --------------------------------------------------------------------------
_NAMED = "r.fields ->> 'proposal'"
_SOURCE = f"split_part({_NAMED}, ':', 1)"
_DOCUMENT = f"substr({_NAMED}, strpos({_NAMED}, ':') + 1)"
_LINKED = """EXISTS (
    SELECT FROM connectors_recordlink l WHERE l.record = 'proposal:' || o.id
    AND l.connection_id = %(connection)s AND l.kind = 'deal'
)"""
_CLOSEDNESS = "CASE WHEN p.state IN ('closed-won', 'closed-lost') THEN p.state ELSE 'open' END"
DEALS = Kind(
    name="deals", system="hubspot", one="deal", many="deals",
    source=_SOURCE, document=_DOCUMENT, named="r.fields ? 'proposal'", expected=_LINKED,
    fields=(
        # Written as the proposal is called: by its id where it has no title.
        Field("title", "title", As.TEXT, "coalesce(nullif(p.title, ''), p.external_id)",
              _told("title"), "title"),
        Field("amount", "amount", As.MONEY, "p.amount", _told("amount"), "amount",
              our_currency="p.currency", their_units="r.amount_minor", their_currency="r.currency"),
        Field("state", "state", As.STATE, "p.state", _told("state"),
              words={state: (state.value,) for state in State}),
        # Won, lost or open: how far an open deal is, is its owner's to say. A stage that says
        # nothing here (`comparing.Asked.stages`) is of a pipeline that nobody mapped.
        Field("stage", "deal stage", As.STATE, _CLOSEDNESS,
              f"%(stages)s::jsonb ->> lower({_told('stage')})", silent=True,
              words={one: (one,) for one in ("open", State.CLOSED_WON.value,
                                             State.CLOSED_LOST.value)},
              written="t.fields ->> 'stage'"),
        Field("owner_email", "owner", As.EMAIL, "u.email", _told("owner_email"), "owner_email",
              silent=True),
    ),
    beside="JOIN people_user u ON u.id = p.owner_id",
)  # fmt: skip

# --- Invoices of the billing tool ----------------------------------------------------------------
_ONE_CURRENCY = "min(r.currency) = max(r.currency)"
_SUM = f"""CASE WHEN {_ONE_CURRENCY} AND bool_and(r.amount_minor IS NOT NULL)
    THEN sum(r.amount_minor) END"""
_CURRENCY = f"CASE WHEN {_ONE_CURRENCY} THEN min(r.currency) ELSE '' END"
_EMAIL = "lower(nullif(r.fields ->> 'contact_email', ''))"
_EMAILS = f"concat_ws(', ', min({_EMAIL}), nullif(max({_EMAIL}), min({_EMAIL})))"
# That there is something to add up; how each is written is asked of what differs alone.
_COUNTED = "'…'"
_STATUSES = {status: (status,) for status in ("draft", "open", "paid", "uncollectible", "void")}
INVOICES = Kind(
    name="invoices", system="stripe", one="invoice", many="invoices",
    source=_SOURCE, document=_DOCUMENT,
    named="r.fields ? 'proposal'", adds_up=True, is_money=True,
    counts="coalesce(r.fields ->> 'state', '') NOT IN ('void', 'draft')",
    expected="(o.invoice_status NOT IN ('', 'draft', 'void') OR o.state = 'invoiced')",
    fields=(
        Field("amount", "amount", As.MONEY, "p.amount", _COUNTED, "amount",
              our_currency="p.currency", their_units=_SUM, their_currency=_CURRENCY),
        Field("invoiced", "invoiced amount", As.MONEY, "p.invoiced", _COUNTED, "",
              our_currency="p.invoiced_currency", their_units=_SUM, their_currency=_CURRENCY),
        # Of several, each has a state of its own.
        Field("invoice_status", "invoice's state", As.STATE, "p.invoice_status",
              "CASE WHEN count(*) = 1 THEN min(r.fields ->> 'state') END",
              silent=True,
              words={**_STATUSES, "overdue": ("open",), "payment failed": ("open",)}),
        Field("contact_email", "contact's e-mail", As.EMAIL, "p.contact_email",
              _EMAILS, "contact_email", silent=True),
    ),
)  # fmt: skip

KINDS: dict[str, Kind] = {kind.name: kind for kind in (DOCUMENTS, DEALS, INVOICES)}


def of_system(system: str) -> list[Kind]:
    return [kind for kind in KINDS.values() if kind.system == system]
