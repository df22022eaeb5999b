#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 of nats-bridge, of the daemon and of nats-server, then an audit of both directions.

  nats.py --tappet BIN [--events 100000] [--kills 20] [--servers 20] [--seed 1] [--keep]

Out: posters send --events signed hook events, each again until it is answered 202; the bridge
publishes them to a stream. In: as many messages are published to another stream, each again
until JetStream has acknowledged it, three of four with a Nats-Msg-Id; the bridge makes events
of them. That stream knows repeats for 100 ms only: what it takes twice is the engine's to
know. Meanwhile the bridge and the daemon are killed --kills times each, at moments spread over
the work, some together or again before they were ready; in the second half nats-server is,
too, --servers times. When all is quiet, these must hold:

  - every event answered 202 is in `tappet events`, once;
  - each of them is in the stream as it was written, once, with its id as Nats-Msg-Id, and no
    other; in the order of their sequence numbers up to the first kill of nats-server, and none
    more than the bridge's window late after that;
  - every message that JetStream acknowledged is in the other stream;
  - each of them is one event: those with the same Nats-Msg-Id are one together;
  - what the stream had acknowledged at each kill of the daemon was an event by then;
  - at the end the consumer has nothing left, or unacknowledged.

Prints what it counted; exit 0 when all of it holds.
"""
import argparse
import bisect
import collections
import hashlib
import hmac
import itertools
import json
import os
import random
import re
import shutil
import signal
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
sys.path.insert(0, os.path.join(ROOT, "plugins/nats-bridge/tests"))
sys.path.insert(0, HERE)
from harness import Audit as Offences, arguments, within, write  # noqa: E402
from nats_server import Client, Server  # noqa: E402
from posting import Posting  # noqa: E402
from world import Daemon, Failed, Process, until  # noqa: E402

BEHIND = 4000  # events, or messages, that wait for the bridge: the rest waits with their senders
WINDOW = 500  # of the bridge, when nothing is said
BATCH = 64  # messages published at once
SECRET = b"a secret of both sides"
DONE_WITHIN = 300  # seconds; long, as it only bounds what never comes

CONFIG = """\
listen: 127.0.0.1:0
admin: { listen: "unix:tappet.sock" }
store: sqlite:tappet.db
hooks: { crash: { verify: hmac, secret: "${env:SECRET}", header: X-Sign, id_header: X-Id } }
plugins: { nats: {} }
"""


def sign(body):
    return f"X-Sign: {hmac.new(SECRET, body.encode(), hashlib.sha256).hexdigest()}\r\n"


class Progress:
    """How far both directions are, as the server tells, read again and again by one thread."""

    def __init__(self, server):
        self.server = server
        self.out = self.delivered = self.settled = 0
        self.ended = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def look(self, client):
        self.out = client.count("EVENTS")
        info = client.consumer("ORDERS", "tappet")
        if "delivered" in info:  # else the bridge hasn't made it yet
            self.delivered = info["delivered"]["stream_seq"]
            self.settled = self.delivered - info["num_ack_pending"]

    def run(self):
        client = None
        while not self.ended:
            try:
                client = client or Client(self.server.port)
                self.look(client)
            except (OSError, KeyError):  # it is down, or begins
                client = None
            time.sleep(0.01)

    def end(self):
        self.ended = True
        self.thread.join()


class Publishing:
    """The messages, by one thread: {"n": N}, with the Nats-Msg-Id message-N unless 4 divides N."""

    def __init__(self, server, progress, total):
        self.server, self.progress, self.total = server, progress, total
        self.sequences = {}  # n -> where JetStream says it is
        self.publishes = 0
        self.wrong = []
        self.thread = threading.Thread(target=self.run, daemon=True)

    @staticmethod
    def question(n):
        headers = f"Nats-Msg-Id: message-{n}".encode() if n % 4 else b""
        return "orders.new", json.dumps({"n": n}).encode(), headers

    def publish(self, client, numbers):
        self.publishes += len(numbers)
        answers = client.ask_all([self.question(n) for n in numbers])
        for n, answer in zip(numbers, answers):
            if answer and "seq" in answer:
                self.sequences[n] = answer["seq"]
            elif answer and answer["error"]["code"] != 503:
                self.wrong.append(f"message {n}: {answer}")
                self.sequences[n] = None

    def publish_all(self, numbers):
        client = None
        while numbers:
            try:
                client = client or Client(self.server.port)
                self.publish(client, numbers)
                numbers = [n for n in numbers if n not in self.sequences]
            except OSError:
                client = None
            if numbers:
                time.sleep(0.01)
        client.close()

    def run(self):
        for first in range(0, self.total, BATCH):
            while first - self.progress.delivered > BEHIND:
                time.sleep(0.01)
            self.publish_all(list(range(first, min(first + BATCH, self.total))))


class Bridge:
    def __init__(self, program, directory, server):
        self.program, self.directory, self.server = program, directory, server
        self.process, self.log = None, []

    def start(self):
        env = dict(os.environ, TAPPET_SESSIONS="ipc://tappet-plugins.sock")
        self.process = Process([
            self.program, "--server", self.server.url, "--prefix", "tappet.events",
            "--types", "hook.*", "--stream", "ORDERS", "--subject", "orders.>",
        ], self.directory, env, self.log)

    def kill(self):
        self.process.end()
        self.process = None

    def stop(self):
        self.process.send(signal.SIGTERM)
        code = self.process.wait()
        self.kill()
        return code


class Killing:
    """Who is killed when; all of it follows from the seed, but for how far things are then."""

    def __init__(self, world, options):
        self.world, self.options = world, options
        self.chance = random.Random(options.seed)
        self.counts = collections.Counter()
        self.in_order = None  # events in the stream at the first kill of the server
        self.acknowledged = []  # (sequence up to which the stream had, last seq of the log)

    def plan(self):
        """[(how much is done by then, who)]"""
        first = ["bridge", "daemon"] * (self.options.kills // 2)
        second = ["bridge", "daemon"] * (self.options.kills - self.options.kills // 2)
        second += ["server"] * self.options.servers
        plan = []
        for victims, begin, end in ((first, 0.01, 0.4), (second, 0.4, 0.95)):
            self.chance.shuffle(victims)
            moments = sorted(self.chance.uniform(begin, end) for _ in victims)
            plan += zip((int(2 * self.options.events * m) for m in moments), victims)
        return plan

    def down(self, who):
        world = self.world
        if who == "server" and self.in_order is None:
            self.in_order = Client(world.server.port).count("EVENTS")
        {"bridge": world.bridge, "daemon": world.daemon, "server": world.server}[who].kill()
        self.counts[who] += 1
        if who == "daemon":
            self.look_at_acknowledged()

    def look_at_acknowledged(self):
        """The daemon is dead: what the stream has acknowledged must be on its disk. The server
        may be as dead; the next time it isn't."""
        try:
            info = Client(self.world.server.port, patience=0).consumer("ORDERS", "tappet")
        except OSError:
            return
        last = self.world.daemon.listed("events", "-n", "1")
        if "ack_floor" in info:
            self.acknowledged.append((info["ack_floor"]["stream_seq"],
                                      last[0]["seq"] if last else 0))

    def up(self, who):
        world = self.world
        if who == "daemon":
            world.daemon.start()
            world.posting.port = world.daemon.port
        elif who == "bridge":
            world.bridge.start()
        else:
            world.server.start()

    def early(self, who):
        """Once more before it is ready."""
        world = self.world
        if who == "daemon":
            world.daemon.launch()
        else:
            self.up(who)
        time.sleep(self.chance.uniform(0, 0.3))
        {"bridge": world.bridge, "daemon": world.daemon, "server": world.server}[who].kill()
        self.counts[who + " early"] += 1

    def once(self, who):
        victims = [who]
        if self.chance.random() < 0.2:
            victims.append("daemon" if who == "bridge" else "bridge")
            self.counts["together"] += 1
        for victim in victims:
            self.down(victim)
        if self.chance.random() < 0.2:
            self.early(who)
        for victim in victims:
            self.up(victim)

    def all(self):
        for moment, who in self.plan():
            until(f"{moment} done", lambda at=moment: self.world.has_done(at), DONE_WITHIN)
            time.sleep(self.chance.uniform(0, 0.05))  # the random moment; nothing waits for it
            self.once(who)


