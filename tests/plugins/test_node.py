#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The plugin node/plugin.mjs, which was written from PROTOCOL.md alone, against the scripted engine.

Needs node, npm and pyzmq. The package that the plugin imports is installed under build/npm/.
"""
from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
from collections import Counter
from typing import Any, Optional

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.path.insert(0, os.path.join(HERE, "..", "..", "plugins", "sdk", "testkit"))
import npm  # noqa: E402
from tappet_testkit import Engine, Message  # noqa: E402

JOBS = 8  # that it takes at once
Process = subprocess.Popen[bytes]


class Node(unittest.TestCase):
    plugin: str

    @classmethod
    def setUpClass(cls) -> None:
        # An import of Node's looks for packages beside the file: so there is a copy beside them.
        cls.plugin = shutil.copy(os.path.join(HERE, "node", "plugin.mjs"),
                                 npm.install("plugins/node"))

    def setUp(self) -> None:
        self.directory = tempfile.mkdtemp(prefix="tappet-node-")
        self.addCleanup(shutil.rmtree, self.directory)
        self.audit = os.path.join(self.directory, "audit.log")

    def engine(self, *, auto: Optional[set[str]] = None, **more: Any) -> Engine:
        more.setdefault("heartbeat", 60000)  # whoever is late by some seconds isn't gone
        engine = Engine("inventory", auto={"SUBSCRIBE", "ACK"} if auto is None else auto, **more)
        self.addCleanup(engine.close)
        return engine

    def start(self, engine: Engine) -> Process:
        return engine.start(["node", self.plugin], cwd=self.directory, stderr=subprocess.DEVNULL,
                            env={"INVENTORY_AUDIT": self.audit})

    def begin(self, **more: Any) -> tuple[Engine, Process]:
        """An engine, and the plugin in a session with it."""
        engine = self.engine(**more)
        process = self.start(engine)
        engine.welcome()
        return engine, process

    def gather(self, engine: Engine, count: int) -> dict[str, list[Message]]:
        """So many messages, in whatever order, by their verb."""
        found: dict[str, list[Message]] = {}
        for _ in range(count):
            message = engine.receive()
            found.setdefault(message.verb, []).append(message)
        return found

    def audited(self) -> list[int]:
        with open(self.audit, encoding="utf-8") as f:
            return [int(line.split()[0]) for line in f]

    # ---- Sessions. ----

    def test_is_welcomed_at_first_try(self) -> None:
        engine = self.engine()
        process = self.start(engine)
        hello = engine.welcome()
        self.assertEqual((hello["protocol"], hello["name"], hello["jobs"]), (1, "inventory", JOBS))
        self.assertEqual(set(hello.body["actions"]), {"reserve", "slow"})
        self.assertEqual(set(hello.body["events"]), {"low"})
        engine.serve(lambda: "audit" in engine.subscriptions)
        engine.finish(process)

    def test_connects_before_the_engine_is_there(self) -> None:
        engine = self.engine()
        engine.crash()
        process = self.start(engine)
        engine.restart()
        engine.welcome()
        engine.finish(process)

    def test_heartbeats_go_both_ways(self) -> None:
        engine, process = self.begin(heartbeat=50)
        engine.serve(lambda: engine.pings >= 2 and engine.pongs >= 2)
        engine.finish(process)

    def test_connects_anew_after_silence(self) -> None:
        engine, process = self.begin(heartbeat=50)
        engine.serve(lambda: "audit" in engine.subscriptions)
        before = engine.peer
        engine.mute = True
        engine.expect("HELLO")
        self.assertNotEqual(engine.last, before)
        engine.mute = False
        engine.let_in()
        job = engine.job("reserve", {"sku": "A"})
        engine.expect("RESULT", id=job, fate="ok")
        engine.finish(process)

    def test_says_hello_at_once_when_the_session_is_gone(self) -> None:
        engine, process = self.begin()
        before = engine.peer
        for code in ("not-heard", "hello-first"):
            engine.serve(lambda: "audit" in engine.subscriptions)
            engine.error(code, fatal=True)
            engine.welcome()
            self.assertEqual(engine.last, before)  # the same connection
        engine.finish(process)

    def test_tells_by_a_ping_that_the_session_was_forgotten(self) -> None:
        engine, process = self.begin(heartbeat=50)
        engine.serve(lambda: "audit" in engine.subscriptions)
        engine.forget()
        engine.welcome()
        engine.finish(process)

    def test_tries_again_what_may_pass(self) -> None:
        engine = self.engine()
        process = self.start(engine)
        for code in ("name-taken", "busy", "name-unknown", "not-trusted"):
            engine.expect("HELLO")
            engine.error(code, fatal=True, about="HELLO")
        engine.welcome()
        engine.finish(process)

    def test_gives_up_on_its_own_mistakes(self) -> None:
        for code in ("bad-manifest", "protocol-version", "bad-frame", "too-large", "flood"):
            engine = self.engine()
            process = self.start(engine)
            engine.expect("HELLO")
            engine.error(code, fatal=True)
            engine.ended(process, 1)

    def test_survives_what_it_cant_read(self) -> None:
        engine, process = self.begin()
        for frames in ((b"JOB",), (b"JOB", b"{"), (b"\xff", b"\xff"), (b"JOB", b"{}", b"{"),
                       (b"WELCOME", b'{"heartbeat":"x"}'), (b"toString", b"{}"), (b"JOB", b"[]")):
            engine.serve(lambda: "audit" in engine.subscriptions)
            engine.say_garbage(*frames)
            engine.error("not-heard", fatal=True)
            engine.welcome()
        engine.say("NEWS", {"of": "a later version"})
        job = engine.job("reserve", {"sku": "A"})
        engine.expect("RESULT", id=job, fate="ok")
        engine.finish(process)

    # ---- Jobs. ----

    def test_answers_jobs_and_gives_its_credit_back(self) -> None:
        engine, process = self.begin()
        for number in range(3 * JOBS):
            job = engine.job("reserve", {"sku": f"A-{number}", "count": 2})
            result = engine.expect("RESULT", id=job, fate="ok", jobs=1)
            self.assertEqual(result.body["left"], 8)
        job = engine.job("reserve", {"sku": "B", "count": 11})
        engine.expect("RESULT", id=job, fate="reject", jobs=1)
        self.assertEqual(engine.credit, JOBS)
        engine.finish(process)

    def test_the_same_key_has_its_effect_once(self) -> None:
        engine, process = self.begin()
        job = engine.job("reserve", {"sku": "A", "count": 2}, key="k")
        first = engine.expect("RESULT", id=job)
        engine.error("not-heard", fatal=True)
        engine.welcome()
        job = engine.job("reserve", {"sku": "A", "count": 2}, key="k", attempt=2)
        self.assertEqual(engine.expect("RESULT", id=job).body, first.body)
        job = engine.job("reserve", {"sku": "A", "count": 2}, key="l")
        self.assertEqual(engine.expect("RESULT", id=job).body["left"], 6)
        engine.finish(process)

    def test_says_that_it_is_at_work(self) -> None:
        engine, process = self.begin()
        job = engine.job("slow", {"steps": 3, "pause": 1})
        for _ in range(3):
            engine.expect("PROGRESS", id=job)
        self.assertEqual(engine.expect("RESULT", id=job, fate="ok").body, {"steps": 3})
        engine.finish(process)

    def test_works_on_several_at_once_and_stops_when_told(self) -> None:
        engine, process = self.begin()
        held = engine.job("slow", {"steps": 2, "pause": 3600000})
        job = engine.job("reserve", {"sku": "A"})
        engine.expect("RESULT", id=job)
        engine.cancel(held)
        engine.expect("CREDIT", jobs=1)
        self.assertEqual(engine.credit, JOBS)
        engine.finish(process)

    # ---- Emits. ----

    def low(self, engine: Engine) -> Message:
        """A job that makes an article run low: its EMIT."""
        engine.job("reserve", {"sku": "A", "count": 8}, key="k")
        found = self.gather(engine, 2)
        self.assertEqual(found["RESULT"][0]["fate"], "ok")
        return found["EMIT"][0]

    def test_emits_again_until_the_event_is_on_disk(self) -> None:
        engine, process = self.begin(heartbeat=200)
        emit = self.low(engine)
        self.assertEqual((emit["type"], emit["subject"], emit["job"], emit.body),
                         ("low", "A", "1.1.1", {"sku": "A", "left": 2}))
        for _ in range(2):
            engine.crash()
            engine.restart()
            again = engine.expect("HELLO", "EMIT")
            while again.verb == "HELLO":  # another may follow the first
                engine.let_in()
                again = engine.expect("HELLO", "EMIT")
            self.assertEqual(again, emit)
        engine.take_emit(again)
        engine.error("not-heard", fatal=True)
        engine.welcome()
        job = engine.job("reserve", {"sku": "B"})
        engine.expect("RESULT", id=job)  # and no EMIT before it
        self.assertEqual(engine.types, ["plugin.inventory.low"])
        engine.finish(process)

    def test_emits_no_more_than_there_is_credit_for(self) -> None:
        engine, process = self.begin(emits=1)
        for number in range(4):
            engine.job("reserve", {"sku": f"A-{number}", "count": 8})
        heard: Counter[str] = Counter()
        while heard != {"EMIT": 4, "RESULT": 4}:
            message = engine.expect("EMIT", "RESULT")
            heard[message.verb] += 1
            if message.verb == "EMIT":
                engine.take_emit(message)
        engine.serve(lambda: engine.cursors["audit"] == 4)
        self.assertEqual(self.audited(), [1, 2, 3, 4])  # its own events
        engine.finish(process)

    def test_emits_again_when_the_engine_is_busy_and_not_when_it_was_wrong(self) -> None:
        engine, process = self.begin(emits=1)
        engine.refuse_emit(self.low(engine), "busy", after=1)
        engine.refuse_emit(engine.expect("EMIT"), "bad-emit")
        engine.error("not-heard", fatal=True)
        engine.welcome()
        job = engine.job("reserve", {"sku": "B"})
        engine.expect("RESULT", id=job)
        engine.finish(process)

    # ---- The subscription. ----

    def fill(self, engine: Engine, count: int) -> None:
        for number in range(count):
            engine.append("shop.order.paid" if number % 3 else "other.kind", {"n": number})

    def test_reads_on_where_it_left_off(self) -> None:
        engine = self.engine()
        self.fill(engine, 150)
        process = self.start(engine)
        engine.welcome()
        engine.serve(lambda: engine.cursors.get("audit") == 150)
        engine.kill(process)
        self.fill(engine, 9)
        process = self.start(engine)
        engine.expect("HELLO")
        engine.let_in()
        engine.serve(lambda: engine.cursors["audit"] == 159)
        expected = [n + 1 for n in range(150) if n % 3] + [n + 151 for n in range(9) if n % 3]
        self.assertEqual(self.audited(), expected)
        engine.finish(process)

    def test_writes_nothing_twice_when_acks_are_lost(self) -> None:
        engine = self.engine(auto={"SUBSCRIBE"})
        self.fill(engine, 30)
        process = self.start(engine)
        engine.welcome()
        acks = 0
        while engine.cursors.get("audit") != 30:
            ack = engine.expect("ACK")
            acks += 1
            if acks % 2:
                engine.take_ack(ack)
                continue
            engine.error("not-heard", fatal=True)  # this one wasn't kept
            while engine.peer is None:
                if engine.receive().verb == "HELLO":
                    engine.let_in()
        self.assertEqual(self.audited(), [n + 1 for n in range(30) if n % 3])
        engine.finish(process)

    def test_resumes_across_a_restart_of_the_engine(self) -> None:
        engine, process = self.begin(heartbeat=200)
        self.fill(engine, 6)
        engine.serve(lambda: engine.cursors.get("audit") == 6)
        engine.crash()
        engine.restart()
        self.fill(engine, 6)
        engine.welcome()
        engine.auto |= {"HELLO"}  # another may follow the first
        engine.serve(lambda: engine.cursors["audit"] == 12)
        self.assertEqual(self.audited(), [2, 3, 5, 6, 8, 9, 11, 12])
        engine.finish(process)

    def test_subscribes_again_when_the_engine_is_busy(self) -> None:
        engine, process = self.begin(auto={"ACK"})
        engine.expect("SUBSCRIBE", cursor="audit")
        engine.subscriptions.clear()
        engine.auto = frozenset({"SUBSCRIBE", "ACK"})
        engine.error("busy", about="audit", after=1)
        self.fill(engine, 3)
        engine.serve(lambda: engine.cursors.get("audit") == 3)
        engine.finish(process)

    def test_acknowledges_again_when_the_engine_is_busy(self) -> None:
        engine, process = self.begin(auto={"SUBSCRIBE"})
        engine.serve(lambda: "audit" in engine.subscriptions)
        engine.append("shop.order.paid", {})
        engine.expect("ACK", cursor="audit", seq=1)
        engine.error("busy", about="audit", after=1)
        engine.take_ack(engine.expect("ACK", cursor="audit", seq=1))
        engine.finish(process)

    # ---- The end. ----

    def test_says_bye(self) -> None:
        engine, process = self.begin()
        engine.serve(lambda: "audit" in engine.subscriptions)
        process.send_signal(signal.SIGTERM)
        engine.expect("BYE", reason="stopping")
        engine.say("BYE", {"reason": "goodbye"})
        engine.ended(process)

    def test_finishes_what_is_at_hand(self) -> None:
        engine, process = self.begin()
        held = engine.job("slow", {"steps": 2, "pause": 100})
        emit = self.low(engine)
        process.send_signal(signal.SIGTERM)
        message = engine.receive()
        while message.verb == "PROGRESS":
            message = engine.receive()
        self.assertEqual((message.verb, message["id"]), ("RESULT", held))
        engine.take_emit(emit)
        engine.expect("BYE")
        engine.say("BYE", {"reason": "goodbye"})
        engine.ended(process)

    def test_ends_without_an_engine(self) -> None:
        engine, process = self.begin(heartbeat=50)
        engine.serve(lambda: "audit" in engine.subscriptions)
        engine.crash()
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(60), 0)

    def test_comes_back_when_the_engine_has_stopped(self) -> None:
        engine, process = self.begin()
        held = engine.job("slow", {"steps": 1, "pause": 1})
        engine.expect("PROGRESS", id=held)
        engine.stop()
        engine.expect("HELLO")
        engine.say("BYE", {"reason": "stopping"})
        engine.welcome()
        engine.finish(process)


if __name__ == "__main__":
    unittest.main()
