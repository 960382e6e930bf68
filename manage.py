#!/usr/bin/env python3
"""Meshline's command line: `python manage.py up` starts everything."""

import os
import sys

from django.core.management import execute_from_command_line

from meshline.shell import startup


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "meshline.settings")
    if sys.argv[1:2] == ["up"]:
        # Settings insist on keys and addresses, and `up` is what makes them.
        startup.prepare(sys.argv[2:])
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
