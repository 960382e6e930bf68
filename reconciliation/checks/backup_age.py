"""Is there a backup from today?"""

from datetime import datetime, timedelta

from meshline.pulse import pulse
from meshline.web import words
from reconciliation.checks.check import Check, Failing, Finding

# What `manage.py backup_done` beats.
BEAT = "backup"
# A day, and two hours for one that takes longer than usual.
WITHIN = timedelta(hours=26)
NEVER = (
    "Not configured: no backup was ever reported. Let what makes it run `manage.py backup_done` "
    "once it is through."
)


def look(at: datetime) -> Finding:
    """The last backup that was reported, which fails once it is older than 26 hours."""
    age = pulse.age(BEAT)
    if age is None:
        return Finding(0, 0, (), unknown=NEVER)
    if age <= WITHIN:
        return Finding(1, 0, ())
    why = f"The last one was done {words.span(age)} ago."
    return Finding.of(1, [Failing("backup", "The backup", why)])


CHECK = Check(
    "backup-age", "Backup age",
    "A backup was done within the last 26 hours.",
    "The last backup that `manage.py backup_done` reported; without any, nothing is known.",
    timedelta(minutes=15), look,
    "Look at what makes the backup: its log says why it ended. Then let it run again.",
    grave_from=2,
)  # fmt: skip
