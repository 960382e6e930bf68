"""Telling people here: a notice in the app, once per outcome."""

from connectors.base import Errand, Found
from meshline.notices import notices
from meshline.notices.models import Notice
from meshline.people.models import User
from proposals.models import Proposal


def notice(errand: Errand) -> Found:
    """Tell the record's owner. The outcome's key is the notice's: it is told once."""
    owner = _owner(errand)
    told = notices.tell(
        owner, errand.params["subject"], key=errand.key, at=errand.at, url=errand.params["url"],
        record=errand.record,
    )  # fmt: skip
    return Found(str(told.pk), "notice", f"{owner.name} was told.")


def _owner(errand: Errand) -> User:
    """Who was meant; whoever owns the record now where nobody has that e-mail any more."""
    meant = User.objects.filter(email=errand.params["owner_email"]).first()
    if meant is not None:
        return meant
    pk = errand.record.partition(":")[2]
    return Proposal.objects.select_related("owner").get(pk=pk).owner


def read_notice(errand: Errand) -> Found | None:
    """The notice is there, for that person."""
    told = Notice.objects.filter(key=errand.key).select_related("user").first()
    if told is None:
        return None
    return Found(str(told.pk), "notice", f"The notice is in front of {told.user.name}.")
