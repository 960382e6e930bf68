"""The clock is killed while tickets wait for their steps: none is lost, none is done twice."""

import pytest

from tests.faults import processes
from tests.faults.house import House
from tests.faults.processes import until

# People work around the clock here, and a dispute is warned of 3, 6, 9 and 12 s after it opened.
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MODEL = f"""\
calendars:
- slug: company
  zone: UTC
  hours: {{{", ".join(f'{day}: ["00:00-24:00"]' for day in _DAYS)}}}
slas:
- {{severity: high, kind: dispute, acknowledge_within: 1m, fix_within: 40h}}
escalation: {{quiet_at: 5, owner_at: 10, lead_at: 15, accountable_at: 20}}
"""
STEPS = ["ack-quiet", "ack-owner", "ack-lead", "ack-accountable"]
# The addresses are read before the transaction, which may not be silent for long here.
_OPEN = """
from django.urls import reverse
from exceptions import troubles
from meshline import instant
from meshline.audit.actors import SETUP
trouble = troubles.Trouble(
    kind="dispute", cause={name!r}, title={name!r}, reason="x", subject={name!r},
    evidence={{"x": 1}},
)
reverse("exceptions:queue")
print(troubles.open_ticket(trouble, by=SETUP, at=instant.now()).pk)
"""
_TAKEN = """
SELECT name, count(*) FROM exceptions_step WHERE ticket_id = %s GROUP BY name ORDER BY min(due_at)
"""
_TOLD = """
SELECT count(*) FROM audit_trailline
WHERE subject_kind = 'ticket' AND subject_id = %s AND what = 'ticket.warned'
"""


@pytest.fixture
def working(house: House) -> House:
    file = house.folder / "steps.yaml"
    file.write_text(MODEL)
    house.manage("operating_model", "apply", str(file))
    return house


def opened(house: House, name: str) -> int:
    return int(house.manage("shell", "-v", "0", "-c", _OPEN.format(name=name)).split()[-1])


def taken(house: House, ticket: int) -> list[tuple[str, int]]:
    with house.database() as session:
        return session.execute(_TAKEN, [ticket]).fetchall()


def told(house: House, ticket: int) -> int:
    with house.database() as session:
        row = session.execute(_TOLD, [str(ticket)]).fetchone()
    return row[0] if row else 0


@pytest.mark.long
def test_clocks_killed_between_and_within_steps_lose_and_double_none(working: House):
    house, says = working, working.folder / "step-stopped"
    ticket = opened(house, "killed")
    until(lambda: taken(house, ticket), what="the first step is taken")
    assert processes.kill(*house.clocks)
    # The next clock does a step and stops before it is kept; then it is killed as well.
    about = f"{ticket}:ack-lead"
    house.orders(stop={"at": "taking a step", "about": about, "says": str(says)})
    until(says.exists, what="a clock stopped in the middle of a step")
    assert processes.kill(int(says.read_text()))
    until(lambda: len(taken(house, ticket)) == 4, what="all steps are taken")
    assert taken(house, ticket) == [(name, 1) for name in STEPS]
    assert told(house, ticket) == 4


@pytest.mark.long
def test_without_the_rows_of_what_was_taken_steps_are_doubled(working: House):
    """The control: a clock that does not find what was done does it again."""
    working.orders(without=["rows of steps"])
    ticket = opened(working, "doubled")
    until(lambda: told(working, ticket) > 4, what="something is done twice")
