# SPDX-License-Identifier: Apache-2.0
"""A scripted engine: the engine's side of PROTOCOL.md for tests of plugins.

It is small and strict. What a plugin says is checked against the page, member by member; the
first thing that is wrong raises Wrong in the test. It can also misbehave, so that a plugin's
way through a bad day can be tried: withhold heartbeats, forget a session, crash, say garbage.

    with Engine("inventory") as engine:
        plugin = engine.start(["python3", "inventory.py"])
        engine.welcome()
        engine.job("reserve", {"sku": "A-7"})
        assert engine.expect("RESULT", fate="ok").body == {"reservation": "R-19"}
        engine.finish(plugin)

Everything happens on the caller's thread, inside these calls. Heartbeats are answered
meanwhile; verbs in `auto` are answered as an engine with a log of events would: EMIT,
SUBSCRIBE, ACK. The engine never leaves a test hanging: what doesn't come within `patience`
seconds raises Wrong.
"""
from __future__ import annotations

import datetime
import fnmatch
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Optional, Sequence

import zmq

PATIENCE = 60.0  # seconds; long, as it only bounds what never comes

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
HEADER_MOST, BODY_MOST, MANIFEST_MOST = 16384, 1048576, 262144
JOBS_MOST, CURSORS_MOST, WINDOW_MOST = 4096, 16, 10000
PARAM_TYPES = {"text", "id", "int", "number", "bool", "choice", "date", "map", "list", "mail",
               "any"}
FIELD_TYPES = {"text", "bool", "int", "number", "timestamp", "date", "list", "map", "any"}

# Verb -> member -> (type, required). Integers aren't negative, but for "n".
VERBS: dict[str, dict[str, tuple[Any, bool]]] = {
    "ACK": {"cursor": (str, True), "seq": (int, True)},
    "BYE": {"reason": (str, False)},
    "CREDIT": {"jobs": (int, True)},
    "EMIT": {"id": (str, True), "type": (str, True), "subject": (str, False),
             "time": (str, False), "job": (str, False)},
    "HELLO": {"protocol": (int, True), "name": (str, True), "jobs": (int, False)},
    "PING": {"n": (int, True)},
    "PONG": {"n": (int, True)},
    "PROGRESS": {"id": (str, True)},
    "RESULT": {"id": (str, True), "fate": (str, True), "jobs": (int, False),
               "after": (int, False), "error": (str, False)},
    "SUBSCRIBE": {"cursor": (str, True), "types": (list, True), "from": ((str, int), False),
                  "window": (int, False)},
    "UNSUBSCRIBE": {"cursor": (str, True), "forget": (bool, False)},
}
FATES = ("ok", "retry", "reject", "doubt")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


class Wrong(AssertionError):
    """The plugin broke the protocol, or didn't do what the test expects."""

    def __init__(self, code: str, message: str):
        super().__init__(f"{code}: {message}")
        self.code = code


@dataclass
class Message:
    verb: str
    header: dict[str, Any]
    body: Any = None  # None where there is none, or null

    def __getitem__(self, member: str) -> Any:
        return self.header[member]


@dataclass
class Subscription:
    types: list[str]
    window: int
    sent: int                                   # seq of the last event given
    waiting: list[int] = field(default_factory=list)  # given and not acknowledged


# ---- Reading. ----


def no_constant(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def parse(text: bytes) -> Any:
    return json.loads(text.decode("utf-8"), parse_constant=no_constant)


def is_a(value: Any, kind: Any) -> bool:
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, kind)


def read(frames: Sequence[bytes]) -> Message:
    """Checks a message as such: its frames, its verb, its header."""
    if not 2 <= len(frames) <= 3:
        raise Wrong("bad-frame", f"a message of {len(frames)} frames")
    verb = frames[0].decode("ascii", "replace")
    if verb not in VERBS:
        raise Wrong("bad-frame", f"{verb!r} is no verb that a plugin says")
    if len(frames[1]) > HEADER_MOST:
        raise Wrong("too-large", f"{verb} with a header of {len(frames[1])} bytes")
    if len(frames) == 3 and len(frames[2]) > BODY_MOST:
        raise Wrong("too-large", f"{verb} with a body of {len(frames[2])} bytes")
    try:
        header = parse(frames[1])
        body = parse(frames[2]) if len(frames) == 3 and frames[2] else None
    except ValueError as e:
        raise Wrong("bad-frame", f"{verb}: {e}") from e
    if not isinstance(header, dict):
        raise Wrong("bad-frame", f"{verb}: the header is no object")
    for name, (kind, required) in VERBS[verb].items():
        if name not in header:
            if required:
                raise Wrong("bad-frame", f"{verb} lacks {name!r}")
        elif not is_a(header[name], kind):
            raise Wrong("bad-frame", f"{verb}: {name!r} is {header[name]!r}")
        elif isinstance(header[name], int) and header[name] < 0 and name != "n":
            raise Wrong("bad-frame", f"{verb}: {name!r} is negative")
    return Message(verb, header, body)


