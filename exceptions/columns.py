"""What a list of tickets can show beside their titles, and what it shows unless one chooses."""

COLUMNS = {
    "severity": "Severity",
    "due": "Due",
    "risk": "At risk",
    "who": "Who has it",
    "opened": "Opened",
    "kind": "Kind",
    "team": "Team",
    "connection": "Connection",
    "times": "Times",
}
DEFAULT = ["severity", "due", "risk", "who", "opened"]


def known(names: list[str]) -> list[str]:
    """Those of these that there are, each once, in the order in which they stand."""
    return [name for name in COLUMNS if name in names]
