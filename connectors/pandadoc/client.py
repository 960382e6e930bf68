"""PandaDoc over HTTP: the few calls we make, in its words."""

from connectors.answers import Caller

API = "/public/v1"


class Client:
    """One PandaDoc workspace, by API key."""

    def __init__(
        self, base_url: str, credential: str, *, allow_loopback: bool = False,
        deadline: float = 15.0,
    ) -> None:  # fmt: skip
        self.caller = Caller(
            base_url.rstrip("/"), {"Authorization": f"API-Key {credential}"},
            allow_loopback=allow_loopback, deadline=deadline,
        )  # fmt: skip

    def whoami(self) -> str:
        """A cheap call that needs a good key."""
        self.caller.call("GET", f"{API}/documents", params={"count": "1"})
        return "PandaDoc answers and accepts the key."
