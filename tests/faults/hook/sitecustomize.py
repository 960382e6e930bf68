"""Loaded by every process of the installation under test: guards can be taken out while it runs.

Python imports a module of this name at its start, before anything of the product. FAULTS_ORDERS
names a JSON file; what it says is looked up again at every use, so that a test can break a running
installation, and mend it. Without orders everything is as it is.
"""

import dataclasses
import importlib.abc
import importlib.machinery
import json
import os
import signal
import sys
import threading
import uuid
from collections.abc import Callable
from types import ModuleType
from typing import Any

_FILE = os.environ.get("FAULTS_ORDERS", "")
_SILENT = os.environ.get("FAULTS_SILENT", "")


def orders() -> dict[str, Any]:
    try:
        with open(_FILE) as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}


def is_out(guard: str) -> bool:
    """Whether this guard is taken out."""
    return guard in orders().get("without", [])


def stop_once(place: str, *about: object) -> None:
    """Stop this very process, as SIGSTOP does, when it is told to: once, at one place.

    The order is {"stop": {"at": place, "about": part of what is in hand, "says": file}}.
    """
    told = orders().get("stop")
    if not told or told["at"] != place:
        return
    if not any(told["about"] in str(one) for one in about):
        return
    try:
        mark = os.open(told["says"], os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except FileExistsError:
        return
    os.write(mark, str(os.getpid()).encode())
    os.close(mark)
    # To this very thread: another one might take it first, and this one run on for a moment.
    signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)


# --- What is changed in which module, once it is loaded ------------------------------------------


def _digest(module: ModuleType) -> None:
    claim, finish, free = module._claim, module._finish, module.free_lapsed
    lapse = "m.lease_until < clock_timestamp()"
    assert lapse in module._CLAIM_ALONE

    def claims(statement: str, **limits: int) -> Any:
        if is_out("lease expiry"):
            statement = statement.replace(lapse, "false")
        return claim(statement, **limits)

    def finishes(messages: list, *args: Any) -> None:
        messages = list(messages)
        if is_out("end of silence"):
            with module.connection.cursor() as cursor:
                cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        stop_once("finishing a message", *(one.key for one in messages))
        if is_out("fence of messages"):
            held = module.Message.objects.filter(pk__in=[one.pk for one in messages])
            held.update(lease_owner=messages[0].lease_owner)
        finish(messages, *args)

    module._claim, module._finish = claims, finishes
    module.free_lapsed = lambda **options: 0 if is_out("lease expiry") else free(**options)


def _translate(module: ModuleType) -> None:
    translate = module.translate

    def translates(payload: bytes, *args: Any) -> Any:
        if b"POISON" in payload:
            os.kill(os.getpid(), signal.SIGKILL)
        return translate(payload, *args)

    module.translate = translates


def _outbox(module: ModuleType) -> None:
    claim, acknowledge, whole = module.claim_all, module._acknowledge, module._CLAIM
    free = module.free_lapsed
    forever = whole.replace("o.lease_until < clock_timestamp()", "false")
    assert forever != whole

    def claims(*args: Any, **options: Any) -> Any:
        module._CLAIM = forever if is_out("lease expiry") else whole
        return claim(*args, **options)

    def acknowledges(outcome: Any) -> None:
        stop_once("acknowledging an outcome", outcome.key)
        if is_out("fence") and orders()["stop"]["about"] in outcome.key:
            mine = {"state": "leased", "lease_owner": outcome.lease_owner}
            module.Outcome.objects.filter(pk=outcome.pk).update(
                **mine, lease_until=outcome.lease_until
            )
        acknowledge(outcome)

    module.claim_all, module._acknowledge = claims, acknowledges
    module.free_lapsed = lambda **options: 0 if is_out("lease expiry") else free(**options)


def _delivery(module: ModuleType) -> None:
    module.CALL_SECONDS = float(os.environ.get("FAULTS_CALL_SECONDS", module.CALL_SECONDS))
    carry = module._carry

    def carries(outcome: Any, *args: Any, **options: Any) -> None:
        stop_once("carrying an outcome", outcome.key)
        carry(outcome, *args, **options)

    module._carry = carries


