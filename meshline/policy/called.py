"""What people call the connections: kept by the floor that has them, said by every floor.

A sentence or a table for people says the name; files, URLs, rules and causes keep the slug.
"""

from collections import Counter
from collections.abc import Iterable

from meshline.policy.models import ConnectionName


class Called(dict[str, str]):
    """Names by slug; whatever has none goes by its slug."""

    def __missing__(self, slug: str) -> str:
        return slug

    def choices(self, slugs: Iterable[str]) -> list[tuple[str, str]]:
        """For a form: the slug is sent, the name is read."""
        return sorted(((slug, self[slug]) for slug in slugs), key=lambda one: one[1].lower())


def names() -> Called:
    """Every connection's name; of those that share one, each with its slug behind it."""
    rows = dict(ConnectionName.objects.values_list("connection", "name"))
    times = Counter(rows.values())
    return Called(
        {slug: name if times[name] == 1 else f"{name} ({slug})" for slug, name in rows.items()}
    )


def of(slug: str) -> str:
    """What one connection is called."""
    return names()[slug]


def keep(*, slug: str, name: str) -> None:
    """From now on the connection is called so."""
    ConnectionName.objects.update_or_create(connection=slug, defaults={"name": name})
