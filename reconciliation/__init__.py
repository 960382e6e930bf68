"""Was it really so? Compare, check, measure, show."""
