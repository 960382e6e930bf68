"""The operating model as a file: what it changes, what it refuses, and that it is all or none."""

import io
import sys
from datetime import UTC, date, datetime, timedelta
from textwrap import dedent
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from connectors import connections
from connectors.models import Connection, Secret
from exceptions import troubles, working_hours
from exceptions.troubles import Trouble
from meshline import instant, vault
from meshline.audit import personal
from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine
from meshline.people import people
from meshline.people.models import Team, User
from meshline.policy import calendars, operating_model, raci, sla
from meshline.policy.models import (
    BusinessCalendar,
    Company,
    RaciAssignment,
    Sla,
    SourceOfTruth,
    SystemRole,
)
from meshline.shell.model_file import plan as model_file
from meshline.shell.model_file import telling, writing
from meshline.shell.model_file.refused import SHOWN_MOST, Refused
from proposals.models import Contract
from tests import factories

MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
NO_DIFFERENCES = ["No differences."]

pytestmark = pytest.mark.django_db

WHOLE = """\
company:
  name: Northwind
  zone: Europe/Berlin
  fallback_owner: rosa@example.com
people:
- {email: rosa@example.com, name: Rosa Marin, role: manager, team: revops, zone: Europe/Berlin}
- {email: ada@example.com, name: Ada Stone, role: admin}
- {email: remy@example.com, name: Remy Park, role: rep, team: sales}
- {email: vera@example.com, name: Vera Lind, role: viewer, approves_model: true}
- {email: left@example.com, name: Lev Eft, role: rep, active: false}
teams:
- {slug: sales, name: Sales, lead: remy@example.com}
calendars:
- slug: sales-hours
  name: Sales hours
  zone: Europe/Lisbon
  team: sales
  country: DE
  region: BY
  hours:
    monday: ["09:00-12:00", "13:00-17:30"]
    friday: ["09:00-24:00"]
  holidays: {2026-12-25: Christmas}
systems: [hubspot, pandadoc]
connections:
- slug: pandadoc
  system: pandadoc
  base_url: http://127.0.0.1:9/
  allow_loopback: true
  tier: seconds
  owner: ada@example.com
  expected_every: 2h
- {slug: hubspot, system: hubspot, name: HubSpot EU, status: paused}
- {slug: generic, system: standardwebhooks}
sources_of_truth:
- {record: proposal, field: billing, connection: hubspot}
- {record: proposal, field: close, connection: people}
raci:
- process: delivery
  responsible: [rosa@example.com, revops]
  accountable: rosa@example.com
  informed: [sales]
slas:
- {severity: critical, acknowledge_within: 10m, fix_within: 1h}
- {severity: high, kind: dispute, acknowledge_within: 20m, fix_within: 4h}
"""


