"""Whose turn it is: shares by weight, no heap for who is back, what is owed comes."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from proposals.routing import pools
from proposals.routing.pools import Turns
from proposals.routing.targets import Member, Pool

ABC = Pool((Member("a"), Member("b"), Member("c")))


def take(pool, number, turns=None, able=None):
    """So many turns, and how the pool stands then."""
    taken, turns = [], turns or Turns()
    for _ in range(number):
        turn = pools.take(pool, turns, able or pool.people)
        taken.append(turn.person)
        turns = turn.turns
    return "".join(taken), turns


def test_equals_take_turns_in_their_order():
    assert take(ABC, 7)[0] == "abcabca"


def test_the_heavier_come_oftener_and_are_spread():
    taken, _ = take(Pool((Member("a", 3), Member("b", 1))), 8)
    assert Counter(taken) == {"a": 6, "b": 2}
    assert "bb" not in taken
    assert "aaaa" not in taken


def test_who_is_out_is_passed_over_and_finds_no_heap():
    _, turns = take(ABC, 30, able={"a", "b"})
    taken, _ = take(ABC, 6, turns)
    assert taken.count("c") == 2


def test_nobody_able_is_no_turn():
    assert pools.take(ABC, Turns(), set()) is None


def test_a_turn_that_was_given_away_comes_back_at_once_but_never_two_in_a_row():
    _, turns = take(ABC, 3)
    for _ in range(2):
        turns = pools.give_back(turns, "c")
    taken, turns = take(ABC, 6, turns)
    assert taken == "cacbca"
    assert turns.owed == {}


def test_what_is_owed_has_an_end():
    turns = Turns()
    for _ in range(100):
        turns = pools.give_back(turns, "a")
    assert turns.owed == {"a": pools.MOST_OWED}


def test_who_leaves_the_pool_is_forgotten_and_who_joins_starts_level():
    _, turns = take(ABC, 100)
    joined = Pool((*ABC.members[:2], Member("d")))
    taken, turns = take(joined, 9, turns)
    assert Counter(taken) == {"a": 3, "b": 3, "d": 3}
    assert "c" not in turns.credit


def test_it_is_kept_as_it_stood():
    _, turns = take(ABC, 5)
    turns = pools.give_back(turns, "b")
    assert Turns.read(turns.as_json()) == turns
    assert Turns.read({}) == Turns()


@given(weights=st.lists(st.integers(1, 9), min_size=1, max_size=6), rounds=st.integers(1, 4))
def test_over_whole_rounds_everybody_gets_exactly_their_share(weights, rounds):
    pool = Pool(tuple(Member(str(n), weight) for n, weight in enumerate(weights)))
    turns, counted = Turns(), Counter()
    for _ in range(sum(weights) * rounds):
        turn = pools.take(pool, turns, pool.people)
        counted[turn.person] += 1
        turns = turn.turns
    assert counted == {str(n): weight * rounds for n, weight in enumerate(weights)}
