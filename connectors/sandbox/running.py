"""Starting, running and stopping the stand-ins."""

import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from connectors.sandbox import times
from connectors.sandbox.billing import Billing
from connectors.sandbox.config import Config
from connectors.sandbox.control import Control, no
from connectors.sandbox.exchange import Answer, Reply, Request, json_answer
from connectors.sandbox.faults import FaultBook
from connectors.sandbox.hubspot_api import HubSpotApi
from connectors.sandbox.hubspot_desk import HubSpotDesk
from connectors.sandbox.hubspot_objects import Objects
from connectors.sandbox.hubspot_webhooks import HubSpotWebhooks
from connectors.sandbox.ledger import Ledger
from connectors.sandbox.listener import Listener, ListenerDesk
from connectors.sandbox.mischief import Scene, play
from connectors.sandbox.pages import Pages, Wing
from connectors.sandbox.pandadoc_api import PandaDocApi
from connectors.sandbox.pandadoc_desk import PandaDocDesk
from connectors.sandbox.pandadoc_documents import Documents
from connectors.sandbox.sender import Sender
from connectors.sandbox.server import Server
from connectors.sandbox.slack_api import SlackApi
from connectors.sandbox.slack_desk import SlackDesk, SlackPages
from connectors.sandbox.slack_messages import Messages
from connectors.sandbox.store import Store, StoreClosedError
from connectors.sandbox.webhooks import Webhooks

LONGEST_NAP = 1.0  # seconds the ticker sleeps at most


class Front:
    """The house behind one door: which room answers, what goes wrong, what is written down."""

    def __init__(self, state_dir: Path | None, home: Callable[[], str]) -> None:
        """`home` tells where all this can be reached, once it is known."""
        self.wake = threading.Event()
        self.store = Store(state_dir)
        self.config = Config(self.store)
        self.faults = FaultBook(self.store)
        self.ledger = Ledger(self.store)
        self.webhooks = Webhooks(self.store, self.config, self.faults, self.wake)
        self.documents = Documents(self.store, self.config, self.ledger, self.webhooks)
        self.hubspot_webhooks = HubSpotWebhooks(self.store, self.config, self.faults, self.wake)
        self.objects = Objects(self.store, self.config, self.ledger, self.hubspot_webhooks)
        self.messages = Messages(self.store, self.config, self.ledger)
        self.listener = Listener(self.store, self.config, self.ledger)
        self.vendors: dict[str, Any] = {
            "pandadoc": PandaDocApi(self.documents, self.webhooks, self.config),
            "hubspot": HubSpotApi(self.objects, self.config),
            "slack": SlackApi(self.messages, self.config, home),
            "listener": self.listener,
        }
        self.billing = Billing(self.store, self.config, self.faults, self.ledger, self.wake, home)
        self.vendors["stripe"] = self.billing.api
        wings: list[Wing] = [self.billing.pages, SlackPages(self.messages)]
        self.pages = Pages(self.documents, self.objects, wings)
        self.senders: list[Sender] = [self.webhooks, self.hubspot_webhooks, self.billing.webhooks]
        self.control = Control(
            store=self.store,
            config=self.config,
            faults=self.faults,
            ledger=self.ledger,
            senders=self.senders,
            desks=[
                PandaDocDesk(self.documents, self.webhooks),
                HubSpotDesk(self.objects, self.hubspot_webhooks),
                self.billing.desk,
                SlackDesk(self.messages),
                ListenerDesk(self.listener),
            ],
            forget=self._forget,
        )

    def answer(self, request: Request) -> Reply | None:
        """None when the stand-in is stopping."""
        try:
            return self._answer(request)
        except StoreClosedError:
            return None
        except Exception:  # a mistake of ours must look like one, and not like the vendor's
            traceback.print_exc()
            return Reply(json_answer(500, {"error": "The stand-in itself failed."}))

    def _answer(self, request: Request) -> Reply:
        room, _, rest = request.path.removeprefix("/").partition("/")
        if room in self.vendors:
            if rest.startswith("app/"):
                down = self.faults.take_for_page(room)
                answer = Answer(503, b"Service Unavailable", "text/plain") if down else None
                return Reply(answer or self.pages.answer(request))
            return self._vendor_call(self.vendors[room], replace(request, path=f"/{rest}"))
        if room == "control":
            if not _is_own(request.headers.get("Origin", "")):
                return Reply(no(403, "A foreign page may not use the control."))
            return self._control_call(replace(request, path=f"/{rest}"))
        return Reply(self.pages.answer(request))

    def _control_call(self, request: Request) -> Reply:
        answer = self.control.answer(request)
        self.wake.set()
        return Reply(answer)

    def _vendor_call(self, vendor: Any, request: Request) -> Reply:
        arrived = times.now()
        fault = self.faults.take_for_call(vendor.name, method=request.method, path=request.target)
        if fault is None:
            answer = self._work(vendor, request)
            reply = Reply(answer, worked=answer.status)
        else:
            scene = Scene(
                work=lambda: self._work(vendor, request),
                pretend=lambda: self._work(vendor, request, pretend=True),
                error_body=vendor.error_body,
                **_memory(vendor, request),
            )
            reply = play(fault, scene)
        self.ledger.note_call(
            vendor.name,
            request,
            at=arrived,
            status=reply.answer.status if reply.answer else None,
            worked=reply.worked,
            key=vendor.key_of(request),
            fault=fault["kind"] if fault else None,
        )
        return reply

    def _work(self, vendor: Any, request: Request, *, pretend: bool = False) -> Answer:
        with self.store.transaction(pretend=pretend):
            answer: Answer = vendor.answer(request)
        self.wake.set()
        return answer

    def due_by_the_clock(self) -> list[Callable[[], float | None]]:
        senders = (sender.send_due for sender in self.senders)
        return [self.documents.finish_drafts, self.hubspot_webhooks.gather, *senders]

    def _forget(self) -> None:
        for vendor in self.vendors.values():
            vendor.limits.forget()


