"""What a contract says: read from JSON, every word of it checked, with the place of what is wrong.

Pure: what there is around it (people, processes) is handed in. A content that was read is written
in one way alone, so that equal contracts are equal JSON.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from exceptions.kinds import KINDS, Severity
from meshline import clauses, sound_conditions
from meshline.clauses import ClauseError, Together
from meshline.sentences import NO_TAGS, has_tags
from proposals.contracts import conditions, gates, sentences
from proposals.contracts.catalogue import DEEDS, Carries, Deed, Form, Parameter
from proposals.contracts.gates import Known
from proposals.states import State, can_pass_both
from proposals.tiers import Retry, Tier

MOST_OUTCOMES = 50
LONGEST_NAME, LONGEST_LINE, LONGEST_TEXT = 120, 300, 2000
# A working year.
LONGEST_SPAN = 52 * 40 * 60
# What a text may name, and what stands there instead.
PLACES = {
    "title": "the proposal's title",
    "state": "its state",
    "amount": "its amount",
    "owner": "its owner's name",
    "contact": "the customer's name",
    "invoice": "its invoice's number",
    "invoiced": "what is invoiced",
}
KEYS = (
    "name", "trigger", "condition", "outcomes", "tier", "retry", "owner", "ticket", "severity",
)  # fmt: skip
_FLAGS = ("mirrors", "once", "optional", "facts")
_OUTCOME_KEYS = {"name", "kind", "target", "wanted", "params", "undo", "gate", "proof", *_FLAGS}
SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_WORD = re.compile(r"[a-z][a-z0-9]*([._-][a-z0-9]+)*")
_PLACE = re.compile(r"\{([a-z_]+)\}")

Content = dict[str, Any]


class TermsError(Exception):
    """Something a contract cannot say, in a sentence; `place` as in "outcomes.0.subject"."""

    def __init__(self, sentence: str, place: str) -> None:
        super().__init__(sentence)
        self.place = place


@dataclass(frozen=True)
class Terms:
    """A contract's content, checked. What is empty is as everywhere else."""

    name: str
    trigger: State
    outcomes: list[Content]
    condition: Content = field(default_factory=dict)
    tier: str = ""
    retry: str = ""
    owner: str = ""
    ticket: str = ""
    severity: str = ""

    @property
    def content(self) -> Content:
        """The same as JSON."""
        return {key: getattr(self, key) for key in KEYS} | {"trigger": self.trigger.value}


def read(content: Any, known: Known) -> Terms:
    """The contract that this JSON says. Raises TermsError."""
    said = _mapping(content, set(KEYS), "A contract", "")
    trigger = _state(said.get("trigger"), "trigger")
    terms = Terms(
        name=_line(said.get("name"), LONGEST_NAME, "name"),
        trigger=trigger,
        outcomes=_outcomes(said.get("outcomes"), trigger, known),
        condition=condition(said.get("condition"), sources=known.sources),
        tier=_one_of(said.get("tier"), set(Tier), "tier"),
        retry=_one_of(said.get("retry"), set(Retry), "retry"),
        owner=_owner(said.get("owner"), known),
        ticket=_one_of(said.get("ticket"), set(KINDS), "ticket"),
        severity=_one_of(said.get("severity"), set(Severity), "severity"),
    )
    _refuse_returning(terms)
    _refuse_doubled(terms)
    return terms


def kept(content: Content) -> Terms:
    """A content that was read before; whom it names may have left since."""
    return Terms(**{**content, "trigger": State(content["trigger"])})


def tidied(row: Any) -> Any:
    """An outcome written as `read` would keep it, as far as that goes without refusing anything."""
    deed = DEEDS.get(row["kind"]) if isinstance(row.get("kind"), str) else None
    if deed is None:
        return row
    wanted = row.get("wanted")
    known = isinstance(wanted, list) and all(one in set(State) for one in wanted if _is_text(one))
    if known and isinstance(wanted, list) and all(map(_is_text, wanted)):
        row = {**row, "wanted": [state.value for state in State if state in wanted]}
    row = {**row, "target": row.get("target", deed.target), "params": row.get("params") or {}}
    return {key: value for key, value in row.items() if value or key == "params"}


def condition(node: Any, *, sources: Collection[str] | None = None) -> Content:
    """A condition as it is kept; what holds always is empty. Raises TermsError."""
    there = {} if sources is None else {"source": sources}
    try:
        found = sound_conditions.read(node or {"all": []}, conditions.FIELDS, there)
    except ClauseError as error:
        place = f"condition.{error.place}" if error.place else "condition"
        raise TermsError(str(error), place) from None
    return {} if found == clauses.ALWAYS else found.as_json()


