"""Versions of mappings: who may, what counts when, and that a batch asks once."""

import re

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from connectors import digest, mapping_trial, mappings, rereading
from connectors.mapping import NOTHING_MAPPED
from connectors.mappings import WrongMapping
from connectors.models import Message
from exceptions.models import Ticket
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine
from meshline.notices import tidings
from meshline.notices.models import Notice
from meshline.people.models import User
from meshline.people.permissions import NotAllowed, Role
from meshline.policy.drafts import SecondPerson
from meshline.policy.models import RaciAssignment
from meshline.policy.operating_model import ModelError, Stale
from proposals.models import Proposal
from tests.connectors.mapped import LEGAL, OWNER, drafted, published, sent
from tests.factories import connected, digest_all, person, post_pandadoc, standard
from tests.reading import signed_in

pytestmark = pytest.mark.django_db


def restored(there, number, by, seen, reason="Because"):
    return mappings.restore(
        connection=there, number=number, seen=seen, reason=reason, by=by, at=instant.now()
    )


# --- A second person ------------------------------------------------------------------------------
CLOSES = {"words": {"document.in_legal_review": "closed-won"}, "fields": {}}


@pytest.fixture
def max_(rosa):
    return person("max@example.com", "Max Hale", Role.MANAGER, rosa.team)


def publish(there, by, seen=0, revision=1):
    return mappings.publish(
        connection=there, revision=revision, seen=seen, note="", by=by, at=instant.now()
    )


def test_a_word_that_closes_a_proposal_is_published_by_a_second_person(
    pandadoc, olivia, rosa, max_
):
    drafted(pandadoc, CLOSES, rosa)
    with pytest.raises(SecondPerson, match="Rosa Marin wrote this"):
        publish(pandadoc, rosa)
    assert mappings.of(pandadoc) == NOTHING_MAPPED
    draft = mappings.draft(pandadoc)
    assert "Rosa Marin wrote this" in mappings.refusal_to_publish(pandadoc, draft, rosa)
    assert mappings.refusal_to_publish(pandadoc, draft, max_) == ""
    assert publish(pandadoc, max_).number == 1


def test_taking_such_a_word_away_takes_one_as_well_and_no_other_change_does(pandadoc, rosa, max_):
    drafted(pandadoc, CLOSES, rosa)
    publish(pandadoc, max_)
    both = {"words": CLOSES["words"], "fields": OWNER["fields"]}
    assert published(pandadoc, both, rosa, seen=1).number == 2
    drafted(pandadoc, OWNER, rosa, based_on=2)
    with pytest.raises(SecondPerson):
        publish(pandadoc, rosa, seen=2)


def test_what_comes_back_so_waits_for_a_second_person(pandadoc, rosa, max_):
    drafted(pandadoc, CLOSES, rosa)
    publish(pandadoc, max_)
    draft = restored(pandadoc, 0, rosa, seen=1, reason="It closed too much.")
    assert mappings.of(pandadoc).as_json() == CLOSES
    assert (draft.submitted_by, draft.note) == (rosa, "It closed too much.")
    with pytest.raises(ModelError, match="Rosa Marin has a draft of it"):
        restored(pandadoc, 0, max_, seen=1)
    with pytest.raises(SecondPerson):
        publish(pandadoc, rosa, seen=1, revision=draft.revision)
    publish(pandadoc, max_, seen=1, revision=draft.revision)
    assert mappings.of(pandadoc) == NOTHING_MAPPED


