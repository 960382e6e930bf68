"""A mail server small enough to be read: what it was handed, and how it is to misbehave."""

import socketserver
import threading
import time


class PostOffice:
    """Takes mail on a loopback port. `says` replaces an answer by its command: {"RCPT": "550 no"};
    `drops` closes the wire instead, `hangs` says nothing any more."""

    def __init__(self):
        self.letters, self.says, self.drops, self.hangs, self.heard = [], {}, set(), set(), []
        office = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                office.serve(self.rfile, self.wfile)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            block_on_close = False

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.closing = threading.Event()
        threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()

    def serve(self, come, go):
        if not self.answer(go, "HELLO", "220 post office"):
            return
        while line := come.readline():
            word = line.decode().split(" ")[0].strip().upper()
            self.heard.append(line.decode().strip())
            if word == "DATA":
                go.write(b"354 go on\r\n")
                self.letters.append(self.body(come))
                usual = "250 kept"
            else:
                usual = {"EHLO": "250-me\r\n250 AUTH PLAIN", "QUIT": "221 bye"}.get(word, "250 ok")
            if not self.answer(go, word, usual):
                return

    def body(self, come):
        lines = []
        while (line := come.readline()) not in (b".\r\n", b""):
            lines.append(line)
        return b"".join(lines).decode()

    def answer(self, go, word, usual):
        if word in self.drops:
            return False
        if word in self.hangs:
            # A byte now and then, so that no single wait is ever over.
            while not self.closing.wait(0.1):
                try:
                    go.write(b"2")
                except OSError:
                    break
            return False
        go.write(f"{self.says.get(word, usual)}\r\n".encode())
        return True

    def close(self):
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()
        time.sleep(0)
