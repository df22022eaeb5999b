# SPDX-License-Identifier: Apache-2.0
"""What the Python SDK alone has: the manifest from annotations, threads, background tasks."""
import asyncio
import logging
import os
import subprocess
import sys
import threading
import unittest
from datetime import datetime, timezone
from typing import Annotated, Literal, NotRequired, Optional, TypedDict

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
sys.path.insert(0, os.path.join(HERE, "..", "..", "testkit"))
from tappet_plugin import (Any, Choices, Date, Doc, Event, Id, Int, Job, List, Mail,  # noqa: E402
                           Plugin, Refused, Stopped, Text, Timestamp)
from tappet_plugin import _run  # noqa: E402
from tappet_testkit import Engine, check_manifest  # noqa: E402


class Address(TypedDict):
    city: Annotated[Text, Doc("Where to.")]
    zip: NotRequired[Text]


class Reserved(TypedDict):
    reservation: Annotated[Id, Doc("Its number.")]
    when: Timestamp
    many: Int


class Manifest(unittest.TestCase):
    def test_comes_from_annotations(self):
        plugin = Plugin("inventory", version="2", doc="Stock.")

        @plugin.action(after_doubt="park", timeout=5000)
        async def reserve(job: Job, sku: Text, count: Int = 1,
                          priority: Literal["low", "high"] = "low",
                          day: Annotated[Optional[Date], Doc("When.")] = None,
                          to: Optional[Address] = None, plain: float = 1.0,
                          one: Annotated[str, Choices("a", "b")] = "a", mail: Mail = "",
                          more: list[int] = [], rest: Any = None) -> Reserved:
            """Reserves some of
            an article.

            What follows isn't shown."""
            raise NotImplementedError

        plugin.event("low", {"sku": Text, "left": int, "tags": List}, example={"sku": "A"})
        check_manifest(plugin.manifest())
        self.assertEqual(plugin.manifest(), {
            "version": "2", "doc": "Stock.",
            "actions": {"reserve": {
                "doc": "Reserves some of an article.", "after_doubt": "park", "timeout": 5000,
                "params": {
                    "sku": {"type": "text", "required": True},
                    "count": {"type": "int"},
                    "priority": {"type": "choice", "choices": ["low", "high"]},
                    "day": {"type": "date", "doc": "When."},
                    "to": {"type": "map", "members": {
                        "city": {"type": "text", "doc": "Where to.", "required": True},
                        "zip": {"type": "text"}}},
                    "plain": {"type": "number"},
                    "one": {"type": "choice", "choices": ["a", "b"]},
                    "mail": {"type": "mail"},
                    "more": {"type": "list"},
                    "rest": {"type": "any"}},
                "result": {"reservation": {"type": "text", "doc": "Its number."},
                           "when": {"type": "timestamp"},
                           "many": {"type": "int"}}}},
            "events": {"low": {"fields": {"sku": {"type": "text"}, "left": {"type": "int"},
                                          "tags": {"type": "list"}},
                               "example": {"sku": "A"}}}})

    def test_what_it_doesnt_take(self):
        plugin = Plugin("p")

        async def untyped(job: Job, a) -> None: ...
        async def many(job: Job, *a: Text) -> None: ...
        async def odd(job: Job, a: set) -> None: ...
        async def jobless(a: Text, b: Text) -> None: ...
        async def bare() -> None: ...
        for call in (untyped, many, odd, jobless, bare):
            with self.assertRaises(TypeError):
                plugin.action()(call)
        async def fine(job: Job) -> None: ...
        for more in ({"name": "Reserve"}, {"after_doubt": "ask"}, {"timeout": 99}):
            with self.assertRaises(ValueError):
                plugin.action(**more)(fine)
        with self.assertRaises(ValueError):
            Plugin("p", jobs=5000)
        with self.assertRaises(ValueError):
            Plugin("No name")


