"""A mapping as a form: a row for each word of theirs, a path for each of our fields."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django import forms

from connectors import mapping
from connectors.base import Emitter
from connectors.mapping import MOST_WORDS, NOTHING, Mapped, MappingError
from meshline.web.forms import LINE, CleanText, reason_field
from proposals.states import State

LONGEST_PAYLOAD = 1024 * 1024
SAYS = [*State.choices(), (NOTHING, "Nothing: it is kept, only its fields are told")]
_WORD = re.compile(r"word-([0-9]{1,5})-theirs")
_FIELD = re.compile(r"field-(.{1,60})")
# What was typed is shown again as far as that.
_SHOWN = 12_000


@dataclass
class WordRow:
    """One word, as typed."""

    theirs: str = ""
    says: str = ""
    error: str = ""


@dataclass
class FieldRow:
    """One field, as typed; without a path its own place counts."""

    name: str
    label: str
    own: str = ""
    path: str = ""
    error: str = ""


class MappingForm:
    """What a mapping says, row by row. Whether it can be, connectors/mapping.py knows."""

    def __init__(
        self, emitter: Emitter, *, mapped: Mapped, data: Mapping[str, str] | None = None
    ) -> None:
        self.errors: list[str] = []
        self.says = SAYS
        if data is None:
            said = mapped.as_json()
            self.words = [WordRow(*one) for one in sorted(said["words"].items())]
            self.fields = _fields(emitter, said["fields"])
        else:
            self.words, self.fields = _words_in(data), _fields(emitter, _paths_in(data))
        self.words = self.words or [WordRow()]

    def act(self, asked: str) -> None:
        """Change the form itself: a row more, or one less."""
        if asked == "word" and len(self.words) < MOST_WORDS:
            self.words.append(WordRow())
        elif asked.startswith("drop-word:"):
            number = asked.partition(":")[2]
            self.words = [o for n, o in enumerate(self.words, 1) if str(n) != number]
            self.words = self.words or [WordRow()]

    def read(self) -> Mapped | None:
        """What it says; None where that cannot be, and then it stands at its row."""
        try:
            return mapping.of_rows(
                [(row.theirs, row.says) for row in self._words],
                [(row.name, row.path) for row in self._fields],
            )
        except MappingError as error:
            self.refuse(str(error), error.part, error.row)
            return None

    def refuse(self, sentence: str, part: str, row: int) -> None:
        """Put a refusal at the row it is about."""
        rows: list[WordRow | FieldRow] = [*(self._words if part == "words" else self._fields)]
        if part and 0 < row <= len(rows):
            rows[row - 1].error = sentence
        self.errors.append(f"{_where(part, rows, row)}{sentence}")

    @property
    def _words(self) -> list[WordRow]:
        """The rows that say something."""
        return [row for row in self.words if row.theirs]

    @property
    def _fields(self) -> list[FieldRow]:
        return [row for row in self.fields if row.path]


def _where(part: str, rows: list[WordRow | FieldRow], row: int) -> str:
    if part and 0 < row <= len(rows):
        one = rows[row - 1]
        return f"{one.theirs[:40] if isinstance(one, WordRow) else one.label}: "
    return ""


def _words_in(data: Mapping[str, str]) -> list[WordRow]:
    """Rows in the order of their numbers; one more than there may be is kept to be refused."""
    numbers = sorted({int(found.group(1)) for name in data if (found := _WORD.fullmatch(name))})
    return [
        WordRow(
            str(data.get(f"word-{n}-theirs", "")).strip()[:_SHOWN],
            str(data.get(f"word-{n}-says", ""))[:60],
        )
        for n in numbers[: MOST_WORDS + 1]
    ]


def _paths_in(data: Mapping[str, str]) -> dict[str, str]:
    found = ((match.group(1), name) for name in data if (match := _FIELD.fullmatch(name)))
    return {field: str(data[name]).strip()[:_SHOWN] for field, name in found}


def _fields(emitter: Emitter, paths: Mapping[str, str]) -> list[FieldRow]:
    """A row for each field there is, and for what else was typed, which is refused."""
    names: Iterable[str] = [*emitter.fields, *(set(paths) - set(emitter.fields))]
    return [
        FieldRow(n, mapping.label(n), emitter.fields.get(n, ""), paths.get(n, ""))
        for n in names
        if n in emitter.fields or paths[n]
    ]


class PayloadForm(forms.Form):
    """A payload as the connection's system would send it."""

    payload = CleanText(
        max_length=LONGEST_PAYLOAD, widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
        help_text="JSON, as it is posted. It is read by both mappings; nothing is kept.",
    )  # fmt: skip


class PublishForm(forms.Form):
    """A word on why, for those who read the versions later."""

    note = CleanText(
        max_length=LINE, required=False, label="What changes, and why",
        help_text="Stands with the version.",
    )  # fmt: skip


class RestoreForm(forms.Form):
    """Why an older version comes back; `seen` is the one that was in force then."""

    seen = forms.IntegerField(min_value=0, max_value=2**31 - 1, widget=forms.HiddenInput)
    reason = reason_field()
