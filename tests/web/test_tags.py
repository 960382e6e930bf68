"""The tags every template has."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.template import Context, engines
from django.utils import timezone

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def rendered(source, **context):
    request = SimpleNamespace(now=NOON, META={}, user=None, path="/", GET={})
    template = engines["django"].from_string(source).template
    return template.render(Context({"request": request, **context}))


def test_when_says_how_long_ago_and_the_exact_time_in_the_readers_zone():
    with timezone.override("Europe/Berlin"):
        said = rendered("{% when at %}", at=NOON - timedelta(minutes=3))
    assert 'datetime="2026-11-23T11:57:00+00:00"' in said
    assert 'title="Mon 23 Nov 2026, 12:57:00 CET"' in said
    assert ">3 min ago</time>" in said
    assert "data-relative" in said


def test_when_says_the_date_of_what_is_long_ago_and_leaves_it_alone():
    said = rendered("{% when at %}", at=NOON - timedelta(days=400))
    assert ">19 Oct 2025, 12:00</time>" in said
    assert "data-relative" not in said


def test_no_moment_is_a_dash():
    assert rendered("{% when at %}{% moment at %}", at=None) == "——"


@pytest.mark.parametrize(
    ("amount", "currency", "said"),
    [
        (Decimal("1234.5"), "EUR", "1,234.50 EUR"),
        (Decimal("1234"), "JPY", "1,234 JPY"),
        (Decimal("1.2345"), "KWD", "1.234 KWD"),
        (0, "EUR", "0.00 EUR"),
        (None, "EUR", "—"),
        ("", "EUR", "—"),
        ("masked", "EUR", "masked"),
    ],
)
def test_money_has_the_decimals_of_its_currency(amount, currency, said):
    assert rendered("{{ amount|money:currency }}", amount=amount, currency=currency) == said


def test_a_chip_escapes_what_it_says():
    said = rendered("{% chip text 'warn' %}", text="<b>Ana</b>")
    assert "&lt;b&gt;Ana&lt;/b&gt;" in said
    assert "<b>" not in said


@pytest.mark.parametrize(
    ("state", "tone", "words"),
    [
        ("closed-won", "ok", "Closed won"),
        ("closed_won", "ok", "Closed won"),
        ("given_up", "danger", "Given up"),
        ("quarantined", "warn", "Quarantined"),
        ("never heard of", "neutral", "Never heard of"),
    ],
)
def test_a_state_has_one_look_however_it_is_spelled(state, tone, words):
    said = rendered("{% state_chip state %}", state=state)
    assert f"chip-{tone}" in said
    assert said.endswith(f"{words}</span>")


def test_an_sla_chip_says_it_by_words_icon_and_colour():
    said = rendered("{% sla_chip due %}", due=NOON - timedelta(minutes=130))
    assert "Overdue 2 h 10 m" in said
    assert "chip-danger" in said
    assert "#alert-triangle" in said


def test_a_refused_act_is_a_button_that_can_be_reached_and_says_why():
    said = rendered("{% action '/x/' 'Claim' refusal=why %}", why="Ana has it.")
    assert 'aria-disabled="true"' in said
    assert " disabled" not in said.replace("aria-disabled", "")
    assert "<form" not in said
    number = said.split('aria-describedby="why-')[1].split('"')[0]
    assert f'id="why-{number}">Ana has it.' in said


def test_an_open_act_is_a_plain_form_that_htmx_may_send():
    said = " ".join(rendered("{% action '/x/' 'Claim' target='#row' %}", csrf_token="t").split())
    assert '<form class="action" method="post" action="/x/"' in said
    assert 'hx-post="/x/" hx-target="#row"' in said
    assert "csrfmiddlewaretoken" in said


def test_an_act_with_a_reason_asks_for_it_in_place():
    said = rendered("{% reason_action '/x/' 'Close' hint='All of it.' %}")
    assert said.strip().startswith("<details")
    assert 'name="reason"' in said
    assert "required" in said


def test_a_difference_is_told_field_by_field():
    change = SimpleNamespace(
        before={
            "state": "sent",
            "owner": "Ana",
            "old": 1,
            "who": {"person_key": "k", "sealed": "s"},
        },
        after={"state": "signed", "owner": "Ana", "new": None},
    )
    row = "{{ row.name }}:{{ row.kind }}:{{ row.before }} "
    said = rendered("{% for row in change|diff_rows %}" + row + "{% endfor %}", change=change)
    assert said == (
        "state:changed:sent owner:same:Ana old:removed:1 who:removed:(personal) new:added:None "
    )


def test_a_payload_is_text_whatever_it_holds():
    said = rendered("{% payload body %}", body=b'{"note": "<script>alert(1)</script>"}\xff')
    assert "<script>" not in said
    assert "&lt;script&gt;" in said
    assert "\N{REPLACEMENT CHARACTER}" in said


def test_who_stands_in_says_for_whom_and_until_when():
    ana, ben = SimpleNamespace(name="Ana <Moreno>"), SimpleNamespace(name="Ben & Co")
    until = datetime(2026, 3, 10, 7, tzinfo=UTC)
    said = rendered("{% holder ana ben until %}", ana=ana, ben=ben, until=until)
    assert ">A</span>Ana &lt;Moreno&gt;</span>" in said
    assert "standing in for Ben &amp; Co until <time" in said
    assert ">Tue 10 Mar, " in said
    plain = rendered("{% holder ana ben plain=True %}", ana=ana, ben=ben)
    assert plain.startswith("Ana &lt;Moreno&gt;<span")
    assert "until" not in plain
    assert rendered("{% holder ana None plain=True %}", ana=ana) == "Ana &lt;Moreno&gt;"


def test_a_person_who_is_nobody_is_said():
    assert "Unclaimed" in rendered("{% person None nobody='Unclaimed' %}")
    assert ">AM</span>Ana Moreno" in rendered("{% person name %}", name="Ana Moreno")
