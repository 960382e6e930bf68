"""Who asks: the person behind `Authorization: Bearer …`, and how often they may."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from ninja.security import HttpBearer

from meshline import instant
from meshline.people import tokens
from meshline.people.models import ApiToken
from meshline.people.tokens import TokenError
from meshline.web.rest.refusals import Refused

_HOW = "Send a token of yours: Authorization: Bearer …"


class Bearer(HttpBearer):
    """A token made on one's profile, with its person's rights at this moment; no session."""

    def __call__(self, request: HttpRequest) -> Any:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise _not_known(_HOW)
        return self.authenticate(request, token.strip())

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken:
        at = instant.now()
        try:
            row = tokens.recognise(token, at=at)
        except TokenError as error:
            raise _not_known(str(error)) from error
        used = tokens.count_use(row, at=at)
        if used > settings.API_PER_MINUTE:
            wait = 60 - int(at.timestamp()) % 60
            said = f"This token may ask {settings.API_PER_MINUTE} times a minute; wait {wait} s."
            raise Refused(429, said, Retry_After=str(wait))
        tokens.note_use(row, at=at)
        request.user = row.user
        return row


def _not_known(sentence: str) -> Refused:
    return Refused(401, sentence, WWW_Authenticate='Bearer realm="Meshline"')