def test_the_pages_say_why_and_to_whom_it_falls(pandadoc, rosa, max_):
    drafted(pandadoc, CLOSES, rosa)
    mine, theirs = Client(), Client()
    mine.force_login(rosa)
    theirs.force_login(max_)
    page = "/connections/pandadoc/mapping/publish/"
    seen = {"revision": 1, "seen": 0, "note": ""}
    shown = mine.get(page).content.decode()
    assert "It changes which words close a proposal or make it invoiced" in shown
    assert "Rosa Marin wrote this; a second person publishes it." in shown
    assert mine.post(page, seen, headers={"HX-Request": "true"}).status_code == 403
    mine.post("/connections/pandadoc/mapping/draft/submit/?revision=1")
    assert f'href="{page}"' in theirs.get("/approvals/").content.decode()
    assert f'href="{page}"' not in mine.get("/approvals/").content.decode()
    assert theirs.post(page, seen).status_code == 303
    back = {"seen": 1, "reason": "It closed too much."}
    assert mine.post("/connections/pandadoc/mapping/versions/0/restore/", back).status_code == 303
    assert mappings.of(pandadoc).as_json() == CLOSES


def test_an_approver_is_told_reads_and_publishes_it(pandadoc, staff, rosa):
    User.objects.filter(pk=staff["vera"].pk).update(approves_model=True)
    page, mine, theirs = "/connections/pandadoc/mapping/publish/", Client(), Client()
    mine.force_login(rosa)
    theirs.force_login(staff["vera"])
    drafted(pandadoc, CLOSES, rosa)
    assert theirs.get(page).status_code == 403
    mine.post("/connections/pandadoc/mapping/draft/submit/?revision=1")
    tidings.tell(at=instant.now())
    assert [one.url for one in Notice.objects.filter(user=staff["vera"])] == [page]
    assert f'href="{page}"' in theirs.get("/approvals/").content.decode()
    shown = theirs.get(page).content.decode()
    assert "document.in_legal_review" in shown
    assert "/mapping/backtest/" in shown
    assert theirs.post(page, {"revision": 1, "seen": 0, "note": ""}).status_code == 303
    assert mappings.of(pandadoc).as_json() == CLOSES


def test_who_signs_reads_what_the_last_messages_would_have_become(pandadoc, staff, rosa):
    sent("in_legal_review")
    digest_all()
    User.objects.filter(pk__in=[staff["vera"].pk, staff["remy"].pk]).update(approves_model=True)
    draft = drafted(pandadoc, CLOSES, rosa)
    backtest = "/connections/pandadoc/mapping/backtest/"
    theirs = {name: signed_in(staff[name]) for name in ("vera", "remy", "rosa")}
    assert theirs["vera"].get(backtest).status_code == 403
    mappings.submit(
        connection=pandadoc, revision=draft.revision, by=rosa, at=instant.now()
    )  # fmt: skip
    for name, client in theirs.items():
        page = client.get("/connections/pandadoc/mapping/publish/").text
        assert f'hx-get="{backtest}"' in page, name
        shown = client.get(backtest, headers={"HX-Request": "true"}).text
        assert "1 gained" in shown, name
        assert ('href="/messages/' in shown) is (name == "rosa")
        assert ("Website relaunch" in shown) is (name == "rosa")


@pytest.mark.parametrize("name", ["remy", "ada", "sam", "vera"])
def test_whoever_may_approve_finds_it_signs_it_and_arrives_somewhere(pandadoc, staff, rosa, name):
    theirs, nav = signed_in(staff[name]), 'href="/approvals/"'
    had = name in ("sam", "vera")
    assert (theirs.get("/approvals/").status_code == 200) is had
    assert (nav in theirs.get("/notices/").text) is had
    User.objects.filter(pk=staff[name].pk).update(approves_model=True)
    draft = drafted(pandadoc, CLOSES, rosa)
    mappings.submit(
        connection=pandadoc, revision=draft.revision, by=rosa, at=instant.now()
    )  # fmt: skip
    page = "/connections/pandadoc/mapping/publish/"
    assert f'href="{page}"' in theirs.get("/approvals/").text
    assert "1" in theirs.get("/approvals/count/").text
    assert nav in theirs.get("/notices/").text
    signed = theirs.post(page, {"revision": 1, "seen": 0, "note": ""})
    answer = theirs.get(signed.headers["Location"])
    assert (signed.status_code, answer.status_code) == (303, 200)
    assert "Version 1 is in force." in answer.text
    for url in re.findall(r'<a [^>]*href="(/[^"#]*)"', theirs.get("/approvals/").text):
        assert theirs.get(url).status_code in (200, 302), url


