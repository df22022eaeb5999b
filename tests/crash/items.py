#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 in the middle of for_each and of writes to tables, then an audit of what was promised.

  items.py --tappet BIN --sandbox BIN [--kills 50] [--items 500] [--seed 1] [--keep]

One event brings a list, and three rules go through it side by side. `fill` sends a request,
puts a row, sends another request, and takes out a row of its own and one of a table that
was filled before; `rival` puts rows of other keys with the same values in a column that is
`unique`, so that one of the two fails, whichever comes second; `sweep` goes through the rows
of that other table while it empties. Now and then the target refuses, or takes a request and
resets the connection. Meanwhile the daemon is killed and started, sometimes before it was
ready. After every kill, and when all is quiet:

  - a row is there exactly when the item that puts it has a record that this step is done,
    and none that takes it out again; no two rows share what must be unique;
  - each item whose step was done has an outcome `d`, each whose step failed has `f`, and
    the runs' counts are those of the outcomes;
  - no step of an item was done twice.

At the end also:

  - each rule has one run, DONE, with an outcome for each item;
  - each item's requests came, in the order of the list;
  - every repeat of a request carries the Idempotency-Key of the first, and no two
    requests that differ share one;
  - no request is repeated more often than the daemon was killed or the target misbehaved.

Prints what it counted; exit 0 when all of it holds.
"""
import argparse
import collections
import http.client
import json
import os
import random
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Audit as Offences, arguments, within, write  # noqa: E402
from world import Daemon, Failed, Sandbox, until  # noqa: E402

CONFIG = """\
listen: 127.0.0.1:0
admin: { listen: "unix:tappet.sock" }
store: sqlite:tappet.db
rules: [rules.yaml]
hooks: { seed: { verify: none }, lists: { verify: none } }
connections: { sandbox: { connector: http, base_url: "%s" } }
"""

BACK = 7  # how many items later `fill` takes a row out again, of each such item
SLOW = 20  # of twice as many items, `rival` is slow with the first, so that the lead changes

RULES = """\
tables:
  kept: { key: n, unique: [slot], columns: { n: int, slot: text, by: text } }
  others: { key: n, columns: { n: int, note: text } }
defaults:
  retry: { attempts: 100, first: 10ms, max: 30ms }
rules:
  - id: seed
    on: hook.seed
    do:
      - for_each: data.list
        item: p
        do: [ table.put: { table: others, row: { n: "${p}", note: "row ${p}" } } ]
  - id: fill
    on: hook.lists
    do:
      - for_each: data.list
        item: p
        on_item_error: continue
        do:
          - as: one
            http.request: { url: /sink/items, json: { rule: fill, n: "${p}", part: 1 } }
          - as: put
            table.put: { table: kept, row: { n: "${p}", slot: "slot ${p}", by: fill } }
          - http.request: { url: /sink/items, json: { rule: fill, n: "${p}", part: "${steps.one.status / 100}" } }
          - as: back
            if: p %% %d == 0
            table.drop: { table: kept, key: "${p - %d}" }
          - as: other
            table.drop: { table: others, key: "${p}" }
  - id: rival
    on: hook.lists
    do:
      - for_each: data.list
        item: p
        on_item_error: continue
        do:
          - http.request: { url: /sink/items, json: { rule: rival, n: "${p}", part: 1 } }
          - http.request: { url: /sink/items, json: { rule: rival, n: "${p}", part: 2 } }
            if: p %% %d < %d
          - http.request: { url: /sink/items, json: { rule: rival, n: "${p}", part: 3 } }
            if: p %% %d < %d
          - as: put
            table.put: { table: kept, row: { n: "${1000000 + p}", slot: "slot ${p}", by: rival } }
  - id: sweep
    on: hook.lists
    do:
      - for_each: rows('others')
        item: r
        do:
          - http.request: { url: /sink/items, json: { rule: sweep, n: "${r.n}", part: 1 } }
          - as: other
            table.drop: { table: others, key: "${r.n}" }