# ---- The manifest. ----


def check_members(where: str, given: Any, known: Iterable[str]) -> None:
    if not isinstance(given, dict):
        raise Wrong("bad-manifest", f"{where} is no map")
    for name in given:
        if name not in known:
            raise Wrong("bad-manifest", f"{where} has an unknown member {name!r}")


def check_names(where: str, given: Any) -> None:
    if not isinstance(given, dict):
        raise Wrong("bad-manifest", f"{where} is no map")
    for name in given:
        if not NAME.fullmatch(name):
            raise Wrong("bad-manifest", f"{where}: {name!r} is no name")


def check_params(where: str, params: Any, depth: int = 1) -> None:
    check_names(where, params)
    if depth > 4:
        raise Wrong("bad-manifest", f"{where} is nested too deep")
    for name, param in params.items():
        here = f"{where}.{name}"
        check_members(here, param, ("type", "required", "doc", "choices", "members"))
        if param.get("type") not in PARAM_TYPES:
            raise Wrong("bad-manifest", f"{here}: {param.get('type')!r} is no type")
        if not is_a(param.get("required", False), bool):
            raise Wrong("bad-manifest", f"{here}.required is true or false")
        choices = param.get("choices")
        if (param["type"] == "choice") != (choices is not None) or choices == []:
            raise Wrong("bad-manifest", f"{here}: a choice has choices, and nothing else has")
        if "members" in param:
            if param["type"] != "map":
                raise Wrong("bad-manifest", f"{here}: only a map has members")
            check_params(here, param["members"], depth + 1)


def check_fields(where: str, fields: Any) -> None:
    check_names(where, fields)
    for name, spec in fields.items():
        check_members(f"{where}.{name}", spec, ("type", "doc"))
        if spec.get("type") not in FIELD_TYPES:
            raise Wrong("bad-manifest", f"{where}.{name}: {spec.get('type')!r} is no type")


def fits(kind: str, value: Any) -> bool:
    """Whether a member of an event's data is as its field says."""
    if kind == "any" or value is None:
        return True
    if kind in ("timestamp", "date"):
        if not isinstance(value, str) or not (TIME if kind == "timestamp" else DAY).fullmatch(value):
            return False
        try:
            datetime.date.fromisoformat(value[:10])
        except ValueError:
            return False
        return True
    kinds = {"text": (str,), "bool": (bool,), "int": (int,), "number": (int, float),
             "list": (list,), "map": (dict,)}
    return any(is_a(value, k) for k in kinds[kind])


def check_data(event: Any, data: Any) -> None:
    if "fields" not in event:
        return
    if not isinstance(data, dict):
        raise Wrong("bad-emit", "the data is no object")
    for name, spec in event["fields"].items():
        if not fits(spec["type"], data.get(name)):
            raise Wrong("bad-emit", f"data.{name} is no {spec['type']}: {data[name]!r}")


def check_manifest(manifest: Any) -> None:
    check_members("manifest", manifest, ("version", "doc", "actions", "events"))
    for kind in ("actions", "events"):
        check_names(kind, manifest.get(kind, {}))
        if len(manifest.get(kind, {})) > 64:
            raise Wrong("bad-manifest", f"more than 64 {kind}")
    for name, action in manifest.get("actions", {}).items():
        where = f"actions.{name}"
        check_members(where, action, ("doc", "params", "result", "after_doubt", "timeout"))
        check_params(f"{where}.params", action.get("params", {}))
        check_fields(f"{where}.result", action.get("result", {}))
        if action.get("after_doubt", "repeat") not in ("repeat", "park"):
            raise Wrong("bad-manifest", f"{where}.after_doubt is repeat or park")
        timeout = action.get("timeout", 30000)
        if not is_a(timeout, int) or not 100 <= timeout <= 86400000:
            raise Wrong("bad-manifest", f"{where}.timeout is 100 to 86400000")
    for name, event in manifest.get("events", {}).items():
        check_members(f"events.{name}", event, ("doc", "fields", "example"))
        check_fields(f"events.{name}.fields", event.get("fields", {}))