def template(text: Any, most: int, place: str, *, needed: bool = True) -> str:
    """A text with its places checked. Raises TermsError."""
    if text in (None, "") and not needed:
        return ""
    if not isinstance(text, str) or not text.strip():
        raise TermsError("Write a text.", place)
    text = text.strip()
    if len(text) > most:
        raise TermsError(f"At most {most:,} characters; this has {len(text):,}.", place)
    if not text.replace("\n", "").isprintable():
        raise TermsError("Write printable characters alone.", place)
    for name in _PLACE.findall(text):
        if name not in PLACES:
            names = ", ".join(f"{{{one}}}" for one in PLACES)
            raise TermsError(f"Nothing here is called {{{name}}}; there is {names}.", place)
    if re.search(r"[{}]", _PLACE.sub("", text)):
        raise TermsError("Braces name a place, such as {title}, and nothing else.", place)
    return text


# --- Outcomes -----------------------------------------------------------------------------------
def _outcomes(said: Any, trigger: State, known: Known) -> list[Content]:
    if not isinstance(said, list) or not said:
        raise TermsError("A contract asks for at least one outcome.", "outcomes")
    if len(said) > MOST_OUTCOMES:
        sentence = f"At most {MOST_OUTCOMES} outcomes; this has {len(said):,}."
        raise TermsError(sentence, "outcomes")
    found = [_outcome(row, trigger, known, f"outcomes.{at}") for at, row in enumerate(said)]
    names = [row["name"] for row in found]
    for at, name in enumerate(names):
        if name in names[:at]:
            raise TermsError(f"Two outcomes are called {name}.", f"outcomes.{at}.name")
    return found


def _outcome(row: Any, trigger: State, known: Known, place: str) -> Content:
    said = _mapping(row, _OUTCOME_KEYS, "An outcome", place)
    deed = _deed(said, place)
    kept = {
        "name": _name(said.get("name"), f"{place}.name"),
        "kind": deed.kind,
        "target": deed.target,
        "wanted": _wanted(said.get("wanted"), trigger, f"{place}.wanted"),
        "params": _params(said.get("params", {}), deed, place),
        "undo": _undo(said.get("undo"), deed, f"{place}.undo"),
        **{flag: _flag(said.get(flag), f"{place}.{flag}") for flag in _FLAGS},
        "gate": _gate(said.get("gate"), deed, known, f"{place}.gate"),
        "proof": _line(said["proof"], LONGEST_LINE, f"{place}.proof") if said.get("proof") else "",
    }
    _check_carried(kept, deed, place)
    # Only what is said: an absent word means what it always meant.
    return {key: value for key, value in kept.items() if value or key == "params"}


def _deed(said: Content, place: str) -> Deed:
    deed = DEEDS.get(said["kind"]) if isinstance(said.get("kind"), str) else None
    if deed is None:
        raise TermsError(f"Nothing can carry that; choose {', '.join(DEEDS)}.", f"{place}.kind")
    if said.get("target", deed.target) != deed.target:
        sentence = (
            f"{deed.label}: that is the part of {sentences.part(deed.target)}, of nothing else."
        )
        raise TermsError(sentence, f"{place}.target")
    return deed


def _wanted(said: Any, trigger: State, place: str) -> list[str]:
    if not isinstance(said, list) or len(said) > len(State):
        raise TermsError("List the states during which it is wanted.", place)
    wanted = {_state(one, place) for one in said}
    if trigger not in wanted:
        raise TermsError(f"It must be wanted while it is {trigger.label.lower()}.", place)
    return [state.value for state in State if state in wanted]


def _params(said: Any, deed: Deed, place: str) -> Content:
    names = {one.name for one in deed.parameters}
    given = _mapping(said, names, deed.label, place, word="parameter")
    found = {one.name: _param(given.get(one.name), one, place) for one in deed.parameters}
    return {name: value for name, value in found.items() if value not in ("", None)}


def _param(value: Any, about: Parameter, place: str) -> Any:
    place = f"{place}.{about.name}"
    if about.form is Form.SPAN:
        return _span(value, place, needed=about.needed)
    if about.form is Form.CHOICE:
        return _one_of(value, set(about.choices), place, needed=about.needed)
    if about.form is Form.WORD:
        return _word(value, place)
    most = LONGEST_LINE if about.form is Form.LINE else LONGEST_TEXT
    return template(value, most, place, needed=about.needed)


