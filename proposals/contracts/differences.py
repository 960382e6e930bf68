"""What two versions of a contract say otherwise, word by word: pure, no database, no clock."""

from collections.abc import Mapping
from typing import Any

from exceptions.kinds import KINDS
from meshline import clauses
from proposals.contracts import conditions, gates, sentences
from proposals.contracts.catalogue import DEEDS, Form
from proposals.contracts.terms import Content, Terms
from proposals.states import State
from proposals.tiers import Retry

Words = dict[str, str]


def words(terms: Terms | None) -> Words:
    """Everything a contract says, in words, by what it is about; nothing of none."""
    if terms is None:
        return {}
    said = {
        "name": terms.name,
        "trigger": sentences.said(terms.trigger),
        "condition": condition(terms.condition),
        "tier": terms.tier,
        "retry": Retry(terms.retry).label if terms.retry else "",
        "who answers": gates.answers(terms.owner),
        "ticket": KINDS[terms.ticket].label if terms.ticket else "",
        "severity": terms.severity,
    }
    for row in terms.outcomes:
        said |= {f"{row['name']}: {about}": word for about, word in _outcome(row).items()}
    return {about: word for about, word in said.items() if word}


def between(old: Terms | None, new: Terms | None) -> dict[str, Words]:
    """What is different, as {"before", "after"}; empty on both sides where nothing is."""
    before, after = words(old), words(new)
    return {
        "before": {about: word for about, word in before.items() if after.get(about) != word},
        "after": {about: word for about, word in after.items() if before.get(about) != word},
    }


def condition(node: Mapping[str, Any]) -> str:
    """A condition as a sentence; empty where it holds always."""
    return str(clauses.read(node, conditions.FIELDS)) if node else ""


def _outcome(row: Content) -> Words:
    deed, gate = DEEDS[row["kind"]], row.get("gate")
    told = {one.label.lower(): _param(row["params"].get(one.name), one) for one in deed.parameters}
    return {
        "what": deed.label,
        "wanted while": sentences.either(State(state) for state in row["wanted"]),
        **told,
        "taken back": "yes" if row.get("undo") else "",
        "once in a life": "yes" if row.get("once") else "",
        "only where connected": "yes" if row.get("optional") else "",
        "takes the facts along": "yes" if row.get("facts") else "",
        "waits for": f"{gates.whom(gate['who'])}, at most {_minutes(gate['within'])}"
        if gate
        else "",
        "proven by": row.get("proof", ""),
    }


def _param(value: Any, about: Any) -> str:
    if value in (None, ""):
        return ""
    if about.form is Form.SPAN:
        return _minutes(value)
    return about.choices.get(value, str(value))


def _minutes(minutes: int) -> str:
    return sentences.working_time(minutes, minutes_a_day=24 * 60)
