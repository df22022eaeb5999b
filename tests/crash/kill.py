#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 at random moments, then an audit of what was promised.

  kill.py --tappet BIN --sandbox BIN [--kills 50] [--events 2000] [--seed 1] [--keep]

Posters send hook events of several keys, each with its own sender id, and send one
again with the same id until it is answered 202. Meanwhile the daemon is killed and
started, sometimes before it was ready, and the target refuses now and then. When all
is quiet, these must hold:

  - every event answered 202 is in `tappet events`, under the id of the answer, once;
  - each has one run, DONE, and its request at the target at least once;
  - every repeat of a request carries the Idempotency-Key of the first;
  - the first requests of a key are in the order of the events' sequence numbers;
  - no request is without an event;
  - after every kill and at the end, the rows of a table are those of the runs whose step
    that puts one is done, and whose step that drops it isn't; at the end another table has
    the last event of each key.

Prints what it counted; exit 0 when all of it holds.
"""
import argparse
import http.client
import json
import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Audit as Offences, arguments, within, write  # noqa: E402
from world import Daemon, Failed, Sandbox, until  # noqa: E402

KEYS = 7
POSTERS = 4
AHEAD = 40  # events sent beyond the next kill, so that each kill meets work

CONFIG = """\
listen: 127.0.0.1:0
admin: { listen: "unix:tappet.sock" }
store: sqlite:tappet.db
rules: [rules.yaml]
hooks: { crash: { verify: none, id_header: X-Id } }
connections: { sandbox: { connector: http, base_url: "%s" } }
"""

RULES = """\
tables:
  odd: { key: n, unique: [row], columns: { n: int, row: text } }
  last: { key: key, columns: { key: text, n: int } }
rules:
  - id: forward
    on: hook.crash
    key: data.key
    do:
      - http.request: { url: /sink/crash, json: { n: "${data.n}", key: "${data.key}" } }
        retry: { attempts: 30, first: 20ms, max: 100ms }
        timeout: 10s
      - as: put
        table.put: { table: odd, row: { n: "${data.n}", row: "row ${data.n}" } }
      - as: dropped
        table.drop: { table: odd, key: "${data.n}" }
        if: data.n % 2 == 0
      - table.put: { table: last, row: { key: "${data.key}", n: "${data.n}" } }
"""


class Posting:
    """What the posters share: which event is next, how far they may go, what was answered."""

    def __init__(self, events):
        self.changed = threading.Condition()
        self.events = events
        self.next = 0
        self.allowed = 0
        self.port = None
        self.answered = {}  # n -> id
        self.posts = 0
        self.wrong = []

    def take(self):
        """The next event's number, or None when all are taken."""
        with self.changed:
            self.changed.wait_for(lambda: self.next < self.allowed or self.next == self.events)
            if self.next == self.events:
                return None
            self.next += 1
            return self.next - 1

    def allow(self, count):
        with self.changed:
            self.allowed = min(count, self.events)
            self.changed.notify_all()

    def answer(self, n, event_id):
        with self.changed:
            self.answered[n] = event_id
            self.changed.notify_all()

    def post_until_taken(self, n):
        body = json.dumps({"n": n, "key": f"k{n % KEYS}"}).encode()
        headers = {"Content-Type": "application/json", "X-Id": f"event-{n}"}
        while True:
            if self.port is None:
                time.sleep(0.005)
                continue
            try:
                with self.changed:
                    self.posts += 1
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
                connection.request("POST", "/hooks/crash", body, headers)
                reply = connection.getresponse()
                text = reply.read()
                connection.close()
                if reply.status == 202:
                    return self.answer(n, json.loads(text)["id"])
                if reply.status not in (429, 503):
                    self.wrong.append(f"event {n}: {reply.status} {text!r}")
                    return self.answer(n, None)
            except (OSError, http.client.HTTPException, ValueError):
                pass  # no 202: it is sent again
            time.sleep(0.005)

    def poster(self):
        while (n := self.take()) is not None:
            self.post_until_taken(n)


def compare_rows(daemon):
    """What is wrong with the rows of the table, as far as the runs tell; the daemon is dead."""
    numbers = {e["id"]: e["data"]["n"] for e in daemon.listed("events")
               if e["type"] == "hook.crash"}
    wanted = set()
    for r in daemon.listed("runs"):
        done = {s["as"] for s in r["steps"] if s["state"] == "done"}
        if "put" in done and "dropped" not in done:
            wanted.add(numbers[r["event"]])
    rows = {row["n"] for row in daemon.listed("table", "show", "odd")}
    return [f"after a kill: {len(rows - wanted)} rows without their runs, {len(wanted - rows)} "
            f"runs without their rows"] if rows != wanted else []


def kill_again_and_again(daemon, sandbox, posting, options, chance):
    """Kills at as many moments, spread over all events; returns how many came before ready."""
    early = 0
    moments = sorted(chance.randrange(options.events) for _ in range(options.kills))
    for moment in moments:
        posting.allow(moment + AHEAD)
        with posting.changed:
            posting.changed.wait_for(lambda at=moment: len(posting.answered) >= at)
        sandbox.control("POST", "faults", {"route": "sink", "fault": "status", "status": 503,
                                           "times": chance.randrange(1, 4)})
        time.sleep(chance.uniform(0, 0.05))  # the random moment; nothing waits for it
        daemon.kill()
        posting.port = None  # another daemon may get it
        posting.wrong += compare_rows(daemon)
        if chance.random() < 0.2:
            early += 1
            daemon.launch()
            time.sleep(chance.uniform(0, 0.1))
            daemon.kill()
        daemon.start()
        posting.port = daemon.port
    posting.allow(options.events)
    return early


