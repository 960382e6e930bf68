"""Contracts are drafted, published, taken back and retired here; a version never changes again.

What is under way goes on under the version it began with (Signal.under). A contract that writes to
billing or is about a proposal's end takes a second person, whatever becomes of it.
"""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.urls import reverse

from meshline.audit import trail
from meshline.audit.actors import Someone
from meshline.notices import notices
from meshline.notices.notices import News
from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import Permission, Role
from meshline.policy import called, drafts
from meshline.policy.drafts import SecondPerson
from meshline.policy.models import Company, Draft, RaciAssignment
from meshline.policy.operating_model import ModelError, Stale
from meshline.policy.processes import PROCESSES
from proposals.contracts import differences, gates, terms, versions
from proposals.contracts.gates import Known
from proposals.contracts.terms import SLUG, Content, Terms, TermsError
from proposals.models import Contract

KIND = "contract"
# A draft whose publication retires the contract says this alone.
RETIRE: Content = {"retire": True}
LONGEST_SLUG = 60
# Pages that stand beside the contracts' own.
RESERVED = {"new"}


# --- Drafts -------------------------------------------------------------------------------------
@transaction.atomic
def save(
    *, slug: str, content: Any, note: str = "", based_on: int, revision: int, by: User,
    at: datetime,
) -> Draft:  # fmt: skip
    """Keep a draft, checked as if it were published now. Raises ModelError with the place, Stale.

    `based_on` is the version that was seen in force, 0 for none.
    """
    permissions.check(by, Permission.DRAFT_OPERATING_MODEL)
    _one_at_a_time()
    _check_slug(slug)
    agreed = check(slug, content)
    _refuse_stale(slug, based_on)
    return drafts.save(
        kind=KIND, slug=slug, content=agreed.content, note=note, based_on=based_on,
        revision=revision, by=by, at=at,
    )  # fmt: skip


@transaction.atomic
def submit(*, slug: str, revision: int, by: User, at: datetime) -> Draft:
    """Ask somebody else to publish it; everybody who may is told. Raises Stale, and ModelError
    where that takes a second person and there is none."""
    kept = drafts.of(KIND, slug)
    second = kept is not None and bool(why_second(slug, kept.content))
    draft = drafts.submit(kind=KIND, slug=slug, revision=revision, takes_two=second, by=by, at=at)
    text = f"{by.name} asks you to approve a change of the contract “{name_of(slug)}”."
    url = reverse("proposals:contract", args=[slug])
    key = f"contract-draft:{draft.pk}:{draft.revision}"
    asked = [News(user, text, f"{key}:{user.pk}", url) for user in _asked(draft)]
    notices.tell_all(asked, at=at)
    return draft


@transaction.atomic
def send_back(*, slug: str, revision: int, reason: str, by: User, at: datetime) -> Draft:
    """Not like this: the draft stays, its author hears why. Raises Stale, NotAllowed."""
    draft = drafts.send_back(kind=KIND, slug=slug, revision=revision, why=reason, by=by, at=at)
    notices.tell(
        draft.changed_by, f"{by.name} sent the contract “{name_of(slug)}” back: {_reason(reason)}",
        key=f"contract-back:{draft.pk}:{draft.revision}", at=at,
        url=reverse("proposals:contract", args=[slug]),
    )  # fmt: skip
    return draft


def name_of(slug: str) -> str:
    """What a contract is called: by its newest version, else by its draft."""
    if head := Contract.objects.head(slug):
        return head.name
    draft = drafts.of(KIND, slug)
    return draft.content.get("name", slug) if draft else slug


def check_standing(slug: str) -> None:
    """Look at a contract in force beside the others. Raises ModelError."""
    if live := Contract.objects.live().filter(slug=slug).first():
        check(slug, versions.terms_of(live).content)


def check(slug: str, content: Any, *, together: bool = True) -> Terms:
    """The terms that this content says, beside the other contracts. Raises ModelError."""
    try:
        agreed = terms.read(content, known())
        others = {one.slug: versions.terms_of(one) for one in Contract.objects.live()}
        if together:
            terms.check_together(slug, agreed, others)
    except TermsError as error:
        raise ModelError(str(error), error.place) from None
    return agreed


def known() -> Known:
    """Whom and what a contract may name."""
    active = list(User.objects.active().values_list("email", "role", "approves_model"))
    held = RaciAssignment.objects.values_list("process", flat=True)
    return Known(
        processes={*PROCESSES, *held},
        people={email for email, role, _ in active if role != Role.VIEWER},
        approvers={
            email for email, role, signs in active
            if role in gates.ROLES or (signs and role == Role.VIEWER)
        },
        has_signers=any(signs for _, _, signs in active),
        roles={role for _, role, _ in active},
        sources=set(called.names()),
    )  # fmt: skip


