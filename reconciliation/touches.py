"""What people did about a record: what ends its clock, and how much they had to do.

The clock ends with the first **contact**: a call, e-mail, meeting or note that a person made on the
deal in the CRM, or a follow-up that a person completed, here or there. To put a record right, to
give it to somebody or to move its state is work on it, and the customer waits on.
"""

from proposals.signals import TOUCH

# Seeing something is no act.
_SEEN = "%%payload-seen"

# As a table of (at) of one record's contacts, for a lateral join with `e.proposal_id`.
CONTACTS = f"""
    SELECT told.occurred_at AS at FROM proposals_signal told
    WHERE told.proposal_id = e.proposal_id AND told.kind LIKE '{TOUCH}%%'
    UNION ALL
    SELECT done.ended_at FROM proposals_followup done
    WHERE done.proposal_id = e.proposal_id AND done.state = 'completed'
"""
# As a table of (at, is_hand_over) of one record's acts: of people here, and their contacts over
# there. That no record is empty is said, so that the index of the trail's records can be used.
ACTS = f"""
    SELECT line.at, line.what IN ('proposal.assigned', 'ticket.assigned') AS is_hand_over
    FROM audit_trailline line
    WHERE line.record = e.record AND line.record <> '' AND line.actor_kind = 'person'
        AND line.what NOT LIKE '{_SEEN}'
    UNION ALL
    SELECT told.occurred_at, false FROM proposals_signal told
    WHERE told.proposal_id = e.proposal_id AND told.kind LIKE '{TOUCH}%%'
"""
