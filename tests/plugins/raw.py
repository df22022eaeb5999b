# SPDX-License-Identifier: Apache-2.0
"""A real daemon, frames by hand, and a plugin that behaves, with a rule of its own.

Raw is any peer: it says what it is told to, byte by byte. Neighbour is a plugin that does its
jobs on a thread of its own, as long as a test lasts: it tells whether others had to suffer.
"""
import json
import os
import re
import shutil
import sys
import tempfile
import threading
import time

import zmq

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
from world import DEADLINE, Daemon, Failed, request, until  # noqa: E402

PATIENCE = DEADLINE * 1000  # ms for a message

CONFIG = """\
listen: 127.0.0.1:0
admin: { listen: "unix:tappet.sock" }
store: sqlite:tappet.db
rules: [rules.yaml]
hooks: { go: { verify: none }, job: { verify: none }, hurry: { verify: none },
         fill: { verify: none } }
plugins: { good: , bad: }
"""

RULES = """\
defaults:
  retry: { attempts: 3, first: 10ms, max: 10ms }
rules:
  - id: good
    on: hook.go
    do: [ good.work: { n: "${data.n}" } ]
  - id: bad
    on: hook.job
    do: [ bad.work: { n: "${data.n}" } ]
  - id: hurry
    on: hook.hurry
    do:
      - bad.work: { n: "${data.n}", pad: "${data.pad}" }
        timeout: 300ms
"""


def manifest(**more):
    """That of the badly behaved plugin, as long as nothing else is said."""
    return {"actions": {"work": {"params": {"n": {"type": "int", "required": True},
                                            "pad": {"type": "text"}}, **more}},
            "events": {"low": {"fields": {"n": {"type": "int"}, "sku": {"type": "text"}}},
                       "any": {}}}


class Raw:
    """A DEALER. Of what it hears, PINGs are answered and PONGs passed over, unless they are asked
    for."""

    def __init__(self, directory, **options):
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.linger = 0
        for name, value in options.items():
            setattr(self.socket, name, value)
        self.socket.connect(f"ipc://{directory}/tappet-plugins.sock")

    def close(self):
        self.context.destroy(0)

    def frames(self, *frames):
        self.socket.send_multipart(frames)

    def say(self, verb, header, body=None):
        frames = [verb.encode(), header if isinstance(header, bytes) else json.dumps(header).encode()]
        if body is not None:
            frames.append(body if isinstance(body, bytes) else json.dumps(body).encode())
        self.frames(*frames)

    def hear(self, *verbs):
        """(verb, header, body) of the next message, which is to be one of these."""
        while True:
            if not self.socket.poll(PATIENCE):
                raise Failed(f"nothing was heard, waiting for {verbs}")
            verb, header, *body = self.socket.recv_multipart()
            verb, header = verb.decode(), json.loads(header)
            if verb == "PING" and verb not in verbs:
                self.say("PONG", header)
            elif verb in verbs or (not verbs and verb != "PONG"):
                return verb, header, json.loads(body[0]) if body else None
            elif verb != "PONG":
                raise Failed(f"{verb} {header} instead of {verbs}")

    def hello(self, name="bad", jobs=8, body=None, **more):
        self.say("HELLO", {"protocol": 1, "name": name, "jobs": jobs, **more},
                 manifest() if body is None else body)

    def begin(self, **more):
        self.hello(**more)
        return self.hear("WELCOME")[1]

    def alive(self):
        """Says that it is, and reads nothing: for waits."""
        self.say("PING", {"n": 0})
        return self

    def drain(self):
        """How many messages wait to be read."""
        count = 0
        while self.socket.poll(0):
            self.socket.recv_multipart()
            count += 1
        return count


class Neighbour:
    """The plugin "good", and somebody who has work for it all the time."""

    def __init__(self, directory, port):
        self.port, self.ended = port, False
        self.raw = Raw(directory)
        self.raw.begin(name="good", body=manifest())
        self.said, self.done, self.wrong = 0, 0, []
        self.threads = [threading.Thread(target=f, daemon=True) for f in (self._work, self._post)]
        for thread in self.threads:
            thread.start()

    def _work(self):
        beat = 0.0
        while not self.ended:
            if self.raw.socket.poll(100):
                verb, header, *_ = self.raw.socket.recv_multipart()
                header = json.loads(header)
                if verb == b"PING":
                    self.raw.say("PONG", header)
                elif verb == b"JOB":
                    self.raw.say("RESULT", {"id": header["id"], "fate": "ok", "jobs": 1}, {})
                    self.done += 1
                elif verb != b"PONG":
                    self.wrong.append((verb, header))
            if time.monotonic() - beat > 0.5:
                self.raw.alive()
                beat = time.monotonic()

    def _post(self):
        while not self.ended:
            if self.said - self.done < 50:
                try:
                    status = request(self.port, "POST", "/hooks/go", b'{"n":1}').status
                except OSError as e:
                    status = e
                if status == 202:
                    self.said += 1
                elif not self.ended:
                    self.wrong.append(status)
            time.sleep(0.02)

    def end(self):
        self.ended = True
        for thread in self.threads:
            thread.join()
        self.raw.close()


class House:
    """The daemon with its directory."""

    def __init__(self, binary):
        self.directory = tempfile.mkdtemp(prefix="tappet-hostile-")
        for name, text in (("tappet.yaml", CONFIG), ("rules.yaml", RULES)):
            with open(os.path.join(self.directory, name), "w", encoding="utf-8") as f:
                f.write(text)
        # Freed memory is given back soon, so that what is held can be seen.
        options = "detect_leaks=1:halt_on_error=1:quarantine_size_mb=1:malloc_context_size=2"
        self.daemon = Daemon(binary, self.directory, {"ASAN_OPTIONS": options})
        self.daemon.start()

    def close(self):
        if self.daemon.process:
            self.daemon.kill()
        shutil.rmtree(self.directory)

    def metric(self, name, **labels):
        """A number of /metrics."""
        text = request(self.daemon.port, "GET", "/metrics").body
        shown = ",".join(f'{k}="{v}"' for k, v in labels.items())
        line = re.escape(f"tappet_plugin_{name}" + (f"{{{shown}}}" if shown else "")) + r" (\d+)$"
        found = re.search(line, text, re.M)
        if not found:
            raise Failed(f"no {line} in /metrics")
        return int(found[1])

    def memory(self):
        """MiB that the daemon has now."""
        with open(f"/proc/{self.daemon.process.child.pid}/status", encoding="ascii") as f:
            return int(re.search(r"VmRSS:\s+(\d+)", f.read())[1]) / 1024

    def post(self, hook, data):
        reply = request(self.daemon.port, "POST", "/hooks/" + hook, json.dumps(data).encode())
        if reply.status != 202:
            raise Failed(f"{hook}: {reply.status} {reply.body}")
        return json.loads(reply.body)["id"]

    def state(self, event):
        """Of the one run that follows from an event."""
        runs = [r for r in self.daemon.listed("runs", "--event", event)]
        return runs[0]["state"] if runs else None
