"""Which requests programs make, not people."""

_DOORS = ("/healthz", "/readyz", "/metrics")
_HOOKS, _API = "/hooks/", "/api/"
# The API's one page is for people.
_PAGES = ("/api/v1/docs",)


def is_machine(path: str) -> bool:
    """Whether a program, not a person, knocks here."""
    return is_brief(path) or (path.startswith(_API) and path not in _PAGES)


def is_brief(path: str) -> bool:
    """Whether the answer takes a moment, also while the database hangs: webhooks, health checks."""
    return path.startswith(_HOOKS) or path in _DOORS
