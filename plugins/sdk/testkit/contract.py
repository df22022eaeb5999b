# SPDX-License-Identifier: Apache-2.0
"""What every SDK does, whatever its language: tests of a plugin called "probe".

Each SDK has such a plugin, with the same actions (echo, fate, hold, open, emit, told), an
event (seen) and a subscription (probe, of test.**, from the start, window 10). A test module
of an SDK is

    class ContractOfMine(Contract, unittest.TestCase):
        command = ["path/of/probe"]
"""
from __future__ import annotations

import signal
import subprocess
from typing import TYPE_CHECKING, Any, ClassVar, Optional

import zmq

from tappet_testkit import Engine, Message

if TYPE_CHECKING:
    import unittest
    Base = unittest.TestCase
else:
    Base = object

JOBS = 4  # that the probe takes at once


class Contract(Base):
    command: ClassVar[list[str]]

    def begin(self, *, auto: Optional[set[str]] = None, welcome: bool = True,
              **more: Any) -> tuple[Engine, subprocess.Popen[bytes]]:
        """An engine, and the probe in a session with it."""
        engine = Engine("probe", auto={"SUBSCRIBE", "ACK"} if auto is None else auto, **more)
        self.addCleanup(engine.close)
        process = engine.start(self.command, stderr=subprocess.DEVNULL)
        if welcome:
            engine.welcome()
        return engine, process

    def answer(self, engine: Engine, action: str, params: Any, **more: Any) -> Any:
        """The result of a job that goes well."""
        job = engine.job(action, params, **more)
        return engine.expect("RESULT", id=job, fate="ok", jobs=1).body

    def outcome(self, engine: Engine, action: str, params: Any) -> Message:
        return engine.expect("RESULT", id=engine.job(action, params))

    # ---- Sessions. ----

    def test_says_what_it_offers(self) -> None:
        engine, process = self.begin(welcome=False)
        hello = engine.welcome()
        self.assertEqual(hello["jobs"], JOBS)
        self.assertEqual(set(hello.body["actions"]),
                         {"echo", "fate", "hold", "open", "emit", "told"})
        self.assertEqual(hello.body["actions"]["fate"]["after_doubt"], "park")
        self.assertEqual(hello.body["actions"]["fate"]["timeout"], 5000)
        self.assertTrue(hello.body["actions"]["hold"]["params"]["gate"]["required"])
        self.assertEqual(hello.body["events"]["seen"]["fields"], {"number": {"type": "int"}})
        engine.finish(process)

    def test_says_bye_and_ends_with_0(self) -> None:
        engine, process = self.begin()
        engine.serve(lambda: "probe" in engine.subscriptions)
        process.send_signal(signal.SIGTERM)
        engine.expect("BYE")
        engine.say("BYE", {"reason": "goodbye"})
        engine.ended(process)

    def test_ends_without_an_engine(self) -> None:
        engine, process = self.begin()
        engine.serve(lambda: "probe" in engine.subscriptions)
        engine.crash()
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(60), 0)

    def test_answers_heartbeats_and_asks(self) -> None:
        # On a busy machine either may take the other for gone: then it says HELLO again.
        engine, process = self.begin(heartbeat=50, auto=set(Engine.AUTO), welcome=False)
        engine.serve(lambda: engine.pings >= 1 and engine.pongs >= 1)
        engine.finish(process)

    def test_comes_back_when_nothing_is_heard(self) -> None:
        engine, process = self.begin(heartbeat=50)
        engine.mute = True
        engine.expect("HELLO")
        engine.mute, engine.heartbeat = False, 1000
        engine.let_in()
        self.assertEqual(self.answer(engine, "echo", {"value": 1})["value"], 1)
        engine.finish(process)

    def test_says_hello_again_when_told(self) -> None:
        engine, process = self.begin()
        for code in ("not-heard", "hello-first"):
            engine.error(code, fatal=True)
            engine.welcome()
        engine.finish(process)

    def test_comes_back_after_other_errors(self) -> None:
        engine, process = self.begin(welcome=False)
        for code in ("name-unknown", "name-taken", "not-trusted", "busy"):
            engine.expect("HELLO")
            engine.error(code, fatal=True)
        engine.welcome()
        engine.error("flood", fatal=True)
        engine.welcome()
        engine.finish(process)

    def test_gives_up_where_nothing_will_change(self) -> None:
        for code in ("bad-manifest", "protocol-version"):
            engine, process = self.begin(welcome=False)
            engine.expect("HELLO")
            engine.error(code, fatal=True)
            engine.ended(process, 1)

    def test_comes_back_to_a_new_engine(self) -> None:
        engine, process = self.begin()
        engine.serve(lambda: "probe" in engine.subscriptions)
        for _ in range(3):
            engine.crash()
            engine.restart()
            while engine.peer is None:
                engine.welcome()
            self.assertEqual(self.answer(engine, "echo", {"value": "x"})["value"], "x")
        engine.finish(process)

    def test_comes_back_after_goodbye(self) -> None:
        engine, process = self.begin()
        engine.stop()
        engine.expect("HELLO")
        engine.say("BYE", {"reason": "stopping"})
        engine.welcome()
        engine.finish(process)

    def test_survives_garbage(self) -> None:
        engine, process = self.begin()
        for frames in ((b"",), (b"JOB",), (b"JOB", b"{"), (b"JOB", b"[]"), (b"JOB", b"{}"),
                       (b"\xff\xfe", b"\xff"), (b"EVENT", b'{"cursor":7}', b"x"),
                       (b"JOB", b'{"id":1,"key":null,"action":[],"attempt":"a"}', b"{}"),
                       (b"JOB", b'{"id":"1","key":"k","action":"echo","attempt":1,"timeout":"1"}'),
                       (b"EVENT", b'{"cursor":"probe","seq":null}', b"{}"),
                       (b"GAP", b'{"cursor":"probe","from":"1","to":{}}'),
                       (b"ERROR", b'{"code":"busy","message":"","fatal":0,"about":[]}'),
                       (b"EMITTED", b'{"id":[]}'), (b"ERROR", b'{"code":1}'),
                       (b"PING", b"{}"), (b"WELCOME", b'{"heartbeat":"x"}')):
            engine.say_garbage(*frames)
            engine.forget()
            engine.welcome()
        engine.say_garbage(b"NEWS", b'{"of":"a later version"}', b"", b"", b"")
        self.assertEqual(self.answer(engine, "echo", {"value": 2})["value"], 2)
        engine.finish(process)

    def test_encrypts(self) -> None:
        ours, (public, secret) = zmq.curve_keypair(), zmq.curve_keypair()
        keys = {"TAPPET_SERVER_KEY": ours[0].decode(), "TAPPET_PUBLIC_KEY": public.decode(),
                "TAPPET_SECRET_KEY": secret.decode()}
        engine = Engine("probe", auto=Engine.AUTO, curve=ours)
        self.addCleanup(engine.close)
        process = engine.start(self.command, stderr=subprocess.DEVNULL, env=keys)
        engine.serve(lambda: engine.welcomes > 0)
        self.assertEqual(self.answer(engine, "echo", {"value": 1})["value"], 1)
        engine.finish(process)

    def test_refuses_half_a_key(self) -> None:
        engine = Engine("probe")
        self.addCleanup(engine.close)
        secret = "(" * 39
        process = engine.start(self.command, stderr=subprocess.PIPE,
                               env={"TAPPET_SECRET_KEY": secret})
        _, words = process.communicate()
        self.assertNotEqual(process.returncode, 0)
        self.assertNotIn(secret, words.decode())

    # ---- Jobs. ----

    def test_answers_jobs(self) -> None:
        engine, process = self.begin()
        values: list[Any] = [1, -1.5, True, None, "Grüße \u2028 \U0001f600", [1, {"a": []}],
                             {"b": {}}]
        for value in values:
            self.assertEqual(self.answer(engine, "echo", {"value": value}, attempt=3),
                             {"value": value, "attempt": 3})
        engine.finish(process)

    def test_knows_four_fates(self) -> None:
        engine, process = self.begin()
        job = engine.job("fate", {"fate": "retry", "after": 1500})
        self.assertEqual(engine.expect("RESULT", id=job, fate="retry", after=1500)["error"],
                         "later")
        for fate in ("reject", "doubt"):
            job = engine.job("fate", {"fate": fate})
            engine.expect("RESULT", id=job, fate=fate, error="as told", jobs=1)
        # Words that fill more than a header are cut, in one piece of text.
        result = self.outcome(engine, "fate", {"fate": "reject", "after": 20000})
        self.assertLessEqual(len(result["error"]), 1000)
        self.assertEqual(set(result["error"]), {"ü"})
        engine.finish(process)

    def test_gives_its_credit_back(self) -> None:
        engine, process = self.begin()
        for number in range(5 * JOBS):
            self.answer(engine, "echo", {"value": number})
        self.assertEqual(engine.credit, JOBS)
        engine.finish(process)

    def test_works_on_several_at_once(self) -> None:
        engine, process = self.begin()
        held = [engine.job("hold", {"gate": str(i)}) for i in range(JOBS - 1)]
        for job in held:
            engine.expect("PROGRESS", id=job)
        for i in reversed(range(JOBS - 1)):
            opener = engine.job("open", {"gate": str(i)})
            ended = {engine.expect("RESULT", fate="ok")["id"] for _ in range(2)}
            self.assertEqual(ended, {held[i], opener})
        engine.finish(process)

    def test_a_job_given_up_isnt_answered_and_makes_room(self) -> None:
        engine, process = self.begin()
        job = engine.job("hold", {"gate": "a"})
        engine.expect("PROGRESS", id=job)
        engine.cancel(job)
        engine.expect("CREDIT", jobs=1)
        self.assertEqual(engine.credit, JOBS)
        engine.finish(process)

    def test_the_same_key_is_the_same_job(self) -> None:
        engine, process = self.begin()
        job = engine.job("hold", {"gate": "a"}, key="k", id="one")
        engine.expect("PROGRESS", id=job)
        engine.error("not-heard", fatal=True)
        hello = engine.welcome()
        self.assertEqual(hello["jobs"], JOBS - 1)
        engine.job("hold", {"gate": "a"}, key="k", id="two", attempt=2)
        engine.expect("CREDIT", jobs=1)
        opener = engine.job("open", {"gate": "a"})
        ended = {engine.expect("RESULT", fate="ok")["id"] for _ in range(2)}
        self.assertEqual(ended, {"two", opener})
        engine.finish(process)

    def test_finishes_what_is_at_hand(self) -> None:
        engine, process = self.begin()
        job = engine.job("emit", {"id": "e", "data": {}})
        emit = engine.expect("EMIT")
        process.send_signal(signal.SIGTERM)
        while self.outcome(engine, "echo", {})["fate"] == "ok":
            pass
        engine.take_emit(emit)
        engine.expect("RESULT", id=job, fate="ok")
        engine.expect("BYE")
        engine.say("BYE", {"reason": "goodbye"})
        engine.ended(process)

    # ---- Emits. ----

    def test_emits(self) -> None:
        engine, process = self.begin(auto={"SUBSCRIBE", "ACK", "EMIT"})
        for repeat in (False, True):
            self.assertEqual(self.answer(engine, "emit", {"id": "e", "data": {"number": 7}}),
                             {"seq": 1, "repeat": repeat})
        self.assertEqual(engine.types, ["plugin.probe.seen"])
        self.assertIn(b'"number": 7', engine.log[0][1])
        engine.finish(process)

    def test_an_emit_names_its_job(self) -> None:
        engine, process = self.begin()
        for number in range(2):
            job = engine.job("emit", {"id": f"e{number}", "data": {}})
            emit = engine.expect("EMIT", job=job)
            engine.take_emit(emit)
            engine.expect("RESULT", id=job, fate="ok")
        engine.finish(process)

    def test_says_again_what_wasnt_answered(self) -> None:
        engine, process = self.begin()
        engine.job("emit", {"id": "e", "data": {}}, key="k", id="one")
        first = engine.expect("EMIT", id="e", type="seen", subject="a subject")
        engine.error("not-heard", fatal=True)
        engine.welcome()
        second = engine.expect("EMIT", id="e")
        self.assertEqual(first, second)
        engine.job("emit", {"id": "e", "data": {}}, key="k", id="two", attempt=2)
        engine.expect("CREDIT", jobs=1)
        engine.take_emit(second)
        self.assertEqual(engine.expect("RESULT", id="two").body, {"seq": 1, "repeat": False})
        engine.finish(process)

    def test_tells_why_an_emit_was_refused(self) -> None:
        engine, process = self.begin()
        job = engine.job("emit", {"id": "e", "data": {}})
        engine.refuse_emit(engine.expect("EMIT"), "bad-emit", message="no")
        self.assertEqual(engine.expect("RESULT", id=job).body, {"refused": "no"})
        engine.finish(process)

    def test_emits_again_when_the_engine_is_busy(self) -> None:
        engine, process = self.begin()
        job = engine.job("emit", {"id": "e", "data": {}})
        engine.refuse_emit(engine.expect("EMIT"), "busy", after=10)
        engine.take_emit(engine.expect("EMIT", id="e"))
        self.assertEqual(engine.expect("RESULT", id=job).body, {"seq": 1, "repeat": False})
        engine.finish(process)

    def test_emits_no_more_than_there_is_credit_for(self) -> None:
        engine, process = self.begin(emits=1)
        jobs = [engine.job("emit", {"id": f"e{i}", "data": {}}) for i in range(3)]
        while jobs:
            message = engine.expect("EMIT", "RESULT")
            if message.verb == "EMIT":
                engine.take_emit(message)
            else:
                jobs.remove(message["id"])
        engine.finish(process)

    # ---- Durable subscriptions. ----

    def told(self, engine: Engine) -> Any:
        return self.answer(engine, "told", {})

    def fill(self, engine: Engine, count: int) -> None:
        for number in range(count):
            engine.append("test.kind" if number % 3 else "other.kind", {"n": number})

    def until_acked(self, engine: Engine, seq: int) -> None:
        engine.serve(lambda: engine.cursors.get("probe") == seq)

    def test_reads_all_in_order(self) -> None:
        engine, process = self.begin(welcome=False)
        self.fill(engine, 100)
        engine.welcome()
        self.until_acked(engine, 99)
        self.assertEqual(self.told(engine)["seen"], [n + 1 for n in range(100) if n % 3])
        engine.append("test.later", None)
        self.until_acked(engine, 101)
        engine.finish(process)

    def test_reads_nothing_twice_when_sessions_end(self) -> None:
        engine, process = self.begin(auto={"SUBSCRIBE"}, welcome=False)
        self.fill(engine, 60)
        engine.welcome()
        lost = 0
        while engine.cursors.get("probe") != 60:
            ack = engine.expect("ACK")
            lost += 1
            if lost % 2:  # this ACK wasn't kept
                engine.error("not-heard", fatal=True)
                while engine.peer is None:
                    if engine.receive().verb == "HELLO":
                        engine.let_in()
            else:
                engine.take_ack(ack)
        engine.auto = frozenset({"SUBSCRIBE", "ACK"})
        self.assertEqual(self.told(engine)["seen"], [n + 1 for n in range(60) if n % 3])
        engine.finish(process)

    def test_reads_on_after_a_kill(self) -> None:
        engine, process = self.begin(welcome=False)
        self.fill(engine, 40)
        engine.welcome()
        self.until_acked(engine, 39)
        engine.kill(process)
        self.fill(engine, 9)
        process = engine.start(self.command, stderr=subprocess.DEVNULL)
        engine.expect("HELLO")
        engine.let_in()
        self.until_acked(engine, 49)
        self.assertEqual(self.told(engine)["seen"], [42, 43, 45, 46, 48, 49])
        engine.finish(process)

    def test_is_told_of_gaps(self) -> None:
        engine, process = self.begin()
        engine.serve(lambda: "probe" in engine.subscriptions)
        engine.gap("probe", 1, 20)
        self.until_acked(engine, 20)
        engine.append("test.kind", {}, seq=21)
        self.until_acked(engine, 21)
        self.assertEqual(self.told(engine), {"seen": [21], "gaps": [[1, 20]]})
        engine.finish(process)

    def test_tells_a_busy_cursor_from_a_busy_emit(self) -> None:
        """Both may have one name; `emits` tells which it is."""
        engine, process = self.begin(auto={"ACK"})
        engine.expect("SUBSCRIBE", cursor="probe")
        engine.subscriptions.clear()
        job = engine.job("emit", {"id": "probe", "data": {}})
        emit = engine.expect("EMIT", id="probe")
        engine.error("busy", about="probe", after=10)
        engine.auto = frozenset({"SUBSCRIBE", "ACK"})
        self.fill(engine, 5)
        self.until_acked(engine, 5)
        engine.take_emit(emit)
        engine.expect("RESULT", id=job, fate="ok")
        engine.finish(process)

    def test_subscribes_again_when_the_engine_is_busy(self) -> None:
        engine, process = self.begin(auto={"ACK"})
        subscribe = engine.expect("SUBSCRIBE", cursor="probe")
        self.assertIn(subscribe["from"], ("start", 0))
        engine.subscriptions.clear()
        engine.error("busy", about="probe", after=10)
        engine.auto = frozenset({"SUBSCRIBE", "ACK"})
        self.fill(engine, 5)
        self.until_acked(engine, 5)
        engine.finish(process)
