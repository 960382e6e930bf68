"""The proposals' screens: the list, one proposal with its acts, and the contracts."""
