"""What an owner of the tables can make the chain itself agree with, the anchors contradict."""

import threading
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from exceptions.models import Ticket
from meshline import instant, timetable
from meshline.audit import anchors, jobs, verify
from meshline.audit.models import ChainHead, LastAnchor, TrailLink
from meshline.audit.verify import Place
from meshline.pulse import pulse
from meshline.shell import invariants
from meshline.shell.clock import Clock
from tests.audit.test_verify import _written, behind_the_triggers, sql, write


@pytest.fixture
def anchored(transactional_db, anchor_file):
    """Ten lines, an anchor, ten more and another anchor: positions of both anchors."""
    write(10)
    first = anchors.write(at=instant.now())
    write(10)
    second = anchors.write(at=instant.now())
    assert verify.trail().holds
    return first, second


def found():
    verdict = verify.trail()
    return verdict.bad_position, verdict.reason


def rechained(after):
    """Write the whole chain after a position anew, as an owner of the tables can."""
    sql(
        f"""
        DO $$
        DECLARE link record; before bytea; now bytea; text_of text;
        BEGIN
            SELECT coalesce(
            (SELECT hash FROM audit_traillink WHERE position = {after}),
            decode(repeat('00', 32), 'hex')) INTO before;
            FOR link IN SELECT * FROM audit_traillink WHERE position > {after} ORDER BY position
            LOOP
                SELECT {verify.COVERED} INTO text_of FROM audit_trailline line
                    WHERE line.id = link.line_id;
                now := sha256(before || convert_to(text_of, 'UTF8'));
                UPDATE audit_traillink SET previous = before, hash = now
                    WHERE line_id = link.line_id;
                before := now;
            END LOOP;
            UPDATE audit_chainhead SET hash = before;
        END $$
        """
    )


def cut_after(position):
    """The tail with its lines, and the head set back to match."""
    sql("DELETE FROM audit_trailline WHERE id IN"
        " (SELECT line_id FROM audit_traillink WHERE position > %s)", position)  # fmt: skip
    sql("DELETE FROM audit_traillink WHERE position > %s", position)
    sql("UPDATE audit_chainhead SET position = %s, hash ="
        " (SELECT hash FROM audit_traillink WHERE position = %s)", position, position)  # fmt: skip


# --- What only the anchors find --------------------------------------------------------------
def test_a_tail_cut_together_with_its_head_is_located(anchored):
    first, second = anchored
    with behind_the_triggers():
        cut_after(first.position + 4)
    assert verify.chain().holds
    assert found() == (
        first.position + 5,
        f"The chain was cut here: anchor 2 of {second.at} saw it reach position {second.position}.",
    )


def test_a_cut_tail_is_found_also_once_new_lines_have_grown_over_it(anchored):
    first, second = anchored
    with behind_the_triggers():
        cut_after(first.position + 4)
    write(20)
    assert verify.chain().holds
    position, reason = found()
    assert position == second.position
    assert f"a line after position {first.position} was rewritten" in reason


def test_a_chain_written_anew_from_a_changed_line_on_is_found(anchored):
    first, second = anchored
    with behind_the_triggers():
        sql("UPDATE audit_trailline SET why = 'forged' WHERE id ="
            " (SELECT line_id FROM audit_traillink WHERE position = %s)",
            first.position + 3)  # fmt: skip
        rechained(first.position + 2)
    assert verify.chain().holds
    position, reason = found()
    assert (position, f"after position {first.position} was rewritten" in reason) == (
        second.position, True,
    )  # fmt: skip


def test_an_emptied_trail_is_found(anchored):
    with behind_the_triggers():
        sql("DELETE FROM audit_trailline")
        sql("DELETE FROM audit_traillink")
        sql("DELETE FROM audit_chainhead")
    assert verify.chain().holds
    assert found()[0] == 1


def test_a_changed_line_in_the_middle_is_still_located_to_the_line(anchored):
    first, _ = anchored
    with behind_the_triggers():
        sql("UPDATE audit_trailline SET why = 'x' WHERE id ="
            " (SELECT line_id FROM audit_traillink WHERE position = %s)",
            first.position + 3)  # fmt: skip
    assert found() == (
        first.position + 3, f"The line at position {first.position + 3} is not what was written.",
    )  # fmt: skip


