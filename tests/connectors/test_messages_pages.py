"""Messages on screen: finding them, what they led to, who may look, and that a look is kept."""

import json
import re
from datetime import timedelta

import pytest
from django.db import connection

from connectors import indexing, looking, rereading
from connectors.models import Message, RejectedReceipt
from exceptions import desk
from exceptions.models import Ticket
from meshline import instant
from meshline.audit.models import TrailLine
from meshline.people.permissions import Role
from proposals.models import Outcome, Proposal
from tests import factories
from tests.factories import MONDAY, digest_all, document, post_pandadoc
from tests.reading import words

pytestmark = pytest.mark.django_db
NINA = "nina@customer.example.com"


@pytest.fixture
def olivia(as_):
    return as_("olivia")


def listed(answer):
    """The ids on the page, in its order."""
    return [int(pk) for pk in re.findall(r'<tr id="message-(\d+)"', answer.content.decode())]


def came(events=None, *, event_id="evt-1", **more):
    answer = post_pandadoc(events or [document()], event_id=event_id, **more)
    said = answer.json()
    first = said["messages"][0] if "messages" in said else said
    return Message.objects.get(pk=first["message"])


def page_of(message):
    return f"/messages/{message.pk}/"


# --- The list ------------------------------------------------------------------------------------
def test_what_came_is_listed_newest_first_with_what_it_is_about(olivia, pandadoc):
    first, second = came(event_id="a"), came([document("viewed")], event_id="b")
    digest_all()
    answer = olivia.get("/messages/")
    assert listed(answer) == [second.pk, first.pk]
    said = words(answer)
    assert "document_state_changed" in said
    assert "Website relaunch" in said
    assert f'href="/proposals/{Proposal.objects.get().pk}/"' in answer.content.decode()


@pytest.fixture
def some(pandadoc):
    """Five messages, each another one in some way."""
    factories.pandadoc("other")
    found = {
        "sent": came(event_id="evt-sent"),
        "twin": came([document(id="doc-2", name="Brand refresh")], event_id="evt-2"),
        "ignored": came([{"event": "quote_updated", "data": {"total": "größer"}}], event_id="q"),
        "broken": came(b"[not json \xff\x00]", event_id="broken"),
        "elsewhere": came(event_id="evt-sent", slug="other"),
    }
    old = instant.now() - timedelta(days=3)
    Message.objects.filter(pk=found["twin"].pk).update(received_at=old)
    digest_all()
    indexing.index_batch()
    return found


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("connection=other", ["elsewhere"]),
        ("status=ignored", ["ignored"]),
        ("status=quarantined", ["broken"]),
        ("type=quote_updated", ["ignored"]),
        ("type=quote", []),
        ("key=evt-sent", ["elsewhere", "sent"]),
        ("key=evt", []),
        ("q=Brand+refresh", ["twin"]),
        ("q=brand+REFR", ["twin"]),
        ("q=refresh+brand", ["twin"]),
        ("q=brand+relaunch", []),
        ("q=not+json", ["broken"]),
        ("q=größer", ["ignored"]),
        ("q=Website&connection=pandadoc", ["sent"]),
        ("q=doc-2", ["twin"]),
        ("repeated=yes", []),
    ],
)
def test_a_filter_in_the_address_narrows_the_list(olivia, some, asked, names):
    answer = olivia.get(f"/messages/?{asked}")
    assert answer.status_code == 200
    assert sorted(listed(answer)) == sorted(some[name].pk for name in names)
    assert names or "Nothing here matches" in words(answer) or "Neither let in" in words(answer)


def test_days_are_those_of_the_reader(olivia, some, staff):
    staff["olivia"].zone = "Pacific/Kiritimati"
    staff["olivia"].save()
    at = some["sent"].received_at
    Message.objects.update(received_at=MONDAY)
    Message.objects.filter(pk=some["sent"].pk).update(received_at=at)
    # 09:30 in UTC is 23:30 there: still the second.
    assert some["sent"].pk not in listed(olivia.get("/messages/?until=2026-03-02"))
    assert len(listed(olivia.get("/messages/?since=2026-03-02&until=2026-03-02"))) == 4
    late = MONDAY.replace(hour=11)
    Message.objects.filter(received_at=MONDAY).update(received_at=late)
    assert listed(olivia.get("/messages/?until=2026-03-02")) == []
    assert len(listed(olivia.get("/messages/?since=2026-03-03&until=2026-03-03"))) == 4