def test_the_button_says_who_is_asked(pandadoc, staff, olivia, max_):
    mine, page = signed_in(olivia), "/connections/pandadoc/mapping/draft/"
    drafted(pandadoc, OWNER, olivia)
    assert "Ask a manager to publish" in mine.get(page).text
    drafted(pandadoc, CLOSES, olivia, revision=1)
    shown = mine.get(page).text
    assert "Ask a second person to publish" in shown
    assert "Ask a manager" not in shown


def test_nobody_is_asked_on_the_page_where_nobody_could_be_the_second(pandadoc, rosa):
    drafted(pandadoc, CLOSES, rosa)
    shown = signed_in(rosa).get("/connections/pandadoc/mapping/draft/").text
    assert "Nobody else could be the second person" in shown
    assert "mapping/draft/submit/" not in shown


def test_what_takes_no_second_person_does_not_wait_for_an_approver(pandadoc, staff, olivia):
    User.objects.filter(pk=staff["vera"].pk).update(approves_model=True)
    draft, theirs = drafted(pandadoc, OWNER, olivia), Client()
    theirs.force_login(staff["vera"])
    at = instant.now()
    mappings.submit(connection=pandadoc, revision=draft.revision, by=olivia, at=at)
    tidings.tell(at=at)
    assert not Notice.objects.filter(user=staff["vera"]).exists()
    assert theirs.get("/connections/pandadoc/mapping/publish/").status_code == 403
    assert "Nothing waits for you" in theirs.get("/approvals/").content.decode()


def test_where_nobody_else_could_be_the_second_person_nobody_is_asked(pandadoc, rosa):
    draft, mine = drafted(pandadoc, CLOSES, rosa), Client()
    mine.force_login(rosa)
    with pytest.raises(ModelError, match="Nobody else could be the second person"):
        mappings.submit(
            connection=pandadoc, revision=draft.revision, by=rosa, at=instant.now()
        )  # fmt: skip
    submit = "/connections/pandadoc/mapping/draft/submit/?revision=1"
    answer = mine.post(submit, headers={"HX-Request": "true"})
    assert answer.status_code == 409
    assert "Nobody else could be the second person" in answer.content.decode()
    assert mappings.draft(pandadoc).submitted_at is None


def test_a_person_does_not_do_it_by_a_file_and_whoever_sets_up_may(pandadoc, rosa):
    at = instant.now()
    with pytest.raises(SecondPerson, match="ask for approval"):
        mappings.set_mapping(connection=pandadoc, content=CLOSES, by=rosa, at=at)
    made = mappings.set_mapping(connection=pandadoc, content=CLOSES, by=SETUP, at=at)
    assert made.number == 1


# --- Versions -------------------------------------------------------------------------------------
def test_a_draft_changes_nothing_and_a_version_counts_at_once(pandadoc, olivia, rosa):
    drafted(pandadoc, LEGAL, olivia)
    assert mappings.of(pandadoc) == NOTHING_MAPPED
    made = mappings.publish(
        connection=pandadoc, revision=1, seen=0, note=" Why ", by=rosa, at=instant.now()
    )
    assert mappings.of(pandadoc).as_json() == LEGAL
    assert (made.number, made.note, made.based_on, made.restores) == (1, "Why", 0, None)
    assert made.author == "Olivia Ortiz (RevOps operator)"
    assert made.approver == "Rosa Marin (RevOps manager)"


