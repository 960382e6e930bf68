"""Stand-ins for the outside systems: they keep state, keep books, and misbehave on request.

The demo and the tests talk to them over real HTTP. Pure standard library, without Django, so that
they run as a process of their own. Bound to the loopback interface only.
"""

from connectors.sandbox.running import Sandbox, serve

__all__ = ["Sandbox", "serve"]
