#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the daemon under mixed load, then an audit of every event from end to end.

  mixed.py --tappet BIN --sandbox BIN [--kills 500] [--seconds-between 0.3..1.3]
           [--seed 1] [--brief] [--keep]

Everything at once: hooks whose senders give ids, give none, and are known by their bodies; a
polled list, polled projects and signed webhooks of a sandbox that changes all the time;
schedules; a plugin that does jobs and emits events. Rules answer with requests in the order
of a key, lanes, a throttle, a for_each, tables, writes to projects, creates that are looked
up and starts that mustn't be repeated. Targets refuse, hang, cut and garble now and then, so
that there are always retries. Meanwhile the daemon is killed, at any moment, amid a
checkpoint, around the full minute and before it is ready; now and then the plugin is. Unless
--brief, there are creates (a lookup in vain takes four minutes) and it is down for two
minutes once. After kills, what was answered so far must be in the store; when all is quiet:

  - what was answered 202 is recorded under that id, once, however often it was sent;
  - each change in the sandbox is one event, in order: no cursor and no webhook was skipped;
  - each planned time is told once by each schedule, and missed ones as documented;
  - what the plugin was acknowledged is recorded; what it said is there once;
  - each event has one run of each rule that is for it, DONE, and its requests (writes, posts,
    jobs) at least once, first ones in the order of the key;
  - repeats carry the key of the first, no two different requests share one, and there is
    none whose event isn't recorded under the same number and id;
  - what mustn't be repeated may have had its effect once at most, what is looked up exactly once;
  - tables hold what the runs put, and SQLite finds the store whole.

Then the evidence is falsified in each of the ways that mixed_audit.py lists, and the audit
must notice each. Prints what it counted; exit 0 when all of it holds.
"""
import argparse
import collections
import glob
import http.client
import json
import mmap
import os
import random
import secrets
import shutil
import signal
import sqlite3
import struct
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from harness import (PACKAGED, Following, arguments, can_speak, kill, within,  # noqa: E402
                     write)
from mixed_audit import (CREATE, KEYS, RULES, SPACES, Audit, Event, Evidence,  # noqa: E402
                         Request, Run, falsified)
from world import Daemon, Failed, Process, Sandbox, request, until  # noqa: E402

RATES = {"crash": 30, "plain": 8, "twin": 8}  # posts a second
POSTERS = 4  # of each hook
CHANGES = 20  # a second at most: a thing changes again when its last change was told
LISTED = 4, 20  # s that it takes to list everything
LATE = 60  # s: a planned time so long ago was missed
QUIET = 60, 600  # s until all must be done: a lookup in vain takes four minutes

CONFIG = """\
listen: 127.0.0.1:0
admin: { listen: "unix:tappet.sock" }
store: sqlite:tappet.db
rules: [rules.yaml]
hooks:
  crash: { verify: bearer, secret: "${file:secret}", id_header: X-Id }
  plain: { verify: bearer, secret: "${file:secret}" }
  twin: { verify: bearer, secret: "${file:secret}", dedupe: { by: body, within: 1h } }
connections:
  sandbox: { connector: http, base_url: "@", rate: { slots: 32 } }
  desk:
    connector: http
    base_url: "@/lists"
    poll:
      rows: { path: /rows, items: rows, every: 150ms, page: { by: number, size: 15, size_param: per_page } }
  kantata: { connector: kantata, base_url: "@/api/v1", token: "${file:kantata}", poll: { workspaces: { every: 200ms, full: 1h } } }
  hindsite: { connector: hindsite, base_url: "@", client_id: "${file:hindsite-id}", client_secret: "${file:hindsite}", webhook: { secret: "${file:hook}" } }
  slack: { connector: slack, webhook_url: "${file:slack}", rate: { per_second: 1000 }, allow_private: true }
schedules:
  every: { cron: "* * * * *", missed: all }
  newest: { cron: "* * * * *", missed: once }
  prompt: { cron: "* * * * *", missed: skip }
  slow: { cron: "*/2 * * * *", missed: once }
