#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 in the middle of a for_each, then an audit of what was promised.

  items.py --tappet BIN --sandbox BIN [--kills 50] [--items 500] [--seed 1]

One event brings a list. For each item a rule sends two requests; now and then the
target refuses. Meanwhile the daemon is killed and started. When all is quiet:

  - there is one run, DONE, with an outcome for each item;
  - each item's requests came, in the order of the list;
  - every repeat of a request carries the Idempotency-Key of the first, and no two
    requests that differ share one;
  - no request is repeated more often than the daemon was killed or the target refused.

Prints what it counted; exit 0 when all of it holds.
"""
import argparse
import http.client
import json
import os
import random
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from world import Daemon, Failed, Sandbox, until  # noqa: E402

CONFIG = """\
listen: 127.0.0.1:0
admin: { listen: "unix:tappet.sock" }
store: sqlite:tappet.db
rules: [rules.yaml]
hooks: { lists: { verify: none } }
connections: { sandbox: { connector: http, base_url: "%s" } }
"""

RULES = """\
rules:
  - id: all
    on: hook.lists
    do:
      - for_each: data.list
        item: p
        do:
          - as: one
            http.request: { url: /sink/items, json: { n: "${p}", part: 1 } }
            retry: { attempts: 100, first: 20ms, max: 50ms }
          - http.request: { url: /sink/items, json: { n: "${p}", part: "${steps.one.status / 100}" } }
            retry: { attempts: 100, first: 20ms, max: 50ms }
"""


def post(port, items):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("POST", "/hooks/lists", json.dumps({"list": list(range(items))}),
                       {"Content-Type": "application/json"})
    status = connection.getresponse().status
    connection.close()
    if status != 202:
        raise Failed(f"the list was answered {status}")


def kill_in_between(daemon, sandbox, options, chance):
    """Each time when some more requests came; returns how many refusals were asked for."""
    refusals = 0
    wanted = sorted(chance.randrange(2 * options.items) for _ in range(options.kills))
    for count in wanted:
        until(f"{count} requests", lambda at=count: len(sandbox.journal("sink/items")) >= at)
        if chance.random() < 0.3:
            sandbox.control("POST", "faults", {"route": "sink", "fault": "status",
                                               "status": 503, "times": 1})
            refusals += 1
        time.sleep(chance.uniform(0, 0.02))  # the random moment; nothing waits for it
        daemon.kill()
        daemon.start()
    return refusals


def audit(options, runs, journal, refusals):
    offences = []
    if [r["state"] for r in runs] != ["DONE"]:
        offences.append(f"the runs are {[(r['state'], r.get('reason')) for r in runs]}")
    outcomes = [s.get("outcomes") for r in runs for s in r["steps"] if "outcomes" in s]
    if outcomes != ["d" * options.items]:
        offences.append(f"the outcomes are {outcomes}")
    keys, order = {}, []
    for entry in journal:
        body = json.loads(entry["body"])
        what = (body["n"], body["part"])
        if what not in keys:
            order.append(what)
        if keys.setdefault(what, entry["idempotency_key"]) != entry["idempotency_key"]:
            offences.append(f"a repeat of {what} has another key")
    if len(set(keys.values())) != len(keys) or None in keys.values():
        offences.append("two requests share a key")
    if order != [(n, part) for n in range(options.items) for part in (1, 2)]:
        offences.append(f"{len(order)} requests, or not in their order: {order[:20]}")
    repeats = len(journal) - len(keys)
    if repeats > options.kills + refusals:
        offences.append(f"{repeats} repeats of {options.kills} kills and {refusals} refusals")
    return repeats, offences


def run(options, directory):
    chance = random.Random(options.seed)
    begin = time.monotonic()
    sandbox = Sandbox(options.sandbox, directory)
    daemon = Daemon(options.tappet, directory)
    with open(os.path.join(directory, "tappet.yaml"), "w", encoding="utf-8") as f:
        f.write(CONFIG % sandbox.url)
    with open(os.path.join(directory, "rules.yaml"), "w", encoding="utf-8") as f:
        f.write(RULES)
    try:
        daemon.start()
        post(daemon.port, options.items)
        refusals = kill_in_between(daemon, sandbox, options, chance)
        until("the run to end", lambda: all(
            r["state"] not in ("PENDING", "STARTED", "WAITING") for r in daemon.listed("runs")))
        runs, journal = daemon.listed("runs"), sandbox.journal("sink/items")
        code = daemon.stop()
    finally:
        if daemon.process:
            daemon.kill()
        sandbox.process.end()
    repeats, offences = audit(options, runs, journal, refusals)
    offences += daemon.alarms()
    if code != 0:
        offences.append(f"SIGTERM: exit code {code}")
    print(f"seed {options.seed}: {options.kills} kills in the middle of {options.items} items, "
          f"{refusals} refusals, {time.monotonic() - begin:.0f} s; {len(journal)} requests, "
          f"{repeats} of them repeats; {len(offences)} offences")
    for offence in offences[:20]:
        print("OFFENCE " + offence)
    return 1 if offences else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--tappet", required=True, type=os.path.abspath)
    parser.add_argument("--sandbox", required=True, type=os.path.abspath)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--items", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    directory = tempfile.mkdtemp(prefix="tappet-items-")
    try:
        return run(options, directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


sys.exit(main())
