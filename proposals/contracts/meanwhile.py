"""Who was faster: what became of a contract or of its draft since somebody looked at it."""

from typing import Any

from django.db.models import Q

from meshline.audit.models import TrailLine
from meshline.policy import drafts
from meshline.policy.models import Draft
from meshline.policy.operating_model import Stale
from proposals.contracts import differences, terms, versions
from proposals.contracts.differences import Words
from proposals.contracts.publishing import KIND, RETIRE
from proposals.contracts.terms import Terms
from proposals.models import Contract

_DID = {
    "published": "published version {version}",
    "retired": "retired it, as version {version}",
    "discarded": "threw the draft away",
    "drafted": "changed the draft",
    "submitted": "asked for approval of the draft",
    "sent-back": "sent the draft back",
}


def told(slug: str, error: Stale) -> dict[str, Any]:
    """Their trail line, what they did in words, and from what was seen to what is so now."""
    head, draft = Contract.objects.head(slug), drafts.of(KIND, slug)
    line = _line(slug, error, head, draft)
    did = _DID.get(line.what.removeprefix(f"{KIND}."), "changed it") if line else ""
    return {
        "line": line,
        "did": did.format(version=head.version if head else 0),
        "change": _change(slug, error, head, draft, line),
    }


def _line(slug: str, error: Stale, head: Contract | None, draft: Draft | None) -> TrailLine | None:
    about = Q(subject_kind=KIND, subject_id=str(head.pk if head else 0))
    if draft and "version" not in error.seen:
        about = Q(subject_kind="draft", subject_id=str(draft.pk))
    elif draft is None:
        about |= Q(what=f"{KIND}.discarded", before__slug=slug)
    return TrailLine.objects.filter(about).newest_first().first()


def _change(
    slug: str, error: Stale, head: Contract | None, draft: Draft | None, line: TrailLine | None
) -> dict[str, Words]:
    """Of the version in force, where that moved or took the draft's place; else of the draft."""
    if "version" in error.seen:
        seen, now = error.seen["version"], error.now["version"]
        return differences.between(_version(slug, seen), _version(slug, now))
    if draft is None and head and line and line.what != f"{KIND}.discarded":
        return differences.between(_version(slug, head.version - 1), _said(head))
    drafted = _drafted(slug, draft, error.seen.get("revision", 0))
    return differences.between(
        drafted or _said(head), _read(draft.content) if draft else _said(head)
    )


def _drafted(slug: str, draft: Draft | None, revision: int) -> Terms | None:
    """What the draft said at that revision: each save is a line on the trail."""
    lines = TrailLine.objects.filter(what=f"{KIND}.drafted", after__slug=slug)
    newest = lines.newest_first().first()
    pk = str(draft.pk) if draft else (newest.subject_id if newest else "")
    saves = lines.filter(subject_kind="draft", subject_id=pk).order_by("pk")
    line = saves[revision - 1 : revision].first() if revision else None
    return _read(line.after.get("content")) if line else None


def _read(content: Any) -> Terms | None:
    return terms.kept(content) if isinstance(content, dict) and content != RETIRE else None


def _version(slug: str, version: int) -> Terms | None:
    return _said(Contract.objects.filter(slug=slug, version=version).first())


def _said(row: Contract | None) -> Terms | None:
    return versions.terms_of(row) if row and not row.is_retired else None
