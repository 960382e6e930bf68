"""One floor imports downwards only, and one room of a floor, too: both orders as data.

The shell (settings, urls, the timetable, meshline/shell and the management commands) names every
room and is imported by nobody.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent

# Each floor may import the floors after it.
FLOORS = ["reconciliation", "connectors", "proposals", "exceptions", "meshline"]

# The ground's rooms, lowest first; their views, forms and URLs may also use the web kit.
GROUND = [
    {
        "environment",
        "money",
        "instant",
        "bell",
        "bulk",
        "patience",
        "prepared",
        "vault",
        "logs",
        "gauges",
        "invariants",
        "masking",
        "sentences",
        "searching",
        "expressions",
        "clauses",
        "compiled_clauses",
        "trial_expressions",
        "sound_conditions",
        "synthetic",
    },
    {"audit"},
    {"people"},
    {"policy"},
    {"notices"},
    {"rota"},
    {"pulse"},
    {"web"},
]

SHELL = {
    "meshline.settings", "meshline.urls", "meshline.wsgi", "meshline.api", "meshline.apps",
    "meshline.timetable", "meshline.shell", "meshline.management",
}  # fmt: skip

# Within an app, highest first: who may import whom. What is not named here is a verb or a rule.
ENTRANCES = {"urls", "views", "api", "jobs", "filters", "forms", "model_file"}
NOBODY_IMPORTS = {"urls", "views", "api", "jobs"}
ROWS = {"models"}
# Pure: facts in, a decision out; neither database nor clock nor anything of Django.
RULES = {
    "meshline.money", "meshline.sentences", "meshline.expressions", "meshline.clauses",
    "meshline.notices.kinds",
    "meshline.notices.quiet",
    "meshline.people.roll", "meshline.people.duty", "meshline.rota.coverage",
    "meshline.compiled_clauses", "meshline.trial_expressions", "meshline.sound_conditions",
    "meshline.policy.business_time", "meshline.policy.public_holidays", "meshline.policy.windows",
    "meshline.policy.truth", "meshline.policy.tolerance",
    "exceptions.states", "exceptions.kinds", "exceptions.steps", "exceptions.columns",
    "meshline.searching",
    "proposals.states", "proposals.history", "proposals.fields", "proposals.tiers",
    "proposals.hold_kinds", "proposals.following", "meshline.people.permissions",
    "proposals.routing.rules", "proposals.routing.targets", "proposals.routing.pools",
    "proposals.contracts.promises", "proposals.contracts.catalogue", "proposals.contracts.terms",
    "proposals.contracts.conditions", "proposals.contracts.gates", "proposals.contracts.sentences",
    "proposals.contracts.differences",
    "connectors.elements", "connectors.polls", "connectors.keyset", "connectors.minor",
    "connectors.backoff", "connectors.mapping", "connectors.parsing", "connectors.moments",
    "meshline.policy.process_table", "meshline.policy.spans", "reconciliation.model_facts",
    "reconciliation.lints",
    "reconciliation.lints.against_itself",
    "reconciliation.lints.authorities",
    "reconciliation.lints.fields",
    "reconciliation.lints.lint",
    "reconciliation.lints.outcomes",
    "reconciliation.lints.owners",
    "reconciliation.lints.routing",
    "reconciliation.lints.times",
    "reconciliation.drawing", "reconciliation.kinds", "reconciliation.sides",
    "reconciliation.lacking", "reconciliation.burning",
    "reconciliation.canary_legs", "reconciliation.monday_weeks",
    "reconciliation.legs", "reconciliation.histograms", "reconciliation.charts",
    "reconciliation.apart",
}  # fmt: skip
RULES_MAY = {"meshline.money", *RULES}

# The one place where `requests` may be imported, and the one that may open connections by hand.
OUTGOING = "connectors.http"


def modules() -> Iterator[tuple[str, ast.Module]]:
    for floor in FLOORS:
        for path in sorted((PROJECT / floor).rglob("*.py")):
            parts = path.relative_to(PROJECT).with_suffix("").parts
            if "migrations" in parts:
                continue
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            yield name, ast.parse(path.read_text(), str(path))


def imports(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Every module or name imported, wherever it stands, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node.lineno


def is_shell(name: str) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in SHELL)


def floor_of(name: str) -> str | None:
    floor = name.split(".")[0]
    return floor if floor in FLOORS else None


def room_of(name: str) -> int | None:
    """How high a ground room stands; None for what is not on the ground floor."""
    parts = name.split(".")
    if parts[0] != "meshline" or len(parts) < 2:
        return None
    return next((height for height, rooms in enumerate(GROUND) if parts[1] in rooms), None)


def kind_of(name: str) -> str:
    parts = [_entrance(part) for part in name.split(".")]
    return next((part for part in parts[1:] if part in ENTRANCES | ROWS), "")


def _entrance(part: str) -> str:
    """ "raci_views" are views and "urls_owners" URLs, as "views" and "urls" are; and so on."""
    first, *_, last = part.split("_") if "_" in part else (part, part)
    return "urls" if first == "urls" else last if last in {"views", "forms", "models"} else part


MODULES = list(modules())


def violations(rule) -> list[str]:
    return [
        f"{name}:{line} imports {target}"
        for name, tree in MODULES
        for target, line in imports(tree)
        if rule(name, target)
    ]


def test_floors_import_downwards_only():
    def upwards(name, target):
        here, there = floor_of(name), floor_of(target)
        if is_shell(name) or here is None or there is None or here == there:
            return False
        return FLOORS.index(there) < FLOORS.index(here)

    assert violations(upwards) == []


def test_the_ground_rooms_import_downwards_only():
    def upwards(name, target):
        here, there = room_of(name), room_of(target)
        if is_shell(name) or here is None or there is None:
            return False
        # Pages and forms of the ground may use the whole ground; verbs and models may not.
        return there > here and kind_of(name) not in ENTRANCES

    assert violations(upwards) == []


def test_nobody_imports_the_shell():
    def into_shell(name, target):
        return is_shell(target) and not is_shell(name)

    assert violations(into_shell) == []


def test_nobody_imports_views_urls_or_jobs():
    def into_entrance(name, target):
        if is_shell(name) or floor_of(target) is None:
            return False
        within = name.rpartition(".")[0] == target.rpartition(".")[0]
        parts = {_entrance(part) for part in target.split(".")[1:]}
        own = kind_of(name) in {"urls", "views"} and name.split(".")[0] == target.split(".")[0]
        return bool(parts & NOBODY_IMPORTS) and not own and not within

    assert violations(into_entrance) == []


def test_models_know_only_models_and_rules():
    def out_of_models(name, target):
        if kind_of(name) not in ROWS or floor_of(target) is None:
            return False
        may = (
            "models", "permissions", "money", "states", "kinds", "steps", "tiers", "truth", "polls",
            "tolerance", "synthetic", "canary_legs", "apart",
        )  # fmt: skip
        return not any(_entrance(part) in may for part in target.split("."))

    assert violations(out_of_models) == []


@pytest.mark.parametrize("rule", sorted(RULES))
def test_a_rule_is_pure(rule):
    tree = dict(MODULES)[rule]
    impure = [
        target
        for target, _ in imports(tree)
        if target.split(".")[0] == "django"
        or (floor_of(target) and not any(target.startswith(one) for one in RULES_MAY))
    ]
    assert impure == []


def test_no_import_hides_in_a_function():
    hidden = [
        f"{name}:{inner.lineno}"
        for name, tree in MODULES
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]
    assert hidden == []


def test_one_module_speaks_http():
    def elsewhere(name, target):
        is_client = target.split(".")[0] in {"requests", "urllib3", "httpx", "aiohttp"}
        return is_client and name not in {OUTGOING, "connectors.net"}

    assert violations(elsewhere) == []


def test_the_stand_ins_know_nothing_of_meshline():
    """They play the other side: whatever they shared with us would agree with itself."""

    def ours(name, target):
        inside = name.startswith("connectors.sandbox")
        return inside and floor_of(target) and not target.startswith("connectors.sandbox")

    assert violations(ours) == []


def test_no_signal_receivers():
    """Upward talk is a row, a URL name or a bell."""

    def receiver(name, target):
        return target.startswith(("django.dispatch", "django.db.models.signals"))

    assert violations(receiver) == []