def _undo(said: Any, deed: Deed, place: str) -> str:
    if said in (None, ""):
        return ""
    if said != deed.undo:
        raise TermsError(f"{deed.label}: nothing takes that back like this.", place)
    return deed.undo


def _gate(said: Any, deed: Deed, known: Known, place: str) -> Content:
    if said in (None, {}):
        return {}
    gate = _mapping(said, {"who", "within"}, "A gate", place)
    if deed.here:
        raise TermsError(f"{deed.label}: that happens at once and waits for nobody.", place)
    who = gate.get("who") if isinstance(gate.get("who"), str) else ""
    if refusal := gates.refusal_of_gate(str(who), known):
        raise TermsError(refusal, place)
    within = _span(gate.get("within"), f"{place}.within", most=gates.LONGEST_WAIT)
    return {"who": who, "within": within}


def _check_carried(kept: Content, deed: Deed, place: str) -> None:
    if kept["mirrors"] != (deed.carries is Carries.MIRROR):
        said = "follows" if kept["mirrors"] else "must follow"
        cannot = "nothing of this kind does" if kept["mirrors"] else "say mirrors: true"
        raise TermsError(f"It {said} the proposal's content; {cannot}.", f"{place}.mirrors")
    if deed.carries is Carries.FACTS and not kept["facts"]:
        raise TermsError(f"{deed.label}: say facts: true.", f"{place}.facts")
    if deed.anew and not kept["once"]:
        sentence = f"{deed.label}: say once: true, or it is done again when its state comes again."
        raise TermsError(sentence, f"{place}.once")
    if kept["mirrors"] and kept["once"]:
        raise TermsError("What follows the content happens again and again.", f"{place}.once")


# --- Between contracts --------------------------------------------------------------------------
def check_together(
    slug: str, terms: Terms, others: Mapping[str, Terms], *, deeds: Mapping[str, Deed] = DEEDS
) -> None:
    """Refuse what contradicts the other contracts, or would go round in a ring with them."""
    for other, their in others.items():
        if other != slug:
            if their.trigger is terms.trigger:
                _refuse_twins(terms, their)
            _refuse_singles(terms, their)
    ring = _ring(slug, {**others, slug: terms}, deeds)
    if ring:
        words = " → ".join([*ring, ring[0]])
        raise TermsError(f"This goes round for ever: {words}.", "trigger")


def happens_twice(deed: Deed, one: State, other: State) -> bool:
    """Whether what is asked for in both states is too much of what a proposal has once."""
    return deed.single and (one == other or (deed.anew and can_pass_both(one, other)))


def can_both_hold(*asked: Content) -> bool:
    """Whether a proposal could answer all these conditions; only what is certain says no."""
    parts = tuple(clauses.read(one, conditions.FIELDS) for one in asked if one)
    return not sound_conditions.can_never_hold(Together("all", parts))


def writes_to_billing(terms: Terms) -> bool:
    return any(row["target"] == "billing" for row in terms.outcomes)


def closes(terms: Terms, deeds: Mapping[str, Deed] = DEEDS) -> bool:
    """Whether it is about a proposal's end, or brings it about."""
    ends = {State.CLOSED_WON, State.CLOSED_LOST}
    return terms.trigger in ends or bool(_leads_to(terms, deeds) & ends)


def _refuse_twins(terms: Terms, their: Terms) -> None:
    theirs = {(row["name"], row["target"]) for row in their.outcomes}
    for at, row in enumerate(terms.outcomes):
        if (row["name"], row["target"]) in theirs:
            said = f"“{their.name}” promises {row['name']} there as well, for the same state."
            raise TermsError(f"{said} Give it another name, or leave one out.", f"outcomes.{at}")


def _refuse_singles(terms: Terms, their: Terms) -> None:
    """Refuse what a proposal has once, where both contracts could ask for it."""
    theirs = {row["kind"] for row in their.outcomes}
    for at, row in enumerate(terms.outcomes):
        deed = DEEDS[row["kind"]]
        twice = deed.kind in theirs and happens_twice(deed, terms.trigger, their.trigger)
        if twice and can_both_hold(terms.condition, their.condition):
            said = f"“{their.name}” does it {_when(terms, their)} as well, so it happens twice"
            sentence = f"{deed.label}: {said}. Leave one out, or let only one of them hold."
            raise TermsError(sentence, f"outcomes.{at}")


