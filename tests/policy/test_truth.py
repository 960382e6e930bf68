"""The one rule of which value counts, whoever asks it."""

from itertools import permutations

import pytest

from meshline.policy.truth import PEOPLE, How, Said, Truth, winner


def said(source, value, at, since=None):
    return Said(source, (value,), at=at, since=at if since is None else since)


QUOTED, CRM = said("pandadoc", "100", 1), said("hubspot", "120", 2)
BLANK = said("pandadoc", "", 3)


def counted(how, *values, authority="pandadoc"):
    """Who wins, in whatever order the values are given; None where a person is asked."""
    truth = Truth(how, authority if how.has_authority else "")
    verdicts = {winner(truth, order) for order in permutations(values)}
    (verdict,) = verdicts
    if verdict.asked:
        assert verdict.said is None
        assert [one.source for one in verdict.asked] == sorted(one.source for one in verdict.asked)
        return None
    return verdict.said


@pytest.mark.parametrize(
    ("how", "values", "wins"),
    [
        (How.ALWAYS, [QUOTED, CRM], QUOTED),
        (How.ALWAYS, [BLANK, CRM], BLANK),
        (How.ALWAYS, [CRM], CRM),
        (How.ALWAYS, [CRM, said("stripe", "130", 3)], said("stripe", "130", 3)),
        (How.UNLESS_BLANK, [QUOTED, CRM], QUOTED),
        (How.UNLESS_BLANK, [BLANK, CRM], CRM),
        (How.UNLESS_BLANK, [CRM], CRM),
        (How.UNLESS_BLANK, [BLANK], BLANK),
        (How.RECENT, [QUOTED, CRM], CRM),
        (How.RECENT, [BLANK, CRM], CRM),
        (How.ASK, [QUOTED], QUOTED),
        (How.ASK, [QUOTED, CRM], None),
        (How.ASK, [QUOTED, said("hubspot", "100", 2)], said("hubspot", "100", 2)),
        (How.ASK, [BLANK, CRM], CRM),
        (How.ASK, [BLANK], BLANK),
    ],
)
def test_who_wins(how, values, wins):
    assert counted(how, *values) == wins


@pytest.mark.parametrize("how", How)
def test_of_nothing_nothing_wins(how):
    verdict = winner(Truth(how, "pandadoc" if how.has_authority else ""), [])
    assert (verdict.said, verdict.asked) == (None, ())


def test_what_a_person_decided_stands_until_a_system_says_something_new():
    decided = said(PEOPLE, "120", 5)
    assert counted(How.ASK, QUOTED, CRM, decided) == decided
    # Repeating the old is nothing new, however late.
    repeated = said("pandadoc", "100", 9, since=1)
    assert counted(How.ASK, repeated, CRM, decided) == decided
    news = said("pandadoc", "110", 6)
    assert counted(How.ASK, news, CRM, decided) is None
    # Once they agree by themselves, they do.
    agreed = said("pandadoc", "120", 6)
    assert counted(How.ASK, agreed, CRM, decided) == agreed
    assert counted(How.ASK, news, CRM, said(PEOPLE, "110", 7)) == said(PEOPLE, "110", 7)


def test_a_decision_does_not_stand_against_an_authority():
    decided = said(PEOPLE, "120", 5)
    assert counted(How.ALWAYS, QUOTED, CRM, decided) == QUOTED
    assert counted(How.UNLESS_BLANK, BLANK, CRM, decided) == decided


def test_a_value_of_several_parts_is_blank_only_as_a_whole():
    half = Said("pandadoc", ("", "EUR"), at=1, since=1)
    assert not half.is_blank
    assert Said("pandadoc", ("", ""), at=1, since=1).is_blank