# --- Publishing ---------------------------------------------------------------------------------
@transaction.atomic
def publish(*, slug: str, revision: int, by: User, at: datetime) -> Contract:
    """Put a draft in force. Raises Stale, SecondPerson, ModelError, NotAllowed."""
    _one_at_a_time()
    head, draft = Contract.objects.head(slug), drafts.of(KIND, slug)
    second = draft is not None and bool(why_second(slug, draft.content))
    taken = drafts.take(
        kind=KIND, slug=slug, revision=revision, in_force=head.version if head else 0,
        second=second, by=by, at=at,
    )  # fmt: skip
    author = taken.changed_by.actor_label if taken.changed_by_id != by.pk else ""
    if taken.content == RETIRE:
        return _retired(_live(slug), author, taken.note, by, at)
    agreed = check(slug, taken.content)
    return _published(slug, agreed, author=author, why=taken.note, by=by, at=at)


@transaction.atomic
def put_in_force(
    *, slug: str, content: Any, why: str = "", together: bool = True, by: Someone, at: datetime
) -> Contract:
    """Publish without a draft: from a file, or at the beginning. What says the same stays.

    Of several that change at once each is put in force first, and then all are looked at together
    (`check_standing`). Raises SecondPerson where that takes another one, ModelError, NotAllowed.
    """
    permissions.check(by, Permission.CHANGE_OPERATING_MODEL)
    _one_at_a_time()
    _check_slug(slug)
    agreed = check(slug, content, together=together)
    live = Contract.objects.live().filter(slug=slug).first()
    if live and versions.terms_of(live) == agreed:
        return live
    _refuse_alone(slug, agreed.content, by)
    return _published(slug, agreed, why=why, by=by, at=at)


@transaction.atomic
def roll_back(
    *, slug: str, to: int, in_force: int, reason: str, by: User, at: datetime
) -> Contract | Draft:
    """Publish what version `to` said once more. Where it takes a second person, a draft of it is
    waiting for them instead. Raises Stale, ModelError, NotAllowed."""
    permissions.check(by, Permission.CHANGE_OPERATING_MODEL)
    _one_at_a_time()
    _refuse_stale(slug, in_force)
    old = Contract.objects.filter(slug=slug, version=to).first()
    if old is None or old.is_live:
        raise ModelError("There is no such earlier version.")
    agreed = check(slug, versions.terms_of(old).content)
    said = " ".join(reason.replace("\0", "").split())
    why = f"Back to version {to}{f': {said}' if said else '.'}"[:300]
    if why_second(slug, agreed.content):
        return _ask_for(slug, agreed.content, why, in_force, by, at)
    return _published(slug, agreed, why=why, by=by, at=at)


@transaction.atomic
def retire(*, slug: str, in_force: int, reason: str, by: Someone, at: datetime) -> Contract | Draft:
    """Nothing begins under it any more; what is under way goes on. Where it takes a second person,
    that is waiting for them instead. Raises Stale, ModelError, NotAllowed."""
    permissions.check(by, Permission.CHANGE_OPERATING_MODEL)
    _one_at_a_time()
    reason = _reason(reason)
    _refuse_stale(slug, in_force)
    live = _live(slug)
    if isinstance(by, User) and why_second(slug, RETIRE):
        return _ask_for(slug, RETIRE, reason, in_force, by, at)
    return _retired(live, "", reason, by, at)


@transaction.atomic
def retire_at_once(*, slug: str, in_force: int, reason: str, by: Someone, at: datetime) -> Contract:
    """As `retire`, but never waiting: SecondPerson where it takes one and a person does it."""
    permissions.check(by, Permission.CHANGE_OPERATING_MODEL)
    _one_at_a_time()
    _refuse_stale(slug, in_force)
    _refuse_alone(slug, RETIRE, by)
    return _retired(_live(slug), "", _reason(reason), by, at)


def why_second(slug: str, content: Content) -> str:
    """Why publishing this takes a second person, as a sentence; empty when it does not."""
    live = Contract.objects.live().filter(slug=slug).first()
    return why_second_beside(live, content)


def why_second_beside(live: Contract | None, content: Content) -> str:
    """The same, where the version in force is known (None: there is none)."""
    said = [versions.terms_of(live)] if live else []
    if content != RETIRE:
        said.append(terms.kept(content))
    if any(map(terms.writes_to_billing, said)):
        return "It writes to billing, so a second person publishes it."
    if any(map(terms.closes, said)):
        return "It is about a proposal's end, so a second person publishes it."
    return ""


