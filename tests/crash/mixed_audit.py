# SPDX-License-Identifier: Apache-2.0
"""What mixed.py promises itself of a run: the rules, what they must have led to, and the audit.

Evidence is what was gathered from outside (answers, the sandbox's journal, what the plugin
wrote down) and what the commands list; the audit only compares these. FORGERIES are the ways
in which evidence is falsified, one at a time, to see that the audit notices each of them.
"""
import collections
import copy

from harness import Audit as Offences

KEYS = 7
ITEMS = 3
GROUP = 20  # events of one throttle
SPACES = range(1001, 1013)  # projects that the sandbox changes
WRITTEN = 1013  # the first of those that a rule writes, one for each key

RULES = """\
tables:
  last: { key: key, columns: { key: text, seq: int } }
  items: { key: name, columns: { name: text } }
defaults:
  retry: { attempts: 500, first: 20ms, max: 100ms }
rules:
  - id: forward
    on: hook.crash
    key: data.key
    do:
      - http.request: { url: /sink/crash, json: { rule: forward, seq: "${event.seq}", event: "${event.id}", key: "${data.key}" } }
        via: sandbox
      - table.put: { table: last, row: { key: "${data.key}", seq: "${event.seq}" } }
  - id: chat-a
    on: hook.crash
    lane: "chat/${data.key}"
    when: data.n % 4 == 0
    do: [ slack.post: { text: "chat-a ${event.seq} ${event.id} ${data.key}" } ]
  - id: chat-b
    on: hook.crash
    lane: "chat/${data.key}"
    when: data.n % 4 == 0
    do: [ slack.post: { text: "chat-b ${event.seq} ${event.id} ${data.key}" } ]
  - id: write
    on: hook.crash
    key: data.key
    when: data.n % 5 == 0
    do: [ kantata.workspace.update: { id: "${1013 + int(data.n) % 7}", workspace: { title: "write ${event.seq} ${event.id} ${data.key}" } } ]
  - id: once
    on: hook.crash
    key: int(data.n) / 20
    throttle: { every: 1h }
    do:
      - http.request: { url: /sink/once, json: { rule: once, seq: "${event.seq}", event: "${event.id}", key: "${int(data.n) / 20}" } }
        via: sandbox
  - id: start
    on: hook.crash
    when: data.n % 50 == 7
    do: [ hindsite.work_set.start: { id: "3", asset_id: "start ${event.seq} ${event.id} -" } ]
  - id: each
    on: hook.crash
    key: data.key
    when: data.n % 10 == 1
    do:
      - for_each: "[0, 1, 2]"
        item: p
        do:
          - http.request: { url: /sink/each, json: { rule: each, seq: "${event.seq}", event: "${event.id}", key: "${data.key}", part: "${p}" } }
            via: sandbox
          - table.put: { table: items, row: { name: "${event.seq} ${p}" } }
  - id: work
    on: hook.crash
    key: data.key
    when: data.n % 3 == 0
    do: [ worker.work: { key: "${data.key}", seq: "${event.seq}", event: "${event.id}" } ]
  - id: others
    on: [hook.plain, hook.twin, schedule.*, plugin.worker.*]
    do:
      - http.request: { url: /sink/others, json: { rule: others, seq: "${event.seq}", event: "${event.id}" } }
        via: sandbox
  - id: changes
    on: [http.desk.rows.*, kantata.workspace.*, hindsite.work_set.updated]
    key: event.source + " " + event.subject
    do:
      - http.request: { url: /sink/changes, json: { rule: changes, seq: "${event.seq}", event: "${event.id}", key: "${event.source} ${event.subject}" } }
        via: sandbox
"""

CREATE = """\
  - id: create
    on: hook.crash
    when: data.n % 50 == 3
    do: [ kantata.workspace.create: { workspace: { title: "create ${event.seq} ${event.id} -", external_reference: { service_name: tappet, service_model: event, service_model_ref: "${event.id}" } } } ]
"""