def _when(terms: Terms, their: Terms) -> str:
    if their.trigger is terms.trigger:
        return "for the same state"
    return f"when a proposal is {their.trigger.label.lower()}"


def _refuse_doubled(terms: Terms) -> None:
    """Refuse what a proposal has once, asked for twice in this very contract."""
    first: dict[str, str] = {}
    for at, row in enumerate(terms.outcomes):
        deed = DEEDS[row["kind"]]
        other = first.setdefault(deed.kind, row["name"])
        if deed.single and other != row["name"]:
            sentence = f"{deed.label}: {other} does it already, so it happens twice. Leave one out."
            raise TermsError(sentence, f"outcomes.{at}")


def _refuse_returning(terms: Terms) -> None:
    for at, row in enumerate(terms.outcomes):
        if terms.trigger in DEEDS[row["kind"]].leads_to:
            state = terms.trigger.label.lower()
            sentence = f"It makes the proposal {state}, which is what sets it off."
            raise TermsError(sentence, f"outcomes.{at}.kind")


def _leads_to(terms: Terms, deeds: Mapping[str, Deed]) -> set[State]:
    return {state for row in terms.outcomes for state in deeds[row["kind"]].leads_to}


def _ring(slug: str, every: Mapping[str, Terms], deeds: Mapping[str, Deed]) -> list[str]:
    """The contracts by which this one sets itself off again; empty when none do."""
    ways: list[list[str]] = [[slug]]
    seen = {slug}
    while ways:
        way = ways.pop()
        for other, terms in every.items():
            if terms.trigger not in _leads_to(every[way[-1]], deeds):
                continue
            if other == slug:
                return way
            if other not in seen:
                seen.add(other)
                ways.append([*way, other])
    return []


# --- Single words -------------------------------------------------------------------------------
def _mapping(said: Any, keys: set[str], what: str, place: str, word: str = "key") -> Content:
    if not isinstance(said, dict):
        raise TermsError(f"{what} is written in {word}s: {', '.join(sorted(keys))}.", place)
    for key in said:
        if key not in keys:
            there = ", ".join(sorted(keys)) or "none"
            raise TermsError(f"{what}: there is no {word} “{key!s:.60}”; there is {there}.", place)
    return said


def _line(said: Any, most: int, place: str) -> str:
    line = said.strip() if isinstance(said, str) else ""
    if not line or len(line) > most or not line.isprintable():
        raise TermsError(f"Write 1 to {most} printable characters.", place)
    if has_tags(line):
        raise TermsError(NO_TAGS, place)
    return line


def _name(said: Any, place: str) -> str:
    if not isinstance(said, str) or not SLUG.fullmatch(said) or len(said) > 40:
        raise TermsError("Name it in small letters and dashes, such as follow-up.", place)
    if said.endswith("-undo"):
        raise TermsError("That is what taking it back is called.", place)
    return said


def _word(said: Any, place: str) -> str:
    if not isinstance(said, str) or not _WORD.fullmatch(said) or len(said) > 60:
        raise TermsError("Write one word in small letters, such as proposal.signed.", place)
    return said


def _state(said: Any, place: str) -> State:
    if not isinstance(said, str) or said not in set(State):
        raise TermsError(f"There is no such state; there is {', '.join(State)}.", place)
    return State(said)


def _one_of(said: Any, words: set[Any], place: str, *, needed: bool = False) -> str:
    if said in (None, "") and not needed:
        return ""
    if not isinstance(said, str) or said not in words:
        raise TermsError(f"Choose one of {', '.join(sorted(map(str, words)))}.", place)
    return str(said)


def _flag(said: Any, place: str) -> bool:
    if said in (None, False, True):
        return said is True
    raise TermsError("Write true or false.", place)


def _span(said: Any, place: str, *, needed: bool = True, most: int = LONGEST_SPAN) -> int | None:
    if said in (None, "") and not needed:
        return None
    if not isinstance(said, int) or isinstance(said, bool) or not 1 <= said <= most:
        raise TermsError(f"Write business minutes, 1 to {most:,}.", place)
    return said


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _owner(said: Any, known: Known) -> str:
    word = said or ""
    if not isinstance(word, str) or (refusal := gates.refusal_of_owner(word, known)):
        raise TermsError(refusal if isinstance(word, str) else "Name one.", "owner")
    return word
