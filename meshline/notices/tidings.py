"""What follows from rows of the ground floor, pulled: drafts that wait for somebody's review.

Looking again tells nobody twice: each notice has its key.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.urls import reverse

from meshline.notices import kinds, notices
from meshline.notices.notices import News
from meshline.people.models import User
from meshline.people.permissions import TABLE, Permission, Role
from meshline.policy import drafts
from meshline.policy.models import Draft

# What was asked longer ago was told then, or is news no more.
RECENTLY = timedelta(days=1)
# Pages of rooms above on which a kind of draft is read, with what stands before its slug there;
# None where they take none.
_PAGES: dict[str, tuple[str, list[str] | None]] = {
    "contract": ("proposals:contract", []),
    "mapping": ("connectors:publish-mapping", []),
    "routing-rules": ("proposals:routing-draft", None),
    "truth": ("connectors:truth", ["proposal"]),
}
# Their own room knows whose signature it takes, and asks for it.
_ASKED_BY_THEIR_ROOM = ["contract"]


def tell(*, at: datetime) -> None:
    """Tell what has become so since the last look."""
    if news := list(_reviews(at)):
        notices.tell_all(news, at=at)


def published(
    what: str, *, key: str, url: str, by_label: str, at: datetime, by: User | None = None
) -> None:
    """Tell who works by the model that something of it was published: `what`, as "Rule X v3"."""
    people = [one for one in _working_by_the_model() if by is None or one.pk != by.pk]
    notices.tell_each(
        people, f"{what} was published by {by_label}.", key=key, url=url,
        kind=kinds.PUBLISHED, at=at,
    )  # fmt: skip


def waiting_for(user: User) -> list[Draft]:
    """The drafts that wait for this person to publish them, but for those whose own room knows."""
    found = drafts.waiting_for(user).exclude(kind__in=_ASKED_BY_THEIR_ROOM)
    return [draft for draft in found if _may_review(user, draft)]


def page_of(draft: Draft) -> str:
    """Where a draft is read; the operating model's page where its room has none."""
    name, before = _PAGES.get(draft.kind, ("operating-model", None))
    return reverse(name, args=None if before is None else [*before, draft.slug])


def name_of(draft: Draft) -> str:
    """As people call it: "Contract “A proposal is signed”"."""
    what = draft.kind.replace("-", " ").capitalize()
    if draft.kind == "routing-rules":
        return what
    if draft.kind == "contract":
        return f"{what} “{draft.content.get('name', draft.slug)}”"
    if draft.kind == "truth":
        return f"Source of truth of {draft.slug.replace('_', ' ')}"
    return f"{what} {draft.slug}"


def _reviews(at: datetime) -> Iterable[News]:
    asked = Draft.objects.filter(submitted_at__lte=at, submitted_at__gt=at - RECENTLY)
    found = list(asked.exclude(kind__in=_ASKED_BY_THEIR_ROOM).select_related("submitted_by"))
    people = list(User.objects.active()) if found else []
    for draft in found:
        author = draft.submitted_by.name if draft.submitted_by else "Somebody"
        for user in people:
            if user.pk != draft.changed_by_id and _may_review(user, draft):
                yield News(
                    user, f"{author} asks for a review: {name_of(draft)}.",
                    key=f"draft:{draft.pk}:{draft.revision}:submitted", url=page_of(draft),
                    kind=kinds.REVIEW, record=f"draft:{draft.pk}", record_title=name_of(draft),
                )  # fmt: skip


def _may_review(user: User, draft: Draft) -> bool:
    """The approver's right is for what takes a second person, who wrote nothing of it."""
    if draft.takes_two:
        return not drafts.refusal_for_second(draft, user)
    return user.role in TABLE[Permission.CHANGE_OPERATING_MODEL]


def _working_by_the_model() -> list[User]:
    people = User.objects.active()
    return list(
        people.filter(role__in=[Role.OPERATOR, Role.MANAGER, Role.SDR_MANAGER])
        | people.filter(approves_model=True)
    )
