"""Whatever an owner of the tables does to the trail behind its triggers is found and located."""

import hashlib
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, ProgrammingError, connection, transaction

from meshline.audit import personal, trail, verify
from meshline.audit.actors import SETUP, part
from meshline.audit.models import TrailLine
from meshline.audit.trail import Personal
from meshline.people.models import Team
from meshline.shell import database_roles

AT = datetime(2026, 3, 2, 9, 30, 0, 123456, tzinfo=UTC)
TABLES = ("audit_trailline", "audit_traillink", "audit_chainhead")


def write(number, **more):
    """One committed line after the other."""
    return [_written(place, **more) for place in range(number)]


@transaction.atomic
def _written(place, **more):
    team = Team.objects.get(slug="revops")
    return trail.record("team.looked-at", subject=team, by=SETUP, at=AT, why=f"{place}", **more)


def sql(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else None


@contextmanager
def behind_the_triggers():
    """As the owner of the tables, with every trigger and foreign key of theirs out of the way."""
    with database_roles.as_owner():
        ((key, definition),) = sql(
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE conrelid = 'audit_traillink'::regclass AND contype = 'f'"
        )
        sql(f"ALTER TABLE audit_traillink DROP CONSTRAINT {key}")
        _switch("DISABLE")
        try:
            yield
        finally:
            _switch("ENABLE")
            definition = definition.removesuffix(" NOT VALID")
            sql(f"ALTER TABLE audit_traillink ADD CONSTRAINT {key} {definition} NOT VALID")


def _switch(word):
    for table in TABLES:
        sql(f"ALTER TABLE {table} {word} TRIGGER USER")


@pytest.fixture
def ten(transactional_db):
    """Positions of ten lines, the last of the chain."""
    before = verify.chain()
    assert before.holds
    lines = write(10)
    assert verify.chain().length == before.length + 10
    return {place: (before.length + 1 + place, line.pk) for place, line in enumerate(lines)}


# --- It cannot be done -----------------------------------------------------------------------
CHANGES = [
    f"{act}"
    for table in ("audit_trailline", "audit_traillink")
    for act in (
        f"UPDATE {table} SET {'why' if table == 'audit_trailline' else 'hash'} = NULL",
        f"DELETE FROM {table}",
        f"TRUNCATE {table} CASCADE",
    )
] + ["DELETE FROM audit_chainhead", "TRUNCATE audit_chainhead"]


@pytest.mark.parametrize("change", CHANGES)
def test_the_application_may_not(ten, change):
    with pytest.raises(ProgrammingError, match="permission denied"):
        sql(change)
    assert verify.chain().holds


@pytest.mark.parametrize("change", CHANGES)
def test_the_owner_is_refused_by_triggers(ten, change):
    with database_roles.as_owner(), pytest.raises(IntegrityError, match="append-only"):
        sql(change)
    assert verify.chain().holds


def test_the_application_can_neither_move_the_head_nor_link_by_itself(ten):
    with pytest.raises(ProgrammingError, match="permission denied"):
        sql("UPDATE audit_chainhead SET position = 0")
    with pytest.raises(ProgrammingError, match="permission denied"):
        sql("INSERT INTO audit_traillink SELECT * FROM audit_traillink LIMIT 1")


# --- Done by force, it is found --------------------------------------------------------------
def found():
    verdict = verify.chain()
    return verdict.bad_position, verdict.reason


COLUMNS = {
    "at": "at + interval '1 microsecond'", "written_at": "written_at + interval '1 microsecond'",
    "actor_kind": "'person'", "actor_id": "'1'", "actor_label": "actor_label || ' '",
    "what": "'team.left-alone'", "subject_kind": "'user'", "subject_id": "'0'",
    "record": "'proposal:1'", "before": """'{"x": 1}'""", "after": """'{"x": null}'""",
    "why": "why || chr(8203)", "cause": "'signal:1'",
}  # fmt: skip


@pytest.mark.parametrize("column", COLUMNS)
def test_a_changed_line_is_located_whichever_column_it_was(ten, column):
    position, pk = ten[4]
    with behind_the_triggers():
        sql(f"UPDATE audit_trailline SET {column} = {COLUMNS[column]} WHERE id = %s", pk)
    assert found() == (position, f"The line at position {position} is not what was written.")


def test_a_deleted_line_is_located(ten):
    position, pk = ten[3]
    with behind_the_triggers():
        sql("DELETE FROM audit_trailline WHERE id = %s", pk)
    assert found() == (position, f"The line at position {position} is missing.")


def test_a_line_deleted_with_its_link_is_located(ten):
    position, pk = ten[3]
    with behind_the_triggers():
        sql("DELETE FROM audit_traillink WHERE line_id = %s", pk)
        sql("DELETE FROM audit_trailline WHERE id = %s", pk)
    assert found() == (position, f"Position {position} is missing.")


def test_a_gap_closed_by_renumbering_is_located_where_it_was(ten):
    position, pk = ten[3]
    with behind_the_triggers():
        sql("DELETE FROM audit_traillink WHERE line_id = %s", pk)
        sql("DELETE FROM audit_trailline WHERE id = %s", pk)
        sql("UPDATE audit_traillink SET position = -position WHERE position > %s", position)
        sql("UPDATE audit_traillink SET position = -position - 1 WHERE position < 0")
        sql("UPDATE audit_chainhead SET position = position - 1")
    assert found() == (
        position, f"The link at position {position} does not follow from the one before.",
    )  # fmt: skip


def test_a_line_slipped_in_without_a_link_is_found(ten):
    with behind_the_triggers():
        ((pk,),) = sql(
            "INSERT INTO audit_trailline (at, actor_kind, actor_id, actor_label, what,"
            " subject_kind, subject_id, record, before, after, why, cause) SELECT at, actor_kind,"
            " actor_id, actor_label, what, subject_kind, subject_id, record, before, after, why,"
            " cause FROM audit_trailline ORDER BY id DESC LIMIT 1 RETURNING id"
        )
    last, _ = ten[9]
    assert found() == (last + 1, f"Line {pk} is in the table but not in the chain.")


def test_swapped_hashes_are_located_at_the_first_of_both(ten):
    (position, one), (_, other) = ten[2], ten[6]
    with behind_the_triggers():
        sql(
            "UPDATE audit_traillink AS mine SET hash = theirs.hash FROM audit_traillink AS theirs"
            " WHERE (mine.line_id, theirs.line_id) IN ((%s, %s), (%s, %s))",
            one, other, other, one,
        )  # fmt: skip
    assert found() == (position, f"The line at position {position} is not what was written.")


def test_swapped_lines_are_located_at_the_first_of_both(ten):
    (position, one), (_, other) = ten[2], ten[6]
    with behind_the_triggers():
        sql("UPDATE audit_traillink SET line_id = -1 WHERE line_id = %s", one)
        sql("UPDATE audit_traillink SET line_id = %s WHERE line_id = %s", one, other)
        sql("UPDATE audit_traillink SET line_id = %s WHERE line_id = -1", other)
    assert found() == (position, f"The line at position {position} is not what was written.")


def test_a_cut_tail_is_located_at_what_is_missing_first(ten):
    position, pk = ten[7]
    with behind_the_triggers():
        sql("DELETE FROM audit_traillink WHERE position >= %s", position)
        sql("DELETE FROM audit_trailline WHERE id >= %s", pk)
    last, _ = ten[9]
    assert found() == (position, f"The chain ends at {position - 1}, but its head says {last}.")


def test_a_head_set_back_leaves_links_beyond_it(ten):
    position, _ = ten[5]
    with behind_the_triggers():
        sql(
            "UPDATE audit_chainhead SET position = link.position, hash = link.hash"
            " FROM audit_traillink link WHERE link.position = %s",
            position,
        )
    assert found() == (position + 1, f"Link {position + 1} is beyond the head.")


def test_a_forged_hash_of_the_head_is_found(ten):
    with behind_the_triggers():
        sql("UPDATE audit_chainhead SET hash = sha256('anything')")
    last, _ = ten[9]
    assert found() == (last, f"The head's hash is not the one of the link at position {last}.")


def test_a_head_that_is_gone_does_not_make_the_chain_look_empty(ten):
    with behind_the_triggers():
        sql("DELETE FROM audit_chainhead")
    assert found() == (1, "Link 1 is beyond the head.")


def test_a_line_rewritten_with_its_hash_is_located_at_its_successor(ten):
    position, pk = ten[4]
    with behind_the_triggers():
        sql("UPDATE audit_trailline SET why = 'forged' WHERE id = %s", pk)
        ((previous, covered),) = sql(
            f"SELECT link.previous, {verify.COVERED} FROM audit_traillink link"
            " JOIN audit_trailline line ON line.id = link.line_id WHERE line.id = %s",
            pk,
        )
        forged = hashlib.sha256(bytes(previous) + covered.encode()).digest()
        sql("UPDATE audit_traillink SET hash = %s WHERE line_id = %s", forged, pk)
    assert found() == (
        position + 1,
        f"The link at position {position + 1} does not follow from the one before.",
    )


# --- The command -----------------------------------------------------------------------------
def test_the_command_prints_length_and_head(ten, capsys):
    call_command("verify_trail")
    verdict = verify.chain()
    expected = f"The trail holds: {verdict.length} links, head {verdict.head}.\n"
    assert capsys.readouterr().out.startswith(expected)


def test_the_command_ends_with_1_and_names_the_position(ten):
    position, pk = ten[4]
    with behind_the_triggers():
        sql("UPDATE audit_trailline SET why = 'x' WHERE id = %s", pk)
    with pytest.raises(CommandError, match=f"^Position {position}: The line at") as error:
        call_command("verify_trail")
    assert error.value.returncode == 1


# --- What it covers is what was written ------------------------------------------------------
ODD = [
    "", " ", "Zoë 山田 🧵 ‮ \u200b", "a\0b", "half \ud800 a character", "quote\" back\\slash \n\t\r",
    "\u007f\u0080\u2028", "1e131071", "'; DROP TABLE x; --", "%s %% {0}", "x" * 100_000,
]  # fmt: skip


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_odd_text_is_kept_and_verified(odd):
    team = Team.objects.get(slug="revops")
    changes = {"text": odd, "deep": {odd or "k": [odd, {"x": odd}]}, "own": Personal("p", odd)}
    with transaction.atomic():
        line = trail.record(
            "team.looked-at", subject=team, by=part("odd", "Odd"), at=AT, why=odd, after=changes
        )
    assert verify.chain().holds
    kept = TrailLine.objects.get(pk=line.pk)
    readable = odd.replace("\0", "�").encode(errors="replace").decode()
    assert (kept.why, kept.after["text"]) == (readable, readable)
    assert kept.at == AT


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "value", [None, True, 0, -1, 2**63, 1.5, float("nan"), float("inf"), [], {}, AT, (1, 2)],
    ids=str,
)  # fmt: skip
def test_odd_values_are_kept_and_verified(value):
    team = Team.objects.get(slug="revops")
    with transaction.atomic():
        trail.record(
            "team.looked-at", subject=team, by=SETUP, at=AT, before={"v": value}, after={"v": value}
        )
    assert verify.chain().holds


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "moment",
    [
        AT, datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    ],
    ids=str,
)  # fmt: skip
def test_moments_are_covered_to_the_microsecond(moment):
    team = Team.objects.get(slug="revops")
    with transaction.atomic():
        line = trail.record("team.looked-at", subject=team, by=SETUP, at=moment)
    assert verify.chain().holds
    assert TrailLine.objects.get(pk=line.pk).at == moment


# --- Erasing a person ------------------------------------------------------------------------
def test_erasing_a_person_keeps_the_chain_and_shows_that_it_was_done(ten):
    nina, omar = Personal("contact:nina", "Nina Brook"), Personal("contact:omar", "Omar Sy")
    line = _written(10, after={"contact": nina, "other": omar})
    assert "Nina" not in str(TrailLine.objects.filter(pk=line.pk).values_list("after"))
    personal.forget("contact:nina")
    kept = TrailLine.objects.get(pk=line.pk)
    opened = personal.reveal(kept.after, personal.keys_for([kept.after]))
    assert opened == {"contact": "(erased)", "other": "Omar Sy"}
    assert verify.chain().holds


def test_one_value_nobody_can_open_does_not_take_the_others_with_it(ten, settings):
    line = _written(10, after={"contact": Personal("contact:nina", "Nina"), "state": "sent"})
    settings.SECRETS_KEYS = ["B" * 43 + "="]
    kept = TrailLine.objects.get(pk=line.pk)
    opened = personal.reveal(kept.after, personal.keys_for([kept.after]))
    assert opened == {"contact": "(unreadable)", "state": "sent"}
