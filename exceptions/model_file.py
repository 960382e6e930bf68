"""The escalation and the runbooks in the operating model file."""

from collections.abc import Callable
from datetime import datetime

from exceptions import escalation_terms, runbooks
from exceptions.escalation_terms import COUNTS, DAYS, PERCENTS, SPANS
from exceptions.models import Runbook
from exceptions.runbook_defaults import DEFAULTS
from exceptions.runbooks import FAILURE_MOST, MOST, Place
from meshline.audit.actors import Someone
from meshline.policy import span_fields
from meshline.sections import (
    Field,
    Identity,
    Node,
    Section,
    Values,
    Wrong,
    text,
)


def _number(unit: str) -> Callable[[Node], int]:
    """A whole number above nothing."""

    def read(node: Node) -> int:
        if isinstance(node.value, int) and not isinstance(node.value, bool) and node.value > 0:
            return node.value
        raise Wrong(f"This is no number of {unit}; write a whole one.", node.line)

    return read


def _here() -> dict[Identity, Values]:
    row = escalation_terms.in_force()
    return {(): {name: getattr(row, name) for name in escalation_terms.NAMES}}


def _change(identity: Identity, values: Values, *, by: Someone, at: datetime) -> None:
    escalation_terms.change(values, by=by, at=at)


ESCALATION = Section(
    key="escalation",
    noun="escalation",
    identity=(),
    fields={
        **{name: Field(_number("percent")) for name in PERCENTS},
        **{name: span_fields.business() for name in SPANS},
        **{name: Field(_number("days")) for name in DAYS},
        **{name: Field(_number("times or weeks")) for name in COUNTS},
    },
    here=_here,
    change=_change,
)


# --- Runbooks ---------------------------------------------------------------------------------
def _runbooks_here() -> dict[Identity, Values]:
    """What people wrote; where one says what Meshline comes with, there is none."""
    rows = Runbook.objects.live().order_by("kind", "failure")
    return {
        (row.kind, row.failure): {"kind": row.kind, "failure": row.failure, "text": row.text}
        for row in rows
        if row.text != _as_it_comes(Place(row.kind, row.failure))
    }


def _add_runbook(values: Values, *, by: Someone, at: datetime) -> None:
    place = Place(values["kind"], values.get("failure", ""))
    _write_runbook(place, values["text"], by, at)


def _change_runbook(identity: Identity, values: Values, *, by: Someone, at: datetime) -> None:
    _write_runbook(Place(*identity), values["text"], by, at)


def _remove_runbook(identity: Identity, *, by: Someone, at: datetime) -> None:
    place = Place(*identity)
    _write_runbook(place, _as_it_comes(place), by, at)


def _write_runbook(place: Place, said: str, by: Someone, at: datetime) -> None:
    note = "From the operating model file."
    runbooks.publish(place, text=said, note=note, by=by, at=at)


def _as_it_comes(place: Place) -> str:
    return "" if place.failure else DEFAULTS.get(place.kind, "").strip()


def _runbook_text(node: Node) -> str:
    return runbooks.readable(text(node))


def _check_text(value: str) -> None:
    if len(value) > MOST:
        raise Wrong(f"Keep it under {MOST:,} characters; this has {len(value):,}.")


def _lines_told(before: str | None, after: str) -> str:
    """How long it was and is: the text itself would say too much."""
    lengths = [f"{len(one.splitlines())} lines" for one in (before, after) if one is not None]
    return " → ".join(lengths)


def _failure(node: Node) -> str:
    value = text(node)
    if len(value) > FAILURE_MOST or value != value.strip() or not value.isprintable():
        words = f"Write up to {FAILURE_MOST} printable characters, without spaces around them."
        raise Wrong(words)
    return value


RUNBOOKS = Section(
    key="runbooks",
    noun="runbook",
    identity=("kind", "failure"),
    fields={
        "kind": Field(text, refers_to="ticket kind"),
        "failure": Field(_failure, unsaid=""),
        "text": Field(_runbook_text, check=_check_text, needed=True, told=_lines_told),
    },
    here=_runbooks_here,
    add=_add_runbook,
    change=_change_runbook,
    remove=_remove_runbook,
)

SECTIONS = [ESCALATION, RUNBOOKS]