plugins: { worker: { manifest: worker.json } }
"""

MANIFEST = {"actions": {"work": {
    "doc": "Is done when it is written down.",
    "params": {"key": {"type": "text", "required": True}, "seq": {"type": "int", "required": True},
               "event": {"type": "id", "required": True}},
    "after_doubt": "repeat", "timeout": 30000}},
    "events": {kind: {"fields": {"name": {"type": "text"}}} for kind in ("tick", "seen")}}

MISBEHAVIOUR = (
    {"fault": "status", "status": 503}, {"fault": "status", "status": 503, "retry_after": 1},
    {"fault": "429", "retry_after": 1}, {"fault": "reset"}, {"fault": "reset", "after": True},
    {"fault": "truncate"}, {"fault": "hang", "delay_ms": 300},
    {"fault": "hang", "delay_ms": 300, "after": True}, {"fault": "delay", "delay_ms": 100},
    {"fault": "garbage"})
LIES = {"fault": "status", "status": 500, "after": True}  # a refusal, and yet it was done
# LATE: who carries out a dead daemon's request only after its repeat, and after the key's next
# one, turns their order round, which no sender can prevent: writes are done as they arrive.
SLOW = {"fault": "delay", "delay_ms": 150, "route": "sink", "times": 20}
ROUTES = ("sink", "sink", "sink", "sink", "slack.webhook", "slack.webhook", "list", "list",
          "kantata.workspace.update", "kantata.workspace.update", "kantata.workspace.list",
          "kantata.workspace.create", "hindsite.work_set.start", "hindsite.webhook")
HOOK_FAULTS = {"fault": "duplicate"}, {"fault": "delay", "delay_ms": 200}


class Looped:
    """A thread that does something again and again until it is told to end."""

    def __init__(self):
        self.ended = False
        self.wrong = []
        self.threads = []

    def begin(self, *loops):
        self.threads = [threading.Thread(target=self._guard, args=(loop,), daemon=True)
                        for loop in loops]
        for thread in self.threads:
            thread.start()

    def _guard(self, loop):
        try:
            loop()
        except Exception as e:  # its absence would look like quiet
            self.wrong.append(f"{type(self).__name__}: {e!r}")

    def end(self):
        self.ended = True
        for thread in self.threads:
            thread.join()


class Senders(Looped):
    """Post to the hooks. To `plain` each is sent once, whatever comes of it; to the others again
    until it is answered 202, and some once more after that."""

    def __init__(self, secret, chance):
        super().__init__()
        self.secret, self.chance = secret, random.Random(chance.random())
        self.lock = threading.Lock()
        self.port = None  # while it is down: another daemon may get the one it had
        self.closed = False
        self.posts = 0
        self.sent = {hook: 0 for hook in RATES}
        self.answers, self.again = {}, []

    def start(self):
        self.begin(*[lambda hook=hook: self._run(hook) for hook in RATES for _ in range(POSTERS)])

    def _post(self, hook, n):
        """The reply's (status, id), or None when none came."""
        body = {"n": n, "key": f"k{n % KEYS}"}
        headers = {"Content-Type": "application/json", "Authorization": "Bearer " + self.secret}
        if hook == "crash":
            headers["X-Id"] = f"event-{n}"
        self.posts += 1
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("POST", "/hooks/" + hook, json.dumps(body), headers)
            reply = connection.getresponse()
            told = json.loads(reply.read())
            return reply.status, told.get("id")
        except (OSError, http.client.HTTPException, ValueError):
            return None
        finally:
            connection.close()

    def _until_taken(self, hook, n):
        while (hook, n) not in self.answers and not self.closed:
            if self.port is None:
                time.sleep(0.01)
                continue
            reply = self._post(hook, n)
            if reply and reply[0] == 202:
                self.answers[hook, n] = reply[1]
            elif reply and reply[0] not in (401, 404, 429, 503):  # of another daemon: 401, 404
                self.wrong.append(f"{hook} {n} was answered {reply}")
                return
            elif hook == "plain":
                return
            else:
                time.sleep(0.02)

    def _run(self, hook):
        while not self.ended:
            with self.lock:
                n = self.sent[hook]
                self.sent[hook] += 1
                again = self.chance.random() < 0.05 and hook != "plain"
            self._until_taken(hook, n)
            if again and self.port and (reply := self._post(hook, n)) and reply[0] == 202:
                self.again.append((hook, n, reply[1]))
            time.sleep(POSTERS / RATES[hook])


