"""What the tests of the stand-ins share: a client of the back door, and an ear for webhooks."""

import json
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Answered:
    def __init__(self, status, headers, raw):
        self.status, self.headers, self.raw = status, headers, raw

    @property
    def json(self):
        return json.loads(self.raw)


def ask(url, method="GET", body=None, **headers):
    """One call; a refusal is an answer, too."""
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if data is not None:
        headers = {"Content-Type": "application/json"} | headers
    request = urllib.request.Request(url, data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return Answered(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answered(error.code, error.headers, error.read())


class Backdoor:
    """The control of one running sandbox."""

    def __init__(self, sandbox):
        self.url = sandbox.url

    def __call__(self, method, path, body=None):
        return ask(f"{self.url}/control{path}", method, body)

    def done(self, method, path, body=None):
        answer = self(method, path, body)
        assert answer.status < 300, answer.raw
        return answer.json

    def configure(self, **vendors):
        return self.done("POST", "/configure", vendors)

    def break_it(self, vendor, *faults):
        self.done("PUT", f"/faults/{vendor}", {"faults": list(faults)})

    def effects(self, vendor):
        return self.done("GET", f"/effects?vendor={vendor}")

    def calls(self, vendor):
        return self.done("GET", f"/calls?vendor={vendor}")["calls"]


class Ear:
    """Where webhooks arrive: keeps every request, answers with the statuses it was given."""

    def __init__(self, path="/hooks/"):
        self.got = []
        self.statuses = []
        ear = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = ear.statuses.pop(0) if ear.statuses else 202
                ear.got.append((self.path, dict(self.headers), body))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}{path}"
        threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()

    def bodies(self):
        return [json.loads(body) for _, _, body in self.got]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def until(question, *, within=10.0):
    """The first truthy answer; fails when there is none in time."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if found := question():
            return found
        time.sleep(0.01)
    raise AssertionError("It did not happen in time.")
