"""The rows an installation cannot be without: made once, never changed again here."""


def found() -> None:
    """Create what is missing of the default rows. Idempotent."""
