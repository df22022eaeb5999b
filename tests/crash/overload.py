#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""More comes in than is taken, a log that nobody reads, and a stop in the middle of it.

  overload.py --tappet BIN [--refusals 100] [--keep]

1. Connections post large bodies while somebody else holds the store's lock again and again, so
   that more comes in than is decided. Each request is answered: 202, or 429 or 503 with
   Retry-After. The daemon's memory stays below what its limits add up to, which is a
   quarter of what was offered; afterwards a request is taken at once.
2. SIGTERM comes in the middle of it, twice. What was begun is answered; the daemon ends with 0.
3. Across a restart there are as many events as there were answers 202, each with an id of its own.
4. A daemon whose standard error is a full pipe that nobody reads answers, counts the lines it
   left out, and ends with 0.

Prints what it counted; exit 0 when all of it holds.
"""
import argparse
import asyncio
import fcntl
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from world import SANITIZERS, Daemon, Failed, request, until  # noqa: E402

CONFIG = """\
listen: 127.0.0.1:0
admin: { listen: "unix:tappet.sock" }
store: sqlite:tappet.db
rules: [rules.yaml]
limits: { memory: 16MiB, body: 1MiB }
hooks: { load: { verify: none, keep_body: false }, proven: { verify: bearer, secret: a-secret-of-the-test } }
"""

MIB = 1 << 20
CONNECTIONS = 256
BODY = json.dumps({"text": "x" * (MIB // 4)}).encode()

# limits.memory twice (before and in the deciding thread), the bodies that are being received, one
# event being decided (LIMIT_EVENT_ARENA), and the batch on its way to the disk with SQLite's pages.
BOUND = 2 * 16 * MIB + CONNECTIONS * len(BODY) + 64 * MIB + 64 * MIB


class Load:
    """Posts from CONNECTIONS connections until `over`; counts what is answered."""

    def __init__(self, port):
        self.port = port
        self.over = False
        self.ids, self.counts, self.wrong = [], {}, []
        self.cut = self.posts = 0

    async def _exchange(self, reader, writer):
        writer.write(b"POST /hooks/load HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                     b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY)
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(re.search(rb"(?i)content-length: *(\d+)", head)[1])
        return int(head[9:12]), head, await reader.readexactly(length)

    async def _connection(self):
        streams = None
        while not self.over:
            try:
                streams = streams or await asyncio.open_connection("127.0.0.1", self.port)
                self.posts += 1
                status, head, body = await self._exchange(*streams)
            except (OSError, asyncio.IncompleteReadError):
                self.cut += 1
                streams = None
                await asyncio.sleep(0.01)
                continue
            self.counts[status] = self.counts.get(status, 0) + 1
            if status == 202:
                self.ids.append(json.loads(body)["id"])
            elif status not in (429, 503):
                self.wrong.append(f"{status} {body!r}")
            elif status == 429 and b"retry-after: 1\r\n" not in head.lower():
                self.wrong.append(f"429 without Retry-After: {head!r}")
            if re.search(rb"(?i)connection: *close", head):
                streams[1].close()
                streams = None
        if streams:
            streams[1].close()

    async def _all(self):
        await asyncio.gather(*(self._connection() for _ in range(CONNECTIONS)))

    def start(self):
        self.thread = threading.Thread(target=lambda: asyncio.run(self._all()), daemon=True)
        self.thread.start()

    def end(self):
        self.over = True
        self.thread.join(60)
        if self.thread.is_alive():
            raise Failed("a request was never answered")


class Locks:
    """Holds the store's lock, four fifths of the time."""

    def __init__(self, path):
        self.path = path
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        store = sqlite3.connect(self.path, isolation_level=None, timeout=30)
        while not self.over.is_set():
            store.execute("BEGIN IMMEDIATE")
            self.over.wait(0.2)  # less than the daemon waits for it
            store.execute("ROLLBACK")
            self.over.wait(0.05)
        store.close()

    def end(self):
        self.over.set()
        self.thread.join()


def memory(daemon, name):
    with open(f"/proc/{daemon.process.child.pid}/status") as f:
        return int(re.search(name + r":\s+(\d+) kB", f.read())[1]) * 1024


def metric(port, name):
    found = re.search("^" + re.escape(name) + r" (\S+)$", request(port, "GET", "/metrics").body, re.M)
    return float(found[1]) if found else 0


def check(good, words):
    if not good:
        raise Failed(words)


