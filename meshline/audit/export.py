"""Trail lines as the rows of a file: what the page shows this person, to the microsecond."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from meshline import masking
from meshline.audit import personal, timeline
from meshline.audit.models import TrailLine
from meshline.audit.personal import PersonKey

COLUMNS = (
    "position", "at", "actor kind", "actor id", "actor", "what", "subject", "record", "before",
    "after", "why", "cause", "hash",
)  # fmt: skip


def rows(chunks: Iterable[list[TrailLine]], *, masked: bool) -> Iterator[list[Any]]:
    """Each line's cells. The keys of personal values are fetched once for each chunk."""
    for lines in chunks:
        keys = personal.keys_for(side for line in lines for side in (line.before, line.after))
        for line in lines:
            yield _cells(line, keys, masked)


def _cells(line: TrailLine, keys: dict[str, PersonKey], masked: bool) -> list[Any]:
    link = getattr(line, "link", None)
    return [
        link.position if link else None,
        line.at,
        line.actor_kind,
        line.actor_id,
        line.actor_label,
        line.what,
        f"{line.subject_kind}:{line.subject_id}",
        line.record,
        _changes(timeline.shown(line.before, keys, masked=masked)),
        _changes(timeline.shown(line.after, keys, masked=masked)),
        masking.words(line.why) if masked else line.why,
        line.cause,
        bytes(link.hash).hex() if link else None,
    ]


def _changes(changes: dict[str, Any]) -> str:
    return json.dumps(changes, ensure_ascii=False) if changes else ""