@pytest.mark.parametrize(
    "asked",
    ["since=yesterday", "since=9999-99-99", "until=0001-01-01", "status=gone", "connection=gone",
     "q=%00", "key=" + "x" * 400, "before=x", "after=999999999999999999999",
     "q=" + "x" * 300, "q=%25", "q=_", "q='", "q=*", "repeated=maybe"],
)  # fmt: skip
def test_what_cannot_be_read_narrows_nothing_and_breaks_nothing(olivia, some, asked):
    answer = olivia.get(f"/messages/?{asked}")
    assert answer.status_code == 200
    assert len(listed(answer)) == 5


def test_messages_about_one_record_are_found_by_a_link(olivia, some):
    record = Proposal.objects.get(external_id="doc-2").record
    answer = olivia.get(f"/messages/?record={record}")
    assert listed(answer) == [some["twin"].pk]
    assert f"Only messages about {record}." in words(answer)


def test_a_filter_sent_by_htmx_answers_with_the_list_alone(olivia, some):
    answer = olivia.get("/messages/?status=ignored", headers={"HX-Request": "true"})
    assert answer.content.decode().strip().startswith('<div id="desk">')
    assert "HX-Request" in answer.headers["Vary"]


def test_a_long_list_is_read_page_by_page(olivia, pandadoc):
    events = [document(id=f"doc-{number}") for number in range(60)]
    post_pandadoc(events)
    first = olivia.get("/messages/")
    older = re.search(r'rel="next"\s+href="([^"]+)"', first.content.decode())[1]
    second = olivia.get("/messages/" + older.replace("&amp;", "&"))
    everything = [*listed(first), *listed(second)]
    assert everything == list(Message.objects.order_by("-pk").values_list("pk", flat=True))


def test_the_list_costs_the_same_however_long_it_is(
    olivia, pandadoc, django_assert_max_num_queries
):
    post_pandadoc([document(id=f"doc-{number}") for number in range(40)])
    digest_all()
    olivia.get("/messages/")
    with django_assert_max_num_queries(11):
        olivia.get("/messages/")


def test_empty_says_why(olivia, staff):
    assert "Nothing is connected yet" in words(olivia.get("/messages/"))
    factories.pandadoc()
    assert "No messages yet" in words(olivia.get("/messages/"))


# --- Who may look --------------------------------------------------------------------------------
@pytest.mark.parametrize("who", ["remy", "vera"])
def test_who_may_not_see_payloads_reads_why(as_, pandadoc, who):
    message = came()
    for address in ("/messages/", "/messages/refused/", page_of(message)):
        answer = as_(who).get(address)
        assert answer.status_code == 403
        assert "may not see raw payloads" in words(answer)


def test_a_team_lead_sees_what_is_about_the_team_and_nothing_else(as_, staff, pandadoc):
    ours = came([document(id="ours", owner="remy@example.com")], event_id="ours")
    theirs = came([document(id="theirs", owner="olivia@example.com")], event_id="theirs")
    nobodys = came(b"broken", event_id="nobodys")
    digest_all()
    sam = as_("sam")
    assert listed(sam.get("/messages/")) == [ours.pk]
    assert [sam.get(page_of(one)).status_code for one in (ours, theirs, nobodys)] == [200, 404, 404]
    post_pandadoc([document()], secret="wrong")
    refused = RejectedReceipt.objects.get()
    assert "Not among what you see" in words(sam.get("/messages/refused/"))
    assert sam.get(f"/messages/refused/{refused.pk}/").status_code == 404


def test_an_admin_sees_the_structure_and_no_value(as_, staff, pandadoc):
    message = came([document(total=17, flag=True)])
    digest_all()
    ada = as_("ada")
    page = ada.get(page_of(message)).content.decode()
    assert "recipients" in page
    assert "•••" in page
    hidden = [
        NINA,
        "Nina",
        "1234.50",
        "Website relaunch",
        "remy@example.com",
        "doc-1",
        "true",
        "17,",
    ]
    shown = page.split('<main id="main"')[1]
    payload = re.search(r'<pre id="payload.*?</pre>', shown, re.DOTALL)[0]
    assert [one for one in hidden if one in payload] == []
    assert [one for one in hidden[:5] if one in shown] == []


def test_an_admin_cannot_find_values_by_asking_for_them(as_, some):
    ada = as_("ada")
    for word in ("Brand", "größer", "not", NINA, "1234.50", "doc-2"):
        assert listed(ada.get(f"/messages/?q={word}")) == []
    assert listed(ada.get("/messages/?q=evt-2")) == [some["twin"].pk]
    said = words(ada.get("/messages/"))
    assert "Values are masked for you" in said
    assert "Website relaunch" not in said


