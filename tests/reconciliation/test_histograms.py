"""What is said of spans in buckets: within 5 % of the truth, and nothing of too few."""

from hypothesis import given
from hypothesis import strategies as st

from reconciliation import histograms
from reconciliation.histograms import Histogram

SPANS = st.lists(st.floats(0.002, 8e6), min_size=1, max_size=200)


def of(spans):
    return histograms.of((histograms.bucket_of(one), 1, one) for one in spans)


@given(SPANS, st.sampled_from([0.25, 0.5, 0.75, 0.95]))
def test_a_quantile_lies_within_5_percent_of_the_exact_one(spans, share):
    exact = sorted(spans)[histograms.rank(len(spans), share) - 1]
    assert abs(of(spans).quantile(share) / exact - 1) < 0.05


def test_ranks_are_the_nearest_ones():
    assert [histograms.rank(20, share) for share in (0.0, 0.05, 0.5, 0.95, 1.0)] == [
        1,
        1,
        10,
        19,
        20,
    ]


def test_nothing_has_no_quantile_and_what_took_no_time_took_none():
    assert Histogram().quantile(0.5) is None
    assert of([0.0, 0.0]).quantile(0.5) == 0.0


def test_where_the_true_value_lies_narrows_with_more_of_them():
    low, high = histograms.around_share(15, 20)
    assert (round(low, 2), round(high, 2)) == (0.53, 0.89)
    wide, narrow = histograms.around_median(25), histograms.around_median(2500)
    assert wide[1] - wide[0] > 9 * (narrow[1] - narrow[0])