def is_pattern(pattern: Any) -> bool:
    if not isinstance(pattern, str) or not pattern:
        return False
    segments = pattern.split(".")
    return all(s and ("*" not in s or s == "*" or (s == "**" and i == len(segments) - 1))
               for i, s in enumerate(segments))


def matches(pattern: str, event_type: str) -> bool:
    mine, theirs = pattern.split("."), event_type.split(".")
    if mine[-1] == "**":
        mine, theirs = mine[:-1], theirs[:len(mine) - 1]
    return len(mine) == len(theirs) and all(map(fnmatch.fnmatchcase, theirs, mine))


# ---- The engine. ----


class Engine:
    """One plugin's engine. `name` is the only one in its tappet.yaml."""

    AUTO = frozenset({"HELLO", "EMIT", "SUBSCRIBE", "UNSUBSCRIBE", "ACK", "BYE"})

    def __init__(self, name: str, *, sessions: Optional[str] = None, heartbeat: int = 1000,
                 emits: int = 256, auto: Iterable[str] = (), patience: float = PATIENCE,
                 curve: Optional[tuple[bytes, bytes]] = None):
        self.name, self.heartbeat, self.emits, self.patience = name, heartbeat, emits, patience
        self.auto = frozenset(auto)
        self.directory = tempfile.mkdtemp(prefix="tappet-testkit-")
        self.sessions = sessions or f"ipc://{self.directory}/sessions.sock"
        self.curve = curve                    # public and secret key of the engine, Z85
        self.log: list[tuple[int, bytes]] = []  # (seq, CloudEvent), in order of seq
        self.types: list[str] = []            # of the events in log
        self.cursors: dict[str, int] = {}     # on disk: the seq acknowledged
        self.emitted: dict[str, int] = {}     # id of an emit -> seq
        self.manifest: Any = None
        self.hello: Optional[Message] = None  # the last one
        self.mute = False                     # withholds heartbeats, its own and answers
        self.taken = 0                        # messages that were heard
        self.pings = self.pongs = 0           # of them
        self.welcomes = 0                     # sessions that have begun
        self.started: list[subprocess.Popen[bytes]] = []
        self.asked = 0
        self._forget()
        self._bind()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def close(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.wait()
        self.context.destroy(linger=0)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _bind(self) -> None:
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.ROUTER)
        self.socket.linger = 0
        self.socket.sndhwm = self.socket.rcvhwm = 0
        if self.curve:
            self.socket.curve_publickey, self.socket.curve_secretkey = self.curve
            self.socket.curve_server = True
        self.socket.bind(self.sessions)
        self.sessions = self.socket.get_string(zmq.LAST_ENDPOINT).rstrip("\0")

    def _forget(self) -> None:
        self.peer: Optional[bytes] = None     # whose session it is
        self.last: Optional[bytes] = None     # who spoke last
        self.told_peer: Optional[bytes] = None  # who was told that there is no session, when
        self.told_at = 0.0
        self.credit = 0                       # jobs that may be sent
        self.room = self.emits                # emits that may come
        self.jobs: dict[str, dict[str, Any]] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self.heard = self.told = time.monotonic()

    # ---- Processes. ----

    def start(self, command: Sequence[str], **more: Any) -> subprocess.Popen[bytes]:
        """Starts a plugin as the engine does: with the addresses in its environment."""
        env = dict(os.environ, TAPPET_SESSIONS=self.sessions, TAPPET_PLUGIN=self.name)
        env.update(more.pop("env", {}))
        process = subprocess.Popen(command, env=env, **more)
        self.started.append(process)
        return process

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()

    def finish(self, process: subprocess.Popen[bytes], code: int = 0) -> None:
        """SIGTERM; hears it out until it has ended, which is to be with this exit code."""
        process.send_signal(signal.SIGTERM)
        self.ended(process, code)

    def ended(self, process: subprocess.Popen[bytes], code: int = 0) -> None:
        auto, self.auto = self.auto, self.auto | self.AUTO
        self.serve(lambda: process.poll() is not None)
        self.auto = auto
        if process.returncode != code:
            raise Wrong("exit", f"the plugin ended with {process.returncode}, not {code}")

    # ---- Misbehaving. ----

    def forget(self) -> None:
        """The session ends without a word; the connection stays."""
        last = self.last
        self._forget()
        self.last = last

    def crash(self) -> None:
        """The engine is gone: what was sent to it is lost, nothing was said."""
        self.context.destroy(linger=0)  # returns when the address is free
        self._forget()

    def restart(self) -> None:
        """After a crash. What is durable is known still: log, cursors, emits."""
        if not self.socket.closed:
            self.crash()
        self._bind()

    def say_garbage(self, *frames: bytes) -> None:
        if self.last is None:
            raise Wrong("script", "nobody is there to hear it")
        self.socket.send_multipart([self.last, *frames])

    # ---- Saying. ----

    def say(self, verb: str, header: dict[str, Any], body: Any = None) -> None:
        """Sends a message as it is; a body of bytes is not changed."""
        peer = self.peer or self.last
        if peer is None:
            raise Wrong("script", f"nobody is there to hear {verb}")
        frames = [peer, verb.encode(), json.dumps(header, ensure_ascii=False).encode()]
        if isinstance(body, bytes):
            frames.append(body)
        elif body is not None:
            frames.append(json.dumps(body, ensure_ascii=False).encode())
        self.socket.send_multipart(frames)

    def error(self, code: str, message: str = "", fatal: bool = False, **more: Any) -> None:
        self.say("ERROR", {"code": code, "message": message or code, "fatal": fatal, **more})
        if fatal:
            self.forget()
            self.told_peer, self.told_at = self.last, time.monotonic()

    def welcome(self) -> Message:
        """Waits for HELLO and answers it."""
        hello = self.expect("HELLO")
        self.let_in()
        return hello

    def let_in(self) -> None:
        """Answers the last HELLO."""
        if self.hello is None:
            raise Wrong("script", "nobody has said HELLO")
        hello = self.hello
        self.forget()
        self.peer = self.last
        self.credit = hello.header.get("jobs", 0)
        self.welcomes += 1
        self.say("WELCOME", {"protocol": 1, "session": os.urandom(8).hex(), "engine": "testkit",
                             "heartbeat": self.heartbeat, "emits": self.emits})

    def job(self, action: str, params: Any, *, id: Optional[str] = None, key: str = "",
            attempt: int = 1, timeout: int = 30000, rule: str = "test") -> str:
        """Hands a job over; waits for credit when there is none."""
        while self.credit == 0:
            self.expect("CREDIT", "RESULT")
        if action not in self.manifest.get("actions", {}):
            raise Wrong("script", f"the manifest has no action {action!r}")
        self.asked += 1
        name = id or f"{self.asked}.1.{attempt}"
        header = {"id": name, "action": action, "key": key or f"key-{self.asked}",
                  "attempt": attempt, "timeout": timeout, "rule": rule,
                  "event": f"{self.asked:016x}"}
        self.credit -= 1
        self.jobs[name] = header
        self.say("JOB", header, params)
        return name

    def cancel(self, job: str) -> None:
        """Gives a job up: a RESULT of it is unknown from now on."""
        self.say("CANCEL", {"id": job})
        del self.jobs[job]

    def take_emit(self, emit: Message) -> int:
        """Answers an EMIT: once with an event, then with repeats of it."""
        repeat = emit["id"] in self.emitted
        if not repeat:
            self.emitted[emit["id"]] = self.append(f"plugin.{self.name}.{emit['type']}", emit.body)
        seq = self.emitted[emit["id"]]
        self.room += 1
        self.say("EMITTED", {"id": emit["id"], "event": f"{seq:016x}", "seq": seq,
                             "repeat": repeat, "emits": 1})
        return seq

    def take_ack(self, ack: Message) -> None:
        """Answers an ACK: what it acknowledges is on disk."""
        self.cursors[ack["cursor"]] = max(ack["seq"], self.cursors[ack["cursor"]])
        self.say("ACKED", {"cursor": ack["cursor"], "seq": ack["seq"]})
        self.give()

    def refuse_emit(self, emit: Message, code: str, **more: Any) -> None:
        self.room += 1
        self.error(code, about=emit["id"], emits=1, **more)

    def append(self, event_type: str, data: Any, seq: Optional[int] = None) -> int:
        """A new event of the log, given to subscriptions as they have room."""
        number = seq or (self.log[-1][0] + 1 if self.log else 1)
        text = json.dumps({"specversion": "1.0", "id": f"{number:016x}", "source": "/tappet/test",
                           "type": event_type, "time": "2026-11-22T10:00:00Z",
                           "datacontenttype": "application/json", "seq": number, "depth": 0,
                           "data": data}, ensure_ascii=False).encode()
        self.log.append((number, text))
        self.types.append(event_type)
        self.give()
        return number

    def give(self) -> None:
        """Sends what subscriptions have room for."""
        for name, sub in self.subscriptions.items():
            at = self._after(sub.sent)
            while len(sub.waiting) < sub.window and at < len(self.log):
                seq, text = self.log[at]
                if any(matches(pattern, self.types[at]) for pattern in sub.types):
                    self.say("EVENT", {"cursor": name, "seq": seq}, text)
                    sub.sent = seq
                    sub.waiting.append(seq)
                at += 1

    def _after(self, seq: int) -> int:
        low, high = 0, len(self.log)
        while low < high:
            middle = (low + high) // 2
            if self.log[middle][0] <= seq:
                low = middle + 1
            else:
                high = middle
        return low

    def gap(self, cursor: str, first: int, last: int) -> None:
        """Tells that retention was faster."""
        self.say("GAP", {"cursor": cursor, "from": first, "to": last})
        self.subscriptions[cursor].sent = last

    def stop(self, within: int = 10000) -> None:
        """The engine stops: its goodbye comes when no job is at work any more."""
        self.say("BYE", {"reason": "stopping", "within": within})
        while self.jobs:
            self.expect("RESULT")
        self.say("BYE", {"reason": "goodbye"})
        self.forget()

    # ---- Hearing. ----

    def expect(self, *verbs: str, **members: Any) -> Message:
        """The next message, which is to be one of these, with these members."""
        message = self.receive()
        if message.verb not in verbs:
            raise Wrong("unexpected", f"{message.verb} {message.header}, not {' or '.join(verbs)}")
        for name, value in members.items():
            if message.header.get(name) != value:
                raise Wrong("unexpected", f"{message.verb} {message.header}: {name} isn't {value!r}")
        return message

    def receive(self) -> Message:
        """The next message that the engine doesn't answer by itself."""
        found: list[Message] = []
        self._turn(lambda: bool(found), found)
        return found[0]

    def serve(self, until: Callable[[], bool]) -> None:
        """Answers by itself until something is so; nothing else may come."""
        found: list[Message] = []
        self._turn(until, found)
        if found:
            raise Wrong("unexpected", f"{found[0].verb} {found[0].header}")

    def _turn(self, until: Callable[[], bool], found: list[Message]) -> None:
        end = time.monotonic() + self.patience
        while not until() and not found:
            if time.monotonic() > end:
                raise Wrong("silence", f"nothing came for {self.patience:g} s")
            if self.socket.poll(5):
                peer, *frames = self.socket.recv_multipart()
                self._take(peer, frames, found)
            self._beat()

    def _beat(self) -> None:
        now = time.monotonic()
        if self.peer is None or self.mute or (now - max(self.heard, self.told)) * 1000 < self.heartbeat:
            return
        if (now - self.heard) * 1000 >= 3 * max(self.heartbeat, 1000):
            raise Wrong("not-heard", "three heartbeats of silence")
        self.told = now
        self.asked += 1
        self.say("PING", {"n": self.asked})

    def _take(self, peer: bytes, frames: list[bytes], found: list[Message]) -> None:
        if len(peer) != 5 or peer[0] != 0:
            raise Wrong("bad-frame", "the plugin has set a routing id")
        message = read(frames)
        self.taken += 1
        if message.verb != "HELLO" and peer != self.peer:
            self._hear_stranger(peer, message)
            return
        self.last, self.heard = peer, time.monotonic()
        self.pings += message.verb == "PING"
        self.pongs += message.verb == "PONG"
        if message.verb == "PING" and not self.mute:
            self.say("PONG", {"n": message["n"]})
        elif message.verb not in ("PING", "PONG"):
            getattr(self, "_on_" + message.verb.lower())(message)
            if message.verb in self.auto:
                self._answer(message)
            else:
                found.append(message)

    def _hear_stranger(self, peer: bytes, message: Message) -> None:
        """What was on its way when a session ended."""
        now = time.monotonic()
        lately = peer == self.told_peer and (now - self.told_at) * 1000 < self.heartbeat
        if message.verb in ("BYE", "PONG") or lately:
            return
        self.told_peer, self.told_at = peer, now
        if self.peer is None:
            self.last = peer
        self.socket.send_multipart([peer, b"ERROR", json.dumps(
            {"code": "hello-first", "message": "there is no session: say HELLO", "fatal": True,
             "about": message.verb}).encode()])

    def _answer(self, message: Message) -> None:
        if message.verb == "HELLO":
            self.let_in()
        elif message.verb == "EMIT":
            self.take_emit(message)
        elif message.verb == "SUBSCRIBE":
            sub = self.subscriptions[message["cursor"]]
            self.say("SUBSCRIBED", {"cursor": message["cursor"], "seq": sub.sent})
            self.give()
        elif message.verb == "ACK":
            self.take_ack(message)
        elif message.verb == "BYE":
            self.say("BYE", {"reason": "goodbye"})
            self.forget()

    # ---- What each verb may say. ----

    def _on_hello(self, hello: Message) -> None:
        self.told_peer = None
        if hello["protocol"] != 1:
            raise Wrong("protocol-version", str(hello["protocol"]))
        if hello["name"] != self.name:
            raise Wrong("name-unknown", hello["name"])
        if hello.header.get("jobs", 0) > JOBS_MOST:
            raise Wrong("flood", "more than 4096 jobs at once")
        if len(json.dumps(hello.body)) > 2 * MANIFEST_MOST:
            raise Wrong("too-large", "the manifest")
        check_manifest(hello.body)
        self.manifest, self.hello = hello.body, hello

    def _on_credit(self, credit: Message) -> None:
        self._add_credit(credit["jobs"])

    def _add_credit(self, jobs: int) -> None:
        self.credit += jobs
        if self.credit > JOBS_MOST:
            raise Wrong("flood", "more than 4096 jobs at once")

    def _on_progress(self, progress: Message) -> None:
        if progress["id"] not in self.jobs:
            raise Wrong("unknown-job", progress["id"])

    def _on_result(self, result: Message) -> None:
        self._add_credit(result.header.get("jobs", 0))
        if result["id"] not in self.jobs:
            raise Wrong("unknown-job", result["id"])
        del self.jobs[result["id"]]
        if result["fate"] not in FATES:
            raise Wrong("bad-result", f"fate {result['fate']!r}")
        if "after" in result.header and result["fate"] != "retry":
            raise Wrong("bad-result", "only a retry has \"after\"")

    def _on_emit(self, emit: Message) -> None:
        if self.room == 0:
            raise Wrong("flood", "more emits than credit")
        self.room -= 1
        if not 1 <= len(emit["id"].encode()) <= 128:
            raise Wrong("bad-emit", f"id {emit['id']!r}")
        if emit["type"] not in self.manifest.get("events", {}):
            raise Wrong("bad-emit", f"type {emit['type']!r} isn't in the manifest")
        if "time" in emit.header and not TIME.fullmatch(emit["time"]):
            raise Wrong("bad-emit", f"time {emit['time']!r}")
        check_data(self.manifest["events"][emit["type"]], emit.body)

    def _on_subscribe(self, subscribe: Message) -> None:
        name, begin = subscribe["cursor"], subscribe.header.get("from", "now")
        window = subscribe.header.get("window", 100)
        if not NAME.fullmatch(name) or name in self.subscriptions:
            raise Wrong("bad-subscribe", f"cursor {name!r}")
        if len(self.subscriptions) >= CURSORS_MOST or not 1 <= window <= WINDOW_MOST:
            raise Wrong("bad-subscribe", f"window {window}, or too many cursors")
        if not 1 <= len(subscribe["types"]) <= 64 or not all(map(is_pattern, subscribe["types"])):
            raise Wrong("bad-subscribe", f"types {subscribe['types']!r}")
        if isinstance(begin, str) and begin not in ("start", "now"):
            raise Wrong("bad-subscribe", f"from {begin!r}")
        last = self.log[-1][0] if self.log else 0
        begin = {"start": 0, "now": last}.get(begin, begin)
        self.subscriptions[name] = Subscription(subscribe["types"], window,
                                                self.cursors.setdefault(name, begin))

    def _on_unsubscribe(self, unsubscribe: Message) -> None:
        if self.subscriptions.pop(unsubscribe["cursor"], None) is None:
            raise Wrong("unknown-cursor", unsubscribe["cursor"])
        if unsubscribe.header.get("forget"):
            del self.cursors[unsubscribe["cursor"]]

    def _on_ack(self, ack: Message) -> None:
        sub = self.subscriptions.get(ack["cursor"])
        if sub is None or ack["seq"] > sub.sent:
            raise Wrong("unknown-cursor", f"{ack['cursor']}, seq {ack['seq']}")
        sub.waiting = [seq for seq in sub.waiting if seq > ack["seq"]]

    def _on_bye(self, _: Message) -> None:
        self.jobs.clear()