def test_an_admin_reads_no_value_in_what_is_said_of_a_message(as_, pandadoc):
    message = came([document(grand_total={"amount": "12,50 secret", "currency": "EUR"})])
    digest_all()
    message.refresh_from_db()
    assert "12,50 secret" in message.why
    ada = as_("ada")
    for address in ("/messages/", page_of(message)):
        said = words(ada.get(address))
        assert "12,50 secret" not in said
        assert "it must be a" in said


def test_of_an_unreadable_message_an_admin_sees_nothing_raw(as_, pandadoc):
    message = came(b"Nina's number is 0171")
    page = as_("ada").get(page_of(message)).content.decode()
    assert "0171" not in page
    assert "it has no structure to show" in page


# --- A look is kept ------------------------------------------------------------------------------
def looks(message):
    return TrailLine.objects.filter(what="message.payload-seen", subject_id=str(message.pk))


def test_a_look_at_a_payload_is_recorded_once_a_day_for_each_person(as_, staff, pandadoc):
    message = came()
    digest_all()
    for who in ("olivia", "olivia", "rosa"):
        as_(who).get(page_of(message))
    assert sorted(line.actor_id for line in looks(message)) == sorted(
        str(staff[who].pk) for who in ("olivia", "rosa")
    )
    assert looks(message).first().record == Proposal.objects.get().record
    tomorrow = instant.now() + timedelta(days=1)
    message.refresh_from_db()
    looking.note(message, by=staff["olivia"], at=tomorrow)
    looking.note(message, by=staff["olivia"], at=tomorrow + timedelta(seconds=1))
    assert looks(message).filter(actor_id=str(staff["olivia"].pk)).count() == 2


def test_who_sees_the_structure_alone_has_not_seen_the_payload(as_, pandadoc):
    message = came()
    as_("ada").get(page_of(message))
    assert looks(message).count() == 0


def test_the_list_shows_no_payload_and_records_no_look(olivia, pandadoc):
    came()
    assert NINA not in olivia.get("/messages/").content.decode()
    assert not TrailLine.objects.filter(what="message.payload-seen").exists()


# --- One message ---------------------------------------------------------------------------------
def test_the_page_shows_the_bytes_to_the_letter_and_laid_out(olivia, pandadoc):
    raw = json.dumps(document(price=1)).encode().replace(b'"price": 1', b'"price": 1.50,"e":1e2')
    message = came(b"[" + raw + b"]")
    answer = olivia.get(page_of(message))
    sight = answer.context["sight"]
    assert sight.text == raw.decode()
    assert '  "data": {\n    "id": "doc-1",' in sight.laid_out
    assert '"price": 1.50,\n    "e": 1e2' in sight.laid_out
    assert json.loads(sight.laid_out) == json.loads(raw)


def test_markup_in_a_payload_is_only_text(olivia, pandadoc):
    message = came([document(name="<script>alert(1)</script><b>&amp;")], **{"X-Odd": "<i>odd</i>"})
    digest_all()
    page = olivia.get(page_of(message)).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "&lt;i&gt;odd&lt;/i&gt;" in page


def test_what_cannot_be_read_is_shown_as_far_as_it_is_text(olivia, pandadoc):
    message = came(b"\xff\x00 not json")
    digest_all()
    answer = olivia.get(page_of(message))
    assert "Quarantined. It is not UTF-8 (byte 0)." in words(answer)
    assert "It cannot be laid out: It is not UTF-8 (byte 0)." in words(answer)
    sight = answer.context["sight"]
    assert sight.text == r"\xff\x00 not json"
    assert "00000000  ff 00 20 6e 6f 74" in sight.hex
    assert sight.laid_out == ""


def test_the_page_tells_all_it_led_to(olivia, staff, pandadoc):
    factories.hubspot()
    message = came()
    digest_all()
    page = olivia.get(page_of(message))
    said = words(page)
    assert "proposal.sent signal" in said
    assert re.search(r"Version 1: \w+ → sent", said)
    for outcome in Outcome.objects.all():
        assert f'href="/outcomes/{outcome.pk}/"' in page.content.decode()
    assert "Signed with secret 1 of 1." in said
    assert "x-pandadoc-webhook-event-id" in said
    assert "its only event" in said
    assert "authorization" not in said.lower()


def test_the_events_of_one_post_lead_to_each_other(olivia, pandadoc):
    first = came([document(id="a"), document(id="b")])
    other = Message.objects.exclude(pk=first.pk).get()
    page = olivia.get(page_of(other))
    assert "event 2 of 2" in words(page)
    assert f'href="/messages/{first.pk}/"' in page.content.decode()


