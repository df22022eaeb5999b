#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plugins that do what they must not, against a real daemon over its real sockets.

    hostile.py TAPPET

Each test is a row of "What a plugin gets wrong" in plugins/PROTOCOL.md, and looks at the answer
and at the metric. All the time another plugin does its jobs (raw.py's Neighbour): after each test
it has done some more, in the session it began with.
"""
import json
import os
import socket
import sys
import unittest

import zmq

from raw import House, Neighbour, Raw, until

BINARY = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else ""
# MiB that the daemon's memory may grow by: 80 that one peer hasn't read, 64 that taps haven't, as
# much of small messages, 16 of a page of events, and what the batches at work take.
MOST = 256
MIB = 1 << 20


class Hostile(unittest.TestCase):
    """A daemon and its neighbour, for the classes below."""

    house: House
    good: Neighbour

    @classmethod
    def setUpClass(cls):
        cls.house = House(BINARY)
        cls.addClassCleanup(cls.house.close)
        cls.good = Neighbour(cls.house.directory, cls.house.daemon.port)
        cls.addClassCleanup(cls.good.end)
        until("the good plugin's jobs", lambda: cls.good.done > 0)

    def setUp(self):
        self.before = self.good.done
        self.peers = []

    def tearDown(self):
        """Whatever it was: the neighbour goes on, and the daemon is well."""
        for peer in self.peers:
            peer.close()
        until("the good plugin to go on", lambda: self.good.done > self.before)
        self.assertEqual(self.good.wrong, [])
        self.assertEqual(self.house.metric("sessions_total", plugin="good"), 1)
        self.assertEqual(self.house.daemon.alarms(), [])
        until("the bad plugin's end", lambda: self.probe() == 0)

    def probe(self):
        """Whether "bad" has a session still. One whose connection is gone ends when it is asked."""
        return self.house.metric("connected", plugin="bad")

    def raw(self, **options):
        peer = Raw(self.house.directory, **options)
        self.peers.append(peer)
        return peer

    def begin(self, **more):
        """A peer in a session of "bad"."""
        peer = self.raw()
        self.welcome_again(peer, **more)
        return peer

    def counts(self, name, by=1, **labels):
        """A context in which a counter grows by so much, no less and no more."""
        return Counts(self, name, by, labels)

    def fatal(self, peer, code, about=None):
        _, error, _ = peer.hear("ERROR")
        self.assertEqual((error["code"], error["fatal"]), (code, True), error)
        self.assertEqual(error.get("about"), about, error)
        return error

    def harmless(self, peer, code, about=None):
        _, error, _ = peer.hear("ERROR")
        self.assertEqual((error["code"], error["fatal"]), (code, False), error)
        self.assertEqual(error.get("about"), about, error)
        return error

    def error(self, code, by=1):
        return self.counts("errors_total", by, code=code)

    def job(self, peer, n=1):
        """(its event, the JOB's header)"""
        event = self.house.post("job", {"n": n})
        return event, peer.hear("JOB")[1]

    def ends(self, event, state):
        until(f"{state} of {event}", lambda: self.house.state(event) == state)

    def bounded(self, before):
        """The daemon's memory hasn't grown beyond what the bounds come to."""
        grown = self.house.memory() - before
        self.assertLess(grown, MOST)

    def forget(self, peer, names):
        for name in names:
            peer.say("UNSUBSCRIBE", {"cursor": name, "forget": True})
        peer.say("BYE", {})
        while peer.socket.recv_multipart()[0] != b"BYE":
            pass

    def welcome_again(self, peer, **more):
        """It may have to wait: its name has used up what a second has."""
        def look():
            peer.hello(**more)
            return peer.hear("WELCOME", "ERROR")[0] == "WELCOME"
        until("WELCOME", look)

    def fill(self, count):
        """So many events in the log of 1.4 KB; the last one's seq."""
        for i in range(count):
            self.house.post("fill", {"n": i, "pad": "x" * 1300})

    def deaf(self, cursors):
        """A session and a tap that have subscribed to all there is, and don't read it."""
        peer = self.raw(rcvhwm=1, rcvbuf=4096)
        self.welcome_again(peer, jobs=1000)
        tap = peer.tap = peer.context.socket(zmq.SUB)
        tap.linger, tap.rcvhwm, tap.rcvbuf = 0, 1, 4096
        tap.subscribe(b"")
        tap.connect(f"ipc://{self.house.directory}/tappet-events.sock")
        for i in range(cursors):
            peer.say("SUBSCRIBE", {"cursor": f"deaf{i}", "types": ["hook.fill"], "from": "start",
                                   "window": 10000})
        return peer

class Words(Hostile):
    """What is said wrongly."""

    # ---- HELLO. ----

    def test_unknown_version(self):
        peer = self.raw()
        for version in (0, 2, -1, 1 << 62):
            with self.error("protocol-version"):
                peer.hello(protocol=version)
                self.fatal(peer, "protocol-version", "HELLO")

    def test_unknown_name(self):
        peer = self.raw()
        for name in ("nobody", "", "../bad", "BAD", "bad\0", "x" * 5000):
            with self.error("name-unknown"):
                peer.hello(name=name)
                self.fatal(peer, "name-unknown", "HELLO")

    def test_a_name_twice(self):
        first, second = self.begin(), self.raw()
        for _ in range(3):
            with self.error("name-taken"):
                second.hello()
                while not second.socket.poll(0):
                    if first.socket.poll(10):  # it answers what it is asked
                        verb, header = first.socket.recv_multipart()
                        self.assertEqual(verb, b"PING")
                        first.frames(b"PONG", header)
                self.fatal(second, "name-taken", "HELLO")
        _, job = self.job(first)
        first.say("RESULT", {"id": job["id"], "fate": "ok"})

    def test_a_name_of_one_that_hangs(self):
        self.begin()
        second = self.raw()
        with self.counts("sessions_ended_total", plugin="bad", reason="replaced"):
            second.begin()

    def test_a_wrong_manifest(self):
        peer = self.raw()
        for body in (b"", b"{", [], {"actons": {}}, {"actions": {"a": {"timeout": 1}}},
                     {"events": {f"e{i}": {} for i in range(65)}}):
            with self.error("bad-manifest"):
                peer.hello(body=body)
                self.fatal(peer, "bad-manifest", "HELLO")
        with self.error("too-large"):
            peer.hello(body={"doc": "x" * (256 << 10)})
            self.fatal(peer, "too-large", "HELLO")

    def test_a_routing_id(self):
        with self.error("bad-frame"):
            peer = self.raw(identity=b"good")
            peer.hello()
            error = self.fatal(peer, "bad-frame")
        self.assertIn("routing id", error["message"])

    def test_no_hello(self):
        with self.error("hello-first"):
            peer = self.raw()
            for _ in range(100):  # it is told once
                peer.say("EMIT", {"id": "1", "type": "any"})
            self.fatal(peer, "hello-first", "EMIT")
            peer.begin()

    # ---- Frames. ----

    def test_garbage(self):
        peer = self.raw()
        deep = b'{"n":' + b"[" * 5000 + b"]" * 5000 + b"}"
        for frames in ((b"PING",), (b"PING", b'{"n":1}', b"", b""), (b"", b"PING", b'{"n":1}'),
                       (b"ping", b'{"n":1}'), (b"WELCOME", b"{}"), (b"\0\xff\xfe" * 1000, b"{}"),
                       (b"PING", b""), (b"PING", b"{"), (b"PING", b"[]"), (b"PING", b"null"),
                       (b"PING", b"{}"), (b"PING", b'{"n":"1"}'), (b"PING", b'{"n":1.5}'),
                       (b"PING", b'{"n":null}'), (b"PING", b'{"n":1e999}'), (b"PING", deep),
                       (b"PING", b'{"n":1,"x":"\xff\xfe"}'), (b"PING", b'{"n":1}{"n":1}'),
                       (b"CREDIT", b'{"jobs":-1}'), (b"EMIT", b'{"type":"any"}')):
            self.welcome_again(peer)
            with self.error("bad-frame"), \
                    self.counts("sessions_ended_total", plugin="bad", reason="error"):
                peer.frames(*frames)
                _, error, _ = peer.hear("ERROR")
                self.assertEqual((error["code"], error["fatal"]), ("bad-frame", True), frames)

    def test_many_frames(self):
        peer = self.begin()
        with self.error("bad-frame"):
            peer.frames(*([b"PING"] * 10000))
            self.fatal(peer, "bad-frame")

    def test_too_large(self):
        peer = self.raw()
        for header, body in ((b'{"n":1,"x":"' + b"x" * 16384 + b'"}', None), ({"n": 1}, b"x" * (MIB + 1))):
            peer.begin()
            with self.error("too-large"):
                peer.say("PING", header, body)
                self.fatal(peer, "too-large")

    def test_a_frame_beyond_all_bounds(self):
        peer = self.begin()
        with self.counts("sessions_ended_total", plugin="bad", reason="gone"):
            peer.say("EMIT", {"id": "1", "type": "any"}, b"x" * (2 * MIB + 1))
            until("its end", lambda: not self.probe())

    def test_no_zmtp(self):
        """Bytes that are no ZeroMQ, and connections that never say a word."""
        idle = []
        for words in (b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 64, b"\xff\0\0\0\0\0\0\0\1\x7f\3",
                      os.urandom(4096), b""):
            for path in ("tappet-plugins.sock", "tappet-events.sock"):
                one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                self.addCleanup(one.close)
                one.connect(os.path.join(self.house.directory, path))
                one.sendall(words)
                idle.append(one)
        self.begin().say("BYE", {})

    # ---- Jobs. ----

    def test_results_of_unknown_jobs(self):
        peer = self.begin()
        for verb, more in (("RESULT", {"fate": "ok"}), ("PROGRESS", {})):
            for name in ("", "1.1.1", "x" * 1000):
                with self.error("unknown-job"):
                    peer.say(verb, {"id": name, **more})
                    self.harmless(peer, "unknown-job", name[:128] or None)

    def test_answers_twice(self):
        peer = self.begin()
        event, job = self.job(peer)
        with self.error("unknown-job"), self.counts("jobs_total", plugin="bad", fate="ok"):
            for fate in ("ok", "reject"):
                peer.say("RESULT", {"id": job["id"], "fate": fate}, {})
            self.harmless(peer, "unknown-job", job["id"])
        self.ends(event, "DONE")

    def test_wrong_results(self):
        peer = self.begin()
        for header, body in (({"fate": "fine"}, None), ({"fate": "ok"}, b"{]")):
            event, job = self.job(peer)
            with self.error("bad-result"), self.counts("jobs_total", plugin="bad", fate="doubt"):
                peer.say("RESULT", {"id": job["id"], **header}, body)
                self.harmless(peer, "bad-result", job["id"])
            again = peer.hear("JOB")[1]  # in doubt: the same effect, once more
            self.assertEqual((again["key"], again["attempt"], again["event"]), (job["key"], 2, event))
            peer.say("RESULT", {"id": again["id"], "fate": "ok", "jobs": 2})
            self.ends(event, "DONE")

    def test_never_answers(self):
        peer = self.begin()
        event = self.house.post("hurry", {"n": 1, "pad": ""})
        job = peer.hear("JOB")[1]
        self.assertEqual(job["timeout"], 300)
        with self.counts("jobs_total", 3, plugin="bad", fate="doubt"):
            for attempt in (1, 2, 3):
                self.assertEqual(job["attempt"], attempt)
                self.assertRegex(job["key"], "^[0-9A-Za-z]{1,64}$")
                self.assertEqual(peer.hear("CANCEL")[1], {"id": job["id"]})
                if attempt < 3:
                    job = peer.hear("JOB")[1]
            self.ends(event, "DEAD")
        with self.error("unknown-job"):  # too late
            peer.say("RESULT", {"id": job["id"], "fate": "ok"})
            self.harmless(peer, "unknown-job", job["id"])

    def test_silence(self):
        """Jobs at hand, and not a word for three heartbeats."""
        peer = self.begin()
        event, job = self.job(peer)
        with self.error("not-heard"), self.counts("jobs_total", plugin="bad", fate="doubt"):
            until("its end", lambda: not self.probe())
        while peer.hear("PING", "ERROR")[0] != "ERROR":
            pass
        peer.begin()
        again = peer.hear("JOB")[1]
        self.assertEqual((again["key"], again["attempt"]), (job["key"], 2))
        peer.say("RESULT", {"id": again["id"], "fate": "ok"})
        self.ends(event, "DONE")

    # ---- Emits. ----

    def test_bad_emits(self):
        peer = self.begin()
        good = {"id": "1", "type": "low"}
        for header, body, about in (
                ({**good, "id": ""}, {}, None), ({**good, "id": "ä" * 65}, {}, "ä" * 64),
                ({**good, "type": ""}, {}, "1"), ({**good, "type": "lo"}, {}, "1"),
                ({**good, "type": "x" * 9999}, {}, "1"), ({**good, "time": "today"}, {}, "1"),
                ({**good, "time": "2026-02-30T00:00:00Z"}, {}, "1"),
                ({**good, "subject": "x" * 1025}, {}, "1"), (good, b"{]", "1"), (good, b"\xff", "1"),
                (good, b"[" * 100000 + b"]" * 100000, "1"), (good, None, "1"), (good, [], "1"),
                (good, {"n": "7"}, "1"), (good, {"n": 7.5}, "1"), (good, {"sku": 7}, "1")):
            with self.error("bad-emit"):
                peer.say("EMIT", header, body)
                self.assertEqual(self.harmless(peer, "bad-emit", about)["emits"], 1)
        with self.counts("emits_total", 2, plugin="bad"):
            peer.say("EMIT", good, {"n": 7, "sku": None, "more": ["kept"]})
            self.assertFalse(peer.hear("EMITTED")[1]["repeat"])
            peer.say("EMIT", good, {"n": 8})
            self.assertTrue(peer.hear("EMITTED")[1]["repeat"])

    # ---- Cursors. ----

    def test_bad_subscriptions(self):
        peer = self.begin()
        good = {"cursor": "a", "types": ["none.at.all"]}
        for more in ({"cursor": "A"}, {"cursor": ""}, {"types": []}, {"types": [7]}, {"types": ["a**"]},
                     {"types": ["x"] * 65}, {"from": "then"}, {"window": 0}, {"window": 10001}):
            with self.error("bad-subscribe"):
                peer.say("SUBSCRIBE", {**good, **more})
                self.harmless(peer, "bad-subscribe", {**good, **more}["cursor"] or None)
        for i in range(16):
            peer.say("SUBSCRIBE", {**good, "cursor": f"c{i}"})
            peer.hear("SUBSCRIBED")
        for name in ("c0", "c16"):
            with self.error("bad-subscribe"):
                peer.say("SUBSCRIBE", {**good, "cursor": name})
                self.harmless(peer, "bad-subscribe", name)
        for verb, header in (("ACK", {"cursor": "b", "seq": 1}), ("UNSUBSCRIBE", {"cursor": "b"}),
                             ("ACK", {"cursor": "c0", "seq": 1 << 60})):
            with self.error("unknown-cursor"):
                peer.say(verb, header)
                self.harmless(peer, "unknown-cursor", header["cursor"])
        self.forget(peer, [f"c{i}" for i in range(16)])

    # ---- Floods. ----

    def flood(self, peer, code, *frames, most=200000):
        """Says it again and again until it is told to stop, then some more. What it isn't told
        is bounded all the same."""
        memory = self.house.memory()
        with self.error(code):
            for _ in range(most):
                peer.frames(*frames)
                if peer.socket.poll(0) and b"ERROR" in (got := peer.socket.recv_multipart()) \
                        and json.loads(got[1])["fatal"]:
                    break
            else:
                self.fail("it was never told")
            self.assertEqual(json.loads(got[1])["code"], code)
        for _ in range(10000):
            peer.frames(*frames)
        self.bounded(memory)

    def test_floods(self):
        for frames in ((b"PING", b'{"n":1}'), (b"CREDIT", b'{"jobs":0}'),
                       (b"SUBSCRIBE", b'{"cursor":"","types":[]}'),
                       (b"RESULT", b'{"id":"x","fate":"ok"}'), (b"PROGRESS", b'{"id":"x"}'),
                       (b"EMIT", b'{"id":"x","type":"none"}')):
            with self.subTest(frames):
                peer = self.raw()
                self.welcome_again(peer)
                self.flood(peer, "flood", *frames)

    def test_emits_beyond_credit(self):
        peer = self.raw(sndhwm=100000)
        memory = self.house.memory()
        self.welcome_again(peer)
        with self.error("flood"):
            for i in range(3000):
                peer.say("EMIT", {"id": f"flood-{i}", "type": "any"}, b'"' + b"x" * 60000 + b'"')
            while True:
                _, header, _ = peer.hear("EMITTED", "ERROR")
                if header.get("fatal"):
                    break
            self.assertEqual(header["code"], "flood")
        self.bounded(memory)

    def test_too_much_credit(self):
        peer = self.raw()
        with self.error("flood"):
            peer.hello(jobs=4097)
            self.fatal(peer, "flood", "HELLO")
        peer.begin(jobs=4096)
        with self.error("flood"):
            peer.say("CREDIT", {"jobs": 1})
            self.fatal(peer, "flood", "jobs")

    def test_hellos(self):
        peer = self.raw()
        memory = self.house.memory()
        for _ in range(300):
            peer.hello(body={"doc": "x" * 2000, "version": "1", "events": {
                f"e{i}": {"doc": "x" * 2000} for i in range(60)}})
        while peer.hear("WELCOME", "ERROR")[1].get("code") != "flood":
            pass
        self.bounded(memory)


class Deaf(Hostile):
    """Those that don't read."""

    def test_subscribes_and_stops_reading(self):
        """It says that it is alive: so it has its session, and its cursor stands still."""
        self.fill(200)
        memory = self.house.memory()
        peer = self.deaf(1)
        until("its cursor", lambda: self.house.metric("cursor_lag", plugin="bad", cursor="deaf0") >= 200)
        until("more events", lambda: self.fill(50) or peer.alive() and self.house.metric(
            "cursor_lag", plugin="bad", cursor="deaf0") >= 2000)
        self.bounded(memory)
        seen = []
        while len(seen) < 1000:  # it reads again: nothing is missing
            verb, header, body = peer.hear("SUBSCRIBED", "EVENT")
            if verb == "EVENT":
                self.assertEqual(header["seq"], body["seq"])
                seen.append(header["seq"])
        fills = self.house.daemon.listed("events", "--type", "hook.fill")
        self.assertEqual(seen, sorted(e["seq"] for e in fills)[:1000])
        self.forget(peer, ["deaf0"])

    def test_never_reads_again(self):
        """More is said to it than waits for anybody: its session ends without a word."""
        self.fill(1200)
        memory = self.house.memory()
        with self.counts("sessions_ended_total", plugin="bad", reason="full"):
            peer = self.deaf(16)
            until("its end", lambda: peer.alive() and not self.probe())
        self.bounded(memory)
        peer.close()
        self.peers.remove(peer)
        peer = self.begin()
        self.forget(peer, [])

    def test_takes_jobs_and_stops_reading(self):
        peer = self.deaf(0)
        for n in range(20):
            self.house.post("job", {"n": n})
        until("its jobs", lambda: self.house.metric("jobs", plugin="bad") == 20)
        with self.counts("jobs_total", 20, plugin="bad", fate="doubt"), self.error("not-heard"):
            until("its end", lambda: not self.probe())
        peer = self.begin(jobs=20)
        for _ in range(20):
            job = peer.hear("JOB")[1]
            self.assertEqual(job["attempt"], 2)
            peer.say("RESULT", {"id": job["id"], "fate": "ok"})


class Heavy(Hostile):
    """Those that don't read what is large, with a log of their own."""

    def test_large_events_for_one_that_does_not_read(self):
        """Its cursor has 16 MiB of them, a tap 64."""
        memory = self.house.memory()
        peer = self.deaf(1)
        for i in range(400):
            self.house.post("fill", {"n": i, "pad": "x" * 1000000})
            peer.alive()
        self.bounded(memory)
        self.forget(peer, ["deaf0"])

    def test_lies_about_what_it_has_read(self):
        """It gives credit for jobs again and again, and never reads one."""
        peer = self.deaf(0)
        memory = self.house.memory()
        for i in range(300):
            self.house.post("hurry", {"n": i, "pad": "x" * (1 << 19)})
            peer.say("CREDIT", {"jobs": 3})
        until("their ends", lambda: peer.alive() and not self.house.daemon.listed(
            "runs", "--rule", "hurry", "--state", "PENDING,STARTED,WAITING"))
        self.bounded(memory)


class Counts:
    def __init__(self, test, name, by, labels):
        self.test, self.name, self.by, self.labels = test, name, by, labels

    def now(self):
        return self.test.house.metric(self.name, **self.labels)

    def __enter__(self):
        self.was = self.now()

    def __exit__(self, kind, *_):
        if kind is None:
            until(f"{self.name} {self.labels}", lambda: self.now() >= self.was + self.by)
            self.test.assertEqual(self.now(), self.was + self.by, (self.name, self.labels))


class Stopping(unittest.TestCase):
    """What is said while the engine stops is taken and answered as ever."""

    def test_stopping(self):
        house = House(BINARY)
        self.addCleanup(house.close)
        peer = Raw(house.directory)
        self.addCleanup(peer.close)
        peer.begin()
        peer.say("SUBSCRIBE", {"cursor": "audit", "types": ["hook.job"], "from": "start"})
        peer.hear("SUBSCRIBED")
        house.post("job", {"n": 1})
        heard = dict(peer.hear("JOB", "EVENT")[:2] for _ in range(2))
        house.daemon.signal(15)
        self.assertEqual(peer.hear("BYE")[1]["reason"], "stopping")
        peer.say("EMIT", {"id": "last", "type": "any"}, {"n": 1})
        self.assertFalse(peer.hear("EMITTED")[1]["repeat"])
        peer.say("ACK", {"cursor": "audit", "seq": heard["EVENT"]["seq"]})
        self.assertEqual(peer.hear("ACKED")[1]["seq"], heard["EVENT"]["seq"])
        peer.say("EMIT", {"id": "", "type": "any"})
        self.assertEqual(peer.hear("ERROR")[1]["code"], "bad-emit")
        peer.say("RESULT", {"id": heard["JOB"]["id"], "fate": "ok"})
        self.assertEqual(peer.hear("BYE")[1]["reason"], "goodbye")
        self.assertEqual(house.daemon.stop(), 0)
        house.daemon.start()
        peer.begin()
        peer.say("EMIT", {"id": "last", "type": "any"}, {"n": 1})
        self.assertTrue(peer.hear("EMITTED")[1]["repeat"])
        peer.say("SUBSCRIBE", {"cursor": "audit", "types": ["hook.job"]})
        self.assertEqual(peer.hear("SUBSCRIBED")[1]["seq"], heard["EVENT"]["seq"])


if __name__ == "__main__":
    unittest.main()
