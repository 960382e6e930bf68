"""The dashboards: every number is exactly its rows, for each range and each team."""

import csv
import html
import io
import re
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext

from exceptions import desk
from exceptions.models import Ticket
from meshline import instant
from meshline.audit.models import TrailLine
from meshline.people.models import User
from proposals.models import FollowUp, Proposal
from reconciliation import charts, measuring, objectives, rolling
from reconciliation.histograms import Histogram
from reconciliation.measuring import Measured
from reconciliation.models import Baseline, Objective, Passage
from reconciliation.numbers import event_delivery, events, first_follow_up
from reconciliation.rollups import Within
from tests import factories
from tests.api.conftest import script_of, trouble
from tests.factories import MONDAY
from tests.reading import signed_in, words, words_of
from tests.reconciliation.passed import HOUR, link, prove, tell, touch

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
NOW = MONDAY + 2 * HOUR
RANGES = ["range=24h", "range=7d", "range=30d", "range=90d", "since=2026-02-20&until=2026-03-01"]
BOARDS = ["", "follow-up/", "debt/", "review/"]
# The review holds all of the others but what waits.
WALKED = ["review/", "follow-up/"]
FOLLOW_UP, DELIVERY, EVENTS = first_follow_up.NUMBER, event_delivery.NUMBER, events.NUMBER
STATES = ["sent", "viewed", "completed"]


@pytest.fixture
def as_(db):
    return lambda name: signed_in(User.objects.get(email=f"{name}@example.com"))


def roll():
    link()
    rolling.roll_up()


@pytest.fixture(scope="module")
def whole_weeks(django_db_setup, django_db_blocker):
    """Some weeks of two teams, made once for all tests of this file and undone after the last."""
    with django_db_blocker.unblock(), transaction.atomic(), instant.stopped(NOW):
        yield live(factories.staff())
        transaction.set_rollback(True)


def live(people):
    """Proven, late, touched and untouched; with tickets of two modes."""
    factories.pandadoc()
    factories.hubspot()
    owners = ["remy@example.com", "olivia@example.com"]
    for number in range(12):
        at = MONDAY - number * 67 * HOUR
        owner, name = owners[number % 2], f"Quote {number} of nina@example.com"
        proposal = tell(f"doc-{number}", STATES[number % 3], at=at, owner=owner, name=name)
        if number % 4:
            prove(proposal, delivered=2, proven=5 + 200 * (number % 3))
        if number % 5:
            touch(proposal, at=at + timedelta(minutes=3 + number))
    for number in range(6):
        trouble(f"x{number}", failure="timeout" if number % 2 else "")
    first = Ticket.objects.order_by("pk")[0]
    desk.claim(ticket_id=first.pk, by=people["rosa"], at=NOW)
    desk.acknowledge(ticket_id=first.pk, by=people["rosa"], at=NOW)
    desk.resolve(ticket_id=first.pk, resolution="fixed", by=people["rosa"], at=NOW, minutes=9)
    roll()
    return people


@pytest.fixture
def weeks(whole_weeks, db):
    return whole_weeks


def numbers_on(page):
    """Every number of a page with the address of its rows, and how many it says they are."""
    text = page.text.replace("&amp;", "&")
    links = re.findall(r'<a [^>]*?href="([^"]+)"[^>]*?data-rows="([0-9]+)"', text)
    return {(url, int(rows)) for url, rows in links}


def rows_at(client, url):
    page = client.get(url)
    assert page.status_code == 200, url
    if said := re.search(r'data-n="([0-9]+)"', page.text):
        seen = page.text.count('class="main-cell"')
        assert seen == min(int(said[1]), 50), url
        return int(said[1])
    return (page.context["page"].items and len(page.context["page"].items)) or 0


# --- Every number is its rows ----------------------------------------------------------------
def everything(people, name):
    others = [people[one].team_id for one in ("remy", "rosa")] if name == "rosa" else []
    return [f"{asked}&team={team}" for asked in RANGES for team in ["", *others]]


def a_part(people, name):
    return ["range=90d", f"{RANGES[-1]}&team={people['remy'].team_id}"]


