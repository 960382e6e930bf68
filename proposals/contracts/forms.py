"""What is asked when a contract is written: what sets it off, its outcomes one by one, and what
happens when one of them fails."""

from collections.abc import Collection, Mapping
from typing import Any

from django import forms

from exceptions.kinds import KINDS, Severity
from exceptions.sla_forms import SpanField
from meshline.people.models import User
from meshline.policy import processes, spans
from meshline.web import condition_forms
from meshline.web.forms import LINE, SHORT, CleanText
from proposals.contracts import conditions, gates, terms
from proposals.contracts.catalogue import DEEDS, Carries, Deed, Form, Parameter
from proposals.contracts.gates import APPROVERS, Known
from proposals.contracts.publishing import LONGEST_SLUG
from proposals.contracts.terms import Content
from proposals.states import State
from proposals.tiers import Retry, Tier

# What a person saw is never larger than this.
_MOST = 2**31 - 1
_PARTS = 200


class OptionalSpan(SpanField):
    """A span that may be left out: None then."""

    def clean(self, value: Any) -> Any:
        return super().clean(value) if str(value or "").strip() else None


class ContractForm(forms.Form):
    """Everything of a contract but its condition and its outcomes."""

    slug = CleanText(
        label="Known by", max_length=LONGEST_SLUG,
        help_text="Small letters and dashes, such as big-deals. It stays.",
    )  # fmt: skip
    name = CleanText(max_length=SHORT)
    trigger = forms.ChoiceField(
        label="When a proposal is", choices=[("", "Choose a state"), *State.choices()]
    )
    tier = forms.ChoiceField(
        required=False, label="How fast", choices=[("", "As what brought it"), *Tier.choices()]
    )
    retry = forms.ChoiceField(
        required=False, label="When to try again",
        choices=[("", "As its tier says"), *((one.value, one.label) for one in Retry)],
    )  # fmt: skip
    owner = forms.ChoiceField(required=False, label="Who answers when it fails")
    ticket = forms.ChoiceField(
        required=False, label="Then a ticket of the kind",
        choices=[("", "As usual: delivery failed"), *((k.name, k.label) for k in KINDS.values())],
    )  # fmt: skip
    severity = forms.ChoiceField(
        required=False, label="How grave",
        choices=[("", "As its kind is"), *((one.value, one.label) for one in Severity)],
    )  # fmt: skip
    note = CleanText(
        required=False, max_length=LINE, label="Why this change",
        help_text="Stands with the version and on the trail.",
    )  # fmt: skip
    based_on = forms.IntegerField(min_value=0, max_value=_MOST, widget=forms.HiddenInput)
    revision = forms.IntegerField(min_value=0, max_value=_MOST, widget=forms.HiddenInput)

    def __init__(self, *args: Any, known: Known, is_new: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].choices = _owners(known)  # type: ignore[attr-defined]
        if not is_new:
            del self.fields["slug"]


