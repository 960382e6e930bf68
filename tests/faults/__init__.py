"""Faults: a whole installation is hurt while events flow, and judged from outside.

`make test` runs the short form, `make faults` the long one; docs/faults.md says what came out.
"""