class World:
    """All that runs."""

    def __init__(self, options, directory):
        self.options, self.directory = options, directory
        write(directory, {"tappet.yaml": CONFIG})
        self.server = Server()
        self.daemon = Daemon(options.tappet, directory, {"SECRET": SECRET.decode()})
        self.bridge = Bridge(options.bridge, directory, self.server)
        self.progress = Progress(self.server)
        self.posting = Posting(1, 100000, self.may_post, sign)
        self.publishing = Publishing(self.server, self.progress, options.events)

    def may_post(self, n):
        return n < self.options.events and n - self.progress.out < BEHIND

    def prepare(self):
        client = Client(self.server.port)
        client.add_stream("EVENTS", "tappet.events.>", duplicate_window=3_600_000_000_000)
        client.add_stream("ORDERS", "orders.>", duplicate_window=100_000_000)
        if self.options.impatient:
            client.api("CONSUMER.DURABLE.CREATE.ORDERS.tappet", stream_name="ORDERS",
                       config={"durable_name": "tappet", "ack_policy": "explicit",
                               "ack_wait": 1_000_000_000, "filter_subject": "orders.>",
                               "deliver_policy": "all", "replay_policy": "instant"})
        client.close()

    def has_done(self, count):
        self.all_run()
        return self.progress.out + self.progress.settled >= count

    def all_run(self):
        """None has ended by itself."""
        for who, process in (("bridge", self.bridge.process.child),
                             ("daemon", self.daemon.process.child),
                             ("server", self.server.process)):
            if process.poll() is not None:
                raise SystemError(f"the {who} has ended: {process.returncode}")

    def is_quiet(self):
        self.all_run()
        total, client = self.options.events, Client(self.server.port)
        info = client.consumer("ORDERS", "tappet")
        count = client.count("EVENTS")
        client.close()
        return (len(self.posting.answered) == total and len(self.publishing.sequences) == total
                and count >= total and info["num_pending"] == info["num_ack_pending"] == 0)

    def play(self):
        """What was killed, and how long it took."""
        begin = time.monotonic()
        self.prepare()
        self.daemon.start()
        self.bridge.start()
        self.posting.start(self.daemon.port)
        self.publishing.thread.start()
        killing = Killing(self, self.options)
        killing.all()
        until("all to be done", self.is_quiet, DONE_WITHIN)
        self.posting.end()
        self.publishing.thread.join()
        return killing, time.monotonic() - begin

    def close(self):
        for victim in (self.daemon, self.bridge):
            if victim.process:
                victim.kill()
        self.progress.end()
        self.server.close()