class OutcomeForm(forms.Form):
    """One outcome; which parameters it has, its kind says."""

    kind = forms.CharField(max_length=40, widget=forms.HiddenInput)
    name = CleanText(max_length=40)
    wanted = forms.MultipleChoiceField(
        label="Wanted while it is", choices=State.choices(),
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    undo = forms.BooleanField(required=False, label="Take it back when it is not wanted any more")
    once = forms.BooleanField(required=False, label="Once in a proposal's life")
    optional = forms.BooleanField(required=False, label="Only where something plays the part")
    facts = forms.BooleanField(required=False, label="Take the proposal's facts along")
    gate_who = forms.ChoiceField(required=False, label="Waits for the approval of")
    gate_within = OptionalSpan(required=False, label="For at most")
    proof = CleanText(required=False, max_length=LINE, label="What proves it")

    def __init__(self, *args: Any, deed: Deed, known: Known, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.deed = deed
        if deed.kind not in DEEDS:
            self.fields["kind"] = _kind()
        self.fields["gate_who"].choices = _gates(known)  # type: ignore[attr-defined]
        self.fields["proof"].widget.attrs["placeholder"] = deed.proof
        self.fields["gate_within"].widget.attrs["placeholder"] = "such as 4 h; then a ticket opens"
        for parameter in deed.parameters:
            self.fields[parameter.name] = _field(parameter)
        for name in self._left_out():
            del self.fields[name]

    def clean(self) -> None:
        asked = self.cleaned_data
        if asked.get("gate_who") and not asked.get("gate_within") and not self.errors:
            self.add_error("gate_within", "Say how long it may wait, such as 4 h.")
        if asked.get("gate_within") and not asked.get("gate_who") and "gate_who" not in self.errors:
            sentence = "Say whose approval it waits for, or leave the time empty."
            self.add_error("gate_within", sentence)

    @property
    def number(self) -> str:
        return str(self.prefix).removeprefix("o-")

    def draws(self, name: str) -> bool:
        """Whether a person sees this field; what is wrong elsewhere is said at the outcome."""
        return name in self.fields and not self[name].is_hidden

    @property
    def parameters(self) -> list[Any]:
        return [self[one.name] for one in self.deed.parameters]

    @property
    def flags(self) -> list[Any]:
        return [self[name] for name in ("undo", "once", "optional", "facts") if name in self.fields]

    @property
    def content(self) -> Content:
        """What was typed, as a contract keeps it."""
        asked = self.cleaned_data
        return {
            "name": asked["name"],
            "kind": self.deed.kind,
            "wanted": asked["wanted"],
            "params": {one.name: asked[one.name] for one in self.deed.parameters},
            "undo": self.deed.undo if asked.get("undo") else "",
            "once": self.deed.anew or asked.get("once", False),
            "optional": asked.get("optional", False),
            "mirrors": self.deed.carries is Carries.MIRROR,
            "facts": self.deed.carries is Carries.FACTS or asked.get("facts", False),
            "gate": self._gate(),
            "proof": asked["proof"],
        }

    def _gate(self) -> Content:
        who = self.cleaned_data.get("gate_who")
        return {"who": who, "within": self.cleaned_data["gate_within"]} if who else {}

    def _left_out(self) -> list[str]:
        """What makes no sense for this kind."""
        deed = self.deed
        if deed.kind not in DEEDS:
            return []
        out = [] if deed.undo else ["undo"]
        if deed.carries is Carries.MIRROR or deed.anew:
            out.append("once")
        if deed.carries is not Carries.NOTHING or deed.here:
            out.append("facts")
        if deed.here:
            out += ["gate_who", "gate_within", "optional"]
        return out


class Writing:
    """The whole of a contract as it is being written: the form, its condition, its outcomes."""

    def __init__(
        self, known: Known, *, is_new: bool, content: Content | None = None,
        data: Any = None, based_on: int = 0, revision: int = 0, note: str = "",
    ) -> None:  # fmt: skip
        self.known = known
        initial = {**(content or {}), "based_on": based_on, "revision": revision, "note": note}
        self.form = ContractForm(data, known=known, is_new=is_new, initial=initial)
        self.kept = (content or {}).get("condition") or {}
        self.condition = condition_forms.of(self.kept, conditions.FIELDS)
        if data is not None:
            self.condition = condition_forms.read(data, conditions.FIELDS)
            condition_forms.act(self.condition, data.get("act", ""))
            condition_forms.offered(self.condition, conditions.FIELDS)
        rows = (content or {}).get("outcomes", [])
        self.outcomes = self._typed(data) if data is not None else self._kept(rows)
        self.error = ""

    @property
    def is_valid(self) -> bool:
        valid = [self.form.is_valid(), *(outcome.is_valid() for outcome in self.outcomes)]
        return not condition_forms.fault(self.condition) and all(valid)

    @property
    def content(self) -> Content:
        asked = self.form.cleaned_data
        told = {name: asked[name] for name in terms.KEYS if name in asked}
        return {
            **told,
            "condition": condition_forms.as_kept(self.condition, self.kept, conditions.FIELDS),
            "outcomes": [outcome.content for outcome in self.outcomes],
        }

    def refuse(self, sentence: str, place: str | None) -> None:
        """Show what is wrong where it is: a place as in TermsError."""
        head, _, rest = (place or "").partition(".")
        if head == "condition":
            condition_forms.put_error(self.condition, rest, sentence)
        elif head == "outcomes" and rest:
            self._refuse_outcome(sentence, rest)
        elif head in self.form.fields:
            self.form.add_error(head, sentence)
        else:
            self.error = sentence

    def is_being_built(self, data: Any) -> bool:
        """Whether only rows or outcomes were asked for or dropped: nothing is saved then, and what
        is not typed yet is not wrong."""
        acts = ("act", "add-outcome", "drop-outcome", "raise-outcome")
        if not any(act in data for act in acts):
            return False
        for form in (self.form, *self.outcomes):
            _quieten(form)
        return True

    def _refuse_outcome(self, sentence: str, rest: str) -> None:
        number, _, name = rest.partition(".")
        form = self.outcomes[int(number)]
        name = {"gate": "gate_who", "gate.within": "gate_within"}.get(name, name)
        form.add_error(name if form.draws(name) else None, sentence)

    def _kept(self, rows: list[Content]) -> list[OutcomeForm]:
        return [
            OutcomeForm(
                deed=DEEDS[row["kind"]], known=self.known, prefix=f"o-{number}",
                initial=_initial(row),
            )
            for number, row in enumerate(rows)
        ]  # fmt: skip

    def _typed(self, data: Any) -> list[OutcomeForm]:
        numbers = [one for one in data.getlist("outcome") if one.isascii() and one.isdecimal()]
        numbers = list(dict.fromkeys(one[:4] for one in numbers))[:_PARTS]
        if (raised := data.get("raise-outcome")) in numbers[1:]:
            at = numbers.index(raised)
            numbers[at - 1], numbers[at] = numbers[at], numbers[at - 1]
        forms_ = [
            OutcomeForm(data, deed=_deed_of(data, number), known=self.known, prefix=f"o-{number}")
            for number in numbers
            if number != data.get("drop-outcome")
        ]
        if "add-outcome" in data and (deed := DEEDS.get(data.get("new-kind", ""))):
            forms_.append(self._blank(deed, numbers, data))
        return forms_

    def _blank(self, deed: Deed, numbers: list[str], data: Any) -> OutcomeForm:
        number = max((int(one) for one in numbers), default=-1) + 1
        trigger = data.get("trigger", "")
        initial = {"kind": deed.kind, "wanted": [trigger] if trigger else []}
        return OutcomeForm(deed=deed, known=self.known, prefix=f"o-{number}", initial=initial)


def kinds() -> list[tuple[str, str]]:
    """The kinds of outcome that can be added."""
    return [(deed.kind, deed.label) for deed in DEEDS.values()]


def _quieten(form: forms.Form) -> None:
    """The form with what was typed, as if nobody had sent it yet."""
    if form.is_bound:
        form.initial = {
            name: field.widget.value_from_datadict(form.data, form.files, form.add_prefix(name))
            for name, field in form.fields.items()
        }
        form.is_bound = False


def _deed_of(data: Any, number: str) -> Deed:
    """What was chosen; of a kind that is not there, with whatever was typed of any kind."""
    kind = data.get(f"o-{number}-kind", "")
    return DEEDS.get(kind) or Deed(kind, "An outcome of no known kind", "", _named(data, number))


def _named(data: Any, number: str) -> tuple[Parameter, ...]:
    every = {one.name: one for deed in DEEDS.values() for one in deed.parameters}
    return tuple(one for name, one in every.items() if f"o-{number}-{name}" in data)


def _kind() -> forms.ChoiceField:
    """Asked where what came is none: nothing of the outcome is lost before somebody says so."""
    sentence = "There is no kind of outcome “%(value)s”. Choose one, or take the outcome out."
    return forms.ChoiceField(
        label="Kind of outcome", choices=[("", "Choose a kind"), *kinds()],
        error_messages={"invalid_choice": sentence},
    )  # fmt: skip


def _initial(row: Content) -> dict[str, Any]:
    gate, params = row.get("gate", {}), dict(row.get("params", {}))
    if "due_within" in params:
        params["due_within"] = spans.words(params["due_within"])
    return {
        **row,
        **params,
        "undo": bool(row.get("undo")),
        "gate_who": gate.get("who", ""),
        "gate_within": spans.words(gate["within"]) if gate else "",
    }


def _field(about: Parameter) -> forms.Field:
    said: Mapping[str, Any] = {
        "label": about.label, "required": about.needed, "help_text": about.help,
    }  # fmt: skip
    if about.form is Form.SPAN:
        return SpanField(**said)
    if about.form is Form.CHOICE:
        return forms.ChoiceField(choices=[("", "Choose one"), *about.choices.items()], **said)
    if about.form is Form.TEXT:
        area = forms.Textarea(attrs={"rows": 2})
        return CleanText(max_length=terms.LONGEST_TEXT, widget=area, **said)
    return CleanText(max_length=terms.LONGEST_LINE, **said)


def _owners(known: Known) -> list[Any]:
    return [
        ("", "As usual: who is responsible for delivery"),
        ("Processes", _processes("process", known)),
        ("People", _people(known.people)),
    ]


def _gates(known: Known) -> list[Any]:
    roles = [(f"role:{role}", role.label) for role in gates.ROLES]
    return [
        ("", "Nobody: it goes out by itself"),
        (APPROVERS, "Anybody with the approver's right"),
        ("A role", roles),
        ("Whoever is accountable for", _processes("accountable", known)),
        ("A person", _people(known.approvers)),
    ]


def _processes(word: str, known: Known) -> list[tuple[str, str]]:
    return [(f"{word}:{name}", processes.known(name).label) for name in sorted(known.processes)]


def _people(emails: Collection[str]) -> list[tuple[str, str]]:
    people = User.objects.active().filter(email__in=list(emails)).order_by("name", "pk")
    return [(f"person:{user.email}", user.name) for user in people]