@pytest.mark.parametrize("asked", [a_part, pytest.param(everything, marks=pytest.mark.long)])
@pytest.mark.parametrize("name", ["rosa", "sam"])
def test_every_number_of_every_dashboard_is_exactly_its_rows(weeks, as_, name, asked):
    client, found, checked = as_(name), set(), 0
    for board in WALKED:
        for query in asked(weeks, name):
            page = client.get(f"/dashboards/{board}?{query}")
            assert page.status_code == 200
            found |= numbers_on(page)
    assert len(found) > 40
    for url, rows in sorted(found):
        assert rows_at(client, url) == rows, url
        checked += rows > 0
    assert checked > 20


def test_a_statistic_is_of_exactly_the_rows_it_leads_to(weeks):
    within = Within(NOW - 40 * DAY, NOW.replace(minute=0) + HOUR)
    found = measuring.measure([FOLLOW_UP, DELIVERY], within)
    rows = list(FOLLOW_UP.rows(within.since, within.until))
    spans = sorted(row.whole.total_seconds() for row in rows)
    one = found.of(FOLLOW_UP)
    assert (one.n, one.value) == (len(spans), spans[(len(spans) - 1) // 2])
    assert one.is_exact
    judged = DELIVERY.rows(within.since, within.until)
    in_time = judged.filter(verdict="in-time").count()
    assert found.of(DELIVERY).value == pytest.approx(100 * in_time / judged.count())


def test_beyond_a_thousand_the_histogram_answers_within_5_percent_and_says_so(weeks, monkeypatch):
    within = Within(NOW - 40 * DAY, NOW.replace(minute=0) + HOUR)
    exact = measuring.measure([FOLLOW_UP], within).of(FOLLOW_UP)
    monkeypatch.setattr(measuring, "EXACT", 5)
    read = measuring.measure([FOLLOW_UP], within).of(FOLLOW_UP)
    assert (read.is_exact, read.how_read) == (False, "from a histogram, within 5 %")
    assert read.value == pytest.approx(exact.value, rel=0.05)
    assert read.n == exact.n


def test_the_legs_sum_to_the_total_and_each_is_charged(weeks, as_):
    page = as_("rosa").get("/dashboards/?range=90d")
    legs = page.context["legs"]
    total = legs["total"].measured.total
    assert sum(row["cell"].measured.total for row in legs["rows"]) == pytest.approx(total)
    assert total > 0
    said = words(page)
    assert "Ready for follow-up" in said
    assert "Connection health" in said
    assert "The person's own part" in said


def test_a_query_is_not_asked_for_every_row(weeks, as_, django_assert_num_queries):
    client = as_("rosa")
    client.get("/dashboards/?range=90d")
    with CaptureQueriesContext(connection) as asked:
        client.get("/dashboards/?range=90d")
    for number in range(5):
        touch(tell(f"more-{number}", at=MONDAY - number * HOUR), at=NOW)
    roll()
    assert len(asked) < 60
    with django_assert_num_queries(len(asked)):
        client.get("/dashboards/?range=90d")


# --- Honest comparison -----------------------------------------------------------------------
def made(number, spans):
    histogram = Histogram()
    for one in spans:
        histogram.add(int(one), 1, one)
    return Measured(number, histogram, sorted(spans) if number is FOLLOW_UP else None)


def test_a_change_of_few_is_not_called_one():
    now, before = made(FOLLOW_UP, [10.0] * 19), made(FOLLOW_UP, [99.0] * 50)
    said = measuring.change(now, before, since="before")
    assert (said.text, said.tone) == ("too few to say (n 19, before 50)", "neutral")


def test_what_may_be_chance_is_no_change_and_what_may_not_is():
    some = [float(one) for one in range(1, 31)]
    same = measuring.change(made(FOLLOW_UP, some), made(FOLLOW_UP, some[::-1]), since="before")
    assert same.text == "no clear change against 15 s before"
    slower = made(FOLLOW_UP, [one + 100 for one in some])
    assert measuring.change(slower, made(FOLLOW_UP, some), since="before").tone == "warn"
    better = measuring.change(made(FOLLOW_UP, some), slower, since="before")
    assert (better.text, better.tone) == ("better than 1 m 55 s before (n 30)", "ok")


def test_more_delivered_is_better_and_a_share_of_few_says_nothing():
    many, few = made(DELIVERY, [1.0] * 95 + [0.0] * 5), made(DELIVERY, [1.0] * 50 + [0.0] * 50)
    assert measuring.change(many, few, since="before").tone == "ok"
    assert measuring.change(few, many, since="before").tone == "warn"
    assert made(FOLLOW_UP, [1.0] * 19).p95 is None
    assert made(FOLLOW_UP, [1.0] * 20).p95 == 1.0


def test_the_baseline_stands_beside_now(weeks, as_):
    client = as_("rosa")
    assert "at the baseline" not in words(client.get("/dashboards/"))
    sent = {"first": "2026-02-01", "last": "2026-02-14", "version": "0"}
    assert client.post("/dashboards/objectives/baseline/", sent).status_code == 303
    assert (str(Baseline.objects.get()), TrailLine.objects.filter(what="baseline.set").count()) == (
        "2026-02-01 – 2026-02-14", 1,
    )  # fmt: skip
    assert "too few to say" in words(client.get("/dashboards/")).lower()
    assert "at the baseline" in words(client.get("/dashboards/"))
    for last in ("2030-01-01", "2026-12-31"):
        coming = {"first": "2026-02-01", "last": last, "version": "1"}
        asked = client.post(
            "/dashboards/objectives/baseline/", coming, headers={"HX-Request": "true"}
        )
        assert asked.status_code == 422
        assert "Choose days that have come" in asked.content.decode()
    # Somebody who saw it before does not overwrite it.
    again = client.post("/dashboards/objectives/baseline/", sent, headers={"HX-Request": "true"})
    assert again.status_code == 409


# --- What is promised ------------------------------------------------------------------------
def test_a_manager_promises_on_the_trail_and_a_path_says_whether_it_is_kept(weeks, as_):
    rosa = as_("rosa")
    sent = {"path": "sent", "number": "event-delivery", "target": "99", "version": "0"}
    assert rosa.post("/dashboards/objectives/publish/", sent).status_code == 303
    line = TrailLine.objects.get(what="objective.published")
    assert (line.before, line.after["target"]) == ({}, "≥ 99 %")
    assert "≥ 99 %" in words(rosa.get("/dashboards/?range=90d"))
    stale = rosa.post("/dashboards/objectives/publish/", sent, headers={"HX-Request": "true"})
    assert stale.status_code == 409
    gone = {**sent, "target": "", "version": "1"}
    assert rosa.post("/dashboards/objectives/publish/", gone).status_code == 303
    assert not Objective.objects.exists()
    assert TrailLine.objects.filter(what="objective.withdrawn").count() == 1
    assert as_("olivia").post("/dashboards/objectives/publish/", sent).status_code == 403


def chart_of(page, number):
    """The panel of a golden signal's steps."""
    return page.text.partition(f'aria-labelledby="trend-{number.name}"')[2].partition("</section>")[
        0
    ]


def test_a_chart_has_a_line_across_at_the_strictest_promise_and_says_whose_it_is(weeks, as_):
    rosa = as_("rosa")
    assert 'class="target"' not in rosa.get("/dashboards/?range=90d").text
    for path, number, target in [
        ("sent", DELIVERY, 80), ("viewed", DELIVERY, 90), ("sent", FOLLOW_UP, 3600),
        ("viewed", FOLLOW_UP, 900),
    ]:  # fmt: skip
        Objective.objects.create(path=path, number=number.name, target=target, version=1)
    page = rosa.get("/dashboards/?range=90d")
    share, span = (html.unescape(chart_of(page, number)) for number in (DELIVERY, FOLLOW_UP))
    assert "≥ 90 %, promised for Viewed" in words_of(share)
    assert "p95 ≤ 15 m, promised for Viewed" in words_of(span)
    # Of 100 % at the top the line of 90 is 10 % of the way down, below a margin of 10.
    assert 'class="target" d="M0 27.0H640"' in share
    assert 'class="target"' in span


def test_where_a_promise_is_of_p95_the_chart_and_its_table_say_p95():
    steps = [made(FOLLOW_UP, [60.0] * 20), made(FOLLOW_UP, []), made(FOLLOW_UP, [5.0])]
    chart = charts.columns(
        [one.value for one in steps], ["a", "b", "c"], target=120.0,
        marks=[one.p95 for one in steps],
    )  # fmt: skip
    # One mark: of one event nobody says a p95. Twice as high as everything is what is promised.
    assert (chart.line, chart.target, chart.top) == ("M4.0 95.0h83.4", 10.0, 120.0)


@pytest.mark.parametrize(
    "wrong", [{"target": "-1"}, {"target": "101"}, {"path": "moon"}, {"number": "events"}]
)
def test_nothing_else_can_be_promised(weeks, as_, wrong):
    sent = {"path": "sent", "number": "event-delivery", "target": "99", "version": "0", **wrong}
    answer = as_("rosa").post(
        "/dashboards/objectives/publish/", sent, headers={"HX-Request": "true"}
    )
    assert answer.status_code == 422
    assert not Objective.objects.exists()


def test_too_few_neither_keep_nor_break_a_promise():
    promise = objectives.Promise(FOLLOW_UP, 60)
    assert promise.is_kept_by(made(FOLLOW_UP, [1.0] * 19)) is None
    assert promise.is_kept_by(made(FOLLOW_UP, [1.0] * 20)) is True
    assert promise.is_kept_by(made(FOLLOW_UP, [99.0] * 20)) is False


# --- Who sees whose --------------------------------------------------------------------------
def test_an_sdr_manager_sees_their_teams_alone_whatever_the_url_says(weeks, as_):
    theirs = Passage.objects.filter(team=weeks["remy"].team).count()
    for team in ("", weeks["rosa"].team_id):
        page = as_("sam").get(f"/dashboards/?range=90d&team={team}")
        assert page.context["tiles"][4].cell.measured.n == theirs
    rows = as_("sam").get("/dashboards/events/rows/?range=90d").context
    assert {row.passage.owner for row in rows["rows"]} == {weeks["remy"]}


def test_who_has_no_team_sees_nobodys(weeks, as_):
    type(weeks["sam"]).objects.filter(pk=weeks["sam"].pk).update(team=None)
    page = as_("sam").get("/dashboards/?range=90d")
    assert page.context["tiles"][4].cell.measured.n == 0


def test_who_sees_masked_reads_no_title_and_a_rep_nothing(weeks, as_):
    rows = "/dashboards/events/rows/?range=90d"
    assert "nina@example.com" in as_("rosa").get(rows).text
    masked = as_("vera").get(rows).text
    assert "Quote 1 of" in masked
    assert "nina@example.com" not in masked
    assert as_("remy").get("/dashboards/").status_code == 403


@pytest.mark.parametrize(
    ("query", "sentence"),
    [("range=year", "Select a valid choice"), ("since=soon", "Write a day"),
     ("since=2026-03-02&until=2026-03-01", "This is before the first day"),
     ("team=abc", "Select a valid choice")],
)  # fmt: skip
def test_what_cannot_be_read_narrows_nothing_and_says_so(weeks, as_, query, sentence):
    page = as_("rosa").get(f"/dashboards/?{query}")
    assert sentence in page.text
    assert page.context["asked"].within.length == 7 * DAY


@pytest.mark.parametrize(
    "query", ["from=x", "from=2026-03-02T10:00Z", "owner=%00", "owner=abc", "path=%00", "source=x",
              "from=2026-03-02T10:00&to=2026-03-02T11:00", "tier=hours", "path=moon"]
)  # fmt: skip
def test_rows_of_anything_else_are_none_or_the_usual(weeks, as_, query):
    assert as_("rosa").get(f"/dashboards/events/rows/?{query}").status_code == 200
    assert as_("rosa").get("/dashboards/moon/rows/").status_code == 404


def test_where_nothing_was_every_board_says_so(weeks, as_):
    rosa, never = as_("rosa"), "since=2020-01-01&until=2020-01-02"
    for board in [*BOARDS, "objectives/"]:
        assert rosa.get(f"/dashboards/{board}?{never}").status_code == 200
    said = words(rosa.get(f"/dashboards/?{never}"))
    assert "No record that began in these hours was taken up by a person yet." in said
    assert "No ticket was opened in these days." in said
    assert "Nothing waits" in words(rosa.get(f"/dashboards/waiting/?owner={weeks['sam'].pk}"))


# --- What was missed, and what it took -----------------------------------------------------------
def test_missed_follow_ups_are_those_not_done_in_time_and_lead_to_exactly_them(weeks, as_):
    kinds = list(FollowUp.objects.open().order_by("pk")[:5])
    due = NOW - timedelta(hours=3)
    ends = {
        0: {}, 1: {"state": "completed", "how": "here", "ended_at": due + HOUR},
        2: {"state": "completed", "how": "here", "ended_at": due - HOUR},
        3: {"state": "cancelled", "how": "superfluous", "ended_at": due + HOUR},
    }  # fmt: skip
    FollowUp.objects.update(due_at=NOW + 9 * DAY)
    for place, end in ends.items():
        by = {"ended_by_label": "Remy Park"} if end else {}
        FollowUp.objects.filter(pk=kinds[place].pk).update(due_at=due, **end, **by)
    client = as_("rosa")
    missed = client.get("/dashboards/follow-up/").context["missed"]
    assert (missed.missed, missed.due, missed.percent) == (2, 3, 67)
    rows = client.get(missed.url).context["page"].items
    assert {row.pk for row in rows} == {kinds[0].pk, kinds[1].pk}
    said = words(client.get("/dashboards/follow-up/"))
    assert "67 % of n 3 as of" in said
    assert missed.formula in said
    team = weeks["remy"].team_id
    narrowed = client.get(f"/dashboards/follow-up/?team={team}").context["missed"]
    assert f"team={team}" in narrowed.url
    assert narrowed.missed == len(client.get(narrowed.url).context["page"].items)


def test_human_minutes_a_record_say_what_they_are_made_of(weeks, as_):
    page = as_("rosa").get("/dashboards/debt/")
    effort = page.context["debt_effort"]
    n = effort.records.measured.n
    assert n > 1
    assert effort.text == f"{9 / n:.1f}"
    assert f"{effort.text} 9 minutes of n {n} records as of" in words(page)
    assert effort.formula in words(page)


@pytest.mark.parametrize("asked", RANGES)
@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata"])
def test_human_minutes_and_records_are_of_the_same_days(weeks, as_, asked, zone):
    User.objects.filter(email="rosa@example.com").update(zone=zone)
    effort = as_("rosa").get(f"/dashboards/debt/?{asked}").context["debt_effort"]
    days, hours = (QueryDict(url.partition("?")[2]) for url in (effort.url, effort.records.url))
    first, last = (date.fromisoformat(days[f"resolved_{end}"]) for end in ("from", "to"))
    since, until = (datetime.fromisoformat(hours[end]) for end in ("from", "to"))
    # Hours are whole hours of UTC: where midnight is within one, the whole of it counts.
    midnight = datetime.combine(first, time.min, ZoneInfo(zone))
    assert timedelta(0) <= midnight - since < HOUR
    assert (until - timedelta(seconds=1)).astimezone(ZoneInfo(zone)).date() == last
    if "since" in asked:
        assert first == date(2026, 2, 20)


def test_a_record_counts_whose_days_minutes_count(weeks, as_):
    asked = "/dashboards/debt/?range=24h"
    before = as_("rosa").get(asked).context["debt_effort"].records.measured.n
    # Yesterday, but more than 24 hours ago: what people spent then is in the minutes.
    early = NOW - 30 * HOUR
    assert early.date() == (NOW - DAY).date()
    tell("doc-early", "sent", at=early)
    roll()
    page = as_("rosa").get(asked)
    effort = page.context["debt_effort"]
    assert effort.records.measured.n == before + 1
    assert rows_at(as_("rosa"), effort.records.url) == before + 1
    assert f"{effort.days}, whole days" in words(page)


# --- Follow-up -------------------------------------------------------------------------------
def test_what_waits_is_given_to_somebody_once_what_it_does_was_shown(weeks, as_):
    sam, here = as_("sam"), "/dashboards/follow-up/"
    waiting = sam.get(here).context["waiting"]
    records = [row.passage.proposal for row in waiting]
    assert len(records) > 1
    other = type(weeks["remy"]).objects.create(
        email="ines@example.com", name="Ines Falk", role="rep", team=weeks["remy"].team
    )
    chosen = {"record": [one.pk for one in records], "owner": other.pk, "reason": "Remy is out."}
    preview = sam.get(f"{here}reassign/", chosen)
    assert f"Ines Falk has 0 records waiting for a first touch now, and at most {len(records)}" in (
        words(preview)
    )
    assert set(Proposal.objects.filter(pk__in=chosen["record"]).values_list("owner__name")) == {
        ("Remy Park",)
    }
    sent = {**chosen, "give": "1", "seen": [f"{one.pk}.{one.version}" for one in records]}
    assert sam.post(f"{here}reassign/", {**sent, "seen": []}).status_code == 409
    assert sam.post(f"{here}reassign/", sent).status_code == 303
    assert set(Proposal.objects.filter(pk__in=chosen["record"]).values_list("owner__name")) == {
        ("Ines Falk",)
    }
    # Whose they are is said at once; the numbers follow with the next round.
    for page in (here, "/dashboards/waiting/"):
        assert {row.owner.name for row in sam.get(page).context["waiting"]} == {"Ines Falk"}
    roll()
    # Their customers wait on, now for Ines Falk.
    left = sam.get(here).context["waiting"]
    assert {row.passage.owner.name for row in left} == {"Ines Falk"}
    assert len(left) == len(records)
    # The versions that were seen are no more.
    assert sam.post(f"{here}reassign/", sent).status_code == 409


def test_nobody_gives_away_what_is_not_theirs_to_give(weeks, as_):
    theirs = Proposal.objects.filter(owner=weeks["olivia"]).first()
    sent = {"record": theirs.pk, "owner": weeks["sam"].pk, "reason": "Mine.", "give": "1",
            "seen": f"{theirs.pk}.{theirs.version}"}  # fmt: skip
    answer = as_("sam").post("/dashboards/follow-up/reassign/", sent)
    assert answer.status_code == 422
    assert "Choose at least one record" in answer.text
    assert as_("vera").get("/dashboards/follow-up/reassign/").status_code == 403


def test_what_is_promised_is_late_or_about_to_be(weeks, as_):
    Objective.objects.create(path="sent", number="first-follow-up", target=3600)
    rows = as_("rosa").get("/dashboards/follow-up/").context["waiting"]
    told = {(row.path, row.due_at is not None, row.is_late) for row in rows}
    assert told == {("Sent", True, True), ("Signed", False, False), ("Viewed", False, False)}


# --- As a file, and for scripts --------------------------------------------------------------
def test_the_file_holds_every_number_with_its_formula_and_its_rows(weeks, as_):
    answer = as_("rosa").post("/dashboards/export/?range=90d")
    text = b"".join(answer.streaming_content).decode()
    lines = list(csv.DictReader(io.StringIO(text, newline="")))
    whole = {one["number"]: one for one in lines if not one["by"]}
    assert whole["events"]["value"] == str(Passage.objects.count())
    assert whole["event-delivery"]["unit"] == "%"
    assert whole["first-follow-up"]["formula"] == FOLLOW_UP.formula
    assert any(one["by"] == "path" and one["of"] == "sent" for one in lines)
    assert TrailLine.objects.get(what="dashboards.exported").after["rows"] == len(lines)
    assert as_("olivia").post("/dashboards/export/").status_code == 403


def test_a_script_reads_each_number_with_its_formula_and_as_of(weeks):
    script = script_of(weeks["rosa"])
    since, until = "2026-02-01T00:00:00Z", "2026-03-02T12:00:00Z"
    told = script.get(f"metrics?since={since}&until={until}").json()
    assert (told["since"], told["until"]) == (since, until)
    assert told["as_of"] is not None
    by_name = {one["name"]: one for one in told["items"]}
    delivery = by_name["event-delivery"]
    assert delivery["low"] < delivery["value"] < delivery["high"]
    within = Within(MONDAY.replace(month=2, day=1, hour=0, minute=0), NOW.replace(minute=0) + HOUR)
    assert delivery["n"] == DELIVERY.rows(within.since, within.until).count()
    assert by_name["open-exceptions"]["value"] == 5
    assert by_name["time-to-resolve"]["unit"] == "seconds"
    ours = script_of(weeks["sam"]).get(f"metrics?since={since}&until={until}").json()["items"]
    mine = script.get(f"metrics?since={since}&until={until}&team={weeks['sam'].team_id}").json()
    assert [one["n"] for one in ours[:11]] == [one["n"] for one in mine["items"][:11]]
    assert script_of(weeks["remy"]).get("metrics").status_code == 403
    assert script.get("metrics?since=soon").status_code == 422
