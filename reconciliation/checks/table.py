"""All checks there are, in the order in which they are read."""

from reconciliation.checks import (
    backup_age,
    canonical_fields,
    conflict,
    count_delta,
    deadline_coverage,
    delivery_sanity,
    duplicate_outreach,
    emitter_silence,
    follow_up_behaviour,
    latency,
    one_effect,
    ownerless,
    rollups_true,
    sampling_audit,
    trail_verified,
)
from reconciliation.checks.check import Check

CHECKS: dict[str, Check] = {
    one.CHECK.name: one.CHECK
    for one in (
        delivery_sanity, emitter_silence, ownerless, deadline_coverage, follow_up_behaviour,
        canonical_fields, one_effect, count_delta, conflict, duplicate_outreach, latency,
        sampling_audit, trail_verified, rollups_true, backup_age,
    )
}  # fmt: skip
