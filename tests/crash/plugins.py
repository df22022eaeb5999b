#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 of a plugin and of the daemon, again and again, then an audit of what was promised.

  plugins.py --tappet BIN [--kills 50] [--rate 2000] [--seed 1] [--keep]

Posters send hook events of many keys, each with its own sender id, and send one again with
the same id until it is answered 202. Each leads to two jobs of a plugin (worker.py, on the
Python SDK), which so many a second are offered as --rate says; of some jobs the plugin emits
an event, and it reads all events by a durable subscription. Meanwhile the plugin is killed and
started --kills times, and the daemon as often, sometimes before they were ready. Each kill
waits until jobs are at work again. When all is quiet, these must hold:

  - every event answered 202 is in `tappet events`, once, with a run of each rule, DONE;
  - each of its jobs was done at least once, and none is without an event;
  - a repeat of a job carries the key of the first, and no two jobs share one;
  - the jobs of a key of a rule, repeats too, are in the order of the events' sequence numbers;
  - each event that the plugin emits is in the log once, however often it was said;
  - the durable subscription saw every event of the log in order and left none out; it went
    back only when the plugin began again, and never beyond an event it hadn't seen.

Prints what it counted; exit 0 when all of it holds.
"""
import argparse
import collections
import itertools
import json
import os
import random
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from harness import (PACKAGED, Audit as Offences, Following, arguments, can_speak,  # noqa: E402
                     kill, within, write)
from posting import Posting  # noqa: E402
from world import Daemon, Failed, Process, until  # noqa: E402

KEYS = 50
PARTS = "ab"  # a rule and a job for each
EACH = 20  # as in worker.py
BEHIND = 10000  # events whose jobs aren't done, at most: the rest waits with the posters

CONFIG = """\
listen: 127.0.0.1:0
admin: { listen: "unix:tappet.sock" }
store: sqlite:tappet.db
rules: [rules.yaml]
hooks: { crash: { verify: none, id_header: X-Id } }
plugins: { worker: { manifest: worker.json } }
"""

MANIFEST = {"actions": {"work": {
    "doc": "Is done when it is written down.",
    "params": {"part": {"type": "text", "required": True},
               "key": {"type": "text", "required": True},
               "n": {"type": "int", "required": True}},
    "after_doubt": "repeat", "timeout": 30000}},
    "events": {"seen": {"fields": {"n": {"type": "int"}}}}}

RULES = """\
defaults:
  retry: { attempts: 200, first: 10ms, max: 50ms }
rules:
""" + "".join("""\
  - id: work-%s
    on: hook.crash
    key: data.key
    do: [ worker.work: { part: %s, key: "${data.key}", n: "${data.n}" } ]
""" % (part, part) for part in PARTS)


class Notes(Following):
    """What the plugin wrote down."""

    def __init__(self, path):
        self.lines = []  # words of each whole line
        self.jobs = set()  # (part, n)
        self.events = set()  # sequence numbers
        super().__init__(path)

    def take(self, words):
        self.lines.append(words)
        if words[0] == "job":
            self.jobs.add((words[2], int(words[4])))
        elif words[0] == "event":
            self.events.add(int(words[1]))


class Plugin:
    def __init__(self, directory, notes):
        self.directory, self.notes = directory, notes
        self.process, self.log = None, []

    def start(self):
        env = dict(os.environ, TAPPET_SESSIONS="ipc://tappet-plugins.sock")
        self.process = Process([PACKAGED, os.path.join(HERE, "worker.py"), self.notes.path],
                               self.directory, env, self.log)

    def kill(self):
        self.process.end()
        self.process = None

    def stop(self):
        self.process.send(signal.SIGTERM)
        code = self.process.wait()
        self.kill()
        return code


class Killing:
    def __init__(self, daemon, plugin, posting, notes, chance):
        self.daemon, self.plugin, self.posting = daemon, plugin, posting
        self.notes, self.chance = notes, chance
        self.counts = collections.Counter()

    def at_work(self):
        """Waits until jobs are done again, and a random moment more."""
        wanted = len(self.notes.jobs) + self.chance.randrange(1, 400)
        until("jobs to be done", lambda: len(self.notes.jobs) >= wanted)
        time.sleep(self.chance.uniform(0, 0.05))  # the random moment; nothing waits for it

    def kill_plugin(self):
        self.plugin.kill()
        self.counts["plugin"] += 1
        if self.chance.random() < 0.2:
            self.plugin.start()
            time.sleep(self.chance.uniform(0, 0.5))
            self.plugin.kill()
            self.counts["plugin early"] += 1
        self.plugin.start()

    def kill_daemon(self):
        early, late = kill(self.daemon, self.chance, self.posting)
        self.counts["daemon early"] += early
        self.counts["daemon"] += 1 + late
        self.daemon.start()
        self.posting.port = self.daemon.port

    def all(self, kills):
        victims = [self.kill_plugin, self.kill_daemon] * kills
        self.chance.shuffle(victims)
        for kill in victims:
            self.at_work()
            kill()


class Audit(Offences):
    def events(self, events, posting):
        """Sequence numbers of the hook's events by their n."""
        ids = {e["id"]: e for e in events}
        self.must(len(ids) == len(events), "two events share an id")
        hooks = {e["data"]["n"]: e["seq"] for e in events if e["type"] == "hook.crash"}
        seen = collections.Counter(e["data"]["n"] for e in events if e["type"] != "hook.crash")
        self.must(len(hooks) + sum(seen.values()) == len(events), "a delivery became two events")
        for n, event_id in posting.answered.items():
            self.must(event_id in ids and ids[event_id]["data"].get("n") == n,
                      f"event {n} was answered 202 with id {event_id} and isn't recorded")
        self.must(seen == {n: 1 for n in hooks if n % EACH == 0},
                  f"{sum(seen.values())} events were emitted, of {len(seen)} jobs")
        return hooks

    def runs(self, hooks, runs):
        counts = collections.Counter(r["rule"] for r in runs)
        self.must(counts == {f"work-{part}": len(hooks) for part in PARTS}, f"runs: {counts}")
        self.must(len({(r["rule"], r["event"]) for r in runs}) == len(runs),
                  "an event has two runs of one rule")
        for r in runs:
            self.must(r["state"] == "DONE", f"run {r['id']} is {r['state']}: {r.get('reason')}")

    def jobs(self, hooks, lines):
        """How many were done again; order and keys."""
        keys, owners, last, total = {}, {}, {}, 0
        for _, key, part, lane, n in (words for words in lines if words[0] == "job"):
            job, total = (part, int(n)), total + 1
            self.must(int(n) in hooks, f"job {job} is of no event")
            self.must(keys.setdefault(job, key) == key, f"a repeat of {job} has another key")
            self.must(owners.setdefault(key, job) == job, f"{job} has the key of {owners[key]}")
            before = last.get((part, lane), 0)
            last[part, lane] = hooks.get(int(n), before)
            self.must(before <= last[part, lane],
                      f"{part} {lane}: event {last[part, lane]} after {before}")
        missing = [job for job in itertools.product(PARTS, hooks) if job not in keys]
        self.must(not missing, f"{len(missing)} jobs were never done: {missing[:5]}")
        return total - len(keys)

    def subscription(self, events, lines):
        """How often it went back; every event, in order."""
        order = sorted(e["seq"] for e in events)
        place = {seq: i for i, seq in enumerate(order)}
        at, most, begun, back = -1, -1, True, 0
        for words in lines:
            begun = begun or words[0] == "begin"
            if words[0] != "event":
                continue
            now = place.get(int(words[1]))
            self.must(now is not None, f"seq {words[1]} was seen and isn't in the log")
            if now is None:
                continue
            self.must(now == at + 1 or (begun and now <= most),
                      f"seq {words[1]} was seen after {order[at] if at >= 0 else 'nothing'}")
            back += now != at + 1
            at, most, begun = now, max(most, now), False
        self.must(most == len(order) - 1 == at, f"the last seen is event {at + 1} of {len(order)}")
        return back


