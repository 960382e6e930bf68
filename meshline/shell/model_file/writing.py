"""The operating model as it is here, as a file that changes nothing when it is applied."""

from datetime import datetime
from typing import Any

import yaml
from django.db import transaction

from meshline.audit import trail
from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import Permission
from meshline.sections import Section, Values
from meshline.shell.model_file import parts

_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

HEAD = """\
# The operating model of this installation. What a file does not name stays as it is; an entry goes
# by `remove: true`. Secrets are never in here: a connection names the variables that hold them by
# `signing_secret_env` and `credential_env`, and they are read when the file is applied.
"""


@transaction.atomic
def hand_out(*, by: User, at: datetime) -> str:
    """The file for somebody to take along; the trail says who did."""
    permissions.check(by, Permission.EXPORT_OPERATING_MODEL)
    trail.record("operating-model.exported", subject=by, by=by, at=at)
    return export()


def export() -> str:
    """Everything the file can change, in the order of its keys."""
    model: dict[str, Any] = {}
    for key in parts.KEYS:
        if key == "systems":
            model[key] = parts.systems()
        elif key in parts.BY_KEY:
            model[key] = _section(parts.BY_KEY[key])
    return HEAD + _dumped({key: value for key, value in model.items() if value})


def _section(section: Section) -> Any:
    entries = [_entry(section, values) for values in section.here().values()]
    return entries[0] if section.is_one else entries


def _entry(section: Section, values: Values) -> Values:
    return {
        name: section.fields[name].write(value)
        for name, value in values.items()
        if value != section.fields[name].unsaid
    }


def _dumped(model: dict[str, Any]) -> str:
    # Lines are never folded: a line a value is easier to compare.
    return yaml.dump(
        model, Dumper=_DUMPER, sort_keys=False, allow_unicode=True, width=100_000,
        default_flow_style=False,
    )  # fmt: skip
