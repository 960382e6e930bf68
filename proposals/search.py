"""Finding proposals by word and by the beginning of a word."""

from typing import Any

from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db.models import QuerySet
from django.urls import reverse

from meshline.people.models import User
from meshline.people.permissions import Permission, Scope, scope
from meshline.searching import FEW, Found
from proposals.models import Proposal
from proposals.models.proposal import SEARCHED

# What may be searched where contact data is masked: finding by it would tell what it is.
OPEN_WORDS = SearchVector("title", "external_id", config="simple")
# More words than these, or longer ones, find nothing that fewer do not.
_MOST_WORDS, _LONGEST = 8, 100


def matching(proposals: QuerySet, text: str, *, masked: bool = False) -> QuerySet:
    """Those in which every word of `text` begins a word; all of them when it has no word."""
    found = proposals.alias(words=SEARCHED) if words_in(text) else proposals
    if masked:
        found = found.alias(open_words=OPEN_WORDS)
    for word in words_in(text):
        found = found.filter(words=Beginning(word))
        if masked:
            found = found.filter(open_words=Beginning(word))
    return found


def words_in(text: str) -> list[str]:
    """What was typed, word by word; what holds no letter or digit finds nothing and is left out."""
    words = (word[:_LONGEST].lower() for word in text.replace("\0", " ").split())
    return [word for word in words if any(char.isalnum() for char in word)][:_MOST_WORDS]


class Beginning(SearchQuery):
    """Words that begin like this one. Quoted, nothing in it is an operator.

    It is asked for as it stands, so that half an e-mail address finds the whole, or as the parser
    cuts it, so that "follow-up" finds both words.
    """

    def __init__(self, word: str, **options: Any) -> None:
        self.quoted = "'{}':*".format(word.replace("\\", "\\\\").replace("'", "''"))
        super().__init__(self.quoted, config="simple", search_type="raw", **options)

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **options: Any) -> tuple[str, Any]:
        return "(%s::tsquery || to_tsquery('simple', %s))", [self.quoted, self.quoted]


def found(text: str, user: User) -> list[Found]:
    """The last changed that match, as far as this person sees proposals."""
    reach = scope(user, Permission.SEE_PROPOSALS)
    if not reach or not words_in(text):
        return []
    visible = Proposal.objects.visible_to(user)
    few = matching(visible, text, masked=reach is Scope.MASKED).order_by("-changed_at", "-pk")
    return [_found(one) for one in few[:FEW]]


def _found(proposal: Proposal) -> Found:
    url = reverse("proposals:proposal", args=[proposal.pk])
    title = proposal.title or proposal.external_id
    return Found(title, url, "file-text", proposal.get_state_display())
