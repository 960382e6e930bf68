"""Who is here, who stands in, and with whom work is then: rules, without a database."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meshline.people import roll
from meshline.people.roll import Roll, Turn, next_of

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Person:
    pk: int
    is_active: bool = True
    is_viewer: bool = False

    @property
    def can_be_given_work(self):
        return self.is_active and not self.is_viewer

    @property
    def name(self):
        return "ABCDEFGHIJ"[self.pk]


@dataclass(frozen=True)
class Out:
    user: Person
    stand_in: Person | None
    starts_at: datetime = NOON - HOUR
    ends_at: datetime = NOON + HOUR


A, B, C, D = map(Person, range(4))


def at_noon(*absences):
    return Roll(absences, at=NOON)


def test_who_is_not_out_is_present_and_has_their_own_work():
    now = at_noon(Out(B, None))
    assert now.is_present(A)
    assert now.stand_in_for(A) == A
    assert not now.is_present(B)
    assert not now.is_present(Person(5, is_active=False))


def test_an_absence_holds_from_its_start_up_to_its_end():
    assert not at_noon(Out(A, B, starts_at=NOON)).is_present(A)
    assert at_noon(Out(A, B, ends_at=NOON)).is_present(A)
    assert at_noon(Out(A, B, starts_at=NOON + HOUR / 60, ends_at=NOON + HOUR)).is_present(A)


def test_a_stand_in_who_is_out_too_is_stood_in_for():
    now = at_noon(Out(A, B), Out(B, C))
    assert now.stand_in_for(A) == C
    assert now.stand_in_for(B) == C


def test_a_ring_ends_with_nobody():
    now = at_noon(Out(A, B), Out(B, C), Out(C, A))
    assert [now.stand_in_for(one) for one in (A, B, C)] == [None, None, None]


def test_whoever_left_is_no_stand_in():
    gone = Person(1, is_active=False)
    assert at_noon(Out(A, gone)).stand_in_for(A) is None
    assert at_noon(Out(A, gone), Out(gone, C)).stand_in_for(A) == C


def test_of_two_absences_at_once_either_stand_in_does_the_later_first():
    early = Out(A, B, starts_at=NOON - 2 * HOUR)
    late = Out(A, C)
    assert at_noon(early, late).stand_in_for(A) == C
    assert at_noon(early, late, Out(C, None)).stand_in_for(A) == B


# Who has it, for whom, and who is out with which stand-in: what becomes of it.
CASES = [
    ("its owner is here", A, None, [], None),
    ("it goes to the stand-in", A, None, [Out(A, B)], (Turn.GOES_TO_STAND_IN, B, A)),
    ("it is with the stand-in", B, A, [Out(A, B)], None),
    ("the stand-in goes out", B, A, [Out(A, B), Out(B, C)], (Turn.GOES_TO_STAND_IN, C, A)),
    ("the stand-in is back", C, A, [Out(A, B)], (Turn.GOES_TO_STAND_IN, B, A)),
    ("another is named", B, A, [Out(A, C)], (Turn.GOES_TO_STAND_IN, C, A)),
    ("its owner is back", B, A, [], (Turn.RETURNS, A, None)),
    ("its owner is back, not the stand-in", C, A, [Out(B, C)], (Turn.RETURNS, A, None)),
    ("nobody stands in", A, None, [Out(A, None)], (Turn.NEEDS_SOMEBODY, None, A)),
    ("somebody was found and is here", D, A, [Out(A, None)], None),
    ("who was found goes", D, A, [Out(A, None), Out(D, C)], (Turn.NEEDS_SOMEBODY, None, A)),
    ("a stand-in is named later", D, A, [Out(A, B)], (Turn.GOES_TO_STAND_IN, B, A)),
    ("a ring", A, None, [Out(A, B), Out(B, A)], (Turn.NEEDS_SOMEBODY, None, A)),
]
LEFT, VIEWER = Person(9, is_active=False), Person(7, is_viewer=True)
CASES += [
    ("its owner left", LEFT, None, [], (Turn.NEEDS_SOMEBODY, None, None)),
    ("left while out", LEFT, None, [Out(LEFT, B)], (Turn.IS_INHERITED, B, None)),
    ("left while somebody had it", B, LEFT, [Out(LEFT, B)], (Turn.IS_KEPT, B, None)),
    ("left, and so did who had it", Person(8, is_active=False), LEFT, [],
     (Turn.NEEDS_SOMEBODY, None, None)),
    ("its owner is a viewer now", VIEWER, None, [], (Turn.NEEDS_SOMEBODY, None, None)),
    ("who stood in is a viewer now", VIEWER, A, [Out(A, VIEWER)], (Turn.NEEDS_SOMEBODY, None, A)),
    ("whose it was is a viewer now", B, VIEWER, [], (Turn.IS_KEPT, B, None)),
    ("who stood in left", LEFT, A, [Out(A, LEFT)], (Turn.NEEDS_SOMEBODY, None, A)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("holder", "home", "out", "expected"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_where_work_goes(holder, home, out, expected):
    found = next_of(holder, home, at_noon(*out))
    assert (found and (found.turn, found.holder, found.home)) == expected


PEOPLE = [Person(pk, is_active=pk != 4, is_viewer=pk == 3) for pk in range(6)]
absences = st.lists(
    st.builds(
        Out, st.sampled_from(PEOPLE), st.none() | st.sampled_from(PEOPLE),
        st.integers(-3, 1).map(lambda hours: NOON + hours * HOUR),
        st.integers(2, 3).map(lambda hours: NOON + hours * HOUR),
    ),
    max_size=6,
)  # fmt: skip


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(absences, st.sampled_from(PEOPLE), st.none() | st.sampled_from(PEOPLE))
def test_after_one_step_it_stays(out, holder, home):
    """Whatever is so, the second look changes nothing, and who has it is here if anybody can be."""
    home = None if home == holder else home
    now, here = at_noon(*out), [one for one in PEOPLE if at_noon(*out).is_present(one)]
    step = next_of(holder, home, now)
    if step is not None:
        found = step.holder or next(iter(here), None)
        if found is None:
            return
        holder, home = found, step.home if step.home != found else None
    assert next_of(holder, home, now) is None
    assert now.is_present(holder)


def test_back_is_the_end_of_absences_without_a_pause():
    week = [
        Out(A, B, NOON - HOUR, NOON + HOUR),
        Out(A, B, NOON + HOUR, NOON + 3 * HOUR),
        Out(A, B, NOON + 4 * HOUR, NOON + 5 * HOUR),
    ]
    assert roll.back_at(week[::-1], NOON) == NOON + 3 * HOUR
    assert roll.back_at(week, NOON + 3 * HOUR) == NOON + 3 * HOUR
    assert roll.back_at([], NOON) == NOON