class Notes(Following):
    """What the plugin wrote down."""

    def __init__(self, path):
        self.jobs = []  # (key, lane, seq, event)
        self.said = {}  # (kind, name) -> event id, when acknowledged
        self.told = set()  # (type, subject, mark)
        self.begun = 0
        super().__init__(path)

    def take(self, words):
        if words[0] == "job":
            self.jobs.append((words[1], words[2], int(words[3]), words[4]))
        elif words[0] == "says":
            self.said.setdefault((words[1], words[2]), None)
        elif words[0] == "said":
            self.said[words[1], words[2]] = words[3]
        elif words[0] == "event":
            self.told.add((words[2], words[3], " ".join(words[4:])))
        self.begun += words[0] == "begin"


class Changer(Looped):
    """Changes rows, projects and work sets; each thing again only when the plugin was told of
    its last change, so that none hides another."""

    def __init__(self, sandbox, notes, chance):
        super().__init__()
        self.sandbox, self.notes = sandbox, notes
        self.chance = random.Random(chance.random())
        self.made = collections.defaultdict(list)  # (source, subject) -> [(type, mark)]
        self.count = 0
        self.rows = 0
        self.introduced = False
        work_sets = sandbox.control("GET", "state")["work_sets"]
        self.sets = [work_set["id"] for work_set in work_sets[:2]]
        for _ in range(40):
            self._row()

    def _row(self):
        self.rows += 1
        self.sandbox.control("POST", "lists/rows/rows", {"id": f"r{self.rows}", "v": "0"})
        return "desk/rows", f"r{self.rows}"

    def start(self):
        for source, subjects in (("desk/rows", [f"r{i + 1}" for i in range(self.rows)]),
                                 ("kantata/workspaces", map(str, SPACES))):
            for subject in subjects:
                self.made[source, subject] = []
        for work_set in self.sets:
            self.made["hindsite", work_set] = []
        self.begin(self._run)

    def introduce(self):
        """Of a work set that was never seen, the first webhook says nothing; whether it came."""
        told = [("hindsite.webhook.work_set_updated", work_set, "-") in self.notes.told
                for work_set in self.sets]
        if not self.introduced:
            self.introduced = True
            for work_set in self.sets:
                self.sandbox.control("POST", "work_sets/" + work_set, {"title": "first"})
        return all(told)

    def is_told(self, what):
        """Whether the plugin knows of its last change."""
        made = self.made[what]
        return not made or (made[-1][0], what[1], made[-1][1] or "-") in self.notes.told

    def _is_idle(self, what):
        """Whether it is still there and may change."""
        made = self.made[what]
        return self.is_told(what) and not (made and made[-1][1] is None)

    def _note(self, what, kind, mark):
        self.made[what].append((kind, mark))
        self.count += 1

    def _change(self, what):
        mark = f"c{self.count}"
        if what[0] == "kantata/workspaces":
            self._note(what, "kantata.workspace.updated", mark)
            self.sandbox.control("POST", "workspaces/" + what[1], {"title": mark})
        elif what[0] == "hindsite":
            self._note(what, "hindsite.work_set.updated", mark)
            self.sandbox.control("POST", "work_sets/" + what[1], {"title": mark})
        elif self.chance.random() < 0.05:
            self._note(what, "http.desk.rows.deleted", None)
            self.sandbox.control("DELETE", "lists/rows/rows/" + what[1])
            new = self._row()
            self._note(new, "http.desk.rows.created", "0")
        else:
            self._note(what, "http.desk.rows.updated", mark)
            self.sandbox.control("POST", "lists/rows/rows", {"id": what[1], "v": mark})

    def _run(self):
        while not self.ended:
            kind = self.chance.choice(("desk/rows", "desk/rows", "kantata/workspaces", "hindsite"))
            idle = [what for what in self.made if what[0] == kind and self._is_idle(what)]
            if idle:
                self._change(self.chance.choice(idle))
            time.sleep(1 / CHANGES)


