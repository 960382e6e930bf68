"""Mentions: "@Rosa Marin" or "@rosa@example.com" in a note tells that person of it."""

import re
from collections.abc import Iterable, Iterator

from django.urls import reverse

from exceptions.lots import Lot
from exceptions.models import Ticket, TicketNote
from meshline.notices import kinds, notices
from meshline.people.models import User

# An @ at the start of a word; the one within an e-mail address is none.
_MARK = re.compile(r"(?<![\w.+\-@])@(?=[^\s@])")
_ADDRESS = re.compile(r"[^\s@,;:!?()<>\"]+@[^\s@,;:!?()<>\"]+")
_WORD = re.compile(r"[^\s@,;:!?()<>\"]+")


def people_in(text: str) -> list[User]:
    """Whom a text mentions, each once. Raises ValueError, naming the word, where it is nobody."""
    marks = [match.end() for match in _MARK.finditer(text)]
    if not marks:
        return []
    everybody = list(User.objects.active().order_by("name", "pk"))
    found = [_person(text[mark:], everybody) for mark in marks]
    return list({user.pk: user for user in found}.values())


def of(text: str, ticket: Ticket) -> list[User]:
    """Whom a text on this ticket mentions; ValueError also where they may not see it."""
    people = people_in(text)
    for user in people:
        if not Ticket.objects.visible_to(user).filter(pk=ticket.pk).exists():
            raise ValueError(f"{user.name} may not see this ticket, so they cannot be mentioned.")
    return people


def tell(note: TicketNote, people: Iterable[User], *, lot: Lot | None = None) -> None:
    """Tell them, but not who wrote it; of many tickets at once, once."""
    others = [user for user in people if user.pk != note.by_id]
    words = f"{note.by.name} mentions you"
    if lot:
        lot.tell(others, words, kind=kinds.MENTION, at=note.at)
        return
    ticket = note.ticket
    notices.tell_each(
        others, f"{words}: {ticket.title}", key=f"note:{note.pk}:mention",
        url=f"{reverse('exceptions:ticket', args=[ticket.pk])}#note-{note.pk}",
        kind=kinds.MENTION, record=ticket.record or f"ticket:{ticket.pk}",
        record_title=ticket.record_title or ticket.title, at=note.at,
    )  # fmt: skip


def _person(rest: str, everybody: list[User]) -> User:
    """Who is meant by the text after an @: an address, a whole name, or a first name of one."""
    if address := _ADDRESS.match(rest):
        word = address[0].rstrip(".'")
        meant = [user for user in everybody if user.email.casefold() == word.casefold()]
    else:
        word = (_WORD.match(rest) or rest.split())[0].rstrip(".'")[:60]
        meant = list(_named(rest, everybody)) or [
            user for user in everybody if user.get_short_name().casefold() == word.casefold()
        ]
    if len(meant) == 1:
        return meant[0]
    if meant:
        names = " or ".join(user.name for user in meant)
        raise ValueError(f"@{word} may be {names}: write the whole name, or their e-mail address.")
    raise ValueError(
        f"@{word} is nobody here. Write a name or an e-mail address after the @, or a blank."
    )


def _named(rest: str, everybody: list[User]) -> Iterator[User]:
    """Whose whole name the text begins with; of two such, the longer one's."""
    fits = [user for user in everybody if _begins_with(rest, user.name)]
    longest = max((len(user.name) for user in fits), default=0)
    return (user for user in fits if len(user.name) == longest)


def _begins_with(rest: str, name: str) -> bool:
    after = rest[len(name) : len(name) + 1]
    return rest[: len(name)].casefold() == name.casefold() and not after.isalnum()
