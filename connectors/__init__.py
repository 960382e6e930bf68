"""The doors: signals come in, outcomes go out."""
