"""The demo company: people, connections to the stand-in vendors, and a history to look at."""

import base64
import os
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.crypto import salted_hmac

from connectors import connections
from connectors.connections import Settings
from connectors.models import Connection
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.notices import choosing
from meshline.notices.choosing import Choice
from meshline.people import people, teams
from meshline.people.models import Team, User
from meshline.people.permissions import Role
from meshline.policy import drafts, operating_model
from meshline.policy.models import BusinessCalendar, Company
from meshline.policy.operating_model import Calendar
from meshline.policy.processes import PROCESSES
from meshline.pulse import pulse
from meshline.shell import demo_history, demo_model, demo_rota, health, sandbox_control
from proposals.routing import rulebook
from proposals.tiers import Tier
from reconciliation import objectives, rolling, runs

# Longer than the demo's history reaches back.
PAST = timedelta(weeks=13)


@dataclass(frozen=True)
class DemoPerson:
    """Somebody of the demo company; passwords are no secret, the company is invented."""

    role: str
    email: str
    password: str
    name: str
    team: str


PEOPLE = [
    DemoPerson(
        "operator", "olivia@example.com", "olivia-works-the-queue", "Olivia Ortiz", "revops"
    ),
    DemoPerson("manager", "rosa@example.com", "rosa-owns-the-model", "Rosa Marin", "revops"),
    DemoPerson("sdr-manager", "sam@example.com", "sam-watches-follow-up", "Sam Dube", "sales"),
    DemoPerson("rep", "remy@example.com", "remy-writes-proposals", "Remy Park", "sales"),
    DemoPerson("admin", "ada@example.com", "ada-connects-systems", "Ada Stone", ""),
    DemoPerson("viewer", "vera@example.com", "vera-reads-along", "Vera Lind", ""),
]
# Owns proposals, too, so that a rep's lists are not everybody's; she never signs in.
COLLEAGUE = DemoPerson("rep", "ines@example.com", "", "Ines Falk", "sales")
COMPANY = "Larkfield Instruments"
ZONE = "Europe/Berlin"
# What is promised, by path: percent at least, or seconds for 95 in 100.
OBJECTIVES = [
    ("sent", "event-delivery", 99.0), ("signed", "event-delivery", 99.0),
    ("sent", "first-follow-up", 8 * 3600.0),
]  # fmt: skip
_OURS = re.compile(r"http://127\.0\.0\.1:[0-9]+/(pandadoc|hubspot|stripe|slack|listener)(/.*)?")
CHANNEL = {"id": "C0DEALS", "name": "deals", "is_member": True}
# What the operator would like: large deals in turn, whoever wrote the document.
LARGE_DEALS = {
    "slug": "large-deals",
    "name": "Large deals in euro",
    "when": {
        "all": [
            {"field": "amount", "op": "at_least", "value": "25000"},
            {"field": "currency", "op": "is", "value": "EUR"},
        ]
    },
    "then": {
        "to": "pool",
        "members": [
            {"person": "ines@example.com", "weight": 2},
            {"person": "remy@example.com", "weight": 1},
        ],
        "most_open": 20,
    },
    "note": "Ines has worked with the big accounts for years.",
}
# The app whose token we write with at the stand-in CRM.
APP_ID = 31_415_926


def load() -> bool:
    """Make the demo company and connect it; True when it was not there yet.

    Called again it only follows the stand-ins and the pages to where they are now. Raises
    SandboxAway or SandboxNo; then nothing was made.
    """
    is_new = pulse.age(health.DEMO) is None
    # While the history is made, the stand-ins must not tell of it themselves.
    if is_new:
        tell_stand_ins(listening=False)
    else:
        tell_stand_ins()
    with transaction.atomic():
        Company.objects.select_for_update(of=("self",)).get()
        # Asked again behind the lock: of two at once one makes it.
        is_new = pulse.age(health.DEMO) is None
        at = instant.now()
        if is_new:
            _found(at)
        _connect(at)
        if is_new:
            demo_model.agree(at)
            demo_history.make(at)
            demo_model.make(at)
            _draft_rules(at)
            _promise(here=User.objects.get(email="rosa@example.com"), at=at)
            rolling.rebuild()
            _reconcile()
            pulse.beat(health.DEMO)
    tell_stand_ins(listening=True)
    return is_new


def webhook_url(slug: str = "pandadoc") -> str:
    """Where a stand-in posts: our own port, or the address we are known by."""
    port = os.environ.get("PORT", "")
    home = f"http://127.0.0.1:{port}" if port.isdecimal() else settings.PUBLIC_URL
    return f"{home}/hooks/{slug}/"


