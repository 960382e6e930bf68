"""What passes as equal, and the hour of the day's reconciliation: agreed on within bounds."""

from datetime import time
from decimal import Decimal

import pytest

from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine
from meshline.policy import operating_model, tolerance
from meshline.policy.models import Company, SourceOfTruth
from meshline.policy.operating_model import ModelError
from meshline.policy.tolerance import Near, Tolerance
from meshline.policy.truth import How, Truth
from proposals import whose_word
from tests.factories import MONDAY

RECENT = Truth(How.RECENT)


def percent(by):
    return Tolerance(Near.PERCENT, Decimal(by))


@pytest.mark.parametrize(
    "wrong",
    [percent("-1"), percent("1000"), percent("50.01"), percent("0"), percent("1.001"),
     percent("NaN"), Tolerance(Near.DAYS, Decimal("-1")), Tolerance(Near.DAYS, Decimal(32)),
     Tolerance(Near.DAYS, Decimal("1.5")), Tolerance(Near.EXACT, Decimal(1))],
)  # fmt: skip
def test_a_tolerance_beyond_its_bounds_is_refused_with_its_field(wrong, rosa):
    with pytest.raises(ModelError) as refused:
        whose_word.publish(name="amount", agreed=RECENT, tolerance=wrong, by=rosa, at=MONDAY)
    assert refused.value.field == "tolerance"
    assert not SourceOfTruth.objects.filter(field="amount").exists()


@pytest.mark.parametrize(
    "fine", [percent("0.01"), percent("50"), Tolerance(Near.DAYS, Decimal(31))]
)
def test_what_is_within_is_written_and_read_back(fine):
    assert fine.refusal == ""
    assert tolerance.read(fine.written) == fine


@pytest.mark.parametrize("text", ["", "percent five", "5 %", "5 exactly", "1e3 percent", "days 3"])
def test_what_is_none_is_not_read(text):
    assert tolerance.read(text) is None


def test_one_that_does_not_suit_its_field_is_refused(rosa):
    with pytest.raises(ModelError, match="Exactly equal"):
        whose_word.publish(
            name="owner_email", agreed=RECENT, tolerance=percent("5"), by=rosa, at=MONDAY
        )


def test_it_is_agreed_with_its_line_of_the_trail_and_stays(rosa):
    whose_word.publish(name="amount", agreed=RECENT, tolerance=percent("5"), by=rosa, at=MONDAY)
    assert TrailLine.objects.get(what="authority.changed").after["tolerance"] == "5 percent"
    whose_word.publish(name="amount", agreed=Truth(How.ASK), by=rosa, at=MONDAY)
    assert SourceOfTruth.objects.get(field="amount").tolerance == percent("5")


@pytest.mark.parametrize("wrong", ["-1", "1000"])
def test_a_page_asks_for_it_and_names_what_is_wrong(client, rosa, wrong):
    client.force_login(rosa)
    asked = {"how": "recent", "connection": "", "near": "percent", "tolerance": wrong}
    answer = client.get("/operating-model/sources-of-truth/proposal/amount/", asked)
    assert answer.status_code == 422
    assert "The tolerance is more than 0 and at most 50 percent." in answer.content.decode()
    asked |= {"tolerance": "5", "previewed": "amount:recent::5 percent", "seen": ""}
    client.post("/operating-model/sources-of-truth/proposal/amount/", asked)
    assert SourceOfTruth.objects.get(field="amount").tolerance == percent("5")


def test_the_hour_counts_from_when_it_is_agreed(rosa):
    asked = {"name": "X", "zone": "UTC", "fallback_owner": rosa, "by": SETUP, "at": MONDAY}
    operating_model.set_company(**asked)
    assert Company.objects.get().reconciles_since is None
    operating_model.set_company(**asked, reconciles_at=time(7, 30))
    company = Company.objects.get()
    assert (company.reconciles_at, company.reconciles_since) == (time(7, 30), MONDAY)
