# SPDX-License-Identifier: Apache-2.0
"""Hook events from many connections at once, each with its own sender id, and sent again with
the same id until it is answered 202: what those who kill the daemon meanwhile share.
"""
import json
import re
import socket
import threading
import time

POSTERS = 24


class Posting:
    """Posts {"n": N, "key": "kN"} to /hooks/crash, N from 0, at most `rate` a second, while
    `may_go(N)` says so. `headers(body)` gives lines beside the usual ones."""

    def __init__(self, keys, rate, may_go, headers=lambda body: ""):
        self.lock = threading.Lock()
        self.keys, self.may_go, self.headers = keys, may_go, headers
        self.pause = 1 / rate
        self.due = time.monotonic()
        self.next = 0
        self.ended = False
        self.port = None  # while it is down
        self.answered = {}  # n -> id
        self.posts = 0
        self.wrong = []
        self.threads = []

    def start(self, port):
        self.port = port
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(POSTERS)]
        for thread in self.threads:
            thread.start()

    def end(self):
        """What was begun is answered."""
        self.ended = True
        for thread in self.threads:
            thread.join()

    def _take(self):
        """The next event's number when its time has come, or None when there are no more."""
        while not self.ended:
            with self.lock:
                now = time.monotonic()
                if now >= self.due and self.may_go(self.next):
                    self.due = max(self.due, now - 0.2) + self.pause
                    self.next += 1
                    return self.next - 1
            time.sleep(0.002)
        return None

    def _connect(self):
        connection = socket.create_connection(("127.0.0.1", self.port), 20)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _exchange(self, connection, n):
        """(status, body) of one request."""
        body = json.dumps({"n": n, "key": f"k{n % self.keys}"})
        self.posts += 1
        connection.sendall((f"POST /hooks/crash HTTP/1.1\r\nHost: x\r\nX-Id: event-{n}\r\n"
                            f"Content-Type: application/json\r\n{self.headers(body)}"
                            f"Content-Length: {len(body)}\r\n\r\n{body}").encode())
        head, rest = b"", b""
        while True:
            got = connection.recv(4096)
            if not got:
                raise OSError("closed")
            head += got
            if b"\r\n\r\n" in head:
                top, rest = head.split(b"\r\n\r\n", 1)
                length = int(re.search(rb"(?i)content-length: *(\d+)", top)[1])
                if len(rest) >= length:
                    return int(top[9:12]), rest

    def _run(self):
        connection = None
        while (n := self._take()) is not None:
            while n not in self.answered:
                if self.port is None:
                    connection = None
                    time.sleep(0.01)
                    continue
                try:
                    connection = connection or self._connect()
                    status, body = self._exchange(connection, n)
                    if status == 202:
                        self.answered[n] = json.loads(body)["id"]
                    elif status not in (429, 503):
                        self.wrong.append(f"event {n}: {status} {body!r}")
                        self.answered[n] = None
                except (OSError, ValueError, TypeError):
                    connection = None  # no 202: it is sent again
                if n not in self.answered:
                    time.sleep(0.01)
