"""What everybody should know at once: which part of Meshline itself is not running."""


def sentences() -> list[str]:
    """One sentence for each part that is down; none while all is well.

    Nothing reports its pulse yet, so nothing can be missed.
    """
    return []