def test_swapped_lines_are_still_located(anchored):
    first, _ = anchored
    (one,), (other,) = sql(
        "SELECT line_id FROM audit_traillink WHERE position IN (%s, %s) ORDER BY position",
        first.position + 2, first.position + 5,
    )  # fmt: skip
    with behind_the_triggers():
        sql("UPDATE audit_traillink SET line_id = -1 WHERE line_id = %s", one)
        sql("UPDATE audit_traillink SET line_id = %s WHERE line_id = %s", one, other)
        sql("UPDATE audit_traillink SET line_id = %s WHERE line_id = -1", other)
    assert found()[0] == first.position + 2


def test_links_from_before_the_moment_of_writing_was_covered_still_hold(transactional_db):
    write(4)
    last = verify.chain().length
    with behind_the_triggers():
        sql("UPDATE audit_traillink SET covers = 1 WHERE position <= %s", last - 2)
        rechained(0)
    assert verify.trail().holds
    assert set(TrailLink.objects.values_list("covers", flat=True)) == {1, 2}


def test_a_link_does_not_hide_a_changed_moment_by_saying_that_it_covers_less(anchored):
    first, _ = anchored
    with behind_the_triggers():
        sql("UPDATE audit_traillink SET covers = 1 WHERE position = %s", first.position)
    assert found()[0] == first.position


# --- The file itself -------------------------------------------------------------------------
def rewrite(path, change):
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(change(lines)))


FORGED = b"0" * 64
TAMPERED = {
    "the first line is gone": (lambda rows: rows[1:], "Anchor 1 is missing"),
    "the last line is gone": (lambda rows: rows[:-1], "ends after 1 anchors, but 2 were"),
    "a position is edited": (
        lambda rows: [rows[0].replace(b" 1 ", b" 1 1", 1), rows[1]], "Line 1 .* is not what was"),
    "a moment is edited": (
        lambda rows: [rows[0], b"2001" + rows[1][4:]], "Line 2 .* is not what was"),
    "a line is forged": (
        lambda rows: [rows[0], rows[1][:-65] + FORGED + b"\n"], "Line 2 .* is not what was"),
    "both are swapped": (lambda rows: rows[::-1], "Anchor 1 is missing"),
    "the end is torn off": (lambda rows: [rows[0], rows[1][:-9]], "Line 2 .* is damaged"),
    "it is not text": (lambda rows: [b"\xff\x00\n"], "Line 1 .* is damaged"),
    "it is empty": (lambda rows: [], "ends after 0 anchors, but 2 were written"),
}  # fmt: skip


@pytest.mark.parametrize("case", TAMPERED)
def test_a_tampered_anchor_file_is_reported_and_the_chain_still_walked(anchored, anchor_file, case):
    change, said = TAMPERED[case]
    rewrite(anchor_file, change)
    verdict = verify.trail()
    assert verdict.length == anchored[1].position
    assert verdict.bad_position is None
    with pytest.raises(CommandError, match=said) as error:
        call_command("verify_trail")
    assert error.value.returncode == 1


def test_an_anchor_file_that_is_gone_is_reported(anchored, anchor_file):
    anchor_file.unlink()
    assert found() == (
        None, f"The anchor file {anchor_file} cannot be read: No such file or directory.",
    )  # fmt: skip


@pytest.mark.parametrize("case", ["the last line is gone", "a line is forged", "it is empty"])
def test_writing_on_does_not_make_good_what_was_tampered_with(anchored, anchor_file, case):
    rewrite(anchor_file, TAMPERED[case][0])
    anchors.write(at=instant.now())
    anchors.write(at=instant.now())
    assert not verify.trail().holds


def test_a_file_that_is_gone_is_not_begun_anew_as_if_nothing_was(anchored, anchor_file):
    anchor_file.unlink()
    assert anchors.write(at=instant.now()).number == 3
    assert found() == (None, f"Anchor 1 is missing from the anchor file {anchor_file}.")


def test_nobody_forges_a_line_without_the_key(anchored, anchor_file, settings):
    ours = settings.SECRETS_KEYS
    settings.SECRETS_KEYS = ["B" * 43 + "="]
    anchors.write(at=instant.now())
    settings.SECRETS_KEYS = ours
    assert "Line 3 " in found()[1]


def test_keys_are_turned_over_as_long_as_the_old_one_stands_behind(anchored, settings):
    settings.SECRETS_KEYS = ["B" * 43 + "=", *settings.SECRETS_KEYS]
    anchors.write(at=instant.now())
    verdict = verify.trail()
    assert (verdict.reason, verdict.anchors) == ("", 3)


