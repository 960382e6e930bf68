"""A one-time sign-in link, which is how the first admin of an empty installation gets in."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from meshline import instant
from meshline.audit import actors
from meshline.people import people
from meshline.people.permissions import Role


class Command(BaseCommand):
    help = "Invite a person, who is added if unknown, and print the link, alone on the last line."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--role", required=True, choices=[role.value for role in Role])
        parser.add_argument("--name", default="", help="default: made from the e-mail")

    def handle(self, *args: Any, **options: Any) -> None:
        email, role, name = options["email"], options["role"], options["name"]
        try:
            token = people.invite(
                email=email, role=role, name=name, by=actors.SETUP, at=instant.now(), again=True
            )
        except people.PersonError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{email} may sign in as {Role(role).label} with this link, once:")
        self.stdout.write(f"{settings.PUBLIC_URL}/sign-in/invitation/{token}/")
