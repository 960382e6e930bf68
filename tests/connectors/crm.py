"""A CRM that can be broken, behind the real door, and the few words a delivery test needs."""

from datetime import timedelta

from connectors import draining, health
from meshline import instant
from meshline.shell import sandbox_control
from proposals import lateness
from proposals.models import Outcome
from tests import factories

TOKEN = "pat-test"
REMY = {"email": "remy@example.com", "firstName": "Remy", "lastName": "Park"}
LEAST = timedelta(seconds=1)


class Crm:
    """The stand-in CRM: what it holds, what it was told, and how it breaks."""

    def breaks(self, *faults):
        sandbox_control.break_it("hubspot", list(faults))

    def mend(self):
        sandbox_control.break_it("hubspot", [])

    def deals(self):
        return [one["properties"] for one in sandbox_control.objects("deals", most=500)]

    def tasks(self):
        return [one["properties"] for one in sandbox_control.objects("tasks", most=500)]

    def effects(self):
        """What really happened there: key → action → how often."""
        return sandbox_control.ask("GET", "/effects", vendor="hubspot")["by_key"]

    def created(self):
        """How often each thing was created."""
        return {key: acts.get("created", 0) for key, acts in self.effects().items()}

    def calls(self):
        return sandbox_control.ask("GET", "/calls", vendor="hubspot")["calls"]

    def change_deal(self, deal, **properties):
        """Somebody at HubSpot's screen writes other values."""
        sandbox_control.ask("POST", f"/hubspot/deals/{deal}/set", {"properties": properties})

    def delete_deal(self, deal):
        """Somebody at HubSpot's screen deletes it."""
        sandbox_control.ask("POST", f"/hubspot/deals/{deal}/delete", {})

    def merge_deal(self, deal, *, into_name):
        """Somebody there makes a deal of their own, and ours a part of it; the id that stays."""
        asked = {"properties": {"dealname": into_name}}
        stays = sandbox_control.ask("POST", "/hubspot/deals", asked)["id"]
        sandbox_control.ask("POST", f"/hubspot/deals/{stays}/merge", {"other": deal})
        return stays

    def owners(self, *people):
        sandbox_control.configure(hubspot={"owners": list(people)})

    def token(self, token):
        sandbox_control.configure(hubspot={"token": token})


def say(state, *, id="doc-1", minute=0, **changes):
    """The quoting tool says so, a minute of the life at a time, and it is digested."""
    at = factories.MONDAY + timedelta(minutes=minute)
    event = factories.document(state, id=id, at=at, **changes)
    answer = factories.post_pandadoc([event], event_id=f"{id}-{state}-{minute}")
    assert answer.status_code == 202, answer.content
    factories.digest_all()


def carry():
    """Carry what is due now, in this thread; how many."""
    return draining.drain(threads=0, linger=0)


def soon(**which):
    """As if the wait for the next attempt were over."""
    waiting = Outcome.objects.filter(state__in=["due", "delivered"], **which)
    waiting.update(next_attempt_at=instant.now() - LEAST)


def carry_on(times=6, **which):
    """Carry, wait, carry … until nothing more happens."""
    for _ in range(times):
        soon(**which)
        if not carry():
            return


def sweep_late(*, minutes=6):
    """What the clock does once the budgets are blown."""
    at = instant.now() + timedelta(minutes=minutes)
    return lateness.open_late_tickets(at=at, held=health.held())


def outcome(name, **which):
    return Outcome.objects.get(name=name, **which)


def states():
    """Each outcome's state by its name, for one proposal."""
    return dict(Outcome.objects.order_by("pk").values_list("name", "state"))