@pytest.fixture(autouse=True)
def no_secrets_around(monkeypatch):
    for name in ("PANDADOC_SECRET", "HUBSPOT_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def told(done):
    return [*telling.lines(done), telling.summary(done)]


def plan(text, by=SETUP):
    return told(model_file.plan(dedent(text).encode(), by=by, at=MONDAY))


def apply(text, by=SETUP):
    return told(model_file.apply(dedent(text).encode(), by=by, at=MONDAY))


def refusal(text, *, act=plan, by=SETUP):
    before = writing.export(), TrailLine.objects.count()
    with pytest.raises(Refused) as caught:
        act(text, by)
    assert (writing.export(), TrailLine.objects.count()) == before
    return str(caught.value)


def line_with(words):
    return next(n for n, line in enumerate(WHOLE.splitlines(), start=1) if words in line)


def lines_of(what):
    return list(TrailLine.objects.filter(what=what).order_by("pk"))


def revealed(line):
    keys = personal.keys_for([line.before, line.after])
    return personal.reveal(line.before, keys), personal.reveal(line.after, keys)


# --- Round trips ------------------------------------------------------------------------------
def founded():
    """Only what every installation has."""


def staffed():
    factories.staff()


def connected():
    factories.staff()
    factories.pandadoc(owner=User.objects.get(email="ada@example.com"), expected_every=90)
    factories.hubspot()
    factories.standard()
    connections.set_status(slug="hubspot", status="disabled", reason="old", by=SETUP, at=MONDAY)


def filled():
    apply(WHOLE)


def odd():
    """Rows no form would make today, but that are here."""
    team = Team.objects.create(slug="Old_Team", name=" 12 ")
    User.objects.create(email="MiXed@example.com", name="yes", role="admin", team=team, zone="GMT0")
    User.objects.create(email="x@example.com", name="a: 'b' #c – “ü” \N{GRINNING FACE}", role="rep")
    Company.objects.update(name="null", zone="EST5EDT")
    RaciAssignment.objects.create(process="lonely", letter="consulted", team=team)
    SourceOfTruth.objects.create(record_kind="lead", field="score", connection="gone")
    Sla.objects.create(kind="forgotten", severity="odd", ack_within=1, fix_within=600000)


@pytest.mark.parametrize("model", [founded, staffed, connected, filled, odd])
def test_applying_an_export_changes_nothing(model):
    model()
    text, before = writing.export(), TrailLine.objects.count()
    assert plan(text) == NO_DIFFERENCES
    assert apply(text) == NO_DIFFERENCES
    assert (writing.export(), TrailLine.objects.count()) == (text, before)


@pytest.mark.parametrize(
    "text",
    [
        WHOLE.replace("[rosa@example.com, revops]", "[remy@example.com]"),
        WHOLE.replace("fallback_owner: rosa@", "fallback_owner: remy@"),
    ],
)
def test_who_may_not_work_tickets_is_named_neither_for_them_nor_as_the_fallback(text):
    with pytest.raises(Refused, match=r"Remy Park \(Rep\) may not work the queue"):
        apply(text)


@pytest.mark.parametrize("model", [staffed, connected, filled])
def test_an_export_rebuilds_the_model_elsewhere(model):
    model()
    text = writing.export()
    for table in (Connection.objects.all(), SystemRole.objects, RaciAssignment.objects):
        Secret.objects.all().delete()
        table.all().delete()
    Company.objects.update(fallback_owner=None, name="Our company", zone="UTC")
    Team.objects.update(lead=None)
    User.objects.all().delete()
    BusinessCalendar.objects.filter(is_default=False).delete()
    Team.objects.exclude(slug="revops").delete()
    apply(text)
    assert writing.export() == text
    assert plan(text) == NO_DIFFERENCES


def test_a_whole_file_is_applied_and_then_makes_no_difference():
    said = apply(WHOLE)
    assert said[-1] == "11 added, 5 changed."
    assert plan(WHOLE) == NO_DIFFERENCES
    assert Company.objects.get().fallback_owner.name == "Rosa Marin"
    assert Team.objects.get(slug="sales").lead.email == "remy@example.com"
    made = Connection.objects.get(slug="pandadoc")
    assert (made.name, made.base_url, made.tier) == ("PandaDoc", "http://127.0.0.1:9", "seconds")
    assert (made.owner.email, made.expected_every) == ("ada@example.com", 120)
    assert Connection.objects.get(slug="generic").name == "Standard Webhooks (generic)"
    assert Connection.objects.get(slug="hubspot").status == "paused"
    hours = calendars.hours_of(Team.objects.get(slug="sales"))
    assert {date(2026, 12, 25), date(2026, 1, 6)} <= hours.holidays
    assert len(hours.windows) == 3
    assert raci.accountable_for("delivery", at=MONDAY).user.name == "Rosa Marin"
    assert sla.terms("dispute", "high") == sla.Terms(20, 240)
    assert sla.terms("dispute", "critical") == sla.Terms(10, 60)


def test_a_plan_says_what_an_apply_then_does_and_changes_nothing():
    before = writing.export()
    planned = plan(WHOLE)
    assert writing.export() == before
    assert planned == apply(WHOLE)


def test_the_order_of_keys_and_entries_makes_no_difference():
    keys = WHOLE.split("\n")
    starts = [number for number, line in enumerate(keys) if line and line[0] not in " -"]
    blocks = [keys[a:b] for a, b in zip(starts, [*starts[1:], len(keys)], strict=True)]
    apply("\n".join(line for block in reversed(blocks) for line in block if line))
    assert plan(WHOLE) == NO_DIFFERENCES


# --- Contracts --------------------------------------------------------------------------------
SENT = """\
contracts:
- slug: sent
  condition: {field: amount, op: at_least, value: 500}
  tier: hours
  outcomes:
  - {name: tell, kind: notice.tell, wanted: [sent], params: {subject: "{title}"}, once: false}
"""


def test_a_contract_changes_by_the_file_as_a_version():
    said = apply(SENT)
    assert said[0] == "~ contract sent"
    assert "    tier: none → hours" in said
    assert any("condition: none → field amount; op at_least; value 500" in line for line in said)
    assert plan(SENT) == NO_DIFFERENCES
    row = Contract.objects.live().get(slug="sent")
    assert (row.version, row.tier, row.why) == (2, "hours", "The operating model file says so.")
    assert row.outcomes == [{
        "name": "tell", "kind": "notice.tell", "target": "meshline", "wanted": ["sent"],
        "params": {"subject": "{title}"},
    }]  # fmt: skip
    assert lines_of("contract.published")[-1].after["version"] == 2


def test_a_contract_goes_by_the_file_and_comes_back():
    assert apply("contracts:\n- {slug: sent, remove: true}\n")[0] == "- contract sent"
    assert not Contract.objects.live().filter(slug="sent").exists()
    assert plan("contracts:\n- {slug: sent, remove: true}\n")[-1] == NO_DIFFERENCES[0]
    apply(SENT + "  name: Sent\n  trigger: sent\n")
    assert Contract.objects.live().get(slug="sent").version == 3


def test_two_contracts_may_exchange_an_outcome_in_one_file():
    """Each alone would contradict the other; what counts is how they stand together."""
    text = """\
    contracts:
    - slug: sent
      outcomes:
      - {name: deal, kind: deal.upsert, wanted: [sent], mirrors: true}
    - slug: sent-too
      name: Told
      trigger: sent
      outcomes:
      - {name: tell-owner, kind: notice.tell, wanted: [sent], params: {subject: x}}
    """
    apply(text)
    assert plan(text) == NO_DIFFERENCES


def test_a_file_applied_as_a_person_does_not_touch_billing_alone(staff):
    text = "contracts:\n- {slug: signed, tier: daily}\n"
    assert "a second person publishes it" in refusal(text, by=staff["rosa"])
    assert "a second person publishes it" in refusal(
        "contracts:\n- {slug: signed, remove: true}\n", by=staff["rosa"]
    )
    assert apply("contracts:\n- {slug: sent, tier: daily}\n", by=staff["rosa"])
    assert apply(text)[0] == "~ contract signed"


def test_high_values_are_part_of_the_company():
    text = "company:\n  high_value: {USD: 60000, EUR: '50000'}\n"
    assert apply(text)[1] == "    high_value: none → EUR 50000.00; USD 60000.00"
    assert plan(text) == NO_DIFFERENCES
    assert Company.objects.get().high_value == {"EUR": "50000.00", "USD": "60000.00"}
    assert plan("company: {name: Our company}\n") == NO_DIFFERENCES


# --- What differs -----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("name: Northwind", "name: Eastwind", ["~ company", "    name: Northwind → Eastwind"]),
        (
            "name: Remy Park, role: rep, team: sales",
            "name: Remy Park, role: sdr-manager, team: null",
            ["~ person remy@example.com", "    role: rep → sdr-manager", "    team: sales → none"],
        ),
        (
            "tier: seconds", "tier: minutes",
            ["~ connection pandadoc", "    tier: seconds → minutes"],
        ),
        (
            "expected_every: 2h", "expected_every: 1d",
            ["~ connection pandadoc", "    expected_every: 2h → 24h"],
        ),
        ("name: Sales,", "name: Selling,", ["~ team sales", "    name: Sales → Selling"]),
        (
            "fix_within: 1h", "fix_within: 90",
            ["~ SLA critical", "    fix_within: 1h → 90m"],
        ),
        (
            "[rosa@example.com, revops]", "[revops]",
            ["~ process delivery", "    responsible: rosa@example.com, revops → revops"],
        ),
        (
            "{record: proposal, field: close, connection: people}",
            "{record: proposal, field: close, connection: null}",
            ["~ source of truth proposal close", "    connection: people → none"],
        ),
        (
            "{2026-12-25: Christmas}", "{2026-12-24: Christmas Eve}",
            [
                "~ calendar sales-hours",
                "    holidays: 2026-12-25 Christmas → 2026-12-24 Christmas Eve",
            ],
        ),
        (
            "  country: DE\n  region: BY\n", "  country: PT\n  region: null\n",
            ["~ calendar sales-hours", "    country: DE → PT", "    region: BY → none"],
        ),
    ],
)  # fmt: skip
def test_an_edited_file_plans_exactly_its_difference(old, new, said):
    apply(WHOLE)
    assert plan(WHOLE.replace(old, new)) == [*said, "1 changed."]


