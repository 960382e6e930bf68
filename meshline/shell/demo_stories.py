"""What happened to the demo company's proposals lately. Everybody and everything is invented."""

from dataclasses import dataclass
from typing import Any

REMY, INES, NOBODY = "remy@example.com", "ines@example.com", "jules@example.com"
# Leads the team, and sells a little.
SAM = "sam@example.com"


@dataclass(frozen=True)
class Step:
    """One thing that happened: a document's new status, or what a person did.

    When: `minutes_ago`, or `days_ago` working days ago at `clock` in the company's zone.
    """

    does: str
    days_ago: int = 0
    clock: str = ""
    minutes_ago: int = 0
    says: str = ""
    crm_is_down: bool = False
    # The sender left the zone out of its time: nobody may guess it.
    without_zone: bool = False
    # Its webhook never came: the next one is the first word of it.
    is_lost: bool = False


@dataclass(frozen=True)
class Story:
    """One proposal: its document, whom it is for, whose it is, and what became of it."""

    name: str
    amount: str
    currency: str
    contact: str
    email: str
    owner: str
    steps: tuple[Step, ...]
    # Whether the quoting tool's webhooks carry the contact's e-mail.
    tells_email: bool = True


def _on(days_ago: int, clock: str, does: str, says: str = "", **more: Any) -> Step:
    return Step(does, days_ago=days_ago, clock=clock, says=says, **more)


def _ago(minutes: int, does: str, says: str = "", **more: Any) -> Step:
    return Step(does, minutes_ago=minutes, says=says, **more)


