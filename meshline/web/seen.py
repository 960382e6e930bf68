"""What a form showed when somebody began to type, carried along signed: a later change by somebody
else is then noticed, and can be told field by field."""

from typing import Any

from django.core import signing

_SALT = "meshline.seen"


def keep(facts: dict[str, Any]) -> str:
    """These facts, for a hidden field."""
    return signing.dumps(facts, salt=_SALT)


def read(text: str) -> dict[str, Any]:
    """The facts a form carried; nothing was seen where they are missing or not ours."""
    try:
        facts = signing.loads(text, salt=_SALT)
    except (signing.BadSignature, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}