class Weather(Looped):
    """Targets misbehave for a request or three."""

    def __init__(self, sandbox, chance):
        super().__init__()
        self.sandbox, self.chance = sandbox, random.Random(chance.random())
        self.count = 0

    def start(self):
        self.begin(self._run)

    def _run(self):
        while not self.ended:
            route = self.chance.choice(ROUTES)
            which = HOOK_FAULTS if route == "hindsite.webhook" else MISBEHAVIOUR
            if route == "slack.webhook":
                which = which[:-1]  # what isn't "ok" is Slack's refusal
            if route in ("sink", "kantata.workspace.update"):
                which += (LIES,)  # elsewhere it is believed, and done twice
            times = 1 if route.startswith(("hindsite", "kantata.workspace.create")) else (
                self.chance.randrange(1, 4))
            if len(self.sandbox.control("GET", "faults")) > 40:
                self.sandbox.control("DELETE", "faults")
            fault = dict(self.chance.choice(which), route=route, times=times)
            if route == "kantata.workspace.update" and fault["fault"] == "delay":
                fault["after"] = True  # LATE
            self.sandbox.control("POST", "faults", fault)
            self.count += times
            if self.chance.random() < 0.2:
                self.sandbox.control("POST", "faults", SLOW)
            time.sleep(self.chance.uniform(0.05, 0.35))


def words_of(text):
    """The "RULE SEQ EVENT KEY" of a title or text."""
    rule, seq, event, key = text.split(" ", 3)
    return rule, int(seq), event, key


class Journal:
    """What arrived at the sandbox and was for something, read on at each look."""

    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.newest = 0
        self.requests = []

    def look(self):
        for entry in self.sandbox.journal(since=self.newest):
            self.newest = entry["n"]
            found = self._read(entry)
            if found:
                rule, seq, event, key, part = found
                effect = entry["status"] < 300 or str(entry["fault"]).endswith("after")
                self.requests.append(Request(rule, seq, event, key, part,
                                             entry["idempotency_key"], effect))

    def _read(self, entry):
        if entry["route"] == "sink":
            body = json.loads(entry["body"])
            return (body["rule"], body["seq"], body["event"], body.get("key"), body.get("part", 0))
        if entry["route"] in ("kantata.workspace.update", "kantata.workspace.create"):
            return *words_of(json.loads(entry["body"])["workspace"]["title"]), 0
        if entry["route"] == "slack.webhook":
            return *words_of(json.loads(entry["body"])["text"]), 0
        if entry["route"] == "hindsite.work_set.start":
            return *words_of(json.loads(entry["body"])["asset_id"]), 0
        return None