# The demo page shows the newest documents: these come first, those that one is to play with last.
STORIES = (
    Story(
        "Cable car anemometers", "16900.00", "EUR", "Resi Gipfel", "resi.gipfel@example.com", INES,
        (
            _on(13, "11:00", "sent"), _on(13, "11:25", "calls", "She shows it to the operator."),
            _on(11, "10:20", "follows up", "They build in spring; asked again in January."),
        ),
    ),
    Story(
        "Tunnel air monitors", "21750.00", "EUR", "Noor Shaft", "noor.shaft@example.com", REMY,
        (
            _on(11, "09:50", "sent"), _on(7, "16:10", "follows up", "Late, but she had time."),
        ),
    ),
    Story(
        "Vineyard frost alarm", "6900.00", "EUR", "Luc Cellar", "luc.cellar@example.com", INES,
        (
            _on(4, "09:20", "sent"), _on(4, "09:55", "calls", "Frost was early; he is in a hurry."),
            _on(2, "09:05", "follows up", "He decides after the weekend."),
        ),
    ),
    Story(
        "Dairy tank gauges", "5200.00", "EUR", "Vera Churn", "vera.churn@example.com", INES,
        (
            _on(4, "10:40", "sent", is_lost=True), _on(3, "09:15", "completed"),
            _on(3, "14:30", "meets", "At the dairy, with its fitter."),
            _on(3, "15:50", "follows up", "The fitter has a day next week."),
        ),
    ),
    Story(
        "Canal lock drives", "27300.00", "EUR", "Piet Sluis", "piet.sluis@example.com", REMY,
        (
            _on(3, "13:10", "sent"), _on(2, "09:40", "writes", "Did it arrive?"),
        ),
    ),
    Story(
        "School ventilation", "8200.00", "EUR", "Ida Chalk", "ida.chalk@example.com", SAM,
        (
            _on(2, "09:30", "sent"), _on(2, "09:52", "calls", "The council meets on the 3rd."),
            _on(1, "14:00", "follows up", "She has all she needs for the council."),
        ),
    ),
    Story(
        "Bakery oven probes", "4650.00", "EUR", "Theo Crumb", "theo.crumb@example.com", SAM,
        (
            _on(1, "10:00", "sent"), _on(1, "16:35", "calls", "He bakes until noon."),
        ),
    ),
    Story(
        "Harbour crane sensors", "48200.00", "EUR", "Kim Vale", "kim.vale@example.com", REMY,
        (
            _on(15, "09:12", "draft"), _on(15, "10:05", "sent"),
            _on(15, "11:20", "calls", "Kim reads it tonight."), _on(14, "08:41", "viewed"),
            _on(12, "15:27", "completed"), _on(11, "11:45", "follows up"),
            _on(9, "10:02", "pays"),
            _on(8, "11:20", "closed-won", "The first invoice is paid; the contract runs."),
        ),
    ),
    Story(
        "Cold-room monitoring", "12650.00", "EUR", "Pia Orchard", "pia.orchard@example.com", INES,
        (
            _on(14, "09:30", "draft"), _on(14, "10:10", "sent"),
            _on(13, "09:35", "writes", "When may I call?"), _on(13, "14:02", "viewed"),
            _on(9, "16:45", "declined"), _on(8, "10:18", "draft"), _on(8, "11:02", "sent"),
            _on(7, "09:55", "completed"), _on(6, "15:30", "follows up", "Kick-off is on Monday."),
            _on(1, "16:20", "voids"),
        ),
    ),
    Story(
        "Fleet telemetry, year two", "31900.00", "EUR", "Tom Adler", "tom.adler@example.com", REMY,
        (
            _on(12, "13:40", "sent"), _on(11, "09:03", "viewed"),
            _on(11, "10:30", "meets", "Tom wants one price for both years."),
            _on(10, "11:31", "completed"),
            _on(9, "14:20", "follows up", "Tom's people know whom to call."),
        ),
        # So nobody can be invoiced.
        tells_email=False,
    ),
    Story(
        "Greenhouse climate pilot", "7400.00", "EUR", "Lea Moss", "lea.moss@example.com", INES,
        (
            _on(11, "15:44", "sent"), _on(4, "09:00", "voided"),
        ),
    ),
    Story(
        "Brewery line retrofit", "22380.00", "EUR", "Jan Hops", "jan.hops@example.com", REMY,
        (
            _on(10, "10:30", "sent"), _on(9, "10:12", "viewed"),
            _on(6, "15:40", "calls", "Jan had hoped to hear of us last week."),
            _on(3, "14:05", "closed-lost", "They stay with what they have until next year."),
        ),
    ),
    Story(
        "Observatory dome controls", "64000.00", "GBP", "Ada Quill", "ada.quill@example.com", INES,
        (
            _on(9, "11:50", "sent"),
            _on(9, "12:25", "writes", "With the drawings."), _on(8, "16:33", "viewed"),
            _on(6, "10:47", "completed"), _on(5, "16:05", "follows up there"),
            _on(2, "11:15", "pays"),
        ),
    ),
    Story(
        "Museum humidity watch", "9150.00", "EUR", "Otto Frame", "otto.frame@example.com", REMY,
        (
            _on(6, "13:05", "draft"), _on(6, "13:30", "sent", crm_is_down=True),
            _on(5, "09:14", "viewed"),
            _on(5, "10:02", "calls", "Otto has a question about the mounting."),
            _on(4, "11:20", "follows up", "Otto asks the museum's board on Thursday."),
        ),
    ),
    Story(
        "Tram depot heating", "17800.00", "EUR", "Eva Kurz", "eva.kurz@example.com", INES,
        (
            _on(5, "10:52", "sent"),
            _on(5, "11:30", "calls", "Eva has it on her desk."), _on(4, "15:08", "viewed"),
            _on(3, "10:31", "follows up there"),
        ),
    ),
    Story(
        "Salt works pumps", "39500.00", "CHF", "Beat Saline", "beat.saline@example.com", REMY,
        (
            _on(3, "10:15", "sent"), _on(2, "11:26", "viewed"),
        ),
    ),
    Story(
        "Archive fire detection", "2450000", "JPY", "Mio Hara", "mio.hara@example.com", INES,
        (
            _on(2, "16:20", "draft"), _on(2, "16:45", "sent"), _ago(25, "viewed"),
        ),
    ),
    Story(
        "Ferry terminal displays", "26300.00", "EUR", "Nina Brook", "nina.brook@example.com", REMY,
        (
            _on(2, "14:38", "sent"),
            _on(2, "15:20", "writes", "The displays as we spoke of them."),
            _on(1, "16:02", "viewed"),
            _ago(52, "declined"),
            _ago(44, "take on", "Nina wants the mounting priced apart. Remy sends a new version."),
        ),
    ),
    Story(
        "Quarry weighbridge", "14250.00", "EUR", "Ivo Stone", "ivo.stone@example.com", NOBODY,
        (
            _ago(200, "draft"), _ago(187, "sent"),
        ),
    ),
    Story(
        "Lighthouse beacon", "18900.00", "EUR", "Mara Reef", "mara.reef@example.com", REMY,
        (
            _ago(96, "sent", without_zone=True),
        ),
    ),
    Story(
        "Clinic air quality", "11700.00", "EUR", "Rolf Anders", "rolf.anders@example.com", INES,
        (
            _ago(68, "draft"),
        ),
    ),
)  # fmt: skip
