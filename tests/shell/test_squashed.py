"""A new database is made in few steps, and is the same as one that went through all of them."""

import re
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from meshline.shell import database_roles
from tests.shell import catalog, migrating

# From here on a new database feels it: fold anew, as docs/decisions/0014 says.
MOST_ON_TOP = 30


@pytest.fixture(scope="module")
def new() -> MigrationLoader:
    """What a database without tables is given."""
    return MigrationLoader(None)


@pytest.fixture(scope="module")
def steps() -> MigrationLoader:
    return migrating.steps()


def ours(keys):
    """Of migrations as (app, name) those in our own apps."""
    return [key for key in keys if _top(key[0]) == settings.BASE_DIR]


def _top(app):
    config = apps.get_app_config(app)
    return Path(config.path).parents[config.name.count(".")]


def test_every_step_up_to_a_squash_is_part_of_it(new):
    """Also one that came with somebody else's work under a number that was taken."""
    for app, squash in ours(new.replacements):
        last = re.fullmatch(r"0001_squashed_(\d{4})", squash).group(1)
        names = {name for label, name in new.disk_migrations if label == app and name != squash}
        upto = {(app, name) for name in names if name[:4] <= last}
        assert set(new.replacements[app, squash].replaces) == upto


def test_a_new_database_takes_few_steps(new):
    replaced = {step for squash in new.replacements.values() for step in squash.replaces}
    assert replaced.isdisjoint(new.graph.nodes)
    steps = ours(new.graph.nodes)
    assert len(steps) <= len({app for app, _ in steps}) + MOST_ON_TOP


def test_both_ways_lead_to_the_same_models(new, steps):
    """As makemigrations compares them."""
    between = MigrationAutodetector(steps.project_state(), new.project_state())
    assert between.changes(graph=new.graph) == {}


# Where an installation may be: one floor done and the others begun, or some not begun at all.
GROUND = ("audit", "notices", "people", "policy", "pulse")
FLOORS = ("exceptions", "proposals", "connectors", "reconciliation")
HALF_WAYS = {
    "the ground is done, the floors are not": {
        "exceptions": "0009_merged_tickets",
        "proposals": "0010_forced_effects",
        "connectors": "0005_mappings",
        "reconciliation": "0001_checks",
    },
    "the floors are done, the ground is not": {
        "audit": "0002_append_only",
        "notices": "0001_initial",
        "policy": "0009_drafts_for_a_second_person",
        "pulse": "0001_initial",
    },
    "a floor is not there yet": {"reconciliation": None},
    "the first day": dict.fromkeys(GROUND, "0001_initial") | dict.fromkeys(FLOORS),
}


@pytest.fixture(scope="module")
def as_new(django_db_blocker):
    """A database that was empty a moment ago."""
    with django_db_blocker.unblock(), migrating.elsewhere("new"):
        migrating.bring_up_to_date()
        database_roles.grant()
        return catalog.described()


@pytest.fixture
def empty(django_db_blocker):
    with django_db_blocker.unblock(), migrating.elsewhere("older"):
        yield


@pytest.mark.long
@pytest.mark.parametrize("places", HALF_WAYS.values(), ids=HALF_WAYS)
def test_from_everywhere_the_same_tables_are_reached(as_new, empty, places):
    migrating.step_to(places)
    migrating.bring_up_to_date()
    database_roles.grant()
    assert catalog.described() == as_new


@pytest.mark.long
def test_who_went_all_the_way_has_nothing_to_do(as_new, empty):
    migrating.step_to({})
    database_roles.grant()
    assert catalog.described() == as_new
    assert squashes_applied() == set()

    assert migrating.left_to_do() == []
    migrating.bring_up_to_date()
    assert catalog.described() == as_new
    assert squashes_applied() == set(ours(MigrationLoader(None).replacements))


def squashes_applied():
    applied = MigrationRecorder(connection).applied_migrations()
    return {key for key in ours(applied) if "_squashed_" in key[1]}