class Ticker(threading.Thread):
    """Does what is due by the clock: drafts that become ready, webhooks to send."""

    def __init__(self, tasks: list[Callable[[], float | None]], wake: threading.Event) -> None:
        super().__init__(daemon=True, name="stand-in ticker")
        self._tasks = tasks
        self._wake = wake
        self._stopping = False

    def run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            try:
                moments = [moment for task in self._tasks if (moment := task()) is not None]
            except StoreClosedError:
                return
            except Exception:  # one bad row must not end all webhooks
                traceback.print_exc()
                moments = []
            nap = min(moments, default=time.time() + LONGEST_NAP) - time.time()
            self._wake.wait(min(max(nap, 0.0), LONGEST_NAP))

    def stop(self) -> None:
        self._stopping = True
        self._wake.set()
        self.join(timeout=5)


class Sandbox:
    """All stand-ins behind one loopback port. `state_dir=None` keeps everything in memory."""

    def __init__(self, port: int = 0, state_dir: Path | str | None = None) -> None:
        self._port = port
        self._state_dir = Path(state_dir) if state_dir is not None else None
        self._server: Server | None = None

    @property
    def url(self) -> str:
        """Without a slash at the end; known once started."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Take the port and answer; after a stop it is the same port again."""
        if self._server is not None:
            return
        front = Front(self._state_dir, lambda: self.url)
        self._store = front.store
        try:
            self._server = Server(self._port, front.answer)
        except OSError:
            front.store.close()
            raise
        self._port = self._server.server_address[1]
        for sender in front.senders:
            sender.recover()
        self._ticker = Ticker(front.due_by_the_clock(), front.wake)
        self._ticker.start()
        threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.02},
            daemon=True,
            name="stand-in server",
        ).start()

    def stop(self) -> None:
        """Cut every connection, hanging ones too; what is not sent is sent after a restart."""
        if self._server is None:
            return
        self._server.stop()
        self._server = None
        self._ticker.stop()
        self._store.close()

    def __enter__(self) -> "Sandbox":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def serve(port: int, state_dir: Path) -> None:
    """Run until SIGTERM or SIGINT, then end cleanly."""
    asked_to_stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked_to_stop.set())
    with Sandbox(port, state_dir) as sandbox:
        print(f"The stand-in vendors are at {sandbox.url}", file=sys.stdout, flush=True)
        asked_to_stop.wait()


def _memory(vendor: Any, request: Request) -> dict[str, Any]:
    """What a scene asks of a vendor that remembers answers by the caller's key."""
    if not hasattr(vendor, "keep"):
        return {}
    return {
        "keep": lambda answer: vendor.keep(request, answer),
        "in_flight": lambda: vendor.in_flight(request),
    }


def _is_own(origin: str) -> bool:
    """Absent, as from a program, or a page of this computer."""
    return not origin or urlsplit(origin).hostname in ("127.0.0.1", "localhost")