def flooded(daemon, directory, refusals):
    """Parts 1 and 2: all that was answered."""
    load, before = Load(daemon.port), memory(daemon, "VmRSS")
    locks = Locks(os.path.join(directory, "tappet.db"))
    load.start()
    try:
        until(f"{refusals} refusals", lambda: load.counts.get(429, 0) >= refusals
              and load.counts.get(202, 0) >= refusals
              and load.posts * len(BODY) > 4 * BOUND)
    finally:
        locks.end()
    grown = memory(daemon, "VmHWM") - before
    load.end()
    print(f"offered {load.posts * len(BODY) // MIB} MiB: {load.counts}, {load.cut} cut; memory grew by "
          f"{grown // MIB} MiB of {BOUND // MIB}")
    check(not load.wrong, load.wrong[:3])
    check(load.cut == 0, "connections were cut")
    check(grown < BOUND, "memory grew beyond the limits")
    check(metric(daemon.port, 'tappet_hook_requests_total{hook="load",status="429"}')
          <= load.counts[429], "refusals that nobody got")
    until("room", lambda: request(daemon.port, "GET", "/readyz").status == 200)
    reply = request(daemon.port, "POST", "/hooks/load", b'{"n": 1}',
                    {"Content-Type": "application/json"}.items())
    check(reply.status == 202, f"after the load: {reply.status} {reply.body}")
    return load.ids + [json.loads(reply.body)["id"]]


def stopped(daemon):
    """Part 2: what was answered when it was told to stop."""
    load = Load(daemon.port)
    load.start()
    until("a load", lambda: load.counts.get(202, 0) > 50)
    daemon.signal(signal.SIGTERM)
    daemon.signal(signal.SIGTERM)
    code = daemon.stop()
    load.end()
    print(f"stopped with {code}: {load.counts}, {load.cut} not answered or not let in")
    check(code == 0, f"it ended with {code}")
    check(not load.wrong, load.wrong[:3])
    return load.ids


def audit(daemon, directory, ids):
    """Part 3."""
    check(len(set(ids)) == len(ids), "an id was given twice")
    store = sqlite3.connect(os.path.join(directory, "tappet.db"))
    count = store.execute("SELECT COUNT(*) FROM events").fetchone()[0]
    store.close()
    print(f"answered 202: {len(ids)}, recorded: {count}")
    check(count == len(ids), "what was answered 202 isn't what is recorded")
    daemon.start()
    check(daemon.stop() == 0, "it didn't stop")


def unheard(binary, directory):
    """Part 4."""
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
    with open(os.path.join(directory, "tappet.yaml"), "w") as f:
        f.write(CONFIG.replace("127.0.0.1:0", "unix:in.sock").replace("tappet.db", "other.db"))
    child = subprocess.Popen([binary, "run", "--log-level", "debug"], cwd=directory, stderr=write,
                             env=dict(os.environ, **SANITIZERS))
    os.close(write)
    where = os.path.join(directory, "in.sock")
    try:
        until("it to listen", lambda: request(where, "GET", "/readyz").status == 200)

        def lost():
            for _ in range(20):
                check(request(where, "POST", "/hooks/proven", b"{}").status == 401, "not refused")
            return metric(where, 'tappet_log_suppressed_total{reason="blocked"}') > 0

        until("lines to be left out", lost)
        reply = request(where, "POST", "/hooks/load", b"{}",
                        {"Content-Type": "application/json"}.items())
        check(reply.status == 202, f"with a full log: {reply.status}")
        print("nobody read the log:",
              int(metric(where, 'tappet_log_suppressed_total{reason="blocked"}')), "lines left out")
        child.send_signal(signal.SIGTERM)
        check(child.wait(60) == 0, f"it ended with {child.returncode}")
    finally:
        child.kill()
        child.wait()
        os.close(read)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tappet", required=True)
    parser.add_argument("--sandbox", help="not used; as the others have it")
    parser.add_argument("--refusals", type=int, default=100)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    directory = tempfile.mkdtemp(prefix="tappet-overload-")
    binary = os.path.abspath(options.tappet)
    with open(os.path.join(directory, "tappet.yaml"), "w") as f:
        f.write(CONFIG)
    with open(os.path.join(directory, "rules.yaml"), "w") as f:
        f.write('rules: [ { id: seen, on: "hook.*" } ]\n')
    # What a sanitizer keeps of freed memory is none of the daemon's.
    daemon = Daemon(binary, directory, {
        "ASAN_OPTIONS": SANITIZERS["ASAN_OPTIONS"] + ":quarantine_size_mb=1"})
    try:
        daemon.start()
        ids = flooded(daemon, directory, options.refusals)
        ids += stopped(daemon)
        audit(daemon, directory, ids)
        check(not daemon.alarms(), daemon.alarms()[:3])
        unheard(binary, directory)
    except Failed as e:
        print("FAILED:", e)
        print("\n".join(daemon.log[-20:]))
        return 1
    finally:
        if daemon.process:
            daemon.kill()
        if options.keep:
            print("kept:", directory)
        else:
            shutil.rmtree(directory, ignore_errors=True)
    print("ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
