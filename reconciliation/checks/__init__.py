"""QA checks: each asserts that something came about, not only that it was asked for."""