# A rule -> what it makes of an event: None, or its key (None: no order) and its parts.
CRASH = {
    "forward": lambda n, key: (key, 1),
    "chat-a": lambda n, key: (key, 1) if n % 4 == 0 else None,
    "chat-b": lambda n, key: (key, 1) if n % 4 == 0 else None,
    "write": lambda n, key: (key, 1) if n % 5 == 0 else None,
    "once": lambda n, key: (str(n // GROUP), 1),
    "start": lambda n, key: ("-", 1) if n % 50 == 7 else None,
    "create": lambda n, key: ("-", 1) if n % 50 == 3 else None,
    "each": lambda n, key: (key, ITEMS) if n % 10 == 1 else None,
    "work": lambda n, key: (key, 1) if n % 3 == 0 else None,
}
UNORDERED = ("start", "create", "others")
LANES = {"chat-a": "chat", "chat-b": "chat"}

Event = collections.namedtuple("Event", "seq id type source subject data")
Run = collections.namedtuple("Run", "id rule event state reason")
# What arrived; effect: it may have done what it was for (no reply, or one that says so).
Request = collections.namedtuple("Request", "rule seq event key part idem effect")


class Evidence:
    def __init__(self):
        self.events = []  # Event, in the order of their numbers
        self.runs = []  # Run
        self.requests = []  # Request, as they arrived, the plugin's jobs last
        self.answers = {}  # (hook, n) -> event id of the 202
        self.sent = {}  # hook -> how many were sent at least once
        self.again = []  # (hook, n, event id) answered to what was sent once more after its 202
        self.changes = {}  # (source, subject) -> [(type, mark)] that the sandbox made
        self.said = {}  # (kind, name) -> event id when acknowledged, else None
        self.slots = {}  # (schedule, planned) -> must there be an event, or may there
        self.titles = []  # of all projects in the sandbox
        self.last = {}  # rows of the table: key -> seq
        self.items = set()  # names in the other one
        self.faults = []  # what else was seen to be wrong


def wanted_of(event, creates):
    """(rule, key, parts) for each rule that must act on it."""
    if event.type == "hook.crash":
        found = ((rule, of(event.data["n"], event.data["key"])) for rule, of in CRASH.items()
                 if creates or rule != "create")
        return [(rule, *how) for rule, how in found if how]
    if event.type in ("hook.plain", "hook.twin") or event.type.startswith(
            ("schedule.", "plugin.worker.")):
        return [("others", None, 1)]
    if event.type == "hindsite.work_set.updated" or event.type.startswith(
            ("http.desk.rows.", "kantata.workspace.")):
        return [("changes", f"{event.source} {event.subject}", 1)]
    return []


class Audit(Offences):
    """Compares; `offences` says what doesn't fit, `counts` what was compared."""

    def __init__(self, evidence, creates):
        super().__init__()
        self.e, self.creates = evidence, creates
        self.offences = list(evidence.faults)
        self.counts = collections.Counter()
        self.by_seq = {event.seq: event for event in evidence.events}
        self.by_id = {event.id: event for event in evidence.events}
        self.wanted = [(event, *how) for event in evidence.events
                       for how in wanted_of(event, creates)]
        self.state = {(run.rule, run.event): run.state for run in evidence.runs}

    def all(self):
        for look in (self.log, self.deliveries, self.plugin, self.changed, self.written,
                     self.planned, self.decided, self.throttled, self.acted, self.ordered,
                     self.single, self.kept):
            look()
        return self.offences

    def log(self):
        self.must(len(self.by_id) == len(self.e.events), "two events share an id")
        self.must(len(self.by_seq) == len(self.e.events), "two events share a number")

    def deliveries(self):
        """What was answered 202 is there under that id; nothing is there twice."""
        seen = collections.Counter((event.type[5:], event.data["n"]) for event in self.e.events
                                   if event.type.startswith("hook."))
        for what, event_id in self.e.answers.items():
            event = self.by_id.get(event_id)
            self.must(event and (event.type[5:], event.data["n"]) == what,
                      f"{what} was answered 202 with id {event_id} and isn't recorded")
        for what, count in seen.items():
            self.must(count == 1, f"delivery {what} became {count} events")
            self.must(what[1] < self.e.sent[what[0]], f"nobody sent {what}")
        for hook, n, event_id in self.e.again:
            self.must(self.e.answers[hook, n] == event_id,
                      f"a repeat of {hook} {n} was answered with another id")
        self.counts["answered"] = len(self.e.answers)

    def plugin(self):
        seen = collections.Counter((event.type.split(".")[2], event.data["name"])
                                   for event in self.e.events
                                   if event.type.startswith("plugin.worker."))
        for what, event_id in self.e.said.items():
            event = self.by_id.get(event_id)
            self.must(not event_id or (event and event.data.get("name") == what[1]),
                      f"{what} was acknowledged as {event_id} and isn't recorded")
            self.must(seen[what] == 1 or (not event_id and not seen[what]),
                      f"{what} was said and became {seen[what]} events")
        self.must(seen.keys() <= self.e.said.keys(), "the plugin didn't say some events")
        open_ = [what for what, event_id in self.e.said.items() if not event_id]
        self.must(len(open_) <= 1, f"emits that were never acknowledged: {open_[:5]}")
        self.counts["said"] = sum(1 for event_id in self.e.said.values() if event_id)

    def changed(self):
        """Each change became one event, in order; nothing else changed."""
        seen = collections.defaultdict(list)
        for event in self.e.events:
            what = event.source, event.subject
            if what in self.e.changes and not event.type.startswith("hindsite.webhook."):
                data = event.data or {}
                seen[what].append((event.type, data.get("v", data.get("title"))))
        for what, made in self.e.changes.items():
            have, at = seen[what], 0
            while at < min(len(made), len(have)) and made[at] == have[at]:
                at += 1
            self.must(made == have, f"{what}: {len(made)} changes, {len(have)} events; they part "
                                    f"at {at}: {made[at:at + 2]}, {have[at:at + 2]}")
            self.counts["changes"] += len(made)

    def written(self):
        """What a rule wrote is a change once, in the order of the rule's events."""
        for place in range(KEYS):
            have = [event.data["title"] for event in self.e.events
                    if event.type == "kantata.workspace.updated"
                    and event.subject == str(WRITTEN + place)]
            want = [f"write {event.seq} {event.id} {key}" for event, rule, key, _ in self.wanted
                    if rule == "write" and event.data["n"] % KEYS == place]
            self.must(have == want, f"project {WRITTEN + place}: {len(want)} writes, {len(have)} "
                                    f"changes: {first_difference(want, have)}")

    def planned(self):
        seen = collections.Counter((event.type.split(".")[1], event.data["planned"][:16])
                                   for event in self.e.events if event.type.startswith("schedule."))
        for what, count in seen.items():
            self.must(count == 1, f"{what} became {count} events")
            self.must(what in self.e.slots, f"{what} was not to be told")
        for what, must in self.e.slots.items():
            self.must(not must or what in seen, f"{what} was not told")
        self.counts["slots"] = sum(self.e.slots.values())

    def decided(self):
        """Each event that a rule is for has one run of it, and no other has."""
        counts = collections.Counter((run.rule, run.event) for run in self.e.runs)
        want = {(rule, event.seq) for event, rule, _, _ in self.wanted}
        twice = [what for what, count in counts.items() if count > 1]
        self.must(not twice, f"{len(twice)} events have two runs of a rule: {twice[:5]}")
        missing, more = want - counts.keys(), counts.keys() - want
        self.must(not missing, f"{len(missing)} events led to no run: {sorted(missing)[:5]}")
        self.must(not more, f"{len(more)} runs of no such event: {sorted(more)[:5]}")
        for run in self.e.runs:
            good = run.state == "DONE" or (run.rule, run.state) in (
                ("start", "IN_DOUBT"), ("once", "SKIPPED"))
            self.must(good, f"run {run.id} of {run.rule} is {run.state}: {run.reason}")
            self.counts[run.state] += 1

    def throttled(self):
        """Of each group the first event, and no other."""
        first = {}
        for event, rule, key, _ in self.wanted:
            if rule == "once":
                state = self.state.get((rule, event.seq))
                want = "DONE" if first.setdefault(key, event.seq) == event.seq else "SKIPPED"
                self.must(state == want, f"once, group {key}: event {event.seq} is {state}")

    def acted(self):
        """Each run's requests came, with their keys; no request is without a run."""
        keys, owners = {}, {}
        for request in self.e.requests:
            what = request.rule, request.seq, request.part
            event = self.by_seq.get(request.seq)
            self.must(event and event.id == request.event,
                      f"a request of {what}, whose event {request.event} isn't recorded so")
            self.must(request.idem, f"a request of {what} without a key")
            if what in keys:
                self.counts["repeats"] += 1
                self.must(keys[what] == request.idem, f"a repeat of {what} has another key")
            keys[what] = request.idem
            owner = owners.setdefault(request.idem, what)
            self.must(owner == what, f"{what} has the key of {owner}")
        want = {(rule, event.seq, part) for event, rule, _, parts in self.wanted
                for part in range(parts)}
        sent = {what for what in want if self.state.get(what[:2]) == "DONE"}
        missing, more = sent - keys.keys(), keys.keys() - want
        self.must(not missing, f"{len(missing)} requests never came: {sorted(missing)[:5]}")
        self.must(not more, f"{len(more)} requests of no run: {sorted(more)[:5]}")
        skipped = [what for what in keys if self.state.get(what[:2]) == "SKIPPED"]
        self.must(not skipped, f"{len(skipped)} requests of skipped runs: {skipped[:5]}")
        self.counts["requests"] = len(self.e.requests)

    def ordered(self):
        """The first requests of a key are in the order of the events, items in theirs."""
        seen, last = set(), {}
        for request in self.e.requests:
            what = request.rule, request.seq, request.part
            if what in seen or request.rule in UNORDERED:
                continue
            seen.add(what)
            lane = LANES.get(request.rule, request.rule), request.key
            now = request.seq, request.rule, request.part
            self.must(last.get(lane, now) <= now, f"{lane}: {now} after {last.get(lane)}")
            last[lane] = now
        self.counts["lanes"] = len(last)

    def single(self):
        """What mustn't be repeated wasn't; what is looked up was made once."""
        effects = collections.Counter(request.seq for request in self.e.requests
                                      if request.rule == "start" and request.effect)
        for seq, count in effects.items():
            self.must(count == 1, f"event {seq} started a work set {count} times")
        made = collections.Counter(title for title in self.e.titles if title.startswith("create "))
        told = collections.Counter(event.data["title"] for event in self.e.events
                                   if event.type == "kantata.workspace.created")
        for event, rule, _, _ in self.wanted:
            title = f"create {event.seq} {event.id} -"
            if rule == "create":
                self.must(made[title] == 1, f"event {event.seq} made {made[title]} projects")
                self.must(told[title] == 1, f"{title!r} was told {told[title]} times")
        self.counts["made"] = sum(made.values())

    def kept(self):
        """Rows of tables."""
        last = {}
        for event, rule, key, _ in self.wanted:
            if rule == "forward":
                last[key] = event.seq
        self.must(self.e.last == last, "a key's last row isn't that of its last event")
        items = {f"{event.seq} {part}" for event, rule, _, parts in self.wanted if rule == "each"
                 for part in range(parts)}
        self.must(self.e.items == items, f"{len(self.e.items)} rows of items, not {len(items)}")


def first_difference(want, have):
    for at, (a, b) in enumerate(zip(want, have)):
        if a != b:
            return f"at {at} {b!r}, not {a!r}"
    return f"{(want + ['none'])[len(have):][:1]} is missing" if len(want) > len(have) else (
        f"{have[len(want):][:1]} is too many")


# ---- falsified evidence: that the audit would notice ----


def where(rows, good):
    """The place in the middle of those that fit; IndexError when none does."""
    places = [i for i, row in enumerate(rows) if good(row)]
    return places[len(places) // 2]


def lose_event(e):
    del e.events[where(e.events, lambda event: event.type == "hook.plain")]


def double_event(e):
    event = e.events[where(e.events, lambda event: event.type == "hook.crash")]
    e.events.append(event._replace(seq=e.events[-1].seq + 1, id="another"))


def lose_run(e):
    del e.runs[where(e.runs, lambda run: run.rule == "work")]


def give_up_run(e):
    at = where(e.runs, lambda run: run.rule == "forward")
    e.runs[at] = e.runs[at]._replace(state="DEAD")


def throttle_the_first(e):
    at = where(e.runs, lambda run: run.rule == "once" and run.state == "DONE")
    e.runs[at] = e.runs[at]._replace(state="SKIPPED")


def lose_request(e):
    gone = e.requests[where(e.requests, lambda request: request.rule == "each")]
    e.requests = [r for r in e.requests
                  if (r.rule, r.seq, r.part) != (gone.rule, gone.seq, gone.part)]


def repeat_with_another_key(e):
    request = e.requests[where(e.requests, lambda request: request.rule == "forward")]
    e.requests.append(request._replace(idem="another"))


def share_a_key(e):
    a = where(e.requests, lambda request: request.rule == "others")
    e.requests[a] = e.requests[a]._replace(idem=e.requests[0].idem)


def overtake(e):
    """One of a lane before all others of it."""
    at = where(e.requests, lambda request: request.rule == "chat-b")
    e.requests.insert(0, e.requests.pop(at))


def unrecorded_request(e):
    e.requests.append(e.requests[0]._replace(event="another"))


def start_twice(e):
    e.requests.append(e.requests[where(e.requests, lambda r: r.rule == "start" and r.effect)])


def skip_change(e):
    del e.events[where(e.events, lambda event: event.type == "http.desk.rows.updated")]


def skip_webhook(e):
    del e.events[where(e.events, lambda event: event.type == "hindsite.work_set.updated")]


def lose_write(e):
    del e.events[where(e.events, lambda event: event.type == "kantata.workspace.updated"
                       and int(event.subject) >= WRITTEN)]


def skip_slot(e):
    e.slots["every", "2000-01-01T00:00"] = True


def lose_emit(e):
    del e.events[where(e.events, lambda event: event.type == "plugin.worker.tick")]


def answer_repeat_otherwise(e):
    e.again.append(e.again[0][:2] + ("another",))


def lose_row(e):
    e.items.pop()


def make_twice(e):
    e.titles += [title for title in e.titles if title.startswith("create ")][:1]


FORGERIES = (lose_event, double_event, lose_run, give_up_run, throttle_the_first, lose_request,
             repeat_with_another_key, share_a_key, overtake, unrecorded_request, start_twice,
             skip_change, skip_webhook, lose_write, skip_slot, lose_emit,
             answer_repeat_otherwise, lose_row)


def falsified(evidence, creates):
    """How many forgeries the audit notices and the names of those it doesn't, of evidence in
    which it finds nothing. What there is nothing of in a short run can't be forged."""
    noticed, missed = 0, []
    for forge in FORGERIES + ((make_twice,) if creates else ()):
        forged = Evidence()
        for name, value in vars(evidence).items():
            setattr(forged, name, copy.copy(value))
        try:
            forge(forged)
        except IndexError:
            continue
        if Audit(forged, creates).all():
            noticed += 1
        else:
            missed.append(forge.__name__)
    return noticed, missed
