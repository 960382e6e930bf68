"""A routing rule as a form: its name, its condition as rows, whom it gives to, its members."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import QueryDict

from meshline.people.models import Team, User
from meshline.people.permissions import Role
from meshline.policy.processes import PROCESSES
from meshline.web import condition_forms
from meshline.web.forms import LINE, SHORT, CleanText, reason_field
from proposals.routing import rulebook, rules, targets
from proposals.routing.rules import FIELDS, Rule, RuleError
from proposals.routing.targets import Pool

TARGETS = {
    "person": "A person",
    "pool": "A pool, in turn",
    "team": "A team: on call, else its lead, else who is there longest",
    "named": "The owner its source names",
    "queue": "The queue: somebody responsible chooses, with a ticket",
    "fallback": "The fallback owner",
}
_MEMBER = re.compile(r"member-(\d{1,3})-person")
_FROM_THE_LIST = {"invalid_choice": "Choose from the list.", "required": "Choose from the list."}
_WHOLE = re.compile(r"-?[0-9]{1,9}")


@dataclass
class MemberRow:
    """One member of a pool, as typed."""

    person: str = ""
    weight: str = "1"
    error: str = ""


class RuleForm(forms.Form):
    """What one rule says. Whether it can be, the rules themselves know."""

    name = CleanText(
        max_length=rules.LONGEST_NAME, label="Name", help_text="As people speak of it."
    )
    note = CleanText(
        max_length=LINE, required=False, label="Why it is there",
        help_text="Stands beside the rule and in its versions.",
    )  # fmt: skip
    to = forms.ChoiceField(
        label="Give it to", choices=list(TARGETS.items()), error_messages=_FROM_THE_LIST,
        # Another target has other fields.
        widget=forms.Select(
            attrs={"hx-post": "", "hx-trigger": "change", "hx-vals": '{"act": "look"}'}
        ),
    )  # fmt: skip
    person = forms.ChoiceField(required=False, error_messages=_FROM_THE_LIST)
    team = forms.ChoiceField(required=False, error_messages=_FROM_THE_LIST)
    process = forms.ChoiceField(
        required=False, label="Process", error_messages=_FROM_THE_LIST,
        help_text="Whoever is responsible for it gets the record and the ticket.",
    )  # fmt: skip
    most_open = CleanText(
        max_length=SHORT, required=False, label="Limit of open records for each",
        help_text="Whoever has so many open ones is passed over. Empty: no limit.",
    )  # fmt: skip

    def __init__(self, data: QueryDict | None = None, *, rule: Rule | None) -> None:
        super().__init__(data, initial=_initial(rule))
        self.rule = rule
        fields = FIELDS["proposal"]
        self.is_default = rule is not None and rule.is_default
        if data is not None:
            self.tree, self.members = condition_forms.read(data, fields), _members_in(data)
        else:
            when = rule.when if rule else None
            self.tree = (
                condition_forms.of(when.as_json(), fields)
                if when
                else condition_forms.blank(fields)
            )
            self.members = _members_of(rule)
        self.people = _people(rule)
        self._offer("person", self.people)
        self._offer("team", Team.objects.order_by("name").values_list("slug", "name"))
        self._offer("process", [(name, one.label) for name, one in PROCESSES.items()])
        asked = {"queue": "process"}.get(self.target, self.target)
        if asked in ("person", "team", "process"):
            self.fields[asked].required = True
            self.fields[asked].error_messages["required"] = f"Choose a {asked}."

    @property
    def target(self) -> str:
        """The kind of target that is chosen now."""
        asked = str(self["to"].value() or "")
        return asked if asked in TARGETS else "person"

    def act(self, asked: str) -> None:
        """Change the form itself: add or take away a row, a group or a member."""
        if asked == "member":
            self.members = [*self.members, MemberRow()][: targets.MOST_MEMBERS]
        elif asked.startswith("drop-member:"):
            number = asked.partition(":")[2]
            self.members = [
                one for place, one in enumerate(self.members, 1) if str(place) != number
            ]
        else:
            condition_forms.act(self.tree, asked)
        condition_forms.offered(self.tree, FIELDS["proposal"])

    def node(self, slug: str) -> dict[str, Any]:
        """The rule as JSON, as far as it was typed."""
        asked = self.cleaned_data
        said: dict[str, Any] = {"slug": slug, "name": asked["name"], "note": asked["note"]}
        if not self.is_default:
            kept = self.rule.when.as_json() if self.rule else {}
            said["when"] = condition_forms.as_kept(self.tree, kept, FIELDS["proposal"])
        said["then"] = self._then()
        return said

    def check(self, slug: str, number: int) -> bool:
        """Whether this rule could be, by itself; what is wrong stands where it is."""
        if not self.is_default and (said := condition_forms.fault(self.tree)):
            self.add_error(None, said)
            return False
        if not self.is_default and not self.tree.parts:
            self.add_error(None, "Only the default has no condition; add a clause.")
            return False
        try:
            node = self.node(slug)
            rules.read_rule(node, FIELDS["proposal"], number)
            rules.check_condition(node.get("when"), number, known=rulebook.known())
        except RuleError as error:
            self.refuse(error.part, str(error))
            return False
        return True

    def refuse(self, part: str, sentence: str) -> None:
        """Put a refusal at the field, the row or the member it is about."""
        first, _, rest = part.partition(".")
        if first == "when":
            condition_forms.put_error(self.tree, rest, sentence)
            self.add_error(None, f"In the condition: {sentence}")
        elif first == "then" and rest.startswith("members."):
            self._refuse_member(rest, sentence)
        else:
            name = rest if first == "then" else first
            self.add_error(name if name in self.fields else None, sentence)

    def _refuse_member(self, rest: str, sentence: str) -> None:
        number = rest.split(".")[1]
        place = int(number) if number.isdigit() else 0
        if 0 < place <= len(self.members):
            self.members[place - 1].error = sentence
        self.add_error(None, f"In the pool: {sentence}")

    def _then(self) -> dict[str, Any]:
        kind, asked = self.cleaned_data["to"], self.cleaned_data
        if kind == "pool":
            members = [{"person": o.person, "weight": _number(o.weight)} for o in self.members]
            limit = _number(asked["most_open"]) if asked["most_open"] else None
            said = {"to": "pool", "members": members}
            return said if limit is None else {**said, "most_open": limit}
        part = {"person": "person", "team": "team", "queue": "process"}.get(kind)
        return {"to": kind, part: asked[part]} if part else {"to": kind}

    def _offer(self, name: str, choices: Any) -> None:
        self.fields[name].choices = [("", "Choose one"), *choices]  # type: ignore[attr-defined]


def _initial(rule: Rule | None) -> dict[str, Any]:
    if rule is None:
        return {"to": "person"}
    then = rule.then.as_json()
    named: dict[str, Any] = {
        name: then[name] for name in ("to", "person", "team", "process") if name in then
    }
    limit = rule.then.most_open if isinstance(rule.then, Pool) else None
    return {"name": rule.name, "note": rule.note, "most_open": limit or "", **named}


def _members_of(rule: Rule | None) -> list[MemberRow]:
    if rule is None or not isinstance(rule.then, Pool):
        return [MemberRow()]
    return [MemberRow(member.person, str(member.weight)) for member in rule.then.members]


def _members_in(data: Mapping[str, Any]) -> list[MemberRow]:
    """Rows in the order of their numbers; an empty one says nobody."""
    numbers = sorted({int(found.group(1)) for name in data if (found := _MEMBER.fullmatch(name))})
    rows = [
        MemberRow(
            str(data.get(f"member-{n}-person", ""))[:254].lower(),
            str(data.get(f"member-{n}-weight", "")).strip()[:20],
        )
        for n in numbers[: targets.MOST_MEMBERS + 1]
    ]
    return rows or [MemberRow()]


def _number(text: str) -> Any:
    """A whole number where it is one; anything else as it was typed, to be refused."""
    return int(text) if _WHOLE.fullmatch(text) else text


def _people(rule: Rule | None) -> list[tuple[str, str]]:
    """Who can be given work; whoever the rule names already stays on offer."""
    here = User.objects.filter(email__in=rule.then.people if rule else ())
    active = User.objects.active().exclude(role=Role.VIEWER)
    return [
        (one.email.lower(), one.name if one.is_active else f"{one.name} (not active)")
        for one in (active | here).order_by("name", "pk")
    ]


class RestoreForm(forms.Form):
    """Why an older version comes back; `seen` is the one that was in force then."""

    seen = forms.IntegerField(min_value=0, max_value=2**31 - 1, widget=forms.HiddenInput)
    reason = reason_field()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].error_messages["required"] = rulebook.SAY_WHY


class PublishForm(forms.Form):
    """A word on why, for those who read the versions later."""

    note = CleanText(
        max_length=LINE, required=False, label="What changes, and why",
        help_text="Stands with the version.",
    )  # fmt: skip
