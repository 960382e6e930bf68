"""What is asked of many tickets at once: which, what for, and with what words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.forms import Form
from django.http import QueryDict

from exceptions import bulk, metrics
from exceptions.bulk_acts import ACTS, Act
from exceptions.filters import Asked
from exceptions.forms import FORMS
from exceptions.models import BulkJob
from meshline.people.models import User
from meshline.people.permissions import refusal_for

_LARGEST = 2**63 - 1


@dataclass
class Offer:
    """One act as the bar offers it: with the form that was filled in, or with why not."""

    act: Act
    form: Form | None
    refusal: str

    @property
    def asks(self) -> bool:
        """Whether it asks for something: its form comes when somebody opens it."""
        return self.act.name in FORMS

    @property
    def is_bad(self) -> bool:
        return self.form is not None and bool(self.form.errors)


@dataclass
class Bar:
    """The bar over the queue: what may be done with the selected rows, or with all that match."""

    user: User
    asked: Asked
    # How many tickets the tab tells of, and the newest ticket there is: nothing beyond is touched.
    counted: int
    newest: int
    given: Form | None = None
    selected: frozenset[str] = frozenset()
    takes_all: bool = False
    fault: str = ""
    # What was just done, for the part that tells it.
    job: BulkJob | None = None

    @cached_property
    def offers(self) -> list[Offer]:
        given = self.given.prefix if self.given is not None else None
        return [
            Offer(act, self.given if act.name == given else None,
                  refusal_for(self.user, act.permission))
            for act in ACTS.values()
        ]  # fmt: skip

    @cached_property
    def running(self) -> list[BulkJob]:
        """One's own that are not over."""
        return list(BulkJob.objects.not_over().filter(by=self.user).order_by("pk")[:3])

    @cached_property
    def shown(self) -> int:
        """How many tickets the filter shows, as far as one act can take: held against what it holds
        when all of them are asked for."""
        if self.counted <= metrics.CAP or not self.is_offered:
            return self.counted
        return metrics.up_to(bulk.MOST, self.asked.rows.filter(pk__lte=self.newest))

    @property
    def shown_words(self) -> str:
        return metrics.told(self.shown, most=bulk.MOST)

    @property
    def is_offered(self) -> bool:
        """There is something to select, and something that may be done with it."""
        is_open = self.counted > 0 and self.asked.tab not in metrics.ENDLESS
        return is_open and not all(offer.refusal for offer in self.offers)


def form_of(act: str, data: Mapping[str, Any] | None = None) -> Form | None:
    """What an act asks for, if anything; what one ticket took in minutes is not every one's."""
    if act not in FORMS:
        return None
    form = FORMS[act](data, prefix=act, use_required_attribute=False)
    form.fields.pop("minutes", None)
    return form


@dataclass(frozen=True)
class Selection:
    """Which tickets a posted bar means. Raises ValueError on what is no number."""

    seen: Mapping[int, str] = field(default_factory=dict)
    takes_all: bool = False
    words: str = ""
    shown: int = 0
    newest: int = 0

    @classmethod
    def of(cls, posted: QueryDict) -> "Selection":
        said = [one.replace("\0", "") for one in posted.getlist("seen")]
        stood = dict(one.split(":", 1) for one in said if ":" in one)
        chosen = [_number(word) for word in posted.getlist("ticket")]
        return cls(
            seen={number: stood.get(str(number), "")[:120] for number in chosen},
            takes_all=posted.get("all") == "1",
            words=posted.get("words", "").replace("\0", ""),
            shown=_number(posted.get("shown", "0")),
            newest=_number(posted.get("newest", "0")),
        )

    def job(
        self, asked: Asked, *, act: str, given: Mapping[str, Any], by: User, at: Any
    ) -> BulkJob:
        """Ask for it, of the rows selected or of all that the filter showed."""
        what = {"act": act, "given": given, "by": by, "at": at}
        if not self.takes_all:
            return bulk.of_rows(self.seen, **what)
        words = asked.query()
        return bulk.of_filter(asked.rows, words=words, shown=self.shown, newest=self.newest, **what)


def _number(word: str) -> int:
    if not (word.isascii() and word.isdigit() and len(word) < 19):
        raise ValueError("That is no ticket's number; nothing was done.")
    return min(int(word), _LARGEST)