def _receive(module: ModuleType) -> None:
    split = module.split

    def splits(*args: Any) -> list:
        found = split(*args)
        if is_out("event key"):
            return [dataclasses.replace(one, key=uuid.uuid4().hex) for one in found]
        return found

    module.split = splits


def _bell(module: ModuleType) -> None:
    ring = module._ring_now

    def rings(name: str) -> None:
        """Without the thread of its own and the short patience, the web thread rings itself."""
        if is_out("bells"):
            return
        if not is_out("bell aside"):
            ring(name)
            return
        patient = module.Redis.from_url(module.settings.REDIS_URL.partition("?")[0])
        patient.set(module._flag(name), 1)

    module._ring_now = rings


def _clock(module: ModuleType) -> None:
    sweep = module._sweep
    module._sweep = lambda one: None if is_out("sweeps") else sweep(one)
    if _SILENT:
        module._LONGEST_SILENCE = int(_SILENT) * 1000
    take = module.Clock._take_lock

    def takes(clock: Any) -> bool:
        taken = take(clock)
        limit = 0 if is_out("end of silence") else module._LONGEST_SILENCE
        with module.connection.cursor() as cursor:
            cursor.execute("SELECT set_config('idle_session_timeout', %s, false)", [str(limit)])
        return taken

    module.Clock._take_lock = takes


def _escalation(module: ModuleType) -> None:
    take, do = module.take, module._do

    def takes(*, ticket_id: int, **options: Any) -> Any:
        if is_out("rows of steps"):
            module.Step.objects.filter(ticket_id=ticket_id).delete()
        return take(ticket_id=ticket_id, **options)

    def does(ticket: Any, step: Any, *args: Any) -> Any:
        row = do(ticket, step, *args)
        stop_once("taking a step", f"{ticket.pk}:{step.name}")
        return row

    module.take, module._do = takes, does


def _settings(module: ModuleType) -> None:
    if _SILENT:
        options = module.DATABASES["default"]["OPTIONS"]
        options["options"] = f"-c idle_in_transaction_session_timeout={_SILENT}s"
    # A worker that was stopped for longer than its job may take ends at once when it goes on; here
    # it lives, and does what it was about to do.
    for queue in module.RQ_QUEUES.values():
        queue["DEFAULT_TIMEOUT"] = 600


def _supervisor(module: ModuleType) -> None:
    module._LONGEST_WAIT = float(os.environ.get("FAULTS_LONGEST_WAIT", module._LONGEST_WAIT))


def _hubspot_tasks(module: ModuleType) -> None:
    known, task = module._known_task, module._task

    def knows(errand: Any, key: str) -> str:
        return "" if is_out("key") else known(errand, key)

    def words(errand: Any, owner: str) -> dict[str, str]:
        properties = task(errand, owner)
        if is_out("key"):
            del properties[module.TASK_KEY]
        return properties

    module._known_task, module._task = knows, words


def _hubspot_proof(module: ModuleType) -> None:
    task = module.task

    def proves(errand: Any) -> Any:
        if is_out("key"):
            return module.Found(errand.external_id, "task", "There is no key to read back.")
        return task(errand)

    module.task = proves


CHANGES: dict[str, Callable[[ModuleType], None]] = {
    "connectors.digest": _digest,
    "connectors.delivery": _delivery,
    "connectors.pandadoc.translate": _translate,
    "connectors.hubspot.deliver": _hubspot_tasks,
    "connectors.hubspot.read": _hubspot_proof,
    "connectors.pandadoc.receive": _receive,
    "exceptions.escalation": _escalation,
    "meshline.bell": _bell,
    "meshline.settings": _settings,
    "meshline.shell.supervisor": _supervisor,
    "meshline.shell.clock": _clock,
    "proposals.outbox": _outbox,
}


class _Loader(importlib.abc.Loader):
    def __init__(self, name: str, whole: Any) -> None:
        self._name, self._whole = name, whole

    def create_module(self, spec: Any) -> Any:
        return self._whole.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._whole.exec_module(module)
        CHANGES[self._name](module)


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        if name not in CHANGES:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(name, spec.loader)
        return spec


if _FILE:
    sys.meta_path.insert(0, _Finder())
