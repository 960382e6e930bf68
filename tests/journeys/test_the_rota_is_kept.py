"""A manager finds a gap in the rota and closes it; two people swap shifts."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from meshline import instant
from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine
from meshline.people import availability, teams
from meshline.people.models import OnCallShift
from meshline.people.permissions import Role
from meshline.rota import shifts
from tests import factories
from tests.reading import hidden, signed_in, words

pytestmark = pytest.mark.django_db

MONDAY = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture
def revops(staff):
    """RevOps works nine to five in UTC; Olivia and Nils are on call in turns."""
    team = teams.change(
        slug="revops", name="RevOps", lead=staff["rosa"], by=SETUP, at=MONDAY
    )  # fmt: skip
    factories.person("nils@example.com", "Nils Aker", Role.OPERATOR, team)
    return team


def days(first, last):
    """From nine on the first day to five on the last."""
    start = datetime(2026, 3, first, 9, tzinfo=UTC)
    return {"starts_at": start, "ends_at": datetime(2026, 3, last, 17, tzinfo=UTC)}


def test_a_manager_finds_a_gap_and_closes_it(staff, revops):
    rosa, olivia = staff["rosa"], staff["olivia"]
    # Four weeks, but for the second Wednesday from noon on.
    for first, last in ((2, 6), (12, 13), (16, 20), (23, 27)):
        shifts.add(team=revops, user=olivia, by=rosa, at=MONDAY, **days(first, last))
    early = {"starts_at": datetime(2026, 3, 9, 9, tzinfo=UTC),
             "ends_at": datetime(2026, 3, 11, 12, tzinfo=UTC)}  # fmt: skip
    shifts.add(team=revops, user=olivia, by=rosa, at=MONDAY, **early)

    browser = signed_in(rosa)
    with instant.stopped(MONDAY):
        # From the operating model, as one clicks.
        assert 'href="/operating-model/rota/"' in browser.get("/operating-model/").content.decode()
        rota = browser.get("/operating-model/rota/?team=revops")
        assert "1 gap, 5 h" in words(rota)
        assert 'href="/operating-model/rota/coverage/"' in rota.content.decode()
        coverage = browser.get("/operating-model/rota/coverage/")
        said = words(coverage)
        assert "Wed 11 Mar" in said
        assert "12:00–17:00" in said
        assert "Nobody is on call" in said
        # Whom it falls to as long as the gap is there.
        assert "Rosa Marin, who leads the team" in said

        # The gap leads to the form, filled in.
        close = re.search(r'href="(/operating-model/rota/add/\?[^"]*starts=2026-03-11T12:00[^"]*)"',
                          coverage.content.decode()).group(1).replace("&amp;", "&")  # fmt: skip
        form = browser.get(close)
        assert 'value="2026-03-11T12:00"' in form.content.decode()
        asked = {"team": revops.pk, "user": "", "layer": "primary", "weeks": "1",
                 "starts_at": "2026-03-11T12:00", "ends_at": "2026-03-11T17:00"}  # fmt: skip
        refused = browser.post("/operating-model/rota/add/", asked)
        assert refused.status_code == 422
        assert 'value="2026-03-11T12:00"' in refused.content.decode()
        nils = revops.members.get(name="Nils Aker")
        added = browser.post("/operating-model/rota/add/", {**asked, "user": nils.pk})
        assert added.status_code == 303
        assert "No gap" in words(browser.get("/operating-model/rota/coverage/"))

    # At that time it is Nils who gets the work.
    wednesday = datetime(2026, 3, 11, 13, tzinfo=UTC)
    assert availability.on_call(revops, at=wednesday) == nils
    line = TrailLine.objects.filter(what="shift.added").latest("pk")
    assert line.after["person"] == "Nils Aker"
    with instant.stopped(MONDAY):
        assert "You are on call" in words(signed_in(nils).get("/notices/"))


def test_two_people_swap_shifts(staff, revops):
    rosa, olivia = staff["rosa"], staff["olivia"]
    nils = revops.members.get(name="Nils Aker")
    [hers] = shifts.add(team=revops, user=olivia, by=rosa, at=MONDAY, **days(9, 13))
    [his] = shifts.add(team=revops, user=nils, by=rosa, at=MONDAY, **days(16, 20))

    browser = signed_in(olivia)
    with instant.stopped(MONDAY):
        # From the rota to the shift, and from there to the swap.
        rota = browser.get("/operating-model/rota/?team=revops").content.decode()
        assert f'href="/operating-model/rota/shifts/{hers.pk}/"' in rota
        page = browser.get(f"/operating-model/rota/shifts/{hers.pk}/").content.decode()
        assert f'href="/operating-model/rota/shifts/{hers.pk}/swap/"' in page
        form = browser.get(f"/operating-model/rota/shifts/{hers.pk}/swap/")
        assert "Nils Aker" in words(form)
        asked = {"other": his.pk, "seen": hidden(form, "seen")}
        assert (
            browser.post(f"/operating-model/rota/shifts/{hers.pk}/swap/", asked).status_code == 303
        )
        assert "swapped" in words(signed_in(nils).get("/notices/"))

    assert OnCallShift.objects.get(pk=hers.pk).user == nils
    assert OnCallShift.objects.get(pk=his.pk).user == olivia
    assert availability.on_call(revops, at=datetime(2026, 3, 10, 12, tzinfo=UTC)) == nils
    assert availability.on_call(revops, at=datetime(2026, 3, 17, 12, tzinfo=UTC)) == olivia
    first, second = TrailLine.objects.filter(what="shift.swapped").order_by("pk")
    assert (first.before["person"], first.after["person"]) == ("Olivia Ortiz", "Nils Aker")
    assert (second.before["person"], second.after["person"]) == ("Nils Aker", "Olivia Ortiz")

    # Who looked before somebody else changed it, sees what is different and decides.
    with instant.stopped(MONDAY + timedelta(hours=1)):
        stale = signed_in(olivia).post(f"/operating-model/rota/shifts/{hers.pk}/swap/", asked)
        assert stale.status_code == 409
        assert "Nils Aker" in words(stale)
