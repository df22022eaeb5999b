# SPDX-License-Identifier: Apache-2.0
"""A nats-server with JetStream for tests, and a client that can do what they need.

The client speaks NATS's own protocol (https://docs.nats.io/reference/reference-protocols/
nats-protocol) over one socket, on the caller's thread.
"""
import base64
import json
import os
import random
import secrets
import shutil
import socket
import subprocess
import tempfile
import time

PATIENCE = 60.0  # seconds; long, as it only bounds what never comes


def free_port():
    """One that nobody is given while the server is down: below those of connections."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


class Client:
    def __init__(self, port, user="", patience=PATIENCE):
        end = time.monotonic() + patience
        while True:
            try:
                self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
                break
            except OSError:
                if time.monotonic() > end:
                    raise
        self.file = self.socket.makefile("rb")
        options = {"verbose": False, "headers": True, "no_responders": True}
        if user:
            options["user"], options["pass"] = user.split(":")
        self.say(b"CONNECT " + json.dumps(options).encode())
        self.inbox = "reply." + secrets.token_hex(8)
        self.say(f"SUB {self.inbox}.* 1".encode())
        self.asked = 0

    def close(self):
        self.file.close()
        self.socket.close()

    def say(self, line, *more):
        self.socket.sendall(b"\r\n".join([line, *more, b""]))

    def message(self):
        """(subject, headers, body) of the next one."""
        while True:
            line = self.file.readline()
            if not line:
                raise ConnectionError("the server is gone")
            words = line.split()
            if words[0] == b"PING":
                self.say(b"PONG")
            elif words[0] == b"-ERR":
                raise ConnectionError(line.decode())
            elif words[0] in (b"MSG", b"HMSG"):
                size = int(words[-1])
                head = int(words[-2]) if words[0] == b"HMSG" else 0
                text = self.file.read(size + 2)
                return words[1].decode(), text[:head], text[head:size]

    def say_question(self, subject, body, headers):
        self.asked += 1
        reply = f"{self.inbox}.{self.asked}"
        if headers:
            head = b"NATS/1.0\r\n" + headers + b"\r\n\r\n"
            self.say(f"HPUB {subject} {reply} {len(head)} {len(head) + len(body)}".encode(),
                     head + body)
        else:
            self.say(f"PUB {subject} {reply} {len(body)}".encode(), body)
        return reply

    def ask_all(self, questions):
        """The answers, JSON, to (subject, body, headers) each, which are all on their way at
        once: some hundred at most."""
        asked = [self.say_question(*question) for question in questions]
        answers = {}
        while any(reply not in answers for reply in asked):
            to, _, text = self.message()
            answers[to] = json.loads(text) if text else None
        return [answers[reply] for reply in asked]

    def ask(self, subject, body=b"", headers=b""):
        return self.ask_all([(subject, body, headers)])[0]

    def api(self, what, **members):
        """Waits while JetStream isn't ready."""
        end = time.monotonic() + PATIENCE
        while True:
            answer = self.ask("$JS.API." + what, json.dumps(members).encode() if members else b"")
            if answer is not None and answer.get("error", {}).get("code") != 503:
                return answer
            if time.monotonic() > end:
                raise TimeoutError(what)

    def add_stream(self, name, *subjects, **more):
        config = {"storage": "file", "retention": "limits", "duplicate_window": 120_000_000_000}
        answer = self.api("STREAM.CREATE." + name, name=name, subjects=list(subjects),
                          **{**config, **more})
        if "error" in answer:
            raise ValueError(answer["error"])

    def publish(self, subject, body, message_id=""):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = self.ask(subject, body, f"Nats-Msg-Id: {message_id}".encode() if message_id else b"")
        if answer is None or "error" in answer:
            raise ValueError(answer)
        return answer["seq"]

    def count(self, stream):
        return self.api("STREAM.INFO." + stream)["state"]["messages"]

    def messages(self, stream):
        """[(subject, headers, body)]"""
        state = self.api("STREAM.INFO." + stream)["state"]
        found = []
        for first in range(state["first_seq"], state["last_seq"] + 1, 256):
            last = min(first + 255, state["last_seq"])
            answers = self.ask_all([(f"$JS.API.STREAM.MSG.GET.{stream}",
                                     json.dumps({"seq": seq}).encode(), b"")
                                    for seq in range(first, last + 1)])
            found += [(message["subject"], base64.b64decode(message.get("hdrs", "")).decode(),
                       base64.b64decode(message.get("data", "")))
                      for message in (answer["message"] for answer in answers)]
        return found

    def consumer(self, stream, name):
        return self.api(f"CONSUMER.INFO.{stream}.{name}")


class Server:
    def __init__(self, **options):
        self.directory = tempfile.mkdtemp(prefix="nats-")
        self.port = free_port()
        self.options = options
        self.process = None
        self.start()

    @property
    def url(self):
        return f"nats://127.0.0.1:{self.port}"

    def start(self):
        path = os.path.join(self.directory, "server.conf")
        with open(path, "w", encoding="utf-8") as f:
            f.write(f'listen: "127.0.0.1:{self.port}"\n'
                    f'jetstream {{ store_dir: "{self.directory}/store" }}\n')
            f.writelines(f"{name}: {value}\n" for name, value in self.options.items())
        self.process = subprocess.Popen(["nats-server", "-c", path], stderr=subprocess.DEVNULL)

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)  # a test may have closed it already
