"""A manager drafts a routing rule, tests it on a real message, backtests it, publishes it, sees the
next proposal take it and why, and takes it back."""

import re

import pytest

from meshline.audit.models import TrailLine
from proposals.models import Proposal, RoutingRules
from tests.factories import digest_all, document, post_pandadoc
from tests.reading import hidden, signed_in, words

pytestmark = pytest.mark.django_db

LARGE = {"grand_total": {"amount": "64000.00", "currency": "EUR"}}


def shown(answer):
    assert answer.status_code == 200, answer.status_code
    return words(answer)


def sent(name, **more):
    assert post_pandadoc([document("sent", id=name, name=name, **more)], event_id=name)
    digest_all()
    return Proposal.objects.get(external_id=name)


def test_a_manager_drafts_tests_backtests_publishes_and_takes_back_a_rule(pandadoc, staff):
    rosa = signed_in(staff["rosa"])
    crane, pump = sent("Harbour crane", **LARGE), sent("Salt pump")
    assert {crane.owner, pump.owner} == {staff["remy"]}

    # From the operating model to the rules in force, and on to a draft, as one clicks.
    assert 'href="/operating-model/routing/"' in rosa.get("/operating-model/").content.decode()
    page = rosa.get("/operating-model/routing/")
    assert "In force: version 1" in shown(page)
    assert "When the owner named works here, give it to the owner its source names." in shown(page)
    assert 'href="/operating-model/routing/draft/"' in page.content.decode()
    assert "Nothing is drafted yet." in shown(rosa.get("/operating-model/routing/draft/"))

    # A row more, as without scripts: the form comes back with it, and nothing is kept.
    new = "/operating-model/routing/draft/new/"
    form = rosa.get(new)
    typed = {
        "revision": hidden(form, "revision"), "based_on": hidden(form, "based_on"),
        "name": "Large deals", "note": "Sam knows them", "to": "person",
        "person": "sam@example.com", "c.join": "all",
        "c.1.field": "amount", "c.1.op": "at_least", "c.1.value": "50000",
    }  # fmt: skip
    more = rosa.post(new, {**typed, "act": "add:c"})
    assert 'name="c.2.field"' in more.content.decode()
    assert 'value="50000"' in more.content.decode()
    typed |= {"c.2.field": "currency", "c.2.op": "is", "c.2.value": "EUR"}
    assert rosa.post(new, typed).status_code == 303

    # It was put before the default; it must be asked before the owner its source names.
    draft = rosa.get("/operating-model/routing/draft/")
    assert [row.rule.slug for row in draft.context["rows"]] == [
        "named-owner", "large-deals", "default",
    ]  # fmt: skip
    up = "/operating-model/routing/draft/rules/large-deals/move/?revision=1"
    assert rosa.post(up, {"to": "up"}).status_code == 303
    draft = rosa.get("/operating-model/routing/draft/")
    assert "give it to Sam Dube" in shown(draft)

    # The test box: a real message under the draft and under what is in force.
    box = rosa.get("/operating-model/routing/test/")
    first = re.search(r'href="\?message=(\d+)"', box.content.decode()).group(1)
    tried = shown(rosa.get(f"/operating-model/routing/test/?message={first}"))
    assert "seen: 1,234.50" in tried
    crane_message = crane.signals.get().origin.removeprefix("message:")
    tried = shown(rosa.get(f"/operating-model/routing/test/?message={crane_message}"))
    assert "The draft makes something else of it" in tried
    assert "Rule 1, “Large deals”." in tried
    assert "seen: 64,000.00" in tried
    assert "Why not the" not in tried

    # The backtest: one of the two would have gone to Sam.
    publish = rosa.get("/operating-model/routing/publish/")
    assert "Large deals When the amount is at least 50,000 and the currency is “EUR”" in shown(
        publish
    )
    revision = hidden(publish, "revision")
    backtest = shown(rosa.post("/operating-model/routing/backtest/", {"revision": revision}))
    assert "1 of 2 would have another owner." in backtest
    assert "Large deals: gains 1" in backtest
    assert "The owner its source names: loses 1" in backtest
    assert "Harbour crane" in backtest
    assert "Salt pump" not in backtest

    # Published: in force, with who wrote and who approved it.
    asked = {"revision": revision, "seen": hidden(publish, "seen"), "note": "For Sam"}
    assert rosa.post("/operating-model/routing/publish/", asked).status_code == 303
    page = shown(rosa.get("/operating-model/routing/"))
    assert "In force: version 2" in page
    assert "Written by Rosa Marin (RevOps manager), published by Rosa Marin" in page

    # The next proposal takes it, and says why; what was decided before stays.
    ferry, buoy = sent("Ferry displays", **LARGE), sent("Buoy lights")
    assert (ferry.owner, buoy.owner) == (staff["sam"], staff["remy"])
    why = shown(rosa.get(f"/proposals/{ferry.pk}/"))
    assert "Why routed here Version 2" in why
    assert "Rule 1, “Large deals”." in why
    assert "The amount is at least 50,000 · seen: 64,000.00" in why
    why_not = shown(rosa.get(f"/proposals/{buoy.pk}/"))
    assert "Rule 2, “The owner its source names”." in why_not
    assert "Why not the rule before it 1. Large deals." in why_not
    assert "The amount is at least 50,000 · seen: 1,234.50" in why_not
    crane.refresh_from_db()
    assert crane.owner == staff["remy"]

    # Taken back in one step, with a reason; the version and its content stay on the record.
    old = rosa.get("/operating-model/routing/versions/1/")
    back = {"seen": hidden(old, "seen"), "reason": "Sam is moving to another team"}
    assert rosa.post("/operating-model/routing/versions/1/restore/", back).status_code == 303
    page = shown(rosa.get("/operating-model/routing/"))
    assert "In force: version 3" in page
    assert "brings version 1 back" in page
    assert sent("Dome controls", **LARGE).owner == staff["remy"]
    assert RoutingRules.objects.count() == 3

    lines = TrailLine.objects.filter(what__startswith="routing-rules.").order_by("pk")
    published, restored = lines.exclude(what="routing-rules.drafted")
    assert (published.what, restored.what) == ("routing-rules.published", "routing-rules.restored")
    assert "Large deals" not in published.before
    assert "Large deals" in published.after
    assert restored.why == "Sam is moving to another team"