def secret(name: str) -> str:
    """A secret we share with the stand-ins; no two installations have the same."""
    return salted_hmac("meshline.demo", name, algorithm="sha256").hexdigest()


def tell_stand_ins(*, listening: bool | None = None) -> None:
    """Their keys, and whether they tell us what happens there (None: as before)."""
    sandbox_control.configure(
        pandadoc={
            "api_key": secret("api key"), "shared_key": secret("shared key"),
            **_told("pandadoc", listening),
        },
        hubspot={
            "token": secret("token"), "owners": [_owner(one) for one in _everybody()],
            "client_secret": secret("client secret"), "app_id": APP_ID,
            # What is signed is the address Meshline is known by.
            "signed_url": f"{settings.PUBLIC_URL}/hooks/hubspot/", **_told("hubspot", listening),
        },
        stripe={
            "api_key": f"rk_test_{secret('billing key')}",
            "webhook_secret": f"whsec_{secret('billing events')}", **_told("stripe", listening),
        },
        slack={
            "token": f"xoxb-{secret('chat')}", "channels": [CHANNEL],
            "members": [{"email": one.email, "name": one.name} for one in _everybody()],
        },
        listener={"secret": _whsec()},
    )  # fmt: skip


def _told(slug: str, listening: bool | None) -> dict[str, str]:
    if listening is None:
        return {}
    return {"webhook_url": webhook_url(slug) if listening else ""}


def _whsec() -> str:
    """A Standard Webhooks secret: 32 bytes behind the prefix."""
    return "whsec_" + base64.b64encode(bytes.fromhex(secret("listener"))).decode()


def _everybody() -> list[DemoPerson]:
    return [*PEOPLE, COLLEAGUE]


def _promise(*, here: User, at: datetime) -> None:
    """What the dashboards hold the paths to."""
    for path, number, target in OBJECTIVES:
        objectives.publish(path=path, number=number, target=target, version=0, by=here, at=at)


def _owner(one: DemoPerson) -> dict[str, str]:
    first, _, last = one.name.partition(" ")
    return {"email": one.email, "firstName": first, "lastName": last}


# --- The company ----------------------------------------------------------------------------------
def _found(at: datetime) -> None:
    """People first: everything else names them."""
    if not Team.objects.filter(slug="sales").exists():
        teams.add(slug="sales", name="Sales", by=SETUP, at=at)
    here = {one.email: _person(one, at) for one in _everybody()}
    _lead("revops", here["rosa@example.com"], at)
    _lead("sales", here["sam@example.com"], at)
    _agree(
        operator=here["olivia@example.com"], manager=here["rosa@example.com"],
        sdr_manager=here["sam@example.com"], at=at,
    )  # fmt: skip
    demo_rota.make(zone=ZONE, at=at)
    # Olivia sleeps at night, and wants to be woken by what is critical.
    nights = [(day, "20:00", "07:30") for day in range(5)]
    choosing.settle(
        Choice(quiet=nights, critical_breaks_through=True), by=here["olivia@example.com"], at=at
    )


def _person(one: DemoPerson, at: datetime) -> User:
    known = User.objects.filter(email=one.email).first()
    if known or not one.password:
        return known or _added(one, at)
    team = Team.objects.filter(slug=one.team).first()
    token = people.invite(
        email=one.email, role=one.role, name=one.name, team=team, by=SETUP, at=at
    )  # fmt: skip
    return people.accept_invitation(token=token, password=one.password, at=at)


def _added(one: DemoPerson, at: datetime) -> User:
    team = Team.objects.get(slug=one.team)
    return people.add(email=one.email, name=one.name, role=one.role, team=team, by=SETUP, at=at)


def _lead(slug: str, lead: User, at: datetime) -> None:
    team = Team.objects.get(slug=slug)
    teams.change(slug=slug, name=team.name, lead=team.lead or lead, by=SETUP, at=at)


def _plan(*, sdr_manager: User, at: datetime) -> None:
    """Somebody else answers for the cadence in two weeks: to be seen beside who does now."""
    soon = (at + timedelta(weeks=2)).replace(minute=0, second=0, microsecond=0)
    operating_model.set_raci(
        process="cadence", holders={"responsible": [sdr_manager, Role.SDR_MANAGER]},
        effective_from=soon, by=SETUP, at=at,
    )  # fmt: skip


