# SPDX-License-Identifier: Apache-2.0
"""A plugin at work: sessions one after the other, and what lasts from one to the next.

    jobs at hand      go on when a session ends; the same key in the next session is the same job
    emits             are said again until they are answered
    subscriptions     begin again where they were acknowledged; what was done isn't done twice

All of it runs on one event loop.
"""
from __future__ import annotations

import asyncio
import collections
import random
from dataclasses import dataclass, field
from typing import Any, Awaitable, Callable, NamedTuple, Optional

from ._types import BadEmit, Doubt, Emitted, Event, Job, Refused, Reject, Retry, Stopped, at_work
from ._wire import BODY_MOST, HEADER_MOST, Message, Over, Wire, decode, encode, log

PAUSE_FIRST, PAUSE_MOST = 0.1, 5.0      # seconds before the next connection
AGAIN_FIRST, AGAIN_MOST = 1.0, 30.0     # before a handler that failed is called again

Action = Callable[[Job], Awaitable[Any]]
OnEvent = Callable[[Event], Awaitable[None]]
OnGap = Callable[[int, int], Awaitable[None]]


class Gap(NamedTuple):
    first: int
    last: int


@dataclass
class Subscription:
    cursor: str
    types: list[str]
    begin: str | int
    window: int
    on_event: OnEvent
    on_gap: Optional[OnGap] = None
    # (session, what waits); bounded by the window. Those of an earlier session come again.
    queue: asyncio.Queue[tuple[int, Event | Gap]] = field(default_factory=asyncio.Queue)
    open: bool = False
    busy: bool = False # the handler is at work
    done: int = -1     # seq of the last event that was handled
    said: int = -1     # the last one acknowledged in this session
    acked: int = -1    # the last one of which the engine said that it is on disk


@dataclass
class Emit:
    header: dict[str, Any]
    body: bytes
    answer: asyncio.Future[Emitted]