def is_quiet(daemon, posting, notes):
    return (all(n in posting.answered for n in range(posting.next))
            and len(notes.jobs) >= len(PARTS) * posting.next
            and len(notes.events) >= posting.next + len(range(0, posting.next, EACH))
            and not daemon.listed("runs", "--state", "PENDING,STARTED,WAITING"))


def play(options, daemon, plugin, posting, notes):
    daemon.start()
    plugin.start()
    posting.start(daemon.port)
    killing = Killing(daemon, plugin, posting, notes, random.Random(options.seed))
    killing.all(options.kills)
    posting.end()
    until("all to be done", lambda: is_quiet(daemon, posting, notes), 300)
    return killing.counts


def run(options, directory):
    begin = time.monotonic()
    write(directory, {"tappet.yaml": CONFIG, "rules.yaml": RULES,
                      "worker.json": json.dumps(MANIFEST)})
    notes = Notes(os.path.join(directory, "notes"))
    daemon, plugin = Daemon(options.tappet, directory), Plugin(directory, notes)
    posting = Posting(KEYS, options.rate / len(PARTS),
                      lambda n: n - len(notes.jobs) / len(PARTS) < BEHIND)
    try:
        counts = play(options, daemon, plugin, posting, notes)
        took = time.monotonic() - begin
        events = [e for e in daemon.listed("events") if not e["type"].startswith("tappet.")]
        runs = daemon.listed("runs")
        codes = plugin.stop(), daemon.stop()
    except (Failed, SystemError):
        print("\n".join(daemon.log[-20:] + plugin.log[-20:]))
        raise
    finally:
        for victim in (daemon, plugin):
            if victim.process:
                victim.kill()
        notes.end()
    audit = Audit()
    audit.must(codes == (0, 0), f"SIGTERM: exit codes {codes}")
    for line in posting.wrong + daemon.alarms():
        audit.must(False, line)
    hooks = audit.events(events, posting)
    audit.runs(hooks, runs)
    again = audit.jobs(hooks, notes.lines)
    back = audit.subscription(events, notes.lines)
    print(f"seed {options.seed}: {counts['plugin']} kills of the plugin and {counts['daemon']} of "
          f"the daemon, {counts['plugin early']} and {counts['daemon early']} more before they "
          f"were ready, {took:.0f} s")
    print(f"{posting.posts} posts of {posting.next} events; {len(hooks)} recorded, "
          f"{len(events) - len(hooks)} emitted by the plugin; {len(runs)} runs")
    print(f"{len(notes.jobs)} jobs ({len(notes.jobs) / took:.0f}/s), {again} done again; {KEYS} keys; "
          f"{len(notes.events)} events seen by the subscription, which went back {back} times; "
          f"{len(audit.offences)} offences")
    return audit.tell()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    arguments(parser, sandbox=False)
    parser.add_argument("--kills", type=int, default=50, help="of the plugin, and of the daemon")
    parser.add_argument("--rate", type=int, default=2000, help="jobs offered a second")
    options = parser.parse_args()
    if not can_speak():
        sys.exit("plugins.py: python3-zmq is missing; see deploy/install-deps tests")
    return within(run, options)


if __name__ == "__main__":
    sys.exit(main())