def _agree(*, operator: User, manager: User, sdr_manager: User, at: datetime) -> None:
    """Who answers for what, and when people work."""
    operating_model.set_company(
        name=COMPANY, zone=ZONE, fallback_owner=manager, by=SETUP, at=at
    )  # fmt: skip
    # Before the first of the demo's past weeks, whose tickets go to them as well.
    since = at - PAST
    for process in PROCESSES:
        operating_model.set_raci(
            process=process, holders={"responsible": [operator], "accountable": [manager]},
            by=SETUP, at=since,
        )  # fmt: skip
    _plan(sdr_manager=sdr_manager, at=at)
    hours = BusinessCalendar.objects.get(is_default=True)
    operating_model.set_calendar(
        Calendar(
            slug=hours.slug, name=hours.name, zone=ZONE, windows=hours.windows, is_default=True,
            team=hours.team, country=hours.country, region=hours.region,
            holidays=dict(hours.holidays.values_list("day", "name")),
        ),
        by=SETUP, at=at,
    )  # fmt: skip


def _draft_rules(at: datetime) -> None:
    """The operator proposes a rule, so that there is something to test, backtest and publish."""
    olivia = User.objects.get(email="olivia@example.com")
    *others, default = rulebook.FOUNDING
    drafted = rulebook.save_draft(
        content=[LARGE_DEALS, *others, default], note="", based_on=rulebook.in_force().number,
        revision=0, by=olivia, at=at,
    )  # fmt: skip
    drafts.submit(
        kind=rulebook.KIND, slug=rulebook.SLUG, revision=drafted.revision, by=olivia, at=at
    )


def _reconcile() -> None:
    """All of it is compared once, as soon as a worker is there: two differences are to be found."""
    for there in runs.comparable():
        runs.ask(slug=there.slug, by=None, at=instant.now())


# --- The connections ------------------------------------------------------------------------------
def _connect(at: datetime) -> None:
    for one in _stand_ins():
        found = _connection(one, at)
        if found.base_url == one.base_url:
            for purpose, kept in one.secrets.items():
                connections.enter_secret(
                    slug=one.slug, purpose=purpose, secret=kept, by=SETUP, at=at
                )


@dataclass(frozen=True)
class StandIn:
    """One stand-in as a connection."""

    slug: str
    name: str
    tier: Tier
    base_url: str
    secrets: dict[str, str]
    system: str = ""
    options: dict[str, str] = field(default_factory=dict)


def _stand_ins() -> list[StandIn]:
    there = settings.SANDBOX_URL
    return [
        StandIn(
            "pandadoc", "PandaDoc", Tier.SECONDS, f"{there}/pandadoc",
            {"signing": secret("shared key"), "credential": secret("api key")},
        ),
        StandIn(
            "hubspot", "HubSpot", Tier.MINUTES, f"{there}/hubspot",
            {"signing": secret("client secret"), "credential": secret("token")},
            options={"app_id": str(APP_ID)},
        ),
        StandIn(
            "stripe", "Stripe", Tier.MINUTES, f"{there}/stripe",
            {
                "signing": f"whsec_{secret('billing events')}",
                "credential": f"rk_test_{secret('billing key')}",
            },
        ),
        StandIn(
            "slack", "Slack", Tier.MINUTES, f"{there}/slack",
            {"credential": f"xoxb-{secret('chat')}"}, options={"channel": f"#{CHANNEL['name']}"},
        ),
        StandIn(
            "partner-portal", "Partner portal", Tier.MINUTES, f"{there}/listener/partners",
            {"credential": _whsec()}, system="outgoing-webhook",
        ),
    ]  # fmt: skip


def _connection(one: StandIn, at: datetime) -> Connection:
    """The connection to a stand-in, at the stand-ins' present address."""
    slug, there = one.slug, one.base_url
    found = Connection.objects.filter(slug=slug).select_related("owner").first()
    if found is None:
        made = Settings(
            slug, one.name, one.system or slug, there, one.tier, _admin(), allow_loopback=True,
            options=one.options,
        )  # fmt: skip
        return connections.create(made, by=SETUP, at=at)
    # Where an admin has connected something else since, it stays.
    if found.base_url == there or not _OURS.fullmatch(found.base_url):
        return found
    moved = Settings(
        slug, found.name, found.system, there, found.tier, found.owner, found.expected_every,
        found.allow_loopback, found.options,
    )  # fmt: skip
    return connections.change(moved, version=None, by=SETUP, at=at)


def _admin() -> User | None:
    return User.objects.filter(email="ada@example.com").first()