def test_what_the_file_does_not_name_stays_as_it_is():
    apply(WHOLE)
    before = writing.export()
    assert apply("people:\n- {email: remy@example.com, zone: Asia/Tokyo}\n")[-1] == "1 changed."
    assert writing.export() == before.replace(
        "role: rep\n  team: sales\n  zone: UTC", "role: rep\n  team: sales\n  zone: Asia/Tokyo"
    )


@pytest.mark.parametrize("text", ["", "people:\n", "people: []\nconnections: []\n", "company:\n"])
def test_a_file_that_names_nothing_makes_no_difference(text):
    assert apply(text) == NO_DIFFERENCES


def test_an_e_mail_is_the_same_in_any_case(rosa):
    assert plan("people:\n- {email: ROSA@Example.com, role: manager}\n") == NO_DIFFERENCES


@pytest.mark.parametrize(
    ("written", "minutes"),
    [
        ("60m", 60),
        ("2h", 120),
        ("1d", 1440),
        ("45", 45),
        ("null", None),
        ("5 min", 5),
        ("4 h", 240),
        ("1 h 30 min", 90),
        ("1h30m", 90),
        ("1 d 2 h", 1560),
    ],
)
def test_a_rhythm_is_written_in_minutes_hours_or_days(written, minutes):
    apply(f"connections:\n- {{slug: x, system: hubspot, expected_every: {written}}}\n")
    assert Connection.objects.get(slug="x").expected_every == minutes


def test_what_a_contract_waits_for_is_written_as_the_screens_write_it(rosa):
    text = (
        "contracts:\n- slug: call\n  name: Call\n  trigger: viewed\n  outcomes:\n"
        "  - name: call\n    kind: task.create\n    wanted: [viewed]\n"
        "    params: {subject: Call, due_within: 4 h}\n"
        "    gate: {who: 'role:manager', within: 1 h 30 min}\n"
    )
    apply(text)
    [row] = Contract.objects.live().get(slug="call").outcomes
    assert (row["params"]["due_within"], row["gate"]["within"]) == (240, 90)
    assert plan(text) == NO_DIFFERENCES
    with pytest.raises(Refused, match="line 9: outcomes: due_within: This is no span of time"):
        plan(text.replace("4 h", "4 days"))


def test_a_new_person_without_a_name_gets_one_from_the_e_mail():
    apply("people:\n- {email: Nina.Brook@example.com, role: rep}\n")
    assert User.objects.get(email="nina.brook@example.com").name == "Nina Brook"


