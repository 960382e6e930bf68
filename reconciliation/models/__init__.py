"""What looking back found, by its rooms."""

from reconciliation.models.canaries import Canary, Probe
from reconciliation.models.checks import CheckResult, CheckResultQuerySet
from reconciliation.models.mondays import MondayItem, MondayList
from reconciliation.models.rollups import (
    Baseline,
    Objective,
    Passage,
    PassageQuerySet,
    RolledUp,
    Rollup,
)
from reconciliation.models.runs import (
    Divergence,
    DivergenceQuerySet,
    Finding,
    Run,
    RunQuerySet,
    Side,
    Sighting,
    Sort,
)
from reconciliation.models.samples import Drawn, DrawnQuerySet, Sample
from reconciliation.models.tunings import CheckTuning
from reconciliation.models.unbilled import Unbilled, UnbilledQuerySet

__all__ = [
    "Baseline",
    "Canary",
    "CheckResult",
    "CheckResultQuerySet",
    "CheckTuning",
    "Divergence",
    "DivergenceQuerySet",
    "Drawn",
    "DrawnQuerySet",
    "Finding",
    "MondayItem",
    "MondayList",
    "Objective",
    "Passage",
    "PassageQuerySet",
    "Probe",
    "RolledUp",
    "Rollup",
    "Run",
    "RunQuerySet",
    "Sample",
    "Side",
    "Sighting",
    "Sort",
    "Unbilled",
    "UnbilledQuerySet",
]