def test_repeats_and_conflicts_are_told(olivia, pandadoc):
    message = came()
    came()
    post_pandadoc([document(name="Another content")])
    page = olivia.get(page_of(message))
    assert "1, the last one" in words(page)
    ticket = Ticket.objects.get(kind="message-conflict")
    assert f'href="/queue/{ticket.pk}/"' in page.content.decode()


def test_the_trail_of_a_message_is_its_own_and_what_it_changed(olivia, staff, pandadoc):
    message = came()
    digest_all()
    rereading.replay(message_id=message.pk, by=staff["rosa"], at=instant.now())
    page = olivia.get(page_of(message))
    assert "Message replayed by Rosa Marin" in words(page)
    trail = page.content.decode().split('id="trail"')[1].split("</section>")[0]
    assert "Proposal" in trail


def test_what_waits_says_why(olivia, staff, pandadoc):
    message = came()
    pandadoc.status = "paused"
    pandadoc.save()
    assert "Held. Its connection does not run" in words(olivia.get(page_of(message)))


def test_a_message_that_is_not_there_is_404(olivia):
    assert olivia.get("/messages/999/").status_code == 404


# --- Release and replay --------------------------------------------------------------------------
def test_an_operator_releases_from_the_page(olivia, pandadoc):
    message = came([{"event": "document_updated"}])
    digest_all()
    assert ">\n" in olivia.get(page_of(message)).content.decode()
    answer = olivia.post(f"{page_of(message)}release/")
    assert (answer.status_code, answer.headers["Location"]) == (303, page_of(message))
    message.refresh_from_db()
    assert message.status == "accepted"
    assert TrailLine.objects.get(what="message.released").subject_id == str(message.pk)
    answer = olivia.post(f"{page_of(message)}release/", headers={"HX-Request": "true"})
    assert answer.status_code == 409
    assert "Only a quarantined message is released." in words(answer)


def test_a_manager_replays_and_an_operator_only_their_own(as_, olivia, pandadoc):
    message = came()
    digest_all()
    answer = olivia.post(f"{page_of(message)}replay/", headers={"HX-Request": "true"})
    assert answer.status_code == 403
    assert "Only a RevOps manager may replay this message" in words(answer)
    assert "Only a RevOps manager may replay this message" in words(olivia.get(page_of(message)))
    rosa = as_("rosa")
    assert rosa.post(f"{page_of(message)}replay/").status_code == 303
    answer = rosa.post(f"{page_of(message)}replay/", headers={"HX-Request": "true"})
    assert answer.status_code == 409
    assert "about to be digested anyway" in words(answer)


def test_what_is_about_no_record_says_so_to_an_operator_and_is_replayed_by_a_manager(
    as_, olivia, pandadoc
):
    message = came([{"event": "quote_updated", "data": {}}])
    digest_all()
    own = "Only a RevOps manager may replay this message; ask one."
    assert own in words(olivia.get(page_of(message)))
    answer = olivia.post(f"{page_of(message)}replay/", headers={"HX-Request": "true"})
    assert (answer.status_code, own in words(answer)) == (403, True)
    assert olivia.get(f"{page_of(message)}replay/").status_code == 403
    message.refresh_from_db()
    assert message.status == "ignored"
    rosa = as_("rosa")
    assert own not in words(rosa.get(page_of(message)))
    assert rosa.post(f"{page_of(message)}replay/").status_code == 303


def test_what_is_quarantined_is_replayed_by_who_has_its_ticket_and_released_by_any_operator(
    as_, staff, olivia, pandadoc
):
    message = came([{"event": "document_updated"}])
    digest_all()
    ticket = Ticket.objects.get()
    staff["nils"] = nils = factories.person("nils@example.com", "Nils Holm", Role.OPERATOR)
    desk.claim(ticket_id=ticket.pk, by=nils, at=instant.now())
    answer = olivia.post(f"{page_of(message)}replay/", headers={"HX-Request": "true"})
    said = (
        f"Only Nils Holm (has ticket #{ticket.pk}) or a RevOps manager may replay this message; "
        "ask one of them."
    )
    assert (answer.status_code, said in words(answer)) == (403, True)
    for page in (page_of(message), f"{page_of(message)}replay/"):
        assert said in words(olivia.get(page))
    assert not TrailLine.objects.filter(what="message.replayed").exists()
    his = as_("nils")
    assert said not in words(his.get(page_of(message)))
    assert his.get(f"{page_of(message)}replay/").status_code == 200
    olivia.post(f"{page_of(message)}release/")
    assert TrailLine.objects.filter(what="message.released").exists()