""" % (BACK, BACK, 2 * SLOW, SLOW, 2 * SLOW, SLOW)

RULES_LISTED = ("fill", "rival", "sweep")
REQUESTS = 4  # about so many for each item, of all rules


def post(daemon, hook, items):
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=20)
    connection.request("POST", "/hooks/" + hook, json.dumps({"list": list(range(items))}),
                       {"Content-Type": "application/json"})
    status = connection.getresponse().status
    connection.close()
    if status != 202:
        raise Failed(f"the list was answered {status}")


def are_open(daemon):
    return any(r["state"] in ("PENDING", "STARTED", "WAITING") for r in daemon.listed("runs"))


class State:
    """What the store tells of runs and rows, while nothing changes it."""

    def __init__(self, daemon):
        listed = daemon.listed("runs")
        self.runs = {r["rule"]: daemon.listed("runs", str(r["id"]))[0] for r in listed}
        self.alone = len(self.runs) == len(listed)
        self.kept = daemon.listed("table", "show", "kept")
        self.others = {row["n"] for row in daemon.listed("table", "show", "others")}

    def ended(self, rule):
        """(item, what its row's table or its request was for) -> fates of its attempts."""
        found = collections.defaultdict(list)
        for step in self.runs[rule]["steps"] if rule in self.runs else []:
            for attempt in step.get("attempts", []):
                request = attempt["request"]
                what = request["method"]
                if what in ("KEEP", "DROP"):
                    what += " " + json.loads(request["body"])["table"]
                else:
                    what += f" {json.loads(request['body'])['part']}"
                found[request["item"], what].append(attempt["fate"])
        return found

    def loop(self, rule):
        """The entry of the run's for_each."""
        steps = self.runs[rule]["steps"] if rule in self.runs else []
        return next((step for step in steps if "outcomes" in step), None)


class Audit(Offences):
    def __init__(self, options):
        super().__init__()
        self.options = options

    def outcomes(self, rule, state, ended):
        """Outcomes and attempts tell one story."""
        entry = state.loop(rule)
        letters = entry["outcomes"] if entry else ""
        failed = {item for (item, _), fates in ended.items() if "reject" in fates}
        self.must(not entry or (entry["done"], entry["failed"]) ==
                  (letters.count("d"), letters.count("f")), f"{rule}: counts are no outcomes")
        self.must(not entry or len(letters) <= entry["items"], f"{rule}: too many outcomes")
        for item, letter in enumerate(letters):
            self.must((letter == "f") == (item in failed), f"{rule}: item {item} is {letter!r}")
        for (item, what), fates in ended.items():
            self.must(fates.count("ok") + fates.count("reject") <= 1,
                      f"{rule}: {what} of item {item} ended as {fates}")
            self.must(item <= len(letters), f"{rule}: item {item} before {len(letters)}")

    def done(self, ended, what):
        return {item for (item, kind), fates in ended.items() if kind == what and "ok" in fates}

    def rows(self, state, ended):
        fill = self.done(ended["fill"], "KEEP kept")
        fill -= {item - BACK for item in self.done(ended["fill"], "DROP kept")}
        wanted = {(n, f"slot {n}", "fill") for n in fill} | {
            (1000000 + n, f"slot {n}", "rival") for n in self.done(ended["rival"], "KEEP kept")}
        rows = {(row["n"], row["slot"], row["by"]) for row in state.kept}
        slots = [row["slot"] for row in state.kept]
        self.must(rows == wanted, f"{len(rows - wanted)} rows without their items, "
                                  f"{len(wanted - rows)} items without their rows")
        self.must(len(set(slots)) == len(slots), "two rows share a slot")

    def others(self, state, ended):
        gone = self.done(ended["fill"], "DROP others")
        swept = set()
        for step in state.runs["sweep"]["steps"] if "sweep" in state.runs else []:
            for attempt in step.get("attempts", []):
                if attempt["request"]["method"] == "DROP" and attempt["fate"] == "ok":
                    swept.add(json.loads(attempt["request"]["body"])["key"])
        wanted = set(range(self.options.items)) - gone - {int(key) for key in swept}
        self.must(state.others == wanted, f"others has {len(state.others)} rows, not {len(wanted)}")

    def agree(self, daemon, when):
        """All that holds at any moment."""
        before = len(self.offences)
        state = State(daemon)
        ended = {rule: state.ended(rule) for rule in RULES_LISTED}
        self.must(state.alone, "a rule has two runs")
        for rule in RULES_LISTED:
            self.outcomes(rule, state, ended[rule])
        self.rows(state, ended)
        self.others(state, ended)
        self.offences[before:] = [f"{when}: {o}" for o in self.offences[before:]]
        return state

    def ends(self, state):
        for rule in RULES_LISTED:
            run, entry = state.runs.get(rule), state.loop(rule)
            self.must(run and run["state"] == "DONE" and entry, f"{rule} has no run that is DONE")
            self.must(entry and len(entry["outcomes"]) == entry["items"], f"{rule} lacks outcomes")
        items = state.loop("fill")["items"]
        self.must(items == self.options.items, f"fill went through {items} items")
        for rule in ("seed", "sweep"):
            self.must("f" not in state.loop(rule)["outcomes"], f"an item of {rule} failed")
        both = zip(state.loop("fill")["outcomes"], state.loop("rival")["outcomes"])
        self.must(all("d" in pair for pair in both), "a slot that nobody got")
        self.must(not state.others, "others isn't empty")

    def requests(self, state, journal):
        """How many are repeats; keys, order, and that none is missing."""
        keys, order = {}, collections.defaultdict(list)
        for entry in journal:
            body = json.loads(entry["body"])
            what = (body["rule"], body["n"], body["part"])
            if what not in keys:
                order[body["rule"]].append((body["n"], body["part"]))
            self.must(keys.setdefault(what, entry["idempotency_key"]) == entry["idempotency_key"],
                      f"a repeat of {what} has another key")
        self.must(len(set(keys.values())) == len(keys) and None not in keys.values(),
                  "two requests share a key")
        letters = state.loop("fill")["outcomes"]
        wanted = {  # a row that can't be put leaves fill's second part out
            "fill": [(n, part) for n, letter in enumerate(letters) for part in (1, 2)
                     if part == 1 or letter == "d"],
            "rival": [(n, part) for n in range(self.options.items) for part in (1, 2, 3)
                      if part == 1 or n % (2 * SLOW) < SLOW],
            # rows come in the order of their keys, which are compared as texts
            "sweep": [(n, 1) for n in sorted(range(self.options.items), key=str)]}
        for rule, these in wanted.items():
            self.must(order[rule] == these, f"{rule}: {len(order[rule])} requests, or not in "
                                            f"their order: {order[rule][:20]}")
        return len(journal) - len(keys)


class Killing:
    """Kills spread over all requests that are still to come; what it counted."""

    def __init__(self, daemon, sandbox, options, audit, chance):
        self.daemon, self.sandbox, self.options = daemon, sandbox, options
        self.audit, self.chance = audit, chance
        self.kills = self.early = self.faults = self.amid = 0
        self.count = self.newest = 0

    def sent(self):
        """How many requests came so far."""
        for entry in self.sandbox.journal("sink/items", self.newest):
            self.count += 1
            self.newest = entry["n"]
        return self.count

    def misbehave(self):
        fault = self.chance.choice([{"fault": "status", "status": 503},
                                    {"fault": "reset", "after": True}])
        self.sandbox.control("POST", "faults", dict(fault, route="sink", times=1))
        self.faults += 1

    def once(self, left):
        now, total = self.sent(), REQUESTS * self.options.items
        wanted = now + self.chance.randrange(max(2 * (total - now) // (left + 1), 0) + 1)
        until(f"{wanted} requests", lambda: self.sent() >= wanted or not are_open(self.daemon))
        if self.chance.random() < 0.5:
            self.misbehave()
        time.sleep(self.chance.uniform(0, 0.01))  # the random moment; nothing waits for it
        self.daemon.kill()
        self.kills += 1
        self.amid += are_open(self.daemon)
        self.audit.agree(self.daemon, f"after kill {self.kills}")
        if self.chance.random() < 0.2:
            self.daemon.launch()
            time.sleep(self.chance.uniform(0, 0.03))
            self.daemon.kill()
            self.early += 1
            self.audit.agree(self.daemon, f"after kill {self.kills} and one before it was ready")
        self.daemon.start()

    def all(self):
        for left in range(self.options.kills, 0, -1):
            self.once(left)


def play(options, daemon, sandbox, audit):
    daemon.start()
    post(daemon, "seed", options.items)
    until("the rows to be there", lambda: daemon.listed("runs") and not are_open(daemon))
    # So slow that there is a middle to be killed in.
    sandbox.control("POST", "faults", {"route": "sink", "fault": "delay", "delay_ms": 2})
    post(daemon, "lists", options.items)
    killing = Killing(daemon, sandbox, options, audit, random.Random(options.seed))
    killing.all()
    until("the runs to end", lambda: not are_open(daemon))
    return killing


def run(options, directory):
    begin = time.monotonic()
    sandbox = Sandbox(options.sandbox, directory)
    daemon = Daemon(options.tappet, directory)
    audit = Audit(options)
    write(directory, {"tappet.yaml": CONFIG % sandbox.url, "rules.yaml": RULES})
    try:
        killing = play(options, daemon, sandbox, audit)
        journal = sandbox.journal("sink/items")
        code = daemon.stop()
    except (Failed, SystemError):
        print("\n".join(daemon.log[-30:]))
        raise
    finally:
        if daemon.process:
            daemon.kill()
        sandbox.process.end()
    state = audit.agree(daemon, "at the end")
    audit.ends(state)
    repeats = audit.requests(state, journal)
    most = len(RULES_LISTED) * (killing.kills + killing.early) + killing.faults
    audit.must(repeats <= most, f"{repeats} repeats, more than {most}")
    audit.must(code == 0, f"SIGTERM: exit code {code}")
    audit.offences += daemon.alarms()
    print(f"seed {options.seed}: {killing.kills} kills ({killing.amid} with runs open), "
          f"{killing.early} more before it was ready, {killing.faults} refusals and resets, "
          f"{time.monotonic() - begin:.0f} s")
    for rule in RULES_LISTED:
        entry = state.loop(rule)
        print(f"{rule}: {entry['items']} items, {entry['done']} done, {entry['failed']} failed")
    print(f"{len(state.kept)} rows; {len(journal)} requests, {repeats} of them repeats; "
          f"{len(audit.offences)} offences")
    return audit.tell()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    arguments(parser)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--items", type=int, default=500)
    options = parser.parse_args()
    return within(run, options)


sys.exit(main())