def test_an_older_version_and_what_is_built_in_come_back_as_new_ones(pandadoc, rosa):
    published(pandadoc, LEGAL, rosa)
    published(pandadoc, OWNER, rosa, seen=1)
    assert restored(pandadoc, 1, rosa, seen=2).number == 3
    assert mappings.of(pandadoc).as_json() == LEGAL
    made = restored(pandadoc, 0, rosa, seen=3)
    assert (made.number, made.restores) == (4, 0)
    assert mappings.of(pandadoc) == NOTHING_MAPPED
    with pytest.raises(ModelError, match="in force"):
        restored(pandadoc, 0, rosa, seen=4)
    with pytest.raises(ModelError, match="no such version"):
        restored(pandadoc, 9, rosa, seen=4)
    with pytest.raises(ModelError, match="Say why"):
        restored(pandadoc, 1, rosa, seen=4, reason=" ")


def test_a_version_never_changes_and_never_goes(pandadoc, rosa):
    made = published(pandadoc, LEGAL, rosa)
    made.note = "Otherwise"
    with pytest.raises(IntegrityError), transaction.atomic():
        made.save()
    with pytest.raises(IntegrityError), transaction.atomic():
        made.delete()


def test_who_may(pandadoc, staff):
    for name in ("sam", "remy", "ada", "vera"):
        with pytest.raises(NotAllowed):
            drafted(pandadoc, LEGAL, staff[name])
    draft = drafted(pandadoc, LEGAL, staff["olivia"])
    for name in ("olivia", "sam", "ada"):
        with pytest.raises(NotAllowed):
            mappings.publish(
                connection=pandadoc, revision=draft.revision, seen=0, note="", by=staff[name],
                at=instant.now(),
            )  # fmt: skip
        with pytest.raises(NotAllowed):
            restored(pandadoc, 0, staff[name], seen=0)
    assert mappings.live(pandadoc) is None
    assert not TrailLine.objects.filter(what="mapping.published").exists()


def test_what_was_not_seen_is_neither_overwritten_nor_published(pandadoc, olivia, rosa):
    drafted(pandadoc, LEGAL, olivia)
    with pytest.raises(Stale):
        drafted(pandadoc, OWNER, rosa)
    with pytest.raises(Stale):
        drafted(pandadoc, OWNER, rosa, based_on=1, revision=1)
    drafted(pandadoc, OWNER, rosa, revision=1)
    for revision, seen in ((1, 0), (2, 1)):
        with pytest.raises(Stale):
            mappings.publish(
                connection=pandadoc, revision=revision, seen=seen, note="", by=rosa,
                at=instant.now(),
            )  # fmt: skip
    with pytest.raises(Stale):
        restored(pandadoc, 0, rosa, seen=7)


def test_what_a_connection_cannot_have_is_refused(pandadoc, olivia):
    hubspot, slack, generic = connected("hubspot"), connected("slack"), standard()
    for there, content, part in (
        (pandadoc, {"words": {"x": "y"}}, "words"),
        (hubspot, OWNER, "fields"),
        (hubspot, {"words": {"Won": "closed-won"}}, "words"),
        (generic, LEGAL, "words"),
        (slack, {}, ""),
    ):
        with pytest.raises(WrongMapping) as caught:
            drafted(there, content, olivia)
        assert caught.value.part == part


# --- In force -------------------------------------------------------------------------------------
def test_a_batch_asks_once_whatever_is_mapped(pandadoc, rosa):
    published(pandadoc, {"words": LEGAL["words"], "fields": OWNER["fields"]}, rosa)
    mappings.of(pandadoc)
    for number in range(10):
        sent("in_legal_review", number, id=f"doc-{number}", metadata={"rep": "sam@example.com"})
    with CaptureQueriesContext(connection) as asked:
        assert digest.digest_batch() == 10
    about = [one["sql"] for one in asked if "mappingversion" in one["sql"]]
    assert len(about) == 1
    assert "content" not in about[0]
    assert set(Proposal.objects.values_list("state", "owner__name")) == {("sent", "Sam Dube")}