def id_of(headers):
    found = re.search(r"^Nats-Msg-Id: (.*?)\r$", headers, re.M)
    return found[1] if found else None


class Audit(Offences):
    def log(self, events, posting):
        """The hook's events by id."""
        hooks = {e["id"]: e for e in events if e["type"] == "hook.crash"}
        self.must(len({e["id"] for e in events}) == len(events), "two events share an id")
        self.must(sorted(e["data"]["n"] for e in hooks.values()) == list(range(posting.next)),
                  f"{len(hooks)} hook events in the log, of {posting.next}")
        for n, event_id in posting.answered.items():
            self.must(event_id in hooks and hooks[event_id]["data"]["n"] == n,
                      f"event {n} was answered 202 with id {event_id} and isn't recorded")
        return hooks

    def out(self, hooks, stream, in_order):
        """How many came after a later one."""
        counts = collections.Counter()
        order = []
        for subject, headers, text in stream:
            body = json.loads(text)
            counts[body["id"]] += 1
            order.append(body["seq"])
            event = hooks.get(body["id"])
            self.must(event is not None and (body["seq"], body["data"]) == (
                event["seq"], event["data"]), f"{body['id']} in the stream is no such event")
            self.must(id_of(headers) == body["id"], f"{body['id']} has another Nats-Msg-Id")
            self.must(subject == "tappet.events.hook.crash", f"subject {subject}")
        twice = [i for i, count in counts.items() if count > 1]
        missing = hooks.keys() - counts.keys()
        self.must(not twice, f"{len(twice)} events are in the stream twice: {twice[:5]}")
        self.must(not missing, f"{len(missing)} events aren't in the stream: {sorted(missing)[:5]}")
        begun = order[:in_order]
        self.must(begun == sorted(begun), "events are out of order before a server was killed")
        return self.late(order)

    def late(self, order):
        """A later one is at most a window ahead: that many are under way."""
        most = list(itertools.accumulate(order, max))
        late = [(i, seq) for i, seq in enumerate(order) if seq < most[i]]
        for i, seq in late:
            self.must(i - bisect.bisect(most, seq) <= WINDOW, f"{seq} is in place {i + 1}")
        return len(late)

    def messages(self, stream, publishing):
        """What each message of the stream, from 1, is known by."""
        numbers = [json.loads(text)["n"] for _, _, text in stream]
        for n, seq in publishing.sequences.items():
            self.must(seq and numbers[seq - 1:seq] == [n],
                      f"message {n} was acknowledged as {seq} and isn't in the stream")
        self.must(set(numbers) == set(range(publishing.total)), "the stream has other messages")
        keys = [id_of(headers) or i for i, (_, headers, _) in enumerate(stream, 1)]
        self.must(all(isinstance(key, int) or key == f"message-{n}"
                      for key, n in zip(keys, numbers)), "a message has another's Nats-Msg-Id")
        return keys, numbers

    def events_of(self, events, keys, numbers, acknowledged):
        made = {}  # key -> seq of its event
        for e in events:
            if e["type"] != "plugin.nats.message":
                continue
            data = e["data"]
            at = data["sequence"] - 1
            self.must(at < len(keys) and numbers[at] == data["body"]["n"]
                      and (data["subject"], data["stream"]) == ("orders.new", "ORDERS"),
                      f"event {e['seq']} isn't what message {at + 1} says")
            self.must(keys[at] not in made, f"message {at + 1} ({keys[at]}) became two events")
            made[keys[at]] = e["seq"]
        missing = set(keys) - made.keys()
        self.must(not missing, f"{len(missing)} messages became no event: {list(missing)[:5]}")
        for floor, last in acknowledged:
            early = [key for key in keys[:floor] if made.get(key, last + 1) > last]
            self.must(not early, f"{len(early)} messages were acknowledged before their events "
                                 f"were on disk: {early[:5]}")
        return len(made)