class Runner:
    def __init__(self, name: str, address: str, manifest: dict[str, Any],
                 actions: dict[str, Action], threaded: set[str],
                 subscriptions: list[Subscription], slots: int):
        self.name, self.slots, self.threaded = name, slots, threaded
        self.manifest = encode(manifest)
        self.actions, self.subscriptions = actions, subscriptions
        self.wire = Wire(address, self._take)
        self.session = 0                    # counts them
        self.jobs: dict[str, Job] = {}      # key -> at work, also those of earlier sessions
        self.owed = 0                       # credit that can't be said before WELCOME
        self.emits: dict[str, Emit] = {}    # id -> not answered
        self.to_say: collections.deque[str] = collections.deque()  # ids of those
        self.room = 0                       # emits that may be said
        self.stopping = False               # what is at hand is finished
        self.leaving = False                # BYE was said
        self.verbs: dict[str, Callable[[Message], None]] = {
            "WELCOME": self._welcome, "JOB": self._job, "CANCEL": self._cancel,
            "EMITTED": self._emitted, "SUBSCRIBED": self._subscribed, "EVENT": self._event,
            "GAP": self._event, "ACKED": self._acked, "ERROR": self._error,
        }

    # ---- Sessions. ----

    async def sessions(self) -> None:
        """One after the other, until it is cancelled or refused for good."""
        pause = PAUSE_FIRST
        while True:
            self.wire.open()
            try:
                await self._talk()
            finally:
                self.wire.close()
            if self.leaving:
                return
            pause = PAUSE_FIRST if self.wire.welcomed else min(2 * pause, PAUSE_MOST)
            await asyncio.sleep(pause * random.uniform(0.5, 1))

    async def _talk(self) -> None:
        while True:
            self.owed = 0
            hello = {"protocol": 1, "name": self.name,
                     "jobs": max(0, self.slots - len(self.jobs))}
            try:
                await self.wire.talk(hello, self.manifest)
            except Over as over:
                log.info("the session is over: %s", over)
                self._session_over()
                if not over.again:
                    return
            except BaseException:
                self._session_over()
                raise

    def _session_over(self) -> None:
        self.session += 1
        self.room = 0
        self.to_say = collections.deque(self.emits)
        for job in self.jobs.values():
            job._asked = False
        for sub in self.subscriptions:
            sub.open, sub.said = False, -1

    def _take(self, message: Message) -> None:
        known = self.verbs.get(message.verb)
        if known is not None:
            known(message)

    def _welcome(self, message: Message) -> None:
        log.info("session %s with %s", message.header.get("session"),
                 message.header.get("engine"))
        self.room = message.header["emits"]
        if self.owed > 0:
            self._credit(0)
        for sub in self.subscriptions:
            self._subscribe(sub)
        self._say_emits()

    def _error(self, message: Message) -> None:
        code, about = message.header["code"], message.header.get("about")
        # A cursor may have the same name.
        if "emits" in message.header and about in self.emits and code in ("bad-emit", "busy"):
            self._emit_refused(about, message.header)
            return
        if code == "bad-subscribe":
            raise Refused(code, f"{about}: {message.header['message']}")
        sub = next((s for s in self.subscriptions if s.cursor == about), None)
        if sub is not None and code == "busy":
            self._later(message.header, self._cursor_again, sub)
        elif code != "unknown-job":  # a result that came too late: nothing is to be done
            log.warning("the engine says %s about %s: %s", code, about,
                        message.header["message"])

    def _later(self, header: dict[str, Any], call: Callable[..., None], *args: Any) -> None:
        """In the same session, after the time that the engine named."""
        session = self.session

        def due() -> None:
            if session == self.session:
                call(*args)

        asyncio.get_running_loop().call_later(header.get("after", 1000) / 1000, due)

    # ---- Jobs. ----

    def _credit(self, more: int) -> None:
        self.owed += more
        if self.wire.in_session and self.owed > 0 and not self.stopping:
            self.wire.say("CREDIT", {"jobs": self.owed})
            self.owed = 0

    def _job(self, message: Message) -> None:
        header = message.header
        if self.stopping:
            self.wire.say("RESULT", {"id": header["id"], "fate": "retry",
                                     "error": "the plugin stops"})
            return
        old = self.jobs.get(header["key"])
        if old is not None:  # another attempt at what is still at work
            old.id, old.attempt, old.timeout = header["id"], header["attempt"], header["timeout"]
            old._asked = True
            self._credit(1)
            return
        job = Job(id=header["id"], action=header["action"], key=header["key"],
                  attempt=header["attempt"], timeout=header["timeout"],
                  rule=header.get("rule", ""), event=header.get("event", ""),
                  params=decode(message.body) or {}, _progress=self._progress)
        if not isinstance(job.params, dict):
            raise TypeError("parameters")
        self.jobs[job.key] = job
        job._task = asyncio.create_task(self._work(job))

    async def _progress(self, job: Job) -> None:
        if job._asked:
            self.wire.say("PROGRESS", {"id": job.id})
        await asyncio.sleep(0)  # a job that only computes lets heartbeats through here

    def _cancel(self, message: Message) -> None:
        for job in self.jobs.values():
            if job.id == message.header["id"] and job._asked and job._task is not None:
                job._asked = False
                # A thread can't be stopped. It keeps its place, and the next attempt finds it.
                if job.action not in self.threaded:
                    job._task.cancel()

    async def _work(self, job: Job) -> None:
        header, body = {"fate": "doubt"}, b""
        try:
            header, body = await self._outcome(job)
        finally:
            del self.jobs[job.key]
            if not job._asked:
                self._credit(1)
            elif not self.stopping:
                self.wire.say("RESULT", {"id": job.id, **header, "jobs": 1}, body)
            else:
                self.wire.say("RESULT", {"id": job.id, **header}, body)

    async def _outcome(self, job: Job) -> tuple[dict[str, Any], bytes]:
        """Header and body of the RESULT."""
        try:
            action = self.actions.get(job.action)
            if action is None:
                raise Reject(f"there is no action {job.action!r}")
            at_work.set(job)  # in this task alone, and in what it begins
            body = encode(await action(job))
            if len(body) > BODY_MOST:
                raise Doubt("the result has more than 1 MiB")
            return {"fate": "ok"}, body
        except Retry as e:
            more = {} if e.after is None else {"after": max(0, int(e.after * 1000))}
            return {"fate": "retry", "error": words_of(e), **more}, b""
        except Reject as e:
            return {"fate": "reject", "error": words_of(e)}, b""
        except Doubt as e:
            return {"fate": "doubt", "error": words_of(e)}, b""
        except Exception as e:  # what it says may be secret: it stays here
            log.exception("%s, attempt %d of %s", job.action, job.attempt, job.key)
            return {"fate": "doubt", "error": f"{type(e).__name__}; the plugin's log has more"}, b""

    # ---- Emits. ----

    async def emit(self, header: dict[str, Any], data: Any) -> Emitted:
        if self.stopping:
            raise Stopped("the plugin stops")
        known = self.emits.get(header["id"])
        if known is None:
            body = encode(data)
            if len(body) > BODY_MOST or len(encode(header)) > HEADER_MOST:
                raise BadEmit("an event has at most 1 MiB")
            known = Emit(header, body, asyncio.get_running_loop().create_future())
            # Who isn't there any more to hear of it need not be told.
            known.answer.add_done_callback(lambda f: f.cancelled() or f.exception())
            self.emits[header["id"]] = known
            self.to_say.append(header["id"])
            self._say_emits()
        return await asyncio.shield(known.answer)

    def _say_emits(self) -> None:
        while self.to_say and self.room > 0 and self.wire.in_session:
            emit = self.emits.get(self.to_say.popleft())
            if emit is not None:
                self.room -= 1
                self.wire.say("EMIT", emit.header, emit.body)

    def _emitted(self, message: Message) -> None:
        header = message.header
        self.room += header.get("emits", 0)
        emit = self.emits.pop(header["id"], None)
        if emit is not None:
            emit.answer.set_result(Emitted(header["event"], header["seq"], header["repeat"]))
        self._say_emits()

    def _emit_refused(self, name: str, header: dict[str, Any]) -> None:
        self.room += header.get("emits", 0)
        if header["code"] == "busy":
            self._later(header, self._emit_again, name)
        else:
            self.emits.pop(name).answer.set_exception(BadEmit(header["message"]))
        self._say_emits()

    def _emit_again(self, name: str) -> None:
        self.to_say.append(name)
        self._say_emits()

    # ---- Subscriptions. ----

    def _subscribe(self, sub: Subscription) -> None:
        self.wire.say("SUBSCRIBE", {"cursor": sub.cursor, "types": sub.types,
                                    "from": sub.begin, "window": sub.window})

    def _cursor_again(self, sub: Subscription) -> None:
        if not sub.open:
            self._subscribe(sub)
        elif sub.said > sub.acked:
            self.wire.say("ACK", {"cursor": sub.cursor, "seq": sub.said})

    def _find(self, message: Message) -> Subscription:
        for sub in self.subscriptions:
            if sub.cursor == message.header["cursor"]:
                return sub
        raise KeyError("cursor")

    def _subscribed(self, message: Message) -> None:
        sub = self._find(message)
        sub.open = True
        if message.header["seq"] < sub.acked:
            log.warning("%s: the engine's log is another one", sub.cursor)
            sub.done = -1
        sub.acked = message.header["seq"]

    def _event(self, message: Message) -> None:
        sub, header = self._find(message), message.header
        item: Event | Gap
        if message.verb == "GAP":
            item = Gap(header["from"], header["to"])
        else:
            item = Event(sub.cursor, header["seq"], decode(message.body))
            if not isinstance(item.cloudevent, dict):
                raise TypeError("event")
        sub.queue.put_nowait((self.session, item))

    def _acked(self, message: Message) -> None:
        sub = self._find(message)
        sub.acked = max(sub.acked, message.header["seq"])

    async def consume(self, sub: Subscription) -> None:
        """Handles the events of a subscription, one after the other."""
        unsaid = 0
        while not self.stopping:
            session, item = await sub.queue.get()
            if session != self.session or self.stopping:
                continue
            if isinstance(item, Gap):
                await self._gap(sub, item)
                if session == self.session:
                    self._ack(sub, item.last)
                    unsaid = 0
                continue
            if item.seq > sub.done:
                await self._until_done(sub, item)
                if sub.busy:
                    return
                sub.done = item.seq
            unsaid += 1
            if session == self.session and (sub.queue.empty() or unsaid >= sub.window // 4):
                self._ack(sub, item.seq)
                unsaid = 0

    def _ack(self, sub: Subscription, seq: int) -> None:
        sub.said = seq
        self.wire.say("ACK", {"cursor": sub.cursor, "seq": seq})

    async def _until_done(self, sub: Subscription, event: Event) -> None:
        """An event that can't be handled holds the later ones up: order is kept.

        `busy` afterwards: the plugin stops, and it isn't done.
        """
        pause, sub.busy = AGAIN_FIRST, True
        while not self.stopping:
            try:
                await sub.on_event(event)
                sub.busy = False
                return
            except Exception:
                log.exception("%s: event %d; again in %g s", sub.cursor, event.seq, pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, AGAIN_MOST)

    async def _gap(self, sub: Subscription, gap: Gap) -> None:
        log.warning("%s: retention has deleted the events %d to %d", sub.cursor, gap.first,
                    gap.last)
        if sub.on_gap is not None:
            await sub.on_gap(*gap)

    # ---- From beginning to end. ----

    async def run(self, stop: asyncio.Event, background: list[Callable[[], Awaitable[None]]],
                  grace: float) -> None:
        sessions = asyncio.create_task(self.sessions())
        consumers = [asyncio.create_task(self.consume(sub)) for sub in self.subscriptions]
        others = [asyncio.create_task(endless(call)) for call in background]
        stopped = asyncio.create_task(stop.wait())
        try:
            await first_of([sessions, stopped, *others, *consumers])
            await self._leave(others, consumers, sessions, grace)
        finally:
            await end([stopped, *others, *consumers, sessions])
            for emit in self.emits.values():
                if not emit.answer.done():
                    emit.answer.set_exception(Stopped("the plugin stops"))
            self.wire.end()

    async def _leave(self, others: list[asyncio.Task[None]], consumers: list[asyncio.Task[None]],
                     sessions: asyncio.Task[None], grace: float) -> None:
        """What is at hand is done, as long as it takes no longer than `grace`; then BYE."""
        self.stopping = True
        for task in others:
            task.cancel()
        at_hand: list[asyncio.Future[Any]] = [j._task for j in self.jobs.values() if j._task]
        at_hand += [c for c, sub in zip(consumers, self.subscriptions) if sub.busy]
        if self.wire.in_session:
            at_hand += [emit.answer for emit in self.emits.values()]
        if at_hand:
            await asyncio.wait(at_hand, timeout=grace)
        for job in self.jobs.values():
            job._asked = False
        await end([job._task for job in self.jobs.values() if job._task])
        self.leaving = True
        self.wire.say("BYE", {"reason": "stopping"})
        if self.wire.in_session:
            await asyncio.wait([sessions], timeout=self.wire.beat)


def words_of(e: Exception) -> str:
    return str(e)[:400]


async def endless(call: Callable[[], Awaitable[None]]) -> None:
    """A background task that returns has done its part; the plugin goes on."""
    await call()
    await asyncio.Event().wait()


async def first_of(tasks: list[asyncio.Task[Any]]) -> None:
    """Until one has ended; raises what it raised."""
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()


async def end(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
