# SPDX-License-Identifier: Apache-2.0
"""The plugin as its author sees it: actions, events and subscriptions by decorator."""
from __future__ import annotations

import asyncio
import functools
import inspect
import logging
import os
import re
import signal
import sys
import uuid
from datetime import datetime, timezone
from typing import Any, Awaitable, Callable, Optional, TypeVar

from ._params import fields_of, params_of, result_of
from ._run import Action, OnEvent, OnGap, Runner, Subscription
from ._types import Emitted, Job, Refused, Stopped, at_work

Call = TypeVar("Call", bound=Callable[..., Any])
NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


def first_sentence(call: Callable[..., Any]) -> str:
    return (inspect.getdoc(call) or "").split("\n\n")[0].replace("\n", " ")


def check_name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name: lower-case letters, digits, _, a letter first")
    return name


def as_time(time: datetime) -> str:
    if time.tzinfo is None:
        raise ValueError("a time has a time zone")
    return time.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Plugin:
    """A plugin. `jobs`: how many it takes at once. `grace`: seconds for what is at hand when
    it is stopped. Name and address come from the environment when the engine has started it."""

    def __init__(self, name: str, *, version: str = "", doc: str = "", jobs: int = 8,
                 grace: float = 10.0, sessions: Optional[str] = None):
        if not 0 <= jobs <= 4096:
            raise ValueError("jobs is 0 to 4096")
        self.name = check_name(os.environ.get("TAPPET_PLUGIN") or name)
        self.address = sessions or os.environ.get("TAPPET_SESSIONS") or "ipc://tappet-plugins.sock"
        self.jobs, self.grace = jobs, grace
        self._about = {k: v for k, v in (("version", version), ("doc", doc)) if v}
        self._actions: dict[str, Action] = {}
        self._action_specs: dict[str, dict[str, Any]] = {}
        self._threaded: set[str] = set()
        self._events: dict[str, dict[str, Any]] = {}
        self._subscriptions: list[Subscription] = []
        self._background: list[Callable[[], Awaitable[None]]] = []
        self._runner: Optional[Runner] = None
        self._stop: Optional[asyncio.Event] = None

    # ---- What it offers. ----

    def action(self, name: Optional[str] = None, *, after_doubt: str = "repeat",
               timeout: int = 30000, doc: str = "",
               result: Optional[dict[str, Any]] = None) -> Callable[[Call], Call]:
        """An action that rules call. The function gets the Job, then the parameters.

        `timeout` is in milliseconds. A function that isn't async runs in a thread.
        """
        if after_doubt not in ("repeat", "park"):
            raise ValueError("after_doubt is repeat or park")
        if not 100 <= timeout <= 86400000:
            raise ValueError("timeout is 100 to 86400000 milliseconds")

        def add(call: Call) -> Call:
            word = check_name(name or call.__name__)
            spec: dict[str, Any] = {"params": params_of(call, word), "after_doubt": after_doubt,
                                    "timeout": timeout}
            fields = fields_of(result, word) if result is not None else result_of(call, word)
            if fields is not None:
                spec["result"] = fields
            if doc or first_sentence(call):
                spec["doc"] = doc or first_sentence(call)
            self._action_specs[word] = spec
            self._actions[word] = functools.partial(invoke, call)
            if not inspect.iscoroutinefunction(call):
                self._threaded.add(word)
            return call

        return add

    def event(self, name: str, fields: dict[str, Any], *, doc: str = "",
              example: Optional[dict[str, Any]] = None) -> None:
        """An event that it brings in."""
        spec: dict[str, Any] = {"fields": fields_of(fields, name)}
        if doc:
            spec["doc"] = doc
        if example is not None:
            spec["example"] = example
        self._events[check_name(name)] = spec

    def subscribe(self, cursor: str, types: list[str], *, start: str | int = "now",
                  window: int = 100, on_gap: Optional[OnGap] = None
                  ) -> Callable[[OnEvent], OnEvent]:
        """A durable subscription. An event is acknowledged when the function has returned.

        `start`: "start", "now" or a seq; it counts when the cursor is new. When the function
        raises, it is called again with the same event, after pauses that grow to 30 s.
        """
        def add(call: OnEvent) -> OnEvent:
            self._subscriptions.append(Subscription(check_name(cursor), types, start, window,
                                                    call, on_gap))
            return call

        return add

    def background(self, call: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        """Something to be done beside: a source's loop. Cancelled when the plugin stops; when
        it raises, the plugin ends with that."""
        self._background.append(call)
        return call

    def manifest(self) -> dict[str, Any]:
        return {**self._about, "actions": self._action_specs, "events": self._events}

    # ---- What it does. ----

    async def emit(self, type: str, data: Any = None, *, id: Optional[str] = None,
                   subject: Optional[str] = None, time: Optional[datetime] = None,
                   job: Optional[Job] = None) -> Emitted:
        """Brings an event in; returns when it is on disk, however long that takes.

        The same `id` is the same event. Without one it is new each time: then a plugin that is
        killed meanwhile, and emits again, has emitted two. `job` is the one that it came from;
        in an action, and in the tasks and threads (asyncio.to_thread) that it begins, that is
        known without. By it the engine ends loops.
        """
        if self._runner is None:
            raise Stopped("the plugin isn't running")
        header: dict[str, Any] = {"id": id or uuid.uuid4().hex, "type": type}
        if not 1 <= len(header["id"].encode()) <= 128:
            raise ValueError("an id has 1 to 128 bytes")
        if type not in self._events:
            raise ValueError(f"the plugin has no event {type!r}")
        if subject is not None:
            header["subject"] = subject
        if time is not None:
            header["time"] = as_time(time)
        job = job or at_work.get()
        if job is not None:
            header["job"] = job.id
        return await self._runner.emit(header, data)

    def stop(self) -> None:
        """As SIGTERM does. From the event loop's thread."""
        if self._stop is not None:
            self._stop.set()

    async def main(self) -> None:
        """Runs it in an event loop of the caller's, until `stop`."""
        self._stop = asyncio.Event()
        for sub in self._subscriptions:
            sub.queue = asyncio.Queue()
        self._runner = Runner(self.name, self.address, self.manifest(), self._actions,
                              self._threaded, self._subscriptions, self.jobs)
        try:
            await self._runner.run(self._stop, self._background, self.grace)
        finally:
            self._runner = None

    async def _main_with_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        await self.main()

    def run(self) -> None:
        """Runs it until SIGTERM or SIGINT; exits with 1 when the engine refuses it for good."""
        logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
        try:
            asyncio.run(self._main_with_signals())
        except Refused as e:
            sys.exit(f"{self.name}: refused: {e}")


async def invoke(call: Callable[..., Any], job: Job) -> Any:
    if inspect.iscoroutinefunction(call):
        return await call(job, **job.params)
    return await asyncio.to_thread(call, job, **job.params)