# --- What is refused --------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ("poeple: []\n", 1, "There is no key “poeple”; did you mean “people”?"),
        ("colours: []\n", 1, "There is no key “colours”; there is company, people, teams, calend"),
        ("- people\n", 1, "The file is a mapping"),
        (
            "people:\n- {email: ada@example.com, role: admin}\n"
            "raci:\n- {process: delivery, responsible: [nobody@example.com]}\n",
            4, "“nobody@example.com”; there is ada@example.com",
        ),
        (
            "people:\n- {email: sam@example.com, remove: true}\nraci:\n- process: delivery\n"
            "  responsible: [sam@example.com]\n",
            5, "responsible: This file removes the person sam@example.com on line 2; keep it, or",
        ),
        (
            "slas:\n- severity: low\n  kind: colour\n  fix_within: 9h\n"
            "  acknowledge_within: 1h\n",
            3, "no ticket kind “colour”; there is ",
        ),
        ("people: rosa\n", 1, "“people” is a list"),
        ("people:\n- rosa\n", 2, "An entry of people is written in keys"),
        ("people:\n- {email: a@b.test, rol: rep}\n", 2, "no key of a person “rol”; did you mean"),
        ("people:\n- name: A\n", 2, "This person has no email"),
        ("people:\n- email: a@b.test\n", 2, "A new person needs a role"),
        ("people:\n- {email: a@b.test,\n   role: boss}\n", 3, "role: This is none of operator"),
        ("people:\n- {email: nobody, role: rep}\n", 2, "'nobody' is not an e-mail address"),
        (
            f"people:\n- {{email: ada@x.test, role: rep}}\n- {{email: '{'a' * 250}@x.test'}}\n",
            3, "email: An e-mail has at most 254 characters",
        ),
        ("people:\n- email: a@b.test\n  role: rep\n  name: 42\n", 4, "name: This is a number"),
        ("people:\n- email: a@b.test\n  role: rep\n  active: 1\n", 4, "write true or false"),
        ("people:\n- email: a@b.test\n  role: rep\n  active: yes\n", 4, "write true or false"),
        ("people:\n- email: a@b.test\n  role: rep\n  zone: Mars/Base\n", 4, "no time zone"),
        ("people:\n- email: a@b.test\n  role: rep\n  name: ''\n", 4, "printable characters"),
        ('people:\n- email: a@b.test\n  role: rep\n  name: "a\\0b"\n', 4, "printable characters"),
        ("people:\n- email: a@b.test\n  role: rep\n  team: salse\n", 4, "no team “salse”"),
        ("people:\n- email: a@b.test\n  role: rep\n  remove: maybe\n", 4, "Write true, or leave"),
        (
            "people:\n- {email: a@b.test, role: rep}\n- {email: A@B.test, role: rep}\n",
            3, "The person a@b.test is on line 2 already",
        ),
        (
            "people:\n- email: a@b.test\n  active: true\n  remove: true\n",
            3, "This says both active and remove",
        ),
        ("teams:\n- {slug: Big Team}\n", 2, "small letters, digits and hyphens"),
        ("teams:\n- {slug: x, lead: who@b.test}\n", 2, "no person “who@b.test”"),
        ("company:\n  name: X\n  remove: true\n", 3, "no key of a company “remove”"),
        ("company:\n  fallback_owner: who@b.test\n", 2, "no person “who@b.test”"),
        ("systems:\n- hubspot\n- hubspto\n", 3, "did you mean “hubspot”?"),
        ("connections:\n- slug: x\n", 2, "A new connection needs a system"),
        ("connections:\n- slug: x\n  system: fax\n", 3, "There is no system “fax”"),
        ("connections:\n- slug: X y\n  system: hubspot\n", 2, "small letters, digits and hyphens"),
        ("connections:\n- slug: meshline\n  system: hubspot\n", 2, "are taken"),
        (
            "connections:\n- {slug: x, system: hubspot}\n- {slug: x, system: pandadoc}\n",
            3, "The connection x is on line 2 already",
        ),
        (
            "connections:\n- slug: x\n  system: hubspot\n  base_url: http://127.0.0.1:9\n",
            4, "must begin with https://",
        ),
        (
            "connections:\n- slug: x\n  system: hubspot\n  base_url: https://127.0.0.1:9\n",
            4, "this machine itself",
        ),
        (
            "connections:\n- slug: x\n  system: hubspot\n  allow_loopback: true\n"
            "  base_url: https://10.0.0.1\n",
            5, "inside a private network",
        ),
        ("connections:\n- slug: x\n  system: hubspot\n  tier: soon\n", 4, "none of seconds"),
        ("connections:\n- slug: x\n  system: hubspot\n  owner: who@b.test\n", 4, "no person"),
        ("connections:\n- slug: x\n  system: hubspot\n  expected_every: 0\n", 4, "no span of time"),
        ("connections:\n- slug: x\n  system: hubspot\n  expected_every: 2w\n", 4, "write 90 or"),
        ("connections:\n- slug: x\n  system: hubspot\n  expected_every: 900d\n", 4, "than a year"),
        ("connections:\n- slug: x\n  system: hubspot\n  expected_every: ٣h\n", 4, "no span of"),
        (
            "connections:\n- slug: x\n  system: hubspot\n  credential_env: DATABASE_URL\n",
            4, "DATABASE_URL is Meshline's own",
        ),
        ("contracts:\n- slug: sent\n  trigger: sold\n", 3, "none of draft"),
        ("contracts:\n- slug: sent\n  tier: soon\n", 3, "none of seconds"),
        ("contracts:\n- slug: sent\n  retry: hourly\n", 3, "none of quick"),
        ("contracts:\n- slug: sent\n  ticket: nothing\n", 3, "no ticket kind “nothing”"),
        ("contracts:\n- slug: sent\n  severity: grave\n", 3, "grave"),
        ("contracts:\n- slug: sent\n  owner: process:nothing\n", 3, "no process “nothing”"),
        ("contracts:\n- slug: sent\n  outcomes: []\n", 3, "at least one outcome"),
        ("contracts:\n- slug: sent\n  outcomes: sent\n", 3, "write a list"),
        ("contracts:\n- slug: sent\n  outcomes:\n  - deal\n", 4, "write keys and values"),
        ("contracts:\n- slug: sent\n  condition: {field: colour}\n", 3, "no field “colour”"),
        ("contracts:\n- slug: sent\n  condition: amount\n", 3, "write keys and values"),
        ("contracts:\n- slug: new-one\n  trigger: sent\n", 2, "needs a name"),
        ("contracts:\n- slug: sent\n  version: 3\n", 3, "no key of a contract “version”"),
        (
            "contracts:\n- slug: sent\n  outcomes:\n  - name: tell\n    kind: notice.tell\n"
            "    wanted: [sent]\n    params:\n      subject: '{colour}'\n",
            8, "Nothing here is called {colour}",
        ),
        (
            "contracts:\n- slug: sent\n  outcomes:\n  - name: tell\n    kind: notice.tell\n"
            "    wanted: [viewed]\n    params: {subject: x}\n",
            6, "It must be wanted while it is sent.",
        ),
        (
            "contracts:\n- slug: Sent Too\n  name: x\n  trigger: sent\n  outcomes:\n"
            "  - {name: tell, kind: notice.tell, wanted: [sent], params: {subject: x}}\n",
            2, "small letters and dashes",
        ),
        (
            "contracts:\n- slug: sent-too\n  name: x\n  trigger: sent\n  outcomes:\n"
            "  - {name: tell, kind: notice.tell, wanted: [sent], params: {subject: x}}\n"
            "  - {name: deal, kind: deal.upsert, wanted: [sent], mirrors: true}\n",
            7, "promises deal there as well",
        ),
        ("company:\n  high_value: {EUR: 0}\n", 2, "above nothing"),
        ("company:\n  high_value:\n    EUR: 5\n    euro: 5\n", 4, "not a currency"),
        ("company:\nrouting_rules: [x]\n", 2, "is written in keys: record, rules"),
        ("mappings: [x]\n", 1, "is written in keys: connection, words, fields"),
        (
            "sources_of_truth:\n- record: proposal\n  field: colour\n  connection: null\n",
            3, "no move or field “colour”; there is amount, billing, close, contact_email",
        ),
        (
            "sources_of_truth:\n- record: proposal\n  field: billing\n  connection: xero\n",
            4, "no authority “xero”",
        ),
        ("raci:\n- process: p\n  accountable: revops\n", 2, "A new process needs a responsible"),
        (
            "raci:\n- process: delivery\n  responsible:\n  - revops\n  - revosp\n",
            5, "did you mean “revops”?",
        ),
        ("raci:\n- process: delivery\n  responsible: revops\n", 3, "write a list"),
        ("raci:\n- process: delivery\n  responsible: [revops, revops]\n", 3, "named twice"),
        ("raci:\n- process: delivery\n  responsible: []\n", 3, "Somebody is responsible"),
        ("raci:\n- process: p\n  responsible: [revops]\n", 2, "process needs an accountable."),
        ("raci:\n- process: delivery\n  accountable: null\n", 3, "Exactly one is accountable"),
        ("raci:\n- process: delivery\n  accountable: []\n", 3, "Exactly one is accountable"),
        (
            "raci:\n- process: delivery\n  accountable:\n  - revops\n  - role:manager\n",
            3, "Exactly one is accountable",
        ),
        (
            "raci:\n- process: delivery\n  accountable: [revops, role:manager]\n",
            3, "Exactly one is accountable",
        ),
        (
            "raci:\n- process: delivery\n  accountable: revops, role:manager\n",
            3, "Exactly one is accountable",
        ),
        (
            "raci:\n- process: delivery\n  accountable: rosa@a.test olivia@a.test\n",
            3, "Exactly one is accountable",
        ),
        ("slas:\n- severity: critical\n  fix_within: 1m\n", 3, "acknowledged before it is fixed"),
        ("slas:\n- severity: critical\n  fix_within: 1d\n", 3, "write 90 or 90m or 2h"),
        ("slas:\n- severity: critical\n  fix_within: 0\n", 3, "at least one business minute"),
        ("slas:\n- severity: critical\n  fix_within: 0m\n", 3, "at least one business minute"),
        ("slas:\n- severity: critical\n  fix_within: -4h\n", 3, "at least one business minute"),
        ("slas:\n- severity: critical\n  fix_within: 3000h\n", 3, "longer than a working year"),
        ("slas:\n- severity: critical\n  fix_within: 99999h\n", 3, "longer than a working year"),
        ("escalation:\n  again_after: 0h\n", 2, "at least one business minute"),
        ("escalation:\n  again_after: 99999h\n", 2, "longer than a working year"),
        ("slas:\n- severity: critical\n  remove: true\n", 2, "The default of a severity stays"),
        (
            "slas:\n- severity: low\n  kind: disptue\n  fix_within: 9h\n  acknowledge_within: 1h\n",
            3, "did you mean “dispute”?",
        ),
        ("calendars:\n- slug: company\n  default: false\n", 3, "make another one it"),
        ("calendars:\n- slug: company\n  remove: true\n", 2, "The default calendar stays"),
        ("calendars:\n- slug: company\n  hours: {}\n", 3, "at least one working window"),
        ("calendars:\n- slug: company\n  hours:\n    funday: []\n", 4, "“funday” is no weekday"),
        ("calendars:\n- slug: company\n  hours: {monday: [late]}\n", 3, "write 09:00-17:00"),
        ("calendars:\n- slug: company\n  hours: {monday: [17:00-9:00]}\n", 3, "write 09:00-17:00"),
        (
            "calendars:\n- slug: company\n  hours: {monday: [09:00-12:00, 11:00-17:00]}\n",
            3, "Two windows overlap on monday",
        ),
        (
            "calendars:\n- slug: company\n  holidays:\n    2026-02-30: Leap\n",
            4, "“2026-02-30” is no day",
        ),
        ("calendars:\n- slug: company\n  country: ZZ\n", 3, "are known of a country “ZZ”"),
        ("calendars:\n- slug: company\n  country: ''\n", 3, "write one like DE"),
        ("calendars:\n- slug: company\n  region: ''\n", 3, "1 to 40 printable"),
        ("calendars:\n- slug: company\n  region: BY\n", 3, "choose the country first"),
        (
            "calendars:\n- slug: company\n  country: DE\n  region: Kent\n",
            4, "“Kent” is no region of Germany",
        ),
        (
            f"calendars:\n- slug: company\n  hours: {{monday: [{'09:00-10:00, ' * 10_000}]}}\n",
            3, "Two windows overlap on monday",
        ),
        (
            "calendars:\n- {slug: company, default: true}\n"
            "- {slug: b, zone: UTC, hours: {monday: [09:00-17:00]}, default: true}\n",
            3, "Only one calendar is default",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_its_line_and_what_would_be_right(text, line, sentence):
    said = refusal(text).splitlines()
    assert any(f"line {line}: " in one and sentence in one for one in said), said
    assert any(sentence in one for one in refusal(text, act=apply).splitlines())


def test_everything_that_is_wrong_is_said_at_once():
    said = refusal("people:\n- {email: a, role: x}\n- {email: b@c.test}\ntems: []\n")
    lines = [line.partition(":")[0] for line in said.splitlines()]
    assert lines == ["line 2", "line 2", "line 3", "line 4"]


def test_of_very_many_wrong_lines_the_first_are_said():
    entries = "".join(f"- {{email: a{number}@b.test}}\n" for number in range(500))
    assert refusal(f"people:\n{entries}").endswith("\nand 470 more")


def test_which_name_was_meant_is_looked_for_where_it_is_shown(monkeypatch):
    """Of thousands of unknown names, against thousands of known ones, it would take minutes."""
    looked = []
    monkeypatch.setattr(
        model_file.entries, "get_close_matches", lambda *given, **more: looked.append(given) or []
    )
    people = "".join(
        f"- {{email: a{number}@b.test, role: rep, team: t{number}}}\n" for number in range(500)
    )
    said = refusal(f"people:\n{people}")
    assert "line 2: team: There is no team “t0”; there is revops." in said
    assert len(looked) == SHOWN_MOST


def test_a_connection_does_not_change_its_system(staff):
    factories.hubspot()
    assert "line 3: connection hubspot: A connection's system cannot change" in refusal(
        "connections:\n- slug: hubspot\n  system: pandadoc\n"
    )


def test_the_last_admin_stays(staff):
    said = refusal("people:\n- {email: ada@example.com, remove: true}\n")
    assert "line 2: person ada@example.com: This is the last active admin" in said


def test_one_admin_may_follow_another_in_one_file(staff):
    apply("""\
        people:
        - {email: ada@example.com, role: rep}
        - {email: vera@example.com, role: admin}
        """)
    assert User.objects.get(role="admin").email == "vera@example.com"


def test_the_last_manager_stays_and_may_be_followed_by_another(staff):
    said = refusal("people:\n- {email: rosa@example.com, active: false}\n")
    assert "line 2: person rosa@example.com: This is the last active manager" in said
    apply("""\
        people:
        - {email: rosa@example.com, role: operator}
        - {email: vera@example.com, role: manager}
        """)
    assert User.objects.get(role="manager").email == "vera@example.com"


def test_the_default_calendar_may_move_in_one_file():
    apply("""\
        calendars:
        - {slug: company, default: false}
        - {slug: other, zone: UTC, default: true, hours: {monday: [09:00-17:00]}}
        """)
    assert BusinessCalendar.objects.get(is_default=True).slug == "other"


TWO_CALENDARS = """\
calendars:
- {slug: aa, zone: UTC, team: null, hours: {monday: [09:00-17:00]}}
- {slug: zz, zone: Asia/Tokyo, team: sales, hours: {monday: [09:00-17:00]}}
"""


@pytest.mark.parametrize(
    ("text", "holders"),
    [
        ("- {slug: aa, team: sales}\n- {slug: zz, team: null}", {"aa": "sales", "zz": None}),
        ("- {slug: aa, team: sales}\n- {slug: zz, team: revops}", {"aa": "sales", "zz": "revops"}),
        ("- {slug: zz, remove: true}\n- {slug: aa, team: sales}", {"aa": "sales"}),
        ("- {slug: aa, team: sales}\n- {slug: zz, remove: true}", {"aa": "sales"}),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_a_team_may_move_from_one_calendar_to_another_in_any_order(staff, text, holders, turned):
    apply(TWO_CALENDARS)
    entries = text.splitlines()[:: -1 if turned else 1]
    apply("\n".join(["calendars:", *entries]))
    found = BusinessCalendar.objects.exclude(slug="company").values_list("slug", "team__slug")
    assert dict(found) == holders


def test_two_calendars_may_exchange_their_teams(staff):
    apply(TWO_CALENDARS + "- {slug: mm, zone: UTC, team: revops, hours: {monday: [09:00-17:00]}}\n")
    text = "calendars:\n- {slug: mm, team: sales}\n- {slug: zz, team: revops}\n"
    assert plan(text) == apply(text)
    found = BusinessCalendar.objects.exclude(team=None).values_list("slug", "team__slug")
    assert dict(found) == {"mm": "sales", "zz": "revops"}


def test_a_team_is_not_taken_from_a_calendar_that_the_file_leaves_alone(staff):
    apply(TWO_CALENDARS)
    text = "calendars:\n- {slug: aa, team: sales}\n- {slug: zz, name: Nights}\n"
    assert refusal(text).startswith("line 2: calendar aa: Sales works by the calendar zz already")


def test_a_new_name_that_is_removed_in_the_same_file_is_not_known(staff):
    said = refusal("""\
        people:
        - {email: sam@example.com, remove: true}
        company:
          fallback_owner: sam@example.com
        """)
    assert "line 4: fallback_owner: This file removes the person sam@example.com on line 2" in said


# --- Removal ----------------------------------------------------------------------------------
def test_a_removed_person_is_deactivated_and_not_deleted(staff):
    text = "people:\n- {email: sam@example.com, remove: true}\n"
    said = ["- person sam@example.com", "    active: true → false", "1 removed."]
    assert plan(text) == said
    assert User.objects.get(email="sam@example.com").is_active
    assert apply(text) == said
    assert not User.objects.get(email="sam@example.com").is_active
    assert apply(text) == NO_DIFFERENCES


def test_a_removed_connection_is_disabled_with_its_reason_and_keeps_its_history(staff):
    factories.hubspot()
    text = "connections:\n- {slug: hubspot, remove: true}\n"
    said = ["- connection hubspot", "    status: active → disabled", "1 removed."]
    assert apply(text) == said
    kept = Connection.objects.get(slug="hubspot")
    assert (kept.status, kept.status_why) == ("disabled", "removed by the operating model file")
    assert lines_of("connection.disabled")[0].why == "removed by the operating model file"
    assert apply(text) == NO_DIFFERENCES
    assert apply("connections:\n- {slug: hubspot, status: active}\n")[-1] == "1 changed."
    assert Connection.objects.get(slug="hubspot").is_active


def test_a_team_with_members_is_not_removed(staff):
    said = refusal("teams:\n- {slug: sales, remove: true}\n")
    assert said == (
        "line 2: team sales: 2 people are still in Sales; move them to another team first."
    )


def test_a_team_goes_once_its_people_have_moved(staff):
    apply("""\
        teams:
        - {slug: sales, remove: true}
        people:
        - {email: sam@example.com, team: revops}
        - {email: remy@example.com, team: null, remove: true}
        """)
    assert not Team.objects.filter(slug="sales").exists()
    assert lines_of("team.removed")[0].before["name"] == "Sales"


def test_a_team_that_answers_for_something_is_not_removed():
    said = refusal("teams:\n- {slug: revops, remove: true}\n")
    assert "Revenue Operations is still named elsewhere: " in said


def test_agreements_that_are_removed_are_gone_and_on_the_trail():
    apply(WHOLE)
    said = apply("""\
        sources_of_truth:
        - {record: proposal, field: close, remove: true}
        raci:
        - {process: delivery, remove: true}
        slas:
        - {severity: high, kind: dispute, remove: true}
        calendars:
        - {slug: sales-hours, remove: true}
        """)
    assert said[-1] == "4 removed."
    for what in ("authority.removed", "raci.removed", "sla.removed", "calendar.removed"):
        assert lines_of(what)[0].before
    assert not SourceOfTruth.objects.filter(field="close").exists()
    assert not RaciAssignment.objects.of("delivery").in_force(instant.now()).exists()


def test_removing_what_is_not_here_is_said_and_changes_nothing():
    said = apply("people:\n- {email: who@example.com, remove: true}\n")
    assert said == [
        "  person who@example.com is not here; there is nothing to remove.", "No differences.",
    ]  # fmt: skip


# --- Secrets ----------------------------------------------------------------------------------
SECRET = """\
connections:
- slug: pandadoc
  system: pandadoc
  signing_secret_env: PANDADOC_SECRET
"""


def signing_secrets():
    newest_first = Secret.objects.filter(purpose="signing").order_by("-pk")
    return [vault.unseal(secret.sealed) for secret in newest_first]


def test_a_secret_comes_from_its_variable_and_is_stored_sealed(monkeypatch):
    monkeypatch.setenv("PANDADOC_SECRET", " first secret ")
    assert apply(SECRET)[-2:] == ["    signing_secret_env: new, from PANDADOC_SECRET", "1 added."]
    assert signing_secrets() == ["first secret"]
    assert b"first" not in bytes(Secret.objects.get().sealed)
    assert lines_of("connection.secret-entered")[0].after == {"for": "signing"}


def test_the_same_secret_again_is_no_change(monkeypatch):
    monkeypatch.setenv("PANDADOC_SECRET", "first secret")
    apply(SECRET)
    assert plan(SECRET) == NO_DIFFERENCES
    assert apply(SECRET) == NO_DIFFERENCES
    assert len(signing_secrets()) == 1


def test_another_secret_is_planned_and_entered(monkeypatch):
    monkeypatch.setenv("PANDADOC_SECRET", "first secret")
    apply(SECRET)
    monkeypatch.setenv("PANDADOC_SECRET", "second secret")
    said = [
        "~ connection pandadoc",
        "    signing_secret_env: the one stored → new, from PANDADOC_SECRET",
        "1 changed.",
    ]
    assert plan(SECRET) == said
    assert signing_secrets() == ["first secret"]
    assert apply(SECRET) == said
    assert signing_secrets() == ["second secret", "first secret"]


@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_variable_that_is_not_set_keeps_the_secret_and_says_so(monkeypatch, value):
    monkeypatch.setenv("PANDADOC_SECRET", "first secret")
    apply(SECRET)
    monkeypatch.delenv("PANDADOC_SECRET")
    if value is not None:
        monkeypatch.setenv("PANDADOC_SECRET", value)
    said = [
        "  connection pandadoc: PANDADOC_SECRET is not set: "
        "the signing secret stored before stays.",
        "No differences.",
    ]
    assert plan(SECRET) == said
    assert apply(SECRET) == said
    assert signing_secrets() == ["first secret"]


def test_a_missing_first_secret_is_said():
    note = "  connection pandadoc: PANDADOC_SECRET is not set: there is no signing secret yet."
    assert note in plan(SECRET)


def test_a_credential_is_read_the_same_way(monkeypatch):
    monkeypatch.setenv("HUBSPOT_TOKEN", "pat-1")
    text = "connections:\n- {slug: hubspot, system: hubspot, credential_env: HUBSPOT_TOKEN}\n"
    apply(text)
    assert vault.unseal(Secret.objects.get(purpose="credential").sealed) == "pat-1"
    assert plan(text) == NO_DIFFERENCES


def test_a_secret_of_many_lines_is_refused_at_its_key_without_showing_it(monkeypatch):
    monkeypatch.setenv("PANDADOC_SECRET", "one\ntwo")
    said = refusal(SECRET)
    assert said.startswith("line 4: connection pandadoc: PANDADOC_SECRET: A secret is one line")
    assert "two" not in said


@pytest.mark.parametrize("pasted", ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "pat-na1-44", "12"])
def test_a_secret_pasted_into_the_file_is_refused_and_never_shown(pasted):
    said = refusal(SECRET.replace("PANDADOC_SECRET", pasted))
    assert said.startswith("line 4: signing_secret_env: Write the name of an environment variable")
    assert pasted not in said


def test_no_secret_is_in_an_export_a_plan_or_the_trail(monkeypatch):
    monkeypatch.setenv("PANDADOC_SECRET", "very-secret-words")
    said = [*plan(SECRET), *apply(SECRET), writing.export()]
    said += [f"{line.before} {line.after} {line.why}" for line in TrailLine.objects.all()]
    assert "very-secret-words" not in "\n".join(said)


# --- Connections ------------------------------------------------------------------------------
def test_new_connections_take_their_parts():
    apply(WHOLE)
    played = dict(SystemRole.objects.values_list("role", "connection"))
    assert played == {"quoting": "pandadoc", "crm": "hubspot"}


def test_a_connection_without_address_and_credential_is_push_only():
    apply("connections:\n- {slug: generic, system: standardwebhooks}\n")
    made = Connection.objects.get(slug="generic")
    assert (made.base_url, made.secrets.count(), made.is_active) == ("", 0, True)


def test_an_active_connection_does_not_say_so_in_an_export(staff):
    """A file in daily use must not resume what somebody paused."""
    factories.hubspot()
    text = writing.export()
    connections.set_status(slug="hubspot", status="paused", reason="limit", by=SETUP, at=MONDAY)
    assert plan(text) == NO_DIFFERENCES


# --- All or nothing ---------------------------------------------------------------------------
def test_when_the_last_verb_fails_nothing_is_changed(monkeypatch):
    def breaks(**_):
        raise operating_model.ModelError("The last one breaks.", "fix_within")

    monkeypatch.setattr(operating_model, "set_sla", breaks)
    line = line_with("severity: critical")
    assert refusal(WHOLE, act=apply) == f"line {line}: SLA critical: The last one breaks."


def test_when_something_unforeseen_fails_nothing_is_changed_either(monkeypatch):
    def breaks(**_):
        raise ZeroDivisionError

    before = writing.export()
    monkeypatch.setattr(operating_model, "set_sla", breaks)
    with pytest.raises(ZeroDivisionError):
        apply(WHOLE)
    assert writing.export() == before
    assert not User.objects.exists()


def test_one_wrong_entry_keeps_all_the_right_ones_out():
    said = refusal(WHOLE.replace("slug: generic", "slug: people"), act=apply)
    line = line_with("slug: generic")
    assert said.startswith(f"line {line}: connection people: Use 1 to 60 small letters")


def test_nobodys_change_is_undone_by_a_file_that_does_not_speak_of_it(staff, monkeypatch):
    """Between finding and making, an admin moves the person to another zone."""
    find = model_file.find

    def find_and_then(root):
        found = find(root)
        User.objects.filter(email="remy@example.com").update(zone="Asia/Tokyo")
        return found

    monkeypatch.setattr(model_file, "find", find_and_then)
    apply("people:\n- {email: remy@example.com, role: operator}\n")
    remy = User.objects.get(email="remy@example.com")
    assert (remy.role, remy.zone) == ("operator", "Asia/Tokyo")


# --- Whose rights, and the trail --------------------------------------------------------------
def test_changes_are_on_the_trail_with_before_and_after(staff):
    apply("""\
        company: {zone: Europe/Berlin}
        people:
        - {email: remy@example.com, name: Remy Parker}
        slas:
        - {severity: critical, fix_within: 3h}
        """)
    company, person, terms = (
        lines_of(what)[-1] for what in ("company.changed", "person.changed", "sla.changed")
    )
    assert (company.before["zone"], company.after["zone"]) == ("UTC", "Europe/Berlin")
    before, after = revealed(person)
    assert (before["name"], after["name"]) == ("Remy Park", "Remy Parker")
    assert (terms.before["fixed within"], terms.after["fixed within"]) == (120, 180)
    for line in (company, person, terms):
        assert (line.actor_kind, line.actor_id, line.at) == ("meshline", "setup", MONDAY)


def test_a_persons_name_stands_on_the_trail_of_what_they_apply(staff):
    apply("slas:\n- {severity: low, fix_within: 99h}\n", by=staff["rosa"])
    assert lines_of("sla.changed")[-1].actor_label == "Rosa Marin (RevOps manager)"


@pytest.mark.parametrize(
    ("text", "who", "said"),
    [
        ("people:\n- {email: a@b.test, role: rep}\n", "rosa", "may not manage people and roles"),
        ("teams:\n- {slug: x}\n", "olivia", "may not manage people and roles"),
        ("connections:\n- {slug: x, system: hubspot}\n", "rosa", "may not create and change conn"),
        ("company:\n  name: X\n", "ada", "may not change the operating model"),
        ("slas:\n- {severity: low, fix_within: 99h}\n", "olivia", "may not change the operating"),
        ("people:\n- {email: ada@example.com, role: rep}\n", "ada", "Nobody changes their own"),
    ],
)
@pytest.mark.parametrize("act", [plan, apply])
def test_who_may_not_change_it_by_hand_may_not_by_file(staff, text, who, said, act):
    refused = refusal(text, act=act, by=staff[who])
    assert refused.startswith("line ")
    assert said in refused


def test_an_admin_may_apply_what_differs_only_in_their_part(staff):
    text = writing.export() + "connections:\n- {slug: x, system: hubspot}\n"
    assert apply(text, by=staff["ada"])[-1] == "1 added."


def test_a_name_made_from_a_long_e_mail_fits():
    apply(f"people:\n- {{email: '{'a' * 200}@example.com', role: rep}}\n")
    assert User.objects.get(email__startswith="aaaa").name == "A" + "a" * 119


def test_people_from_a_file_cannot_sign_in_until_they_are_invited():
    apply("people:\n- {email: nina@example.com, role: rep}\n")
    nina = User.objects.get(email="nina@example.com")
    assert not nina.has_usable_password()
    token = people.invite(email=nina.email, role="rep", by=SETUP, at=MONDAY)
    assert people.invitation(token, at=MONDAY).user == nina


# --- Much -------------------------------------------------------------------------------------
def test_five_thousand_people_are_planned(django_assert_max_num_queries):
    """Those who are here already cost no query each."""
    User.objects.bulk_create(
        User(email=f"p{number}@example.com", name=f"P {number}", role="rep")
        for number in range(4_990)
    )
    text = "people:\n" + "".join(
        f"- {{email: p{number}@example.com, name: P {number}, role: rep}}\n"
        for number in range(5_000)
    )
    with django_assert_max_num_queries(150):
        said = plan(text)
    assert said[-1] == "10 added."


def asked_of(table, text):
    """How often a plan of this file reads a table."""
    with CaptureQueriesContext(connection) as asked:
        plan(text)
    return sum(f'FROM "{table}"' in one["sql"] for one in asked)


def test_slas_are_held_against_calendars_that_are_read_once():
    slas = [f"- {{severity: {one}, fix_within: 41h}}\n" for one in ("low", "normal", "high")]
    counts = [asked_of("policy_businesscalendar", "slas:\n" + "".join(slas[:n])) for n in (1, 3)]
    assert counts[0] == counts[1]


def test_open_tickets_follow_all_calendars_of_a_file_at_once(staff, monkeypatch):
    """Not the hours of every team, twice for each entry."""
    apply(TWO_CALENDARS)
    trouble = Trouble(
        kind="delivery-failed", cause="c", title="T", reason="R", subject="s", evidence={"a": 1},
        owner=staff["sam"],
    )  # fmt: skip
    ticket = troubles.open_ticket(trouble, by=SETUP, at=MONDAY)
    looked, now = [], working_hours.now
    monkeypatch.setattr(working_hours, "now", lambda: looked.append(1) or now())
    apply("""\
        calendars:
        - {slug: aa, team: sales, hours: {monday: [10:00-18:00]}}
        - {slug: zz, team: null}
        - {slug: mm, zone: UTC, team: revops, hours: {monday: [10:00-18:00]}}
        """)
    assert len(looked) == 2
    [line] = lines_of("ticket.due-moved")
    assert line.subject_id == str(ticket.pk)
    assert line.why == "The working hours changed: aa, zz, mm."


# --- The command ------------------------------------------------------------------------------
def run(*words):
    out = io.StringIO()
    call_command("operating_model", *words, stdout=out)
    return out.getvalue()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "model.yaml"
    path.write_text(WHOLE)
    return str(path)


def test_the_command_plans_applies_and_exports(file):
    assert run("plan", file).endswith("11 added, 5 changed.\n")
    assert not Connection.objects.exists()
    assert run("apply", file).endswith("11 added, 5 changed.\n")
    assert run("plan", file) == "No differences.\n"
    assert run("export") == writing.export()


def test_times_are_from_the_one_clock(file):
    with instant.stopped(MONDAY):
        run("apply", file)
    assert {line.at for line in lines_of("person.added")} == {MONDAY}


def test_a_file_may_come_from_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"company: {name: Pipe}")))
    assert run("apply", "-") == "~ company\n    name: Our company → Pipe\n1 changed.\n"


