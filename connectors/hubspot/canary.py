"""That a deal was lost, as HubSpot would post it.

Lost, and not won: nothing that HubSpot does by itself about a deal that is won, such as billing it,
is to begin for one that is none. What it is told of is no deal of theirs.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping

from connectors.base import Feigned, Signed
from connectors.hubspot.receive import SIGNATURE, V1, V2, V3

# HubSpot counts from 1.
NOBODYS = 0
# Where no stage of theirs is mapped to lost: then that is what is broken.
STAGE = "closedlost"


def post(feigned: Feigned, secret: str) -> Signed:
    stamp = str(int(feigned.at.timestamp() * 1000))
    event = {
        "eventId": feigned.key, "subscriptionId": NOBODYS, "portalId": NOBODYS,
        "occurredAt": int(stamp), "subscriptionType": "deal.propertyChange", "attemptNumber": 0,
        "objectId": NOBODYS, "propertyName": "dealstage", "propertyValue": feigned.word or STAGE,
        "changeSource": "CRM_UI", "sourceId": "userId:0",
    }  # fmt: skip
    body = json.dumps([event]).encode()
    return Signed(body, _proof(feigned, secret.encode(), body, stamp))


def _proof(feigned: Feigned, secret: bytes, body: bytes, stamp: str) -> Mapping[str, str]:
    version, where = feigned.options.get(SIGNATURE) or V3, b"POST" + feigned.url.encode()
    if version == V3:
        digest = hmac.new(secret, where + body + stamp.encode(), hashlib.sha256).digest()
        signature = base64.b64encode(digest).decode()
        return {"x-hubspot-signature-v3": signature, "x-hubspot-request-timestamp": stamp}
    signed = {V1: secret + body, V2: secret + where + body}[version]
    signature = hashlib.sha256(signed).hexdigest()
    return {"x-hubspot-signature": signature, "x-hubspot-signature-version": version}
