"""A bearer token for the API, with one person's rights."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from meshline import instant
from meshline.audit import actors
from meshline.people import tokens
from meshline.people.models import User
from meshline.people.tokens import TokenError


class Command(BaseCommand):
    help = "Print a new API token with this person's rights, alone on the last line."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", default="command line", help="what it is for")
        parser.add_argument(
            "--days", type=int, default=tokens.DAYS, help=f"how long it lasts ({tokens.DAYS})"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.with_email(options["email"]).first()
        if user is None:
            raise CommandError(f"There is no person with the e-mail {options['email']}.")
        try:
            made = tokens.make(
                user_id=user.pk, name=options["name"], days=options["days"],
                by=actors.SETUP, at=instant.now(),
            )  # fmt: skip
        except TokenError as error:
            raise CommandError(str(error)) from error
        until = made.row.expires_at
        self.stdout.write(f"{user.email} is {user.get_role_display()}; until {until:%Y-%m-%d}:")
        self.stdout.write(made.token)
