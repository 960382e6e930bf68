"""Tests run as the application, which cannot do what only the owner may."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import ProgrammingError, connection

from meshline.shell import database_roles


def _current_user() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return cursor.fetchone()[0]


def test_tests_run_as_the_application(db):
    assert _current_user() == database_roles.application()


def test_the_application_cannot_make_tables(db):
    with pytest.raises(ProgrammingError, match="permission denied"), connection.cursor() as cursor:
        cursor.execute("CREATE TABLE anything (id int)")


def test_the_application_cannot_change_which_migrations_ran(db):
    with pytest.raises(ProgrammingError, match="permission denied"), connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations")


@pytest.mark.django_db(transaction=True)
def test_a_test_with_real_transactions_is_the_application_too():
    assert _current_user() == database_roles.application()


@pytest.mark.django_db(transaction=True)
def test_and_stays_so_after_the_flush():
    assert _current_user() == database_roles.application()


def test_two_roles_must_name_one_database(settings, monkeypatch):
    monkeypatch.setenv("MIGRATION_DATABASE_URL", "postgresql://owner@127.0.0.1/elsewhere")
    with pytest.raises(ImproperlyConfigured, match="the same database with two roles"):
        database_roles.owner_is_apart()


@pytest.mark.parametrize("act", ["UPDATE", "DELETE", "TRUNCATE"])
def test_the_application_may_only_add_to_the_trail(db, act):
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_table_privilege('audit_trailline', %s)", [act])
        assert cursor.fetchone() == (False,)
