"""The tone and icon of every state word the screens show: one table, so that a word looks the same
everywhere."""

from meshline.web.words import Tone

_TONES: dict[Tone, str] = {
    "danger": "critical disputed given_up rejected failed broken down missing conflict overdue",
    "warn": "high expired quarantined held on_hold paused out late different inconclusive draining "
    "asks",
    "ok": "signed invoiced closed_won resolved proven digested done completed passed live active",
    "info": "normal sent viewed claimed acknowledged leased accepted published running invited "
    "being_fixed reading comparing",
    "neutral": "low draft open due queued delivered closed_lost cancelled ignored superseded "
    "inactive revoked gone",
}
_ICONS = {
    # proposals
    "draft": "pencil", "sent": "send", "viewed": "eye", "signed": "writing-sign",
    "disputed": "flag", "expired": "hourglass", "invoiced": "receipt", "closed_won": "circle-check",
    "closed_lost": "circle-x",
    # tickets
    "open": "circle-dashed", "claimed": "user-check", "acknowledged": "eye",
    "resolved": "circle-check",
    # outcomes
    "due": "clock", "leased": "refresh", "held": "player-pause", "delivered": "package",
    "proven": "shield-check", "given_up": "alert-triangle", "cancelled": "ban",
    # syncs
    "queued": "clock", "running": "refresh", "failed": "alert-triangle",
    # reconciliation
    "reading": "refresh", "comparing": "refresh", "being_fixed": "refresh", "gone": "check",
    "asks": "help-circle",
    # messages
    "accepted": "inbox", "digested": "check", "ignored": "minus", "superseded": "versions",
    "quarantined": "lock", "rejected": "ban",
    # severities
    "critical": "alert-triangle", "high": "chevron-up", "normal": "minus", "low": "chevron-down",
    # people and connections
    "paused": "player-pause", "active": "check", "inactive": "user-off", "invited": "mail",
    "out": "calendar-off", "revoked": "ban",
}  # fmt: skip
TONE_ICONS: dict[Tone, str] = {
    "danger": "alert-triangle",
    "warn": "alert-circle",
    "ok": "circle-check",
    "info": "info-circle",
    "neutral": "circle-dot",
}
_TONE_OF: dict[str, Tone] = {word: tone for tone, words in _TONES.items() for word in words.split()}


def look(state: str) -> tuple[str, Tone, str]:
    """A state's words, tone and icon; a word that is not in the table is shown plainly."""
    key = str(state).strip().lower().replace("-", "_").replace(" ", "_")
    tone = _TONE_OF.get(key, "neutral")
    return key.replace("_", " ").capitalize(), tone, _ICONS.get(key, TONE_ICONS[tone])
