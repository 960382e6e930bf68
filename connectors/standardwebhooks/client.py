"""An address of somebody's, told what happened by signed webhooks."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime

from connectors.answers import Caller
from connectors.http import Reply
from connectors.standardwebhooks.receive import key


class Client:
    """One receiver; the credential is the secret we sign with (whsec_…)."""

    def __init__(
        self, base_url: str, credential: str, *, allow_loopback: bool = False,
        deadline: float = 15.0,
    ) -> None:  # fmt: skip
        self._key = key(credential)
        self.caller = Caller(base_url, {}, allow_loopback=allow_loopback, deadline=deadline)

    def send(self, body: bytes, *, message_id: str) -> Reply:
        """POST one message. Its id stays over repeats; timestamp and signature are the attempt's.

        Raises Trouble for every answer but 2xx; 410 means that it wants no more.
        """
        stamp = str(int(datetime.now(UTC).timestamp()))
        signed = f"{message_id}.{stamp}.".encode() + body
        signature = base64.b64encode(hmac.new(self._key, signed, hashlib.sha256).digest()).decode()
        headers = {
            "webhook-id": message_id,
            "webhook-timestamp": stamp,
            "webhook-signature": f"v1,{signature}",
        }
        return self.caller.call("POST", "", content=body, headers=headers)

    def ping(self) -> str:
        """A message that says nothing, to see whether messages are taken."""
        stamp = datetime.now(UTC)
        body = f'{{"type":"ping","timestamp":"{stamp.isoformat()}","data":{{}}}}'.encode()
        reply = self.send(body, message_id=f"ping_{int(stamp.timestamp())}")
        return f"The receiver answered {reply.status}."