class AtWork(unittest.TestCase):
    """A plugin in a thread of this process."""

    def setUp(self):
        logging.disable(logging.CRITICAL)
        self.addCleanup(logging.disable, logging.NOTSET)
        self.engine = Engine("mine")
        self.addCleanup(self.engine.close)
        self.plugin = Plugin("mine", sessions=self.engine.sessions, grace=0.1)
        self.plugin.event("low", {"left": Int})

    def begin(self):
        self.error = None

        async def run():
            self.loop = asyncio.get_running_loop()
            await self.plugin.main()

        def main():
            try:
                asyncio.run(run())
            except Exception as e:
                self.error = e

        self.thread = threading.Thread(target=main)
        self.thread.start()

    def ended(self):
        self.engine.auto = Engine.AUTO
        self.engine.serve(lambda: not self.thread.is_alive())
        self.thread.join()
        return self.error

    def end(self):
        self.loop.call_soon_threadsafe(self.plugin.stop)
        self.assertIsNone(self.ended())

    def test_a_plain_function_has_a_thread_and_keeps_its_place(self):
        gate = threading.Event()

        @self.plugin.action()
        def block(job: Job) -> str:
            gate.wait()
            return threading.current_thread().name

        self.begin()
        self.engine.welcome()
        self.engine.cancel(self.engine.job("block", {}, key="k"))
        again = self.engine.job("block", {}, key="k", attempt=2)
        self.engine.expect("CREDIT", jobs=1)
        gate.set()
        result = self.engine.expect("RESULT", id=again, fate="ok")
        self.assertNotEqual(result.body, self.thread.name)
        self.end()

    def test_what_an_action_emits_names_its_job(self):
        others = []

        @self.plugin.action()
        def threaded(job: Job) -> None:
            asyncio.run_coroutine_threadsafe(self.plugin.emit("low", {"left": 1}, id="a"),
                                             self.loop).result()

        @self.plugin.action()
        async def later(job: Job) -> None:
            others.append(asyncio.create_task(self.plugin.emit("low", {"left": 2}, id="b")))

        @self.plugin.action()
        async def keep(job: Job) -> None:
            others.append(job)

        @self.plugin.background
        async def outside() -> None:
            await self.plugin.emit("low", {"left": 3}, id="c")

        self.begin()
        self.engine.welcome()
        outside_ = self.engine.expect("EMIT", id="c")
        self.assertNotIn("job", outside_.header)
        self.engine.take_emit(outside_)
        job = self.engine.job("threaded", {})
        self.engine.take_emit(self.engine.expect("EMIT", id="a", job=job))
        self.engine.expect("RESULT", id=job, fate="ok")
        job = self.engine.job("later", {})
        heard = [self.engine.expect("EMIT", "RESULT") for _ in range(2)]
        emit = next(m for m in heard if m.verb == "EMIT")
        self.assertEqual((emit["id"], emit["job"]), ("b", job))
        self.engine.take_emit(emit)
        job = self.engine.job("keep", {})
        self.engine.expect("RESULT", id=job, fate="ok")
        said = asyncio.run_coroutine_threadsafe(
            self.plugin.emit("low", {"left": 4}, id="d", job=others[1]), self.loop)
        self.engine.take_emit(self.engine.expect("EMIT", id="d", job=job))
        said.result()
        self.end()

    def test_what_an_exception_says_stays_here(self):
        @self.plugin.action()
        async def fail(job: Job) -> None:
            raise ValueError("the password is hunter2")

        self.begin()
        self.engine.welcome()
        self.engine.job("fail", {})
        result = self.engine.expect("RESULT", fate="doubt")
        self.assertEqual(result["error"], "ValueError; the plugin's log has more")
        self.end()

    def test_a_result_that_cant_be_sent_is_in_doubt(self):
        @self.plugin.action()
        async def large(job: Job) -> str:
            return "x" * 1048577

        @self.plugin.action()
        async def odd(job: Job) -> object:
            return object()

        self.begin()
        self.engine.welcome()
        for action in ("large", "odd"):
            self.engine.job(action, {})
            self.engine.expect("RESULT", fate="doubt")
        self.end()

    def test_an_event_that_fails_comes_again(self):
        tries = []

        @self.plugin.subscribe("c", ["**"], start="start")
        async def on_event(event: Event) -> None:
            tries.append(event.seq)
            if len(tries) < 3:
                raise OSError("not yet")

        first, _run.AGAIN_FIRST = _run.AGAIN_FIRST, 0.01
        self.addCleanup(setattr, _run, "AGAIN_FIRST", first)
        self.engine.append("a", None)
        self.engine.append("b", None)
        self.engine.auto = {"SUBSCRIBE", "ACK"}
        self.begin()
        self.engine.welcome()
        self.engine.serve(lambda: self.engine.cursors.get("c") == 2)
        self.assertEqual(tries, [1, 1, 1, 2])
        self.end()

    def test_background_emits(self):
        answers = []

        @self.plugin.background
        async def watch() -> None:
            time = datetime(2026, 11, 22, 10, tzinfo=timezone.utc)
            answers.append(await self.plugin.emit("low", {"left": 1}, id="x", time=time))
            with self.assertRaises(ValueError):
                await self.plugin.emit("high", {})
            with self.assertRaises(ValueError):
                await self.plugin.emit("low", {}, time=datetime(2026, 1, 1))
            try:
                await self.plugin.emit("low", {"left": 0}, id="y")
            except asyncio.CancelledError:
                answers.append("stopped")
                raise

        self.begin()
        self.engine.welcome()
        emit = self.engine.expect("EMIT", id="x", time="2026-11-22T10:00:00.000Z")
        self.engine.take_emit(emit)
        self.engine.expect("EMIT", id="y")
        self.end()
        self.assertEqual((answers[0].seq, answers[0].repeat), (1, False))
        self.assertEqual(answers[1:], ["stopped"])
        with self.assertRaises(Stopped):
            asyncio.run(self.plugin.emit("low", {}))

    def test_ends_with_what_the_background_raises(self):
        @self.plugin.background
        async def watch() -> None:
            raise OSError("broken")

        self.begin()
        self.assertIsInstance(self.ended(), OSError)

    def test_ends_when_a_subscription_is_wrong(self):
        @self.plugin.subscribe("c", ["**"])
        async def on_event(event: Event) -> None: ...

        self.begin()
        self.engine.welcome()
        self.engine.expect("SUBSCRIBE")
        self.engine.error("bad-subscribe", about="c")
        self.assertIsInstance(self.ended(), Refused)


class Example(unittest.TestCase):
    def test_inventory(self):
        with Engine("inventory", auto={"EMIT", "SUBSCRIBE", "ACK"}) as engine:
            env = {"PYTHONPATH": os.path.join(HERE, "..")}
            process = engine.start([sys.executable, os.path.join(HERE, "..", "example",
                                                                 "inventory.py")],
                                   env=env, stderr=subprocess.DEVNULL)
            engine.welcome()
            for _ in range(2):  # the second one is a repeat
                job = engine.job("reserve", {"sku": "A-7", "count": 3}, key="one")
                self.assertEqual(engine.expect("RESULT", id=job, fate="ok").body, {"left": 2})
            self.assertEqual(list(engine.emitted), ["low-one"])
            engine.job("reserve", {"sku": "A-7", "count": 3})
            engine.expect("RESULT", fate="reject", error="there aren't that many")
            seq = engine.append("shop.delivery.came", {"sku": "A-7", "count": 10})
            engine.serve(lambda: engine.cursors.get("deliveries") == seq)
            engine.job("reserve", {"sku": "A-7", "count": 3})
            self.assertEqual(engine.expect("RESULT", fate="ok").body, {"left": 9})
            engine.finish(process)


if __name__ == "__main__":
    unittest.main()
