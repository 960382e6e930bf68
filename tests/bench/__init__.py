"""Benches: ours beside the limit, in one run on one machine. `make bench`, or one by ONLY=."""