def test_each_connection_has_its_own(pandadoc, rosa):
    other = connected("pandadoc", slug="pandadoc-eu", signing="x")
    published(pandadoc, LEGAL, rosa)
    assert mappings.in_force([pandadoc.pk, other.pk]).keys() == {pandadoc.pk}
    assert mappings.of(other) == NOTHING_MAPPED


def test_what_cannot_be_read_offers_the_mapping_where_there_is_something_to_map(pandadoc):
    sent("unheard")
    post_pandadoc(b"[7]", event_id="evt-7")
    digest_all()
    for ticket in Ticket.objects.all():
        assert [one["label"] for one in ticket.remedies] == ["Release", "Fix the mapping"]
        assert ticket.remedies[1]["args"] == ["pandadoc"]


# --- Trying ---------------------------------------------------------------------------------------
def test_a_backtest_tells_what_becomes_of_each_and_writes_nothing(pandadoc, rosa):
    states = ["draft", "in_legal_review", "viewed", "sent"]
    for number, state in enumerate(states):
        more = {} if state != "viewed" else {"metadata": {"rep": "nobody"}}
        sent(state, number, id=f"doc-{number}", **more)
    sent("declined", 9, id="doc-9", metadata={"rep": "sam@example.com"})
    before = list(Message.objects.values())
    words = {"document.in_legal_review": "sent", "document.sent": "viewed"}
    content = {"words": words, "fields": OWNER["fields"]}
    new = mappings.check(pandadoc, content)
    found = mapping_trial.backtest(Message.objects.all(), NOTHING_MAPPED, new, masked=False)
    assert found.tried == 5
    assert dict(found.counts) == {"gained": 1, "lost": 1, "state": 1, "field": 1, "same": 1}
    kinds = {one.kind: one.change for one in found.differences}
    assert kinds["state"] == {"before": {"State": "Sent"}, "after": {"State": "Viewed"}}
    assert kinds["field"]["after"] == {"Owner": "sam@example.com"}
    assert kinds["lost"]["after"]["Becomes"].startswith("Held: data.metadata.rep is 'nobody'")
    assert list(Message.objects.values()) == before
    masked = mapping_trial.backtest(Message.objects.all(), NOTHING_MAPPED, new, masked=True)
    assert "sam@example.com" not in repr([one.change for one in masked.differences])
    assert "nobody" not in repr([one.change for one in masked.differences])


def test_a_backtest_stops_where_it_would_take_too_long(pandadoc, monkeypatch):
    for number in range(3):
        sent("sent", number, id=f"doc-{number}")
    monkeypatch.setattr(mapping_trial, "MOST_BYTES", 800)
    found = mapping_trial.backtest(
        Message.objects.all(), NOTHING_MAPPED, NOTHING_MAPPED, masked=False
    )
    assert (found.tried, found.is_cut) == (1, True)
    monkeypatch.setattr(mapping_trial, "MOST_BYTES", 10**6)
    monkeypatch.setattr(mapping_trial, "MOST_MESSAGES", 2)
    found = mapping_trial.backtest(
        Message.objects.all(), NOTHING_MAPPED, NOTHING_MAPPED, masked=False
    )
    assert (found.tried, found.is_cut) == (2, False)


# --- Releasing ------------------------------------------------------------------------------------
def test_what_would_be_understood_is_released_in_order_and_bounded(pandadoc, rosa, monkeypatch):
    for number in range(4):
        sent("in_legal_review", number, id=f"doc-{number}")
    sent("unheard", 8)
    digest_all()
    assert len(mapping_trial.held(pandadoc, masked=False).understood) == 0
    published(pandadoc, LEGAL, rosa)
    monkeypatch.setattr(mapping_trial, "MOST_RELEASED", 3)
    held = mapping_trial.held(pandadoc, masked=False)
    first = list(Message.objects.order_by("pk").values_list("pk", flat=True)[:3])
    assert (held.count, held.understood) == (5, first)
    assert rereading.release_each(held.understood, by=rosa, at=instant.now()) == 3
    assert rereading.release_each(held.understood, by=rosa, at=instant.now()) == 0
    digest_all()
    held = mapping_trial.held(pandadoc, masked=False)
    assert (held.count, len(held.understood)) == (2, 1)
    [(why, (message, number))] = held.reasons.items()
    assert "document.unheard" in why
    assert (message.pk, number) == (Message.objects.last().pk, 1)
    assert Proposal.objects.count() == 3


