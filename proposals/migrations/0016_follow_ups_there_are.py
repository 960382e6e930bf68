"""What proposals wait for already becomes a row each; the clock brings it in line with its SLA."""

from django.db import migrations

_THERE_ARE = """
INSERT INTO proposals_followup (
    proposal_id, kind, contract_id, signal_id, outcome_id, owner_id, stands_in_for_id, since,
    within, due_at, scheduled_at, state, moved_why, ended_by_label, how, note, first_touch, version
)
SELECT DISTINCT ON (p.id, o.name)
    p.id, o.name, o.contract_id, o.signal_id, o.id, p.owner_id, p.stands_in_for_id,
    coalesce(s.occurred_at, o.promised_at), 0, (o.params ->> 'due_at')::timestamptz,
    o.promised_at, 'open', '', '', '', '', '', 1
FROM proposals_outcome o
JOIN proposals_proposal p ON p.id = o.proposal_id
LEFT JOIN proposals_signal s ON s.id = o.signal_id
WHERE o.kind = 'task.create' AND o.state <> 'cancelled' AND o.unwanted_at IS NULL
  AND o.params ->> 'due_at' <> '' AND p.state NOT IN ('closed-won', 'closed-lost')
ORDER BY p.id, o.name, o.id DESC
"""


class Migration(migrations.Migration):
    dependencies = [("proposals", "0015_follow_ups")]

    operations = [migrations.RunSQL(_THERE_ARE, migrations.RunSQL.noop)]