@pytest.mark.parametrize("who", ["sam", "ada", "vera", "remy"])
@pytest.mark.parametrize("act", ["release", "replay"])
def test_others_neither_release_nor_replay(as_, pandadoc, who, act):
    message = came()
    assert as_(who).post(f"{page_of(message)}{act}/").status_code == 403
    assert Message.objects.get().status == "accepted"


def test_a_ticket_releases_all_that_hangs_on_it_in_order(olivia, pandadoc):
    broken = [came([{"event": "document_updated"}], event_id=str(number)) for number in range(3)]
    digest_all()
    ticket = Ticket.objects.get()
    answer = olivia.post(f"/queue/{ticket.pk}/release-held/")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/queue/{ticket.pk}/")
    lines = TrailLine.objects.filter(what="message.released").order_by("pk")
    assert [line.subject_id for line in lines] == [str(one.pk) for one in broken]
    assert set(Message.objects.values_list("status", flat=True)) == {"accepted"}
    olivia.post(f"/queue/{ticket.pk}/release-held/")
    assert lines.count() == 3


def test_a_ticket_with_nothing_to_release_says_so(as_, olivia, pandadoc):
    came()
    post_pandadoc([document(name="Other")])
    ticket = Ticket.objects.get(kind="message-conflict")
    olivia.post(f"/queue/{ticket.pk}/release-held/")
    assert not TrailLine.objects.filter(what="message.released").exists()
    assert olivia.post("/queue/999/release-held/").status_code == 404
    view = "http://testserver/queue/?tab=open&kind=message-unreadable"
    again = olivia.post(f"/queue/{ticket.pk}/release-held/", headers={"Referer": view})
    assert again.headers["Location"] == "/queue/?tab=open&kind=message-unreadable"
    assert as_("sam").post(f"/queue/{ticket.pk}/release-held/").status_code == 403


# --- What was refused ----------------------------------------------------------------------------
def test_what_was_refused_is_listed_and_one_is_shown_escaped(olivia, pandadoc):
    post_pandadoc(b"<b>forged</b>", secret="wrong", **{"X-From": "<i>them</i>"})
    refused = RejectedReceipt.objects.get()
    page = olivia.get("/messages/refused/").content.decode()
    assert "The signature fits none of the connection&#x27;s secrets." in page
    assert "forged" not in page
    shown = olivia.get(f"/messages/refused/{refused.pk}/").content.decode()
    assert "&lt;b&gt;forged&lt;/b&gt;" in shown
    assert "&lt;i&gt;them&lt;/i&gt;" in shown
    line = TrailLine.objects.get(what="refused-post.payload-seen")
    assert line.subject_id == str(refused.pk)


def test_of_what_was_refused_an_admin_sees_neither_body_nor_header_values(as_, pandadoc):
    post_pandadoc(b"forged", secret="wrong", **{"X-From": "them"})
    refused = RejectedReceipt.objects.get()
    shown = as_("ada").get(f"/messages/refused/{refused.pk}/").content.decode()
    assert "forged" not in shown
    assert "them" not in shown.split("x-from")[1].split("</dd>")[0]
    assert not TrailLine.objects.filter(what="refused-post.payload-seen").exists()


def test_what_was_refused_is_narrowed_to_a_connection(olivia, pandadoc):
    factories.pandadoc("other")
    post_pandadoc(b"{}", secret="wrong")
    assert "Nothing here matches" in words(olivia.get("/messages/refused/?connection=other"))
    assert "401" in words(olivia.get("/messages/refused/?connection=pandadoc"))


@pytest.mark.parametrize("asked", ["x", "999", "9" * 40, "٣", "-1"])
@pytest.mark.parametrize("where", ["refused", "posts"])
def test_a_post_that_is_not_there_is_404(olivia, pandadoc, asked, where):
    assert olivia.get(f"/messages/{where}/{asked}/").status_code == 404


def test_nothing_refused_is_a_good_thing(olivia, pandadoc):
    assert "Nothing was refused" in words(olivia.get("/messages/refused/"))


def test_the_few_in_quarantine_are_found_by_an_index_of_their_own(pandadoc):
    Message.objects.bulk_create(
        Message(connection=pandadoc, receipt_id=1, key=f"k-{number}", body_hash=b"", payload=b"",
                status="quarantined" if number == 7 else "digested")
        for number in range(500)
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    newest = Message.objects.newest_first().filter(status="quarantined")[:50]
    assert "messages_quarantined" in newest.explain()
