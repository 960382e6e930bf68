"""The runbooks an installation begins with: a text for every kind, until people know more."""

DEFAULTS: dict[str, str] = {
    "delivery-failed": """\
1. Read the last answer of the other system under Evidence, and its failure: unavailable and throttled pass by themselves, rejected and invalid do not.
2. Open the connection's page. If its breaker is open, the outage has a ticket of its own: work on that one.
3. If the other system refuses what we say, correct the record or the mapping; then replay it with the versions of now. A retry says again what was said.
4. Nothing was to be corrected? Retry from here. The outcome keeps its key, so nothing happens twice.
5. If it is not wanted any more, skip it with the reason.
""",
    "proof-missing": """\
1. Open the record in the other system and look for what should be there.
2. If it is there under another number, link it by hand on the proposal's page.
3. If it is not there, retry: it is written again under the same key.
4. If the other system takes long to show what was written, wait for the next look before you write again.
""",
    "credentials-refused": """\
1. Find out who changed the credential: it has expired, was revoked, or lost a right.
2. Get a valid one from whoever looks after that system. Never by mail or chat.
3. An admin enters it on the connection's page and tests it there.
4. Resume the connection. What was held goes out by itself, in order.
""",
    "sync-failed": """\
1. Read the last answer: a right the credential lacks, a page it could not give, or no answer.
2. Lacks a right: an admin enters a credential that may read these records.
3. On the connection's page, Sync now. The ticket closes with the first one that ends well.
4. Was it down for long: backfill from the day it began, on the same page.
""",
    "reconciliation-missed": """\
1. Look at Operations: since when was the clock down, and why.
2. The day is compared once now, by itself. Open the run and see that it ends as done.
3. If it is inconclusive, read its sentence: the other system could not be read to its end, or the connection is paused.
4. The ticket closes with the run. Several days in a row: the clock's supervisor needs somebody.
""",
    "divergence": """\
1. Open the differences of this group: each shows both sides, and whose word counts.
2. All of one cause: find what changed over there (a field, an import, a colleague) before you fix them one by one.
3. Take the side that should win. What writes elsewhere is carried and read back; it is gone once a later read shows both equal.
4. If it is meant to be so, accept it for a while, with the reason; it comes back when the time is over.
""",
    "message-unreadable": """\
1. Open the message and compare it with one that could be read.
2. A word or a field that is new: fix the mapping, try it on this message, and have it published.
3. Broken at the sender's: tell its owner, with the message's number.
4. Release what is held; look at the preview of the replay first.
""",
    "message-conflict": """\
1. Compare both contents on the message's page. The first one counts.
2. Ask the sender's owner which is right, and why one event id was used twice.
3. If the second one is right, correct the record here with a reason.
""",
    "processing-failed": """\
1. Copy the error under Evidence for whoever looks after Meshline.
2. Do not release the message before they say that the cause is gone: it would fail in the same way.
3. Release it afterwards. It takes its place in order.
""",
    "check-failed": """\
1. Open the check from the ticket: it says what must be so, how it looks, and lists what fails.
2. One thing fails: open it and put it right there. Many fail at once: look for what they share, a connection, a contract, an hour.
3. Run the check again. What is right again is settled, and the ticket closes with the last of it.
4. Where the check itself is wrong, say so to the manager who answers for reconciliation; do not close it by hand and hope.
""",
    "canary-red": """\
1. Read which leg it breaks at, and what was seen there. Look on the Operations page whether workers and clock are alive.
2. Posted, received: the web server, its address (CANARY_URL) and the connection's signing secret. Translated: the workers, or the mapping. Routed: contracts and routing rules. Carried, proven: the CRM's connection and its last answers.
3. Real events meet the same: look in Outcomes for what waits there, and tell the connection's owner.
4. Mend it and try the canary now. What gets through is settled; with the last of what hangs here the ticket closes.
""",
    "role-drift": """\
1. Find out who follows this customer up now; the last owner's lead knows.
2. Set the owner from here. What hangs on the ticket goes to them, and it closes by itself.
3. Add the missing person, or correct the owner in the quoting tool, so that the next one does not come here.
""",
    "route-by-hand": """\
1. Read on the proposal's page why the rule leaves it to a person.
2. Give it to somebody who has room for it, and tell them why.
3. If such records always go the same way, draft a routing rule that says so.
""",
    "not-the-authority": """\
1. Look which system made the move, and which one may.
2. If the move is right, make it in the system that is its authority.
3. If the other one should be the authority, ask a manager to change the source of truth.
""",
    "field-conflict": """\
1. Open both systems and find out which value the customer agreed to.
2. Take the right one here, and correct the other system.
3. If it happens with this field again and again, agree on whose word counts for it.
""",
    "dispute": """\
1. Read what the customer said, and talk to the owner before you write to the customer.
2. If the terms are wrong, have a corrected proposal sent.
3. If it is lost, mark it as lost. The ticket closes by itself when the proposal moves on.
""",
    "invoice-voided": """\
1. Find out in the billing tool who voided it and why.
2. A mistake in it: issue another one that names the proposal.
3. No sale after all: take the proposal back in the quoting tool.
4. Tell finance which of the two it was.
""",
    "on-hold": """\
1. Read the reason of the hold and who placed it.
2. A high value: check the terms and the customer's credit. Privacy: ask for the consent first.
3. Lift the hold on the proposal's page. What waited goes out in order.
""",
    "approval-overdue": """\
1. Ask those for whom it waits; their names stand on the approval's page.
2. Somebody is out: their stand-in may decide.
3. Somebody has left: whoever is accountable for the proposal state decides.
""",
    "approval-rejected": """\
1. Read why it was rejected.
2. Do by hand what should happen instead, and write it down here.
3. If it should never have come to the gate, propose another condition in the contract.
""",
    "link-missing": """\
1. Look in the other system for the person or record under the same e-mail.
2. It is missing: have it added there, then retry.
3. It is there under another e-mail: link it by hand, or correct the e-mail.
""",
    "notices-stuck": """\
1. Everything stands in Meshline, too: nobody has missed anything for good.
2. E-mail: look at EMAIL_URL and at the mail server's own log. Slack: at its connection.
3. The ticket closes by itself with the next message that gets through.
""",
    "invariant-broken": """\
1. Show it to whoever looks after Meshline; do not correct rows by hand.
2. `manage.py check_invariants` names every row.
3. It closes by itself once the next hourly look finds everything whole.
""",
    "permanent-fix": """\
1. Open the tickets under “Before and after” and say in one sentence what all of them have in common.
2. Ask where it begins: the sender, the mapping, a contract or rule, an owner, or the other system.
3. Change that, not the next ticket. A draft with a backtest shows what the change would have done.
4. Resolve this and write what was changed. Its page then compares the weeks before with those since.
""",
}