class Slots:
    """Which planned times must be told, by when the daemon was down."""

    def __init__(self):
        self.begun = self.ready = None
        self.down = []  # (from, until)

    def of(self, end):
        """(schedule, planned) -> must (True) or may (False) be told."""
        slots = {}
        first = int(self.begun // 60 + 1) * 60
        for planned in range(first, int(end) + 1, 60):
            name = time.strftime("%Y-%m-%dT%H:%M", time.gmtime(planned))
            must = self.ready < planned <= end - 5
            for schedule in ("every", "newest", "prompt") + (
                    ("slow",) if planned % 120 == 0 else ()):
                told = self._is_told(schedule, planned)
                if told is not False:
                    slots[schedule, name] = bool(must and told)
        return slots

    def _is_told(self, schedule, planned):
        """True, False, or None: either."""
        amid = [(a, b) for a, b in self.down if a <= planned <= b]
        if not amid or schedule == "every":
            return True
        begin, end = amid[0]
        step = 120 if schedule == "slow" else 60
        if planned + step <= end:
            return False if begin + 1 < planned and planned + step < end - 1 else None
        late = end - planned
        if schedule != "prompt" or late < LATE - 2:
            return True
        return False if late > LATE + 2 else None


class World:
    def __init__(self, options, directory):
        self.options, self.directory = options, directory
        self.chance = random.Random(options.seed)
        self.daemon = Daemon(options.tappet, directory)
        self.secret = secrets.token_hex(16)
        self.sandbox = Sandbox(options.sandbox, directory, [
            "--seed", "24", "--journal-max", "2000000", "--hook-url", "http://127.0.0.1:1/",
            "--hook-secret", self.secret])
        self._write()
        self.sandbox.control("POST", "lists/rows", {"wrap": "rows", "rows": [], "size": 15})
        self.sandbox.control("POST", "switches", {
            "second_start_same": True, "hook_retry_ms": 1, "hook_attempts": 100})
        self.notes = Notes(os.path.join(directory, "notes"))
        self.senders = Senders(self.secret, self.chance)
        self.changer = Changer(self.sandbox, self.notes, self.chance)
        self.weather = Weather(self.sandbox, self.chance)
        self.journal = Journal(self.sandbox)
        self.slots = Slots()
        self.counts = collections.Counter()
        self.faults = []
        self.checked = set()
        self.plugin, self.plugin_log = None, []

    def _write(self):
        write(self.directory, {
            "tappet.yaml": CONFIG.replace("@", self.sandbox.url),
            "rules.yaml": RULES + ("" if self.options.brief else CREATE),
            "worker.json": json.dumps(MANIFEST), "secret": self.secret,
            "kantata": "kantata-token", "hindsite-id": "hindsite-id",
            "hindsite": "hindsite-secret", "hook": self.secret,
            "slack": self.sandbox.url + "/slack/hook"})

    # ---- what is killed ----

    def start_plugin(self):
        env = dict(os.environ, TAPPET_SESSIONS="ipc://tappet-plugins.sock")
        self.plugin = Process([PACKAGED, os.path.join(HERE, "mixed_worker.py"), self.notes.path],
                              self.directory, env, self.plugin_log)

    def kill_plugin(self):
        self.plugin.end()
        self.counts["plugin"] += 1
        self.start_plugin()

    def start_daemon(self):
        self.daemon.start()
        self.senders.port = self.daemon.port
        self.sandbox.control("POST", "switches", {
            "hook_url": f"http://127.0.0.1:{self.daemon.port}/hooks/hindsite"})

    def amid_checkpoint(self):
        """Waits for one, by what SQLite says in its shared memory: pages that it has begun to
        copy back are more than those it has copied (sqlite.org/walformat.html, 1.3). Whether
        it met one."""
        path = os.path.join(self.directory, "tappet.db-shm")
        end = time.monotonic() + 1
        try:
            with open(path, "rb") as f, mmap.mmap(f.fileno(), 136, prot=mmap.PROT_READ) as shared:
                while time.monotonic() < end:
                    done, = struct.unpack_from("=I", shared, 96)
                    begun, = struct.unpack_from("=I", shared, 128)
                    if begun > done:
                        return True
        except (OSError, ValueError):
            pass
        return False

    def moment(self):
        """Waits for the next one."""
        low, high = self.options.seconds_between
        pause = self.chance.uniform(low, high)
        left = 60 - time.time() % 60
        if left < pause + 0.5:
            self.counts["around the minute"] += 1
            pause = left + self.chance.uniform(-0.2, 0.3)
        time.sleep(max(pause, 0))
        if self.chance.random() < 0.2:
            self.counts["amid a checkpoint"] += self.amid_checkpoint()

    def kill(self, number):
        self.moment()
        down = time.time()
        answers, said = dict(self.senders.answers), dict(self.notes.said)
        early, late = kill(self.daemon, self.chance, self.senders)
        self.counts["early"] += early
        self.counts["kills"] += 1 + late
        if self.chance.random() < 0.5:
            self.check_answers(answers, said, number)
        if not self.options.brief and number == self.options.kills // 2:
            time.sleep(self.chance.uniform(130, 175))
        self.start_daemon()
        self.slots.down.append((down, time.time()))
        self.journal.look()
        if number % 10 == 0:
            self.kill_plugin()

    def check_answers(self, answers, said, number):
        """What was acknowledged before this kill is in the store."""
        promised = set(answers.values()) | {i for i in said.values() if i}
        missing = promised - self.checked
        newest = self.daemon.listed("events", "-n", str(1000 + 2 * len(missing)))
        recorded = {e["id"] for e in newest}
        for event_id in sorted(missing - recorded):
            if self.daemon.command("events", "--id", event_id)[0] != 0:
                self.faults.append(f"after kill {number}: {event_id} was acknowledged and is gone")
        self.checked |= missing
        self.counts["looks"] += 1
        if number % 20 == 0:
            self.faults += integrity(self.directory, "quick_check", f"after kill {number}")

    # ---- the whole of it ----

    def play(self):
        self.slots.begun = time.time()
        self.start_daemon()
        self.slots.ready = time.time()
        self.start_plugin()
        until("stock to be taken", self._has_baseline)
        for loop in (self.changer, self.senders, self.weather):
            loop.start()
        for number in range(1, self.options.kills):
            self.kill(number)
        until("enough of everything", self._is_enough)
        self.weather.end()
        self.sandbox.control("DELETE", "faults")
        self.kill(self.options.kills)  # after it, polls that failed for long are made at once
        for loop in (self.senders, self.changer):
            loop.end()
        self._finish(QUIET[not self.options.brief])
        self.plugin.send(signal.SIGTERM)
        if self.plugin.wait() != 0:
            self.faults.append("the plugin doesn't end well")
        left = 60 - time.time() % 60
        if left < LISTED[not self.options.brief]:
            time.sleep(left + 0.5)  # else what is planned then is told between two listings
        self._finish(QUIET[0])

    def _is_enough(self):
        """So that there is something of each kind to audit."""
        return len(self.senders.answers) > 200 and self.senders.again and self.changer.count > 50

    def _finish(self, deadline):
        try:
            until("all to be done", self._is_quiet, deadline)
        except Failed as e:
            self.faults.append(str(e))

    def _has_baseline(self):
        """The polls have been round, so that what changes now is news."""
        routes = collections.Counter(e["route"] for e in self.sandbox.journal())
        return (self.changer.introduce() and routes["list"] > 9
                and routes["kantata.workspace.list"] > 3)

    def _is_quiet(self):
        untold = [what for what in self.changer.made if not self.changer.is_told(what)]
        if untold:
            raise Failed(f"the last changes of {untold[:5]} aren't told")
        return not self.daemon.listed("runs", "--state", "PENDING,STARTED,WAITING")

    def evidence(self):
        e = Evidence()
        self.journal.look()
        e.events = [Event(v["seq"], v["id"], v["type"], v["source"], v["subject"], v["data"])
                    for v in self.daemon.listed("events")]
        e.events.sort(key=lambda event: event.seq)
        numbers = {event.id: event.seq for event in e.events}
        for rule in sorted({run["rule"] for run in self.daemon.listed("runs", "-n", "3000")}):
            e.runs += [Run(r["id"], rule, numbers.get(str(r["event"]), r["event"]), r["state"],
                           r.get("reason")) for r in self.daemon.listed("runs", "--rule", rule)]
        e.requests = self.journal.requests + [
            Request("work", seq, event, lane, 0, key, True)
            for key, lane, seq, event in self.notes.jobs]
        e.answers, e.again = dict(self.senders.answers), list(self.senders.again)
        e.sent, e.said = dict(self.senders.sent), dict(self.notes.said)
        e.changes = {what: list(made) for what, made in self.changer.made.items()}
        e.titles = self._titles()
        e.last = {r["key"]: r["seq"] for r in self.daemon.listed("table", "show", "last")}
        e.items = {r["name"] for r in self.daemon.listed("table", "show", "items")}
        e.slots = self.slots.of(time.time())
        return e

    def _titles(self):
        titles, page = [], 1
        while True:
            path = f"/api/v1/workspaces?per_page=200&page={page}"
            reply = request(self.sandbox.port, "GET", path,
                            headers=[("Authorization", "Bearer kantata-token")])
            found = json.loads(reply.body)["workspaces"]
            if not found:
                return titles
            titles += [workspace["title"] for workspace in found.values()]
            page += 1

    def close(self):
        self.senders.closed = True
        for loop in (self.senders, self.changer, self.weather, self.notes):
            loop.end()
        if self.daemon.process:
            self.daemon.kill()
        if self.plugin:
            self.plugin.end()
        self.sandbox.process.end()


def integrity(directory, pragma, when):
    """What SQLite finds wrong; of a copy, so that the daemon recovers by itself."""
    with tempfile.TemporaryDirectory(dir=directory) as place:
        for path in glob.glob(os.path.join(directory, "tappet.db*")):
            if not path.endswith("-shm"):
                shutil.copy(path, place)
        connection = sqlite3.connect(os.path.join(place, "tappet.db"))
        found = [row[0] for row in connection.execute(f"PRAGMA {pragma}")]
        connection.close()
    return [] if found == ["ok"] else [f"{when}: {line}" for line in found]


def tell(world, audit, took, noticed):
    counts, found = world.counts, audit.counts
    kinds = collections.Counter(".".join(event.type.split(".")[:2]) for event in audit.e.events)
    rules = collections.Counter(r.rule for r in audit.e.requests)
    rows = (
        ("kills -9 of the daemon", counts["kills"]),
        ("  amid a checkpoint", counts["amid a checkpoint"]),
        ("  around the full minute", counts["around the minute"]),
        ("more, before it was ready", counts["early"]), ("of the plugin", counts["plugin"]),
        ("looks at the store of a killed one", counts["looks"]),
        ("posts", world.senders.posts), ("answered 202", found["answered"]),
        ("sent once more after that", len(audit.e.again)),
        ("changes in the sandbox", found["changes"]), ("emits acknowledged", found["said"]),
        ("planned times", found["slots"]), ("events", len(audit.e.events)),
        *((f"  {kind}", count) for kind, count in sorted(kinds.items())),
        ("runs", len(audit.e.runs)),
        *((f"  {state}", found[state]) for state in ("DONE", "SKIPPED", "IN_DOUBT")),
        ("requests and jobs that arrived", found["requests"]),
        *((f"  {rule}", count) for rule, count in sorted(rules.items())),
        ("  repeats, each with the first one's key", found["repeats"]),
        ("lanes whose order was kept", found["lanes"]), ("projects made, each once", found["made"]),
        ("requests told to misbehave", world.weather.count),
        ("forgeries of the evidence, all noticed", noticed), ("offences", len(audit.offences)))
    print(f"seed {world.options.seed}, {took:.0f} s")
    for name, number in rows:
        print(f"{name:42}{number:9}")
    return audit.tell()


def run(options, directory):
    begin = time.monotonic()
    world = World(options, directory)
    try:
        world.play()
        evidence = world.evidence()
        code = world.daemon.stop()
    except (Failed, SystemError):
        print("\n".join(world.daemon.log[-30:] + world.plugin_log[-10:]))
        raise
    finally:
        world.close()
        write(directory, {"log": "\n".join(world.daemon.log), "journal": "\n".join(
            map(str, world.journal.requests))})
    took = time.monotonic() - begin
    evidence.faults = world.faults + world.daemon.alarms() + integrity(
        directory, "integrity_check", "at the end")
    for loop in (world.senders, world.changer, world.weather):
        evidence.faults += loop.wrong
    if code != 0:
        evidence.faults.append(f"SIGTERM: exit code {code}")
    audit = Audit(evidence, not options.brief)
    audit.all()
    noticed = 0
    if not audit.offences:
        noticed, missed = falsified(evidence, not options.brief)
        audit.offences += [f"the audit doesn't notice {name}" for name in missed]
    return tell(world, audit, took, noticed)


def span(text):
    low, high = text.split("..")
    return float(low), float(high)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    arguments(parser)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seconds-between", type=span, default=(0.3, 1.3), metavar="LOW..HIGH")
    parser.add_argument("--brief", action="store_true", help="nothing that takes minutes")
    options = parser.parse_args()
    if not can_speak():
        sys.exit("mixed.py: python3-zmq is missing; see deploy/install-deps tests")
    return within(run, options)


if __name__ == "__main__":
    sys.exit(main())