def test_a_chain_fault_before_an_anchors_is_named_first(anchored, anchor_file):
    first, _ = anchored
    with behind_the_triggers():
        cut_after(first.position + 4)
        sql("UPDATE audit_trailline SET why = 'x' WHERE id ="
            " (SELECT line_id FROM audit_traillink WHERE position = %s)",
            first.position)  # fmt: skip
    assert found()[0] == first.position


def test_a_disk_that_is_full_leaves_the_file_as_it_was(anchored, anchor_file, monkeypatch):
    before = anchor_file.read_bytes()

    def half(descriptor, line):
        return write_(descriptor, line[:50])

    write_ = anchors.os.write
    monkeypatch.setattr(anchors.os, "write", half)
    with pytest.raises(CommandError, match="full"):
        call_command("anchor_trail")
    monkeypatch.undo()
    assert anchor_file.read_bytes() == before
    anchors.write(at=instant.now())


# --- Hour by hour ----------------------------------------------------------------------------
def test_a_fresh_trail_says_that_there_are_no_anchors_yet(transactional_db, capsys):
    write(3)
    call_command("verify_trail")
    assert "There are no anchors yet" in capsys.readouterr().out


def test_an_empty_trail_is_anchored_too(transactional_db):
    with behind_the_triggers():
        for table in ("audit_trailline", "audit_traillink", "audit_chainhead"):
            sql(f"DELETE FROM {table}")
    assert anchors.write(at=instant.now()).position == 0
    assert verify.trail().holds
    write(2)
    assert verify.trail().holds


def test_the_command_anchors_and_the_log_holds_a_copy(transactional_db, capsys, caplog):
    write(1)
    caplog.set_level("INFO")
    call_command("anchor_trail")
    head = ChainHead.objects.get()
    assert f"Anchor 1: position {head.position}" in capsys.readouterr().out
    assert bytes(head.hash).hex() in caplog.text
    call_command("verify_trail")
    assert f"1 anchors agree; the last is of {anchors.read().last.at}" in capsys.readouterr().out


def test_the_clock_anchors_at_its_start_and_makes_up_for_a_missed_hour(
    transactional_db, monkeypatch
):
    ours = [task for task in timetable.TASKS if task.run.startswith("meshline.audit.")]
    monkeypatch.setattr(timetable, "SWEEPS", [])
    monkeypatch.setattr(timetable, "TASKS", ours)
    now = instant.now()
    with instant.stopped(now):
        Clock().tick()
        assert LastAnchor.objects.get().number == 1
        jobs.anchor_if_missed()
        assert LastAnchor.objects.get().number == 1
    with instant.stopped(now + timedelta(hours=1)):
        jobs.anchor_if_missed()
        assert LastAnchor.objects.get().number == 2
    # The lock belongs to the session, which other tests would go on with.
    connection.close()


# --- While others write ----------------------------------------------------------------------
def test_it_holds_at_any_instant_while_others_write(transactional_db):
    stop = threading.Event()
    failed = []

    def writer(act):
        try:
            while not stop.is_set():
                act()
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    acts = [lambda: _written(0), lambda: _written(1), lambda: anchors.write(at=instant.now())]
    threads = [threading.Thread(target=writer, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    try:
        verdicts = [verify.trail() for _ in range(40)]
        assert all(invariants.broken() == [] for _ in range(10))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failed
    assert [verdict.reason for verdict in verdicts] == [""] * 40
    assert verdicts[-1].anchors > verdicts[0].anchors


# --- The clock's own look --------------------------------------------------------------------
@pytest.mark.parametrize("look", [invariants.hourly, invariants.daily])
def test_the_clock_opens_a_ticket_for_what_only_the_anchors_find(anchored, staff, look):
    first, second = anchored
    invariants.daily()
    assert pulse.detail(verify.VERIFIED)["position"] >= second.position
    with behind_the_triggers():
        cut_after(first.position + 4)
    look()
    ticket = Ticket.objects.get(kind="invariant-broken")
    assert f"Position {first.position + 5}: " in ticket.reason


def test_a_chain_that_is_shorter_than_what_was_verified_is_located(anchored):
    first, second = anchored
    with behind_the_triggers():
        cut_after(first.position + 4)
    verdict = verify.chain(after=Place(second.position, bytes.fromhex(second.hash)))
    assert verdict.bad_position == first.position + 5
