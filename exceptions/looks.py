"""Saving a view of the queue, and how a person likes it: matters of taste, not of record."""

from django.db import transaction

from exceptions import columns
from exceptions.models import QueueLook, SavedView
from exceptions.models.saved_view import WORDS_LENGTH
from meshline.people.models import User

MOST = 20


class ViewError(ValueError):
    """A no, as a sentence for whoever asked."""


def look_of(user: User) -> QueueLook:
    """How this person likes the queue; as everybody has it, until they choose."""
    chosen = QueueLook.objects.select_related("begins_with").filter(user=user).first()
    return chosen or QueueLook(user=user, columns=columns.DEFAULT)


def choose(*, by: User, shown: list[str], is_table: bool) -> None:
    """These columns, and a list beside its ticket or a table alone."""
    values = {"columns": columns.known(shown), "is_table": is_table}
    QueueLook.objects.update_or_create(user=by, defaults=values)


@transaction.atomic
def save(*, by: User, name: str, words: str, is_shared: bool, begins: bool) -> SavedView:
    """Keep what is asked for under a name; an own view of that name becomes this one."""
    # In a URL some letters are several: what was typed may have been shorter.
    if len(words) > WORDS_LENGTH:
        raise ViewError("This filter is too long to be kept.")
    User.objects.select_for_update().get(pk=by.pk)
    others = by.saved_views.exclude(name=name)
    if others.count() >= MOST:
        raise ViewError(f"You have {MOST} views already: remove one first.")
    view, _ = SavedView.objects.update_or_create(
        owner=by, name=name, defaults={"words": words, "is_shared": is_shared}
    )
    if begins:
        begin_with(view, by=by)
    return view


def begin_with(view: SavedView | None, *, by: User) -> None:
    """The queue opens with this view; without one, with what is theirs and unclaimed."""
    QueueLook.objects.update_or_create(
        user=by, defaults={"begins_with": view}, create_defaults=_first_look(view)
    )


def share(view: SavedView, *, is_shared: bool) -> None:
    """Offer it to everybody, or no longer; who began with it begins as before."""
    SavedView.objects.filter(pk=view.pk).update(is_shared=is_shared)
    if not is_shared:
        others = QueueLook.objects.filter(begins_with=view).exclude(user=view.owner)
        others.update(begins_with=None)


def remove(view: SavedView) -> None:
    view.delete()


def _first_look(view: SavedView | None) -> dict[str, object]:
    return {"columns": columns.DEFAULT, "begins_with": view}