def test_what_took_down_its_reader_or_was_settled_by_hand_is_not_offered(pandadoc, rosa):
    sent("in_legal_review", 0)
    sent("in_legal_review", 1, id="doc-2")
    digest_all()
    published(pandadoc, LEGAL, rosa)
    Message.objects.filter(pk=Message.objects.last().pk).update(crashes=1)
    assert mapping_trial.held(pandadoc, masked=False).count == 1
    Ticket.objects.update(status="resolved", resolution="fixed", resolved_at=instant.now())
    assert mapping_trial.held(pandadoc, masked=False).count == 0


# --- Who hears of it ------------------------------------------------------------------------------
def told():
    """Who was told what, by name."""
    rows = Notice.objects.filter(kind="published").order_by("pk")
    return [(one.user.name, one.text) for one in rows]


def answer_for(process, **letters):
    RaciAssignment.objects.filter(process=process).delete()
    for letter, people in letters.items():
        for one in people:
            RaciAssignment.objects.create(process=process, letter=letter, user=one)


def test_who_answers_for_the_connection_hears_of_a_new_version_but_not_who_published_it(
    pandadoc, staff
):
    answer_for(
        "connection:pandadoc", responsible=[staff["olivia"]], accountable=[staff["ada"]],
        informed=[staff["rosa"], staff["vera"]],
    )  # fmt: skip
    draft = drafted(pandadoc, LEGAL, staff["olivia"])
    assert told() == []
    mappings.publish(
        connection=pandadoc, revision=draft.revision, seen=0, note=" They review it first. ",
        by=staff["rosa"], at=instant.now(),
    )  # fmt: skip
    said = "Rosa Marin published version 1 of the mapping of PandaDoc: They review it first."
    assert told() == [("Ada Stone", said), ("Vera Lind", said)]
    assert Notice.objects.first().url == "/connections/pandadoc/mapping/"


def test_a_version_without_a_note_is_told_by_what_it_changes(pandadoc, rosa, staff):
    answer_for("connection-health", responsible=[staff["olivia"]], accountable=[staff["sam"]])
    published(pandadoc, LEGAL | {"fields": OWNER["fields"]}, rosa)
    ((who, said),) = told()
    assert who == "Sam Dube"
    assert said.endswith("of the mapping of PandaDoc: Owner, “document.in_legal_review”")


def test_what_comes_back_is_told_too_and_so_is_a_file(pandadoc, rosa, staff):
    answer_for("connection-health", responsible=[staff["olivia"]], accountable=[staff["sam"]])
    mappings.set_mapping(connection=pandadoc, content=LEGAL, by=SETUP, at=instant.now())
    mappings.set_mapping(connection=pandadoc, content=LEGAL, by=SETUP, at=instant.now())
    restored(pandadoc, 0, rosa, seen=1, reason="It was wrong.")
    restored(pandadoc, 1, rosa, seen=2, reason="It was right.")
    of_it = "of the mapping of PandaDoc"
    assert [said for _, said in told()] == [
        f"Meshline's setup published version 1 {of_it}: From the operating model file.",
        f"Rosa Marin brought what is built in back as version 2 {of_it}: It was wrong.",
        f"Rosa Marin brought version 1 back as version 3 {of_it}: It was right.",
    ]


def test_where_nobody_is_there_at_all_a_mapping_is_published_all_the_same(db):
    there = standard()
    mappings.set_mapping(connection=there, content=OWNER, by=SETUP, at=instant.now())
    assert mappings.live(there).number == 1
    assert told() == []
