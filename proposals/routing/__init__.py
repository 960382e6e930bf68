"""Whose a record is: rules in versions, what they give to, and who is there."""
