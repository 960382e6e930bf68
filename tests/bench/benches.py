"""The benches by name, on one demo-less company."""

from tests import factories
from tests.bench import dashboard, drain, intake, memory, queue, reconcile, rules, tiers
from tests.bench.report import Ratio
from tests.bench.rig import Rig

_BENCHES = {
    "intake": intake.run, "drain": drain.run, "latency": drain.latency,
    "seconds-tier": tiers.seconds_tier, "starvation": tiers.starvation, "rules": rules.run,
    "memory": memory.run, "queue": queue.run, "reconcile": reconcile.run,
    "dashboard": dashboard.run,
}  # fmt: skip


def run(bed: Rig, names: list[str]) -> list[Ratio]:
    """Run these benches and print each ratio as it is known."""
    factories.staff()
    factories.pandadoc()
    ratios: list[Ratio] = []
    for name in names:
        for ratio in _BENCHES[name](bed):
            print(ratio.line(), flush=True)
            ratios.append(ratio)
    return ratios
