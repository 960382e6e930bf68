"""The operating model as one YAML file: export it, see what a file would change, apply it."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from meshline import instant
from meshline.audit import actors
from meshline.audit.actors import Someone
from meshline.people.models import User
from meshline.shell.model_file import plan, reading, telling, writing
from meshline.shell.model_file.refused import Refused


class Command(BaseCommand):
    help = "Export the operating model, plan what a file would change, or apply it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        acts.add_parser("export", help="write the operating model as YAML")
        _takes_file(acts.add_parser("plan", help="print the differences; change nothing"))
        _takes_file(acts.add_parser("apply", help="make the differences, all or none"))

    def handle(self, *args: Any, **options: Any) -> None:
        if options["act"] == "export":
            self.stdout.write(writing.export(), ending="")
            return
        data, by = _bytes_of(options["file"]), _whoever(options["as"])
        does = plan.plan if options["act"] == "plan" else plan.apply
        try:
            done = does(data, by=by, at=instant.now())
        except Refused as error:
            raise CommandError(f"The file is refused; nothing was changed.\n{error}") from None
        self._tell(done)

    def _tell(self, done: plan.Plan) -> None:
        for line in telling.lines(done):
            self.stdout.write(line)
        self.stdout.write(telling.summary(done))


def _takes_file(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the file, or - for standard input")
    parser.add_argument(
        "--as", metavar="EMAIL", help="with that person's rights and name on the trail"
    )


def _bytes_of(name: str) -> bytes:
    """The file, at most one byte more than is taken."""
    try:
        if name == "-":
            return sys.stdin.buffer.read(reading.MOST_BYTES + 1)
        with Path(name).open("rb") as file:
            return file.read(reading.MOST_BYTES + 1)
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}.") from None


def _whoever(email: str | None) -> Someone:
    if email is None:
        return actors.SETUP
    user = User.objects.active().with_email(email).first()
    if user is None:
        raise CommandError(f"There is no active person with the e-mail {email}.")
    return user
