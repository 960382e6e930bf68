"""What follows from rows of the ground floor, pulled: drafts that wait for somebody's review.

Looking again tells nobody twice: each notice has its key.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.urls import NoReverseMatch, reverse

from meshline.notices import kinds, notices
from meshline.notices.notices import News
from meshline.people.models import User
from meshline.people.permissions import TABLE, Permission, Role
from meshline.policy.models import Draft

# What was asked longer ago was told then, or is news no more.
RECENTLY = timedelta(days=1)
# Pages of rooms above on which a kind of draft is read; with its slug, where it takes one.
_PAGES = {"contract": "proposals:contract", "routing-rules": "proposals:routing-draft"}
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
    """The drafts this person may publish or sign: submitted, and by somebody else."""
    if not _may_review(user):
        return []
    asked = Draft.objects.filter(submitted_at__isnull=False).exclude(changed_by=user)
    return list(asked.select_related("submitted_by").order_by("submitted_at", "pk"))


def page_of(draft: Draft) -> str:
    """Where a draft is read; the operating model's page where its room has none."""
    name = _PAGES.get(draft.kind, "operating-model")
    for args in ([draft.slug], []):
        try:
            return reverse(name, args=args)
        except NoReverseMatch:
            continue
    return reverse("operating-model")


def name_of(draft: Draft) -> str:
    """As people call it: "Contract signed"."""
    return f"{draft.kind.replace('-', ' ').capitalize()} {draft.slug}"


def _reviews(at: datetime) -> Iterable[News]:
    asked = Draft.objects.filter(submitted_at__lte=at, submitted_at__gt=at - RECENTLY)
    drafts = list(asked.exclude(kind__in=_ASKED_BY_THEIR_ROOM).select_related("submitted_by"))
    people = list(User.objects.active()) if drafts else []
    for draft in drafts:
        author = draft.submitted_by.name if draft.submitted_by else "Somebody"
        for user in people:
            if _may_review(user) and user.pk != draft.changed_by_id:
                yield News(
                    user, f"{author} asks for a review: {name_of(draft)}.",
                    key=f"draft:{draft.pk}:{draft.revision}:submitted", url=page_of(draft),
                    kind=kinds.REVIEW, record=f"draft:{draft.pk}", record_title=name_of(draft),
                )  # fmt: skip


def _may_review(user: User) -> bool:
    return user.approves_model or user.role in TABLE[Permission.CHANGE_OPERATING_MODEL]


def _working_by_the_model() -> list[User]:
    people = User.objects.active()
    return list(
        people.filter(role__in=[Role.OPERATOR, Role.MANAGER, Role.SDR_MANAGER])
        | people.filter(approves_model=True)
    )