def refusal_to_publish(draft: Draft, user: User) -> str:
    """Why this person does not put it in force; empty when they may."""
    if why_second(draft.slug, draft.content):
        return drafts.refusal_for_second(draft, user)
    return permissions.refusal_for(user, Permission.CHANGE_OPERATING_MODEL)


def waiting_for(user: User) -> list[Draft]:
    """The drafts of contracts that wait for this person to publish them."""
    asked = drafts.waiting_for(user).filter(kind=KIND)
    return [draft for draft in asked if not refusal_to_publish(draft, user)]


# --- Underneath ---------------------------------------------------------------------------------
def _published(
    slug: str, agreed: Terms, *, author: str = "", why: str, by: Someone, at: datetime
) -> Contract:
    head = _replaceable(slug)
    contract = Contract.objects.create(
        slug=slug, version=head.version + 1 if head else 1, **agreed.content,
        published_at=at, published_by=by.actor_label, author=author, why=why[:300],
    )  # fmt: skip
    _replace(head, contract)
    before = versions.terms_of(head) if head and not head.is_retired else None
    _record("contract.published", contract, differences.between(before, agreed), by, at)
    return contract


def _retired(live: Contract, author: str, why: str, by: Someone, at: datetime) -> Contract:
    head, agreed = _replaceable(live.slug), versions.terms_of(live)
    contract = Contract.objects.create(
        slug=live.slug, version=live.version + 1, **agreed.content, is_live=False, is_retired=True,
        published_at=at, published_by=by.actor_label, author=author, why=why[:300],
    )  # fmt: skip
    _replace(head, contract)
    _record("contract.retired", contract, differences.between(agreed, None), by, at)
    return contract


def _replaceable(slug: str) -> Contract | None:
    """The newest version, not live any more: one is, at any moment."""
    head = Contract.objects.select_for_update().head(slug)
    if head and head.is_live:
        head.is_live = False
        head.save(update_fields=["is_live"])
    return head


def _replace(head: Contract | None, contract: Contract) -> None:
    if head:
        head.replaced_by = contract
        head.save(update_fields=["replaced_by"])


def _record(
    what: str, contract: Contract, change: dict[str, dict], by: Someone, at: datetime
) -> None:
    version = {"contract": contract.slug, "version": contract.version}
    author = {"author": contract.author} if contract.author else {}
    trail.record(
        what, subject=contract, by=by, at=at, before=change["before"],
        after={**version, **author, **change["after"]}, why=contract.why,
    )  # fmt: skip


def _ask_for(slug: str, content: Content, why: str, in_force: int, by: User, at: datetime) -> Draft:
    """A draft of this, waiting for a second person; never in place of somebody's own."""
    if draft := drafts.of(KIND, slug):
        name = draft.changed_by.name
        raise ModelError(f"{name} has a draft of it; publish or discard that first.")
    draft = drafts.save(
        kind=KIND, slug=slug, content=content, note=why, based_on=in_force, revision=0,
        by=by, at=at,
    )  # fmt: skip
    return submit(slug=slug, revision=draft.revision, by=by, at=at)


def _live(slug: str) -> Contract:
    live = Contract.objects.live().filter(slug=slug).first()
    if live is None:
        raise ModelError("This contract is not in force.")
    return live


def _refuse_stale(slug: str, seen: int) -> None:
    head = Contract.objects.head(slug)
    now = head.version if head else 0
    if seen != now:
        raise Stale({"version": seen}, {"version": now})


def _refuse_alone(slug: str, content: Content, by: Someone) -> None:
    """A person does not publish alone what takes two; whoever sets Meshline up does."""
    why = why_second(slug, content) if isinstance(by, User) else ""
    if why:
        raise SecondPerson(f"{why} Draft it in the browser and ask for approval there.")


def _asked(draft: Draft) -> list[User]:
    """Who may publish what somebody else wrote; approvers only what takes a second person."""
    may, authors = Q(role=Role.MANAGER), [draft.changed_by_id]
    if why_second(draft.slug, draft.content):
        may, authors = may | Q(approves_model=True), draft.authors
    return list(User.objects.active().filter(may).exclude(pk__in=authors).order_by("pk"))


def _reason(reason: str) -> str:
    reason = " ".join(reason.replace("\0", "").split())
    if not reason:
        raise ModelError("Say why; it stands with the version and on the trail.", "reason")
    return reason[:300]


def _check_slug(slug: str) -> None:
    if not SLUG.fullmatch(slug) or len(slug) > LONGEST_SLUG:
        raise ModelError("Name it in small letters and dashes, such as big-deals.", "slug")
    if slug in RESERVED:
        raise ModelError(f"“{slug}” is the name of a page; choose another one.", "slug")


def _one_at_a_time() -> None:
    """Contracts are agreed among each other, and their ids in the order in which they count."""
    Company.objects.select_for_update(of=("self",)).get()