def test_the_command_refuses_with_lines(tmp_path):
    path = tmp_path / "wrong.yaml"
    path.write_text("people:\n- {email: x}\n")
    for act in ("plan", "apply"):
        with pytest.raises(CommandError, match=r"changed\.\nline 2: A new person") as no:
            run(act, str(path))
        assert no.value.returncode == 1


@pytest.mark.parametrize("name", ["missing.yaml", "."])
def test_a_file_that_cannot_be_read_is_said(tmp_path, name):
    with pytest.raises(CommandError, match="cannot be read"):
        run("plan", str(tmp_path / name))


def test_a_file_that_is_too_large_is_not_read_whole(monkeypatch):
    class Endless(io.RawIOBase):
        def read(self, size=-1):
            assert 0 < size <= 1024 * 1024 + 1
            return b"#" * size

    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=Endless()))
    with pytest.raises(CommandError, match="larger than 1 MiB"):
        run("plan", "-")


def test_somebodys_rights_are_asked_for_by_e_mail(staff, file):
    with pytest.raises(CommandError, match="may not"):
        run("apply", file, "--as", "OLIVIA@example.com")
    with pytest.raises(CommandError, match="no active person with the e-mail who"):
        run("apply", file, "--as", "who@example.com")


@pytest.mark.django_db(transaction=True)
def test_the_trail_holds_after_a_plan_and_an_apply(file):
    run("plan", file)
    assert not TrailLine.objects.filter(what="person.added").exists()
    run("apply", file)
    assert len(lines_of("person.added")) == 5
    call_command("verify_trail", stdout=io.StringIO())


# --- What follows -----------------------------------------------------------------------------
def test_open_tickets_follow_an_sla_that_a_file_changes(staff):
    trouble = Trouble(
        kind="dispute", cause="x", title="x", reason="x", subject="proposal:1", evidence={"x": 1}
    )
    ticket = troubles.open_ticket(trouble, by=SETUP, at=MONDAY)
    change = """\
    slas:
    - {severity: high, kind: dispute, acknowledge_within: 20m, fix_within: 1h}
    """
    plan(change)
    ticket.refresh_from_db()
    assert ticket.fix_due_at == MONDAY + timedelta(hours=4)
    apply(change)
    ticket.refresh_from_db()
    assert ticket.fix_due_at == MONDAY + timedelta(hours=1)
    assert lines_of("ticket.due-moved")[0].cause == f"sla:{Sla.objects.get(kind='dispute').pk}"
    apply("slas:\n- {severity: high, kind: dispute, remove: true}\n")
    ticket.refresh_from_db()
    assert ticket.fix_due_at == MONDAY + timedelta(hours=4)
