"""What nobody decided to overwrite, for whoever writes to the other systems (connectors.mirroring).

They stand below and do not know what a difference is: they ask a view by its name. While it stands,
the columns that it reads keep their types.
"""

from django.db import migrations

_CREATE = """
CREATE VIEW connectors_leftalone AS
SELECT d.connection_id, d.proposal_id, d.field AS name, d.ours_raw AS ours
FROM reconciliation_divergence d
WHERE d.proposal_id IS NOT NULL AND d.field <> ''
  AND (d.state IN ('open', 'accepted') OR (d.state = 'fixing' AND d.is_asked))
"""


class Migration(migrations.Migration):
    dependencies = [("reconciliation", "0008_checks_by_hand")]

    operations = [migrations.RunSQL(_CREATE, "DROP VIEW connectors_leftalone")]
