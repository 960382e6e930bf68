"""How each fault of an API call is played: from a fault and the real work to what is sent."""

import json
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from connectors.sandbox import times
from connectors.sandbox.exchange import Answer, Reply

PIECE = 64 * 1024  # bytes


@dataclass(frozen=True)
class Scene:
    """What a fault may do: the real work, the work without its effects, the vendor's own no."""

    work: Callable[[], Answer]
    pretend: Callable[[], Answer]
    error_body: Callable[[int, str | None], Any]
    # Whoever remembers answers by a key of the caller's is told of one that a fault gave, and of
    # the time between the beginning of a call and its work.
    keep: Callable[[Answer], None] = lambda answer: None
    in_flight: Callable[[], AbstractContextManager[None]] = nullcontext


def play(fault: dict[str, Any], scene: Scene) -> Reply:
    return PLAYS[fault["kind"]](fault, scene)


def _down(fault: dict[str, Any], scene: Scene) -> Reply:
    return Reply(Answer(503, b"Service Unavailable", "text/plain"))


def _status(fault: dict[str, Any], scene: Scene) -> Reply:
    headers = {name: str(text) for name, text in fault["headers"].items()}
    if fault["retry_after"] is not None:
        headers["Retry-After"] = str(fault["retry_after"])
    if fault["retry_after_date"] is not None:
        later = times.now() + timedelta(seconds=float(fault["retry_after_date"]))
        headers["Retry-After"] = times.http_date(later)
    body = fault["body"]
    if body is None:
        body = scene.error_body(fault["code"], fault["policy"])
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    if fault["code"] in (204, 304):
        raw = b""  # these never carry one
    answer = Answer(fault["code"], raw, headers=headers)
    scene.keep(answer)
    return Reply(answer)


def _hang(fault: dict[str, Any], scene: Scene) -> Reply:
    return Reply(None, hold=float(fault["seconds"]))


def _slow_drip(fault: dict[str, Any], scene: Scene) -> Reply:
    answer = scene.work()
    pace = max(1, int(fault["bytes_per_second"]))
    return Reply(answer, bytes_per_second=pace, worked=answer.status)


def _reset_before(fault: dict[str, Any], scene: Scene) -> Reply:
    return Reply(None, reset=True)


def _commit_then_reset(fault: dict[str, Any], scene: Scene) -> Reply:
    return Reply(None, reset=True, worked=scene.work().status)


def _commit_then_hang(fault: dict[str, Any], scene: Scene) -> Reply:
    return Reply(None, hold=float(fault["seconds"]), worked=scene.work().status)


def _work_slowly(fault: dict[str, Any], scene: Scene) -> Reply:
    with scene.in_flight():
        time.sleep(float(fault["seconds"]))
    answer = scene.work()
    return Reply(answer, worked=answer.status)


def _huge_body(fault: dict[str, Any], scene: Scene) -> Reply:
    head, foot = b'{"results":[],"padding":"', b'"}'
    filling = max(0, int(fault["bytes"]) - len(head) - len(foot))
    tail = _padded(b"x", filling, foot)
    return Reply(Answer(200, head, tail=tail, tail_length=filling + len(foot)))


def _html_200(fault: dict[str, Any], scene: Scene) -> Reply:
    page = b"<!doctype html><title>Be right back</title><h1>We are doing some maintenance</h1>"
    return Reply(Answer(200, page, "text/html; charset=utf-8"))


def _ghost_200(fault: dict[str, Any], scene: Scene) -> Reply:
    return Reply(scene.pretend())


def _gzip_bomb(fault: dict[str, Any], scene: Scene) -> Reply:
    packer = zlib.compressobj(9, wbits=31)
    packed = packer.compress(b'{"results":[')
    for piece in _padded(b" ", int(fault["bytes"]), b"]}"):
        packed += packer.compress(piece)
    packed += packer.flush()
    return Reply(Answer(200, packed, headers={"Content-Encoding": "gzip"}))


def _padded(filler: bytes, length: int, foot: bytes) -> Iterator[bytes]:
    piece = filler * PIECE
    for _ in range(length // PIECE):
        yield piece
    yield piece[: length % PIECE]
    yield foot


PLAYS: dict[str, Callable[[dict[str, Any], Scene], Reply]] = {
    "down": _down,
    "status": _status,
    "hang": _hang,
    "slow_drip": _slow_drip,
    "reset_before": _reset_before,
    "commit_then_reset": _commit_then_reset,
    "commit_then_hang": _commit_then_hang,
    "work_slowly": _work_slowly,
    "huge_body": _huge_body,
    "html_200": _html_200,
    "ghost_200": _ghost_200,
    "gzip_bomb": _gzip_bomb,
}