def tell(world, killing, took, audit, figures):
    options, counts = world.options, killing.counts
    early = ", ".join(f"{counts[who + ' early']} of the {who}"
                      for who in ("bridge", "daemon", "server"))
    print(f"seed {options.seed}: {counts['bridge']} kills of the bridge, {counts['daemon']} of the "
          f"daemon, {counts['server']} of nats-server ({counts['together']} times two at once); "
          f"more before they were ready: {early}; {took:.0f} s")
    print(f"out: {world.posting.posts} posts of {options.events} events; {figures['hooks']} "
          f"recorded, {figures['out']} in the stream, {figures['late']} of them after a later one")
    print(f"in: {world.publishing.publishes} publishes of {options.events} messages; "
          f"{figures['in']} in the stream, {figures['keys']} after Nats-Msg-Id; {figures['made']} "
          f"events; {len(killing.acknowledged)} looks at what was acknowledged")
    print(f"{2 * options.events / took:.0f} events a second; {len(audit.offences)} offences")
    return audit.tell()


def run(options, directory):
    world = World(options, directory)
    audit = Audit()
    try:
        killing, took = world.play()
        client = Client(world.server.port)
        out, stream = client.messages("EVENTS"), client.messages("ORDERS")
        events = world.daemon.listed("events")
        codes = world.bridge.stop(), world.daemon.stop()
    except (Failed, SystemError):
        print("\n".join(world.daemon.log[-20:] + world.bridge.log[-20:]))
        raise
    finally:
        world.close()
    audit.must(codes == (0, 0), f"SIGTERM: exit codes {codes}")
    for line in (world.posting.wrong + world.publishing.wrong + world.daemon.alarms()
                 + [line for line in world.bridge.log
                    if "terminated" in line or "another one" in line or "isn't the" in line]):
        audit.must(False, line)
    hooks = audit.log(events, world.posting)
    late = audit.out(hooks, out, killing.in_order)
    keys, numbers = audit.messages(stream, world.publishing)
    made = audit.events_of(events, keys, numbers, killing.acknowledged)
    return tell(world, killing, took, audit, {"hooks": len(hooks), "out": len(out), "late": late,
                                       "in": len(stream), "keys": len(set(keys)), "made": made})


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    arguments(parser, sandbox=False)
    parser.add_argument("--bridge", type=os.path.abspath, help="when left out, of the same build")
    parser.add_argument("--events", type=int, default=100000, help="and as many messages")
    parser.add_argument("--kills", type=int, default=20, help="of the bridge, and of the daemon")
    parser.add_argument("--servers", type=int, default=20, help="kills of nats-server")
    parser.add_argument("--impatient", action="store_true",
                        help="what wasn't acknowledged comes again after 1 s, not 30")
    options = parser.parse_args()
    options.bridge = options.bridge or os.path.join(
        os.path.dirname(options.tappet), "../plugins/nats-bridge/tappet-nats-bridge")
    if shutil.which("nats-server") is None:
        sys.exit("nats.py: nats-server is missing; see deploy/install-deps tests")
    return within(run, options)


sys.exit(main())