class Audit(Offences):
    def events(self, events, posting):
        by_id = {e["id"]: e for e in events}
        numbers = [e["data"]["n"] for e in events]
        self.must(len(by_id) == len(events), "two events share an id")
        self.must(len(set(numbers)) == len(numbers), "a delivery became two events")
        for n, event_id in posting.answered.items():
            self.must(event_id in by_id and by_id[event_id]["data"]["n"] == n,
                      f"event {n} was answered 202 with id {event_id} and isn't recorded")

    def runs(self, events, runs):
        ids = [r["event"] for r in runs]
        self.must(len(ids) == len(set(ids)), "an event has two runs of one rule")
        self.must(set(ids) == {e["id"] for e in events} or
                  set(map(str, ids)) == {str(e["seq"]) for e in events},
                  "runs and events don't pair")
        for r in runs:
            self.must(r["state"] == "DONE", f"run {r['id']} is {r['state']}: {r.get('reason')}")

    def tables(self, events, odd, last):
        self.must(sorted(row["n"] for row in odd) ==
                  sorted(e["data"]["n"] for e in events if e["data"]["n"] % 2),
                  "the rows aren't those of the odd events")
        newest = {e["data"]["key"]: e["data"]["n"] for e in sorted(events, key=lambda e: e["seq"])}
        self.must({row["key"]: row["n"] for row in last} == newest,
                  "a key's last row isn't that of its last event")

    def requests(self, events, journal):
        """Counts of repeats; order and keys."""
        recorded = {e["data"]["n"]: e["seq"] for e in events}
        keys, first, owners = {}, {}, {}
        for entry in journal:
            body = json.loads(entry["body"])
            n, key = body["n"], entry["idempotency_key"]
            self.must(n in recorded, f"a request for {n}, which is no event")
            self.must(key, f"a request for {n} without Idempotency-Key")
            self.must(owners.setdefault(key, n) == n, f"{n} has the key of {owners[key]}")
            if n not in keys:
                first.setdefault(body["key"], []).append(n)
            self.must(keys.setdefault(n, key) == key, f"a repeat for {n} has another key")
        for n in recorded:
            self.must(n in keys, f"event {n} had no request")
        for key, order in first.items():
            accepted = sorted(order, key=lambda n: recorded.get(n, 0))
            self.must(order == accepted, f"{key}: requests in the order {order[:50]}, "
                                         f"events in the order {accepted[:50]}")
        return len(journal) - len(keys)


def run(options, directory):
    chance = random.Random(options.seed)
    begin = time.monotonic()
    sandbox = Sandbox(options.sandbox, directory)
    daemon = Daemon(options.tappet, directory)
    posting = Posting(options.events)
    write(directory, {"tappet.yaml": CONFIG % sandbox.url, "rules.yaml": RULES})
    daemon.start()
    posting.port = daemon.port
    posters = [threading.Thread(target=posting.poster, daemon=True) for _ in range(POSTERS)]
    for poster in posters:
        poster.start()
    try:
        early = kill_again_and_again(daemon, sandbox, posting, options, chance)
        until("all posts to be answered", lambda: len(posting.answered) == options.events)
        until("all runs to end", lambda: all(
            r["state"] not in ("PENDING", "STARTED", "WAITING") for r in daemon.listed("runs")))
        events, runs = daemon.listed("events"), daemon.listed("runs")
        others = sorted({e["type"] for e in events} - {"hook.crash"})
        events = [e for e in events if e["type"] == "hook.crash"]
        journal = sandbox.journal("sink/crash")
        odd, last = daemon.listed("table", "show", "odd"), daemon.listed("table", "show", "last")
        code = daemon.stop()
    except (Failed, SystemError):
        print("\n".join(daemon.log[-30:]))
        raise
    finally:
        if daemon.process:
            daemon.kill()
        sandbox.process.end()
    audit = Audit()
    audit.must(code == 0, f"SIGTERM: exit code {code}")
    for line in posting.wrong + daemon.alarms():
        audit.must(False, line)
    audit.events(events, posting)
    audit.runs(events, runs)
    audit.tables(events, odd, last)
    repeats = audit.requests(events, journal)
    print(f"seed {options.seed}: {options.kills} kills of a running daemon, {early} more before it "
          f"was ready, {time.monotonic() - begin:.0f} s")
    print(f"{posting.posts} posts of {options.events} events; {len(posting.answered)} answered "
          f"202; {len(events)} recorded; {len(runs)} runs")
    print(f"{len(journal)} requests, {repeats} of them repeats; {KEYS} keys; "
          f"{len(odd)} rows; {len(audit.offences)} offences" + (f"; also {', '.join(others)}" if others else ""))
    return audit.tell()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    arguments(parser)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--events", type=int, default=2000)
    options = parser.parse_args()
    return within(run, options)


sys.exit(main())
