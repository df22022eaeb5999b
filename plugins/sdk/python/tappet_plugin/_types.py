# SPDX-License-Identifier: Apache-2.0
"""What plugins are given, and what they raise."""
from __future__ import annotations

import asyncio
import contextvars
from dataclasses import dataclass, field
from typing import Any, Awaitable, Callable, Optional


class PluginError(Exception):
    """Whatever this package raises."""


class Retry(PluginError):
    """Raised by an action: not now, nothing has happened. `after`: seconds."""

    def __init__(self, error: str = "", after: Optional[float] = None):
        super().__init__(error)
        self.after = after


class Reject(PluginError):
    """Raised by an action: never, nothing has happened."""


class Doubt(PluginError):
    """Raised by an action: it may have happened."""


class BadEmit(PluginError):
    """The engine doesn't take this event; the message says why."""


class Stopped(PluginError):
    """The plugin stops; it isn't known whether the engine has the event."""


class Refused(PluginError):
    """The engine won't ever let this plugin in as it is; `code` as in PROTOCOL.md."""

    def __init__(self, code: str, message: str):
        super().__init__(f"{code}: {message}")
        self.code = code


@dataclass(frozen=True)
class Emitted:
    """The answer to an emit: it is on disk."""

    event: str
    seq: int
    repeat: bool


@dataclass(frozen=True)
class Event:
    """An event of a durable subscription."""

    cursor: str
    seq: int
    cloudevent: dict[str, Any]  # all of it

    @property
    def id(self) -> str:
        return str(self.cloudevent["id"])

    @property
    def type(self) -> str:
        return str(self.cloudevent["type"])

    @property
    def subject(self) -> Optional[str]:
        return self.cloudevent.get("subject")

    @property
    def data(self) -> Any:
        return self.cloudevent.get("data")


@dataclass
class Job:
    """A job at hand. `key` is the same for every attempt at the same effect.

    When a session ends, the job comes again in the next one, with the same key. Where it is
    still at work then, it goes on: `id` and `attempt` become the new attempt's.
    """

    id: str
    action: str
    key: str
    attempt: int
    timeout: int  # milliseconds
    rule: str
    event: str
    params: dict[str, Any]
    _progress: Callable[[Job], Awaitable[None]] = field(repr=False)
    _asked: bool = field(default=True, repr=False)  # somebody waits for the answer
    _task: Optional[asyncio.Task[None]] = field(default=None, repr=False)

    async def progress(self) -> None:
        """The job is still at work: its timeout begins anew."""
        await self._progress(self)


# The job that an action is called for; also in the threads and tasks that it begins.
at_work: contextvars.ContextVar[Optional[Job]] = contextvars.ContextVar("at_work", default=None)
