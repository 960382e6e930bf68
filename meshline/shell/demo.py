"""The demo company: people, connections to the stand-in vendors, and a history to look at."""

import os
import re
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.crypto import salted_hmac

from connectors import connections
from connectors.connections import Settings
from connectors.models import Connection
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.people import people, teams
from meshline.people.models import Team, User
from meshline.policy import operating_model
from meshline.policy.models import BusinessCalendar, Company, RaciAssignment
from meshline.policy.operating_model import Calendar
from meshline.pulse import pulse
from meshline.shell import demo_history, health, sandbox_control
from proposals.tiers import Tier


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
_OURS = re.compile(r"http://127\.0\.0\.1:[0-9]+/(pandadoc|hubspot)")


def load() -> bool:
    """Make the demo company and connect it; True when it was not there yet.

    Called again it only follows the stand-ins and the pages to where they are now. Raises
    SandboxAway or SandboxNo; then nothing was made.
    """
    is_new = pulse.age(health.DEMO) is None
    # While the history is made, the stand-ins must not tell of its documents themselves.
    tell_stand_ins(**({"webhook_url": ""} if is_new else {}))
    with transaction.atomic():
        Company.objects.select_for_update(of=("self",)).get()
        # Asked again behind the lock: of two at once one makes it.
        is_new = pulse.age(health.DEMO) is None
        at = instant.now()
        if is_new:
            _found(at)
        _connect(at)
        if is_new:
            demo_history.make(at)
            pulse.beat(health.DEMO)
    tell_stand_ins(webhook_url=webhook_url())
    return is_new


def webhook_url() -> str:
    """Where the stand-in quoting tool posts: our own port, or the address we are known by."""
    port = os.environ.get("PORT", "")
    home = f"http://127.0.0.1:{port}" if port.isdecimal() else settings.PUBLIC_URL
    return f"{home}/hooks/pandadoc/"


def secret(name: str) -> str:
    """A secret we share with the stand-ins; no two installations have the same."""
    return salted_hmac("meshline.demo", name, algorithm="sha256").hexdigest()


def tell_stand_ins(**pandadoc: str) -> None:
    sandbox_control.configure(
        pandadoc={"api_key": secret("api key"), "shared_key": secret("shared key"), **pandadoc},
        hubspot={"token": secret("token"), "owners": [_owner(one) for one in _everybody()]},
    )


def _everybody() -> list[DemoPerson]:
    return [*PEOPLE, COLLEAGUE]


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
    _agree(operator=here["olivia@example.com"], manager=here["rosa@example.com"], at=at)


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


def _agree(*, operator: User, manager: User, at: datetime) -> None:
    """Who answers for what, and when people work."""
    operating_model.set_company(
        name=COMPANY, zone=ZONE, fallback_owner=manager, by=SETUP, at=at
    )  # fmt: skip
    processes = RaciAssignment.objects.order_by("process").values_list("process", flat=True)
    for process in processes.distinct():
        operating_model.set_raci(
            process=process, holders={"responsible": [operator], "accountable": [manager]},
            by=SETUP, at=at,
        )  # fmt: skip
    hours = BusinessCalendar.objects.get(is_default=True)
    operating_model.set_calendar(
        Calendar(
            slug=hours.slug, name=hours.name, zone=ZONE, windows=hours.windows, is_default=True,
            holidays=dict(hours.holidays.values_list("day", "name")),
        ),
        by=SETUP, at=at,
    )  # fmt: skip


# --- The connections ------------------------------------------------------------------------------
def _connect(at: datetime) -> None:
    pandadoc = _connection("pandadoc", "PandaDoc", Tier.SECONDS, at)
    hubspot = _connection("hubspot", "HubSpot", Tier.MINUTES, at)
    if _is_ours(pandadoc):
        _enter(pandadoc, "signing", "shared key", at)
        _enter(pandadoc, "credential", "api key", at)
    if _is_ours(hubspot):
        _enter(hubspot, "credential", "token", at)


def _connection(slug: str, name: str, tier: Tier, at: datetime) -> Connection:
    """The connection to a stand-in, at the stand-ins' present address."""
    there = f"{settings.SANDBOX_URL}/{slug}"
    found = Connection.objects.filter(slug=slug).select_related("owner").first()
    if found is None:
        made = Settings(slug, name, slug, there, tier, _admin(), allow_loopback=True)
        return connections.create(made, by=SETUP, at=at)
    # Where an admin has connected something else since, it stays.
    if found.base_url == there or not _OURS.fullmatch(found.base_url):
        return found
    moved = Settings(
        slug, found.name, slug, there, found.tier, found.owner, found.expected_every,
        found.allow_loopback,
    )  # fmt: skip
    return connections.change(moved, version=None, by=SETUP, at=at)


def _is_ours(found: Connection) -> bool:
    return found.base_url == f"{settings.SANDBOX_URL}/{found.slug}"


def _enter(found: Connection, purpose: str, name: str, at: datetime) -> None:
    connections.enter_secret(
        slug=found.slug, purpose=purpose, secret=secret(name), by=SETUP, at=at
    )  # fmt: skip


def _admin() -> User | None:
    return User.objects.filter(email="ada@example.com").first()
