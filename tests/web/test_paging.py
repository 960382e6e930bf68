"""Pages by key: every row once, both ways, whatever the URL says."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core.exceptions import FieldDoesNotExist
from django.http import QueryDict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meshline.notices.models import Notice
from meshline.people.models import User
from meshline.web import paging

HOSTILE = ["", "x", "-1", "0", "9" * 400, "9" * 30, "\0", "1~2", "~", "2026-13-40~1", "NaN~1"]


def asked(url=""):
    return SimpleNamespace(GET=QueryDict(url.removeprefix("?")))


@pytest.fixture
def told(ana, monday):
    """Twelve notices, three to a moment, so that ties have to be settled."""
    moments = [monday + timedelta(minutes=number // 3) for number in range(12)]
    rows = [Notice(user=ana, at=at, text=f"{n}", key=f"{n}") for n, at in enumerate(moments)]
    return Notice.objects.bulk_create(rows)


def walk(by, *, size=5):
    """Every page from the first to the last, by following the links."""
    pages = [paging.page(Notice.objects.all(), asked(), size=size, by=by)]
    while pages[-1].older_url:
        pages.append(
            paging.page(Notice.objects.all(), asked(pages[-1].older_url), size=size, by=by)
        )
    return pages


@pytest.mark.parametrize("by", ["-id", "id", "-at", "at", "text"])
def test_the_way_down_meets_every_row_once_and_in_order(told, by):
    seen = [row.pk for page in walk(by) for row in page.items]
    name = by.lstrip("-")
    sign = "-" if by.startswith("-") else ""
    order = [by] if name == "id" else [by, f"{sign}id"]
    assert seen == list(Notice.objects.order_by(*order).values_list("pk", flat=True))


@pytest.mark.parametrize("by", ["-id", "-at", "at"])
def test_the_way_back_up_ends_on_the_first_page(told, by):
    pages = walk(by)
    up = paging.page(Notice.objects.all(), asked(pages[2].newer_url), size=5, by=by)
    assert up.items == pages[1].items
    top = paging.page(Notice.objects.all(), asked(up.newer_url), size=5, by=by)
    assert top.items == pages[0].items
    assert top.newer_url == ""


def test_the_first_page_of_few_rows_leads_nowhere(told):
    page = paging.page(Notice.objects.all(), asked(), size=12)
    assert not page.has_others


@pytest.mark.parametrize("word", ["before", "after"])
@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("by", ["-id", "-at", "text"])
def test_what_cannot_be_read_is_a_page_and_never_an_error(told, word, value, by):
    request = SimpleNamespace(GET=QueryDict(mutable=True))
    request.GET[word] = value
    paging.page(Notice.objects.all(), request, size=5, by=by)


@given(value=st.text(max_size=40))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_in_the_url_breaks_a_page(told, value):
    request = SimpleNamespace(GET=QueryDict(mutable=True))
    request.GET["before"] = value
    paging.page(Notice.objects.all(), request, size=5, by="-at")


def test_the_filters_stay_in_the_links(told):
    page = paging.page(Notice.objects.all(), asked(f"q=a%26b&before={told[-1].pk}"), size=2)
    assert page.older_url.startswith("?q=a%26b&before=")


def test_a_later_page_costs_one_query_and_no_offset(told, django_assert_num_queries):
    first = paging.page(Notice.objects.all(), asked(), size=5)
    with django_assert_num_queries(1) as seen:
        paging.page(Notice.objects.all(), asked(first.older_url), size=5)
    assert "OFFSET" not in seen.captured_queries[0]["sql"]


def test_rows_that_are_gone_meanwhile_leave_a_way_back(told):
    url = walk("-id")[-2].older_url
    Notice.objects.filter(pk__lt=told[5].pk).delete()
    page = paging.page(Notice.objects.all(), asked(url), size=5)
    assert page.items == []
    assert page.newer_url == "?"


def test_a_field_that_may_be_null_cannot_order_a_list(db):
    with pytest.raises(FieldDoesNotExist):
        paging.page(User.objects.all(), asked(), by="last_login")


def test_the_row_after_one_and_after_the_last_the_first(told):
    twelve = Notice.objects.all()
    in_order = list(twelve.order_by("-at", "-pk"))
    after = {row: paging.first_after(twelve, row, by="-at") for row in in_order}
    assert list(after.values()) == [*in_order[1:], in_order[0]]
    assert paging.first_after(twelve.exclude(pk=told[7].pk), told[7]) == told[6]
    assert paging.first_after(twelve.none(), told[7]) is None


def test_what_has_no_place_in_the_order_goes_on_from_its_beginning(ana, monday):
    people = User.objects.filter(pk=ana.pk)
    assert paging.first_after(people, ana, by="last_login") is None
    people.update(last_login=monday)
    assert paging.first_after(people, ana, by="last_login") == ana
