# SPDX-License-Identifier: Apache-2.0
"""The connection to the engine: a socket, messages, and whether the other side is alive.

One session at a time. `talk` says HELLO and hands on what comes until the session is over;
who calls it opens the next one. Nothing is kept here from one session to the next.
"""
from __future__ import annotations

import asyncio
import json
import logging
import os
from dataclasses import dataclass
from typing import Any, Callable, Optional

import zmq
import zmq.asyncio

from ._types import Refused

log = logging.getLogger("tappet_plugin")

BODY_MOST = 1048576   # bytes of what a plugin may say
HEADER_MOST = 16384
FIRST_BEAT = 1.0      # seconds, until WELCOME says
AGAIN = ("hello-first", "not-heard")                  # say HELLO again at once
HOPELESS = ("bad-manifest", "protocol-version")       # nothing changes until the plugin does

# Verb of the engine -> the members that are read, all of them required; and others that are.
MEMBERS: dict[str, dict[str, type]] = {
    "ACKED": {"cursor": str, "seq": int},
    "BYE": {},
    "CANCEL": {"id": str},
    "EMITTED": {"id": str, "event": str, "seq": int, "repeat": bool},
    "ERROR": {"code": str, "message": str, "fatal": bool},
    "EVENT": {"cursor": str, "seq": int},
    "GAP": {"cursor": str, "from": int, "to": int},
    "JOB": {"id": str, "key": str, "action": str, "attempt": int, "timeout": int},
    "PING": {"n": int},
    "SUBSCRIBED": {"cursor": str, "seq": int},
    "WELCOME": {"heartbeat": int, "emits": int},
}
OPTIONAL: dict[str, dict[str, type]] = {
    "EMITTED": {"emits": int},
    "ERROR": {"about": str, "after": int, "emits": int},
    "JOB": {"rule": str, "event": str},
}


@dataclass(frozen=True)
class Message:
    verb: str
    header: dict[str, Any]
    body: bytes


class Over(Exception):
    """The session is over; `again` when HELLO may be said on the same socket."""

    def __init__(self, why: str, again: bool = False):
        super().__init__(why)
        self.again = again


def encode(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"),
                      allow_nan=False).encode()


def decode(text: bytes) -> Any:
    return json.loads(text) if text else None


def curve_keys() -> Optional[tuple[bytes, bytes, bytes]]:
    """Of the engine (public), ours (public), ours (secret); None: not encrypted."""
    names = ("TAPPET_SERVER_KEY", "TAPPET_PUBLIC_KEY", "TAPPET_SECRET_KEY")
    given = [os.environ.get(name, "") for name in names]
    if not any(given):
        return None
    for name, key in zip(names, given):
        if len(key) != 40:
            raise Refused("not-trusted", f"{name} is to have a key of 40 characters (Z85)")
    return given[0].encode(), given[1].encode(), given[2].encode()


def check(verb: str, header: dict[str, Any]) -> None:
    """Raises TypeError or KeyError when it isn't as PROTOCOL.md says."""
    for name, kind in MEMBERS.get(verb, {}).items():
        if type(header[name]) is not kind:
            raise TypeError(name)
    for name, kind in OPTIONAL.get(verb, {}).items():
        if name in header and type(header[name]) is not kind:
            raise TypeError(name)
    if verb == "WELCOME" and header["heartbeat"] < 1:
        raise ValueError("heartbeat")


class Wire:
    """`handle` is called with each message of a session but heartbeats, in order."""

    def __init__(self, address: str, handle: Callable[[Message], None]):
        self.address, self.handle = address, handle
        self.context = zmq.asyncio.Context()
        self.socket: Optional[zmq.asyncio.Socket] = None
        self.in_session = False
        self.welcomed = False   # since the socket was opened
        self.beat = FIRST_BEAT
        self.heard = 0.0
        self.pinged = False
        self.asked = 0

    def open(self) -> None:
        socket = self.context.socket(zmq.DEALER)
        socket.setsockopt(zmq.LINGER, 0)
        # What waits is bounded by credit and windows, on both sides.
        socket.setsockopt(zmq.SNDHWM, 0)
        socket.setsockopt(zmq.RCVHWM, 0)
        keys = curve_keys()
        if keys is not None:
            socket.setsockopt(zmq.CURVE_SERVERKEY, keys[0])
            socket.setsockopt(zmq.CURVE_PUBLICKEY, keys[1])
            socket.setsockopt(zmq.CURVE_SECRETKEY, keys[2])
        socket.connect(self.address)
        self.socket, self.welcomed, self.beat = socket, False, FIRST_BEAT

    def close(self, linger: int = 0) -> None:
        if self.socket is not None:
            self.socket.close(linger)
        self.socket, self.in_session = None, False

    def end(self) -> None:
        self.close()
        self.context.destroy(0)

    def say(self, verb: str, header: dict[str, Any], body: bytes = b"") -> None:
        """Nothing is said without a session: what matters is said again in the next."""
        if self.socket is None or not (self.in_session or verb == "HELLO"):
            return
        frames = [verb.encode(), encode(header)]
        if body:
            frames.append(body)
        self.socket.send_multipart(frames)  # without a high-water mark it is done at once

    async def talk(self, hello: dict[str, Any], manifest: bytes) -> None:
        """A session, from HELLO until it raises Over."""
        assert self.socket is not None
        loop = asyncio.get_running_loop()
        self.in_session, self.pinged, self.heard = False, False, loop.time()
        self.say("HELLO", hello, manifest)
        try:
            while True:
                wait = self._beat(loop.time())
                if await self.socket.poll(max(0, int(wait * 1000) + 1)):
                    self.heard, self.pinged = loop.time(), False
                    await self._drain()
                elif wait <= 0:
                    raise Over("nothing was heard for three heartbeats")
        finally:
            self.in_session = False

    async def _drain(self) -> None:
        """Some of what has come; not all, as others want their turn."""
        for _ in range(100):
            if self.socket is None or not int(self.socket.getsockopt(zmq.EVENTS)) & zmq.POLLIN:
                return
            frames = await self.socket.recv_multipart()
            self._take([bytes(frame) for frame in frames])

    def _beat(self, now: float) -> float:
        """Seconds until something is due; none are left when the engine is taken for gone."""
        silent = now - self.heard
        if not self.in_session or self.pinged:
            return 3 * self.beat - silent
        if silent >= self.beat:
            self.asked += 1
            self.pinged = True
            self.say("PING", {"n": self.asked})
            return 3 * self.beat - silent
        return self.beat - silent

    def _take(self, frames: list[bytes]) -> None:
        message = self._read(frames)
        try:
            check(message.verb, message.header)
            self._handle(message)
        except (KeyError, TypeError, ValueError) as e:
            raise Over(f"{message.verb} of the engine isn't as it should be ({e!r})") from e

    def _read(self, frames: list[bytes]) -> Message:
        try:
            header = decode(frames[1])
            message = Message(frames[0].decode("ascii"), header,
                              frames[2] if len(frames) > 2 else b"")
        except (IndexError, ValueError) as e:
            raise Over("what the engine says isn't the protocol") from e
        if not isinstance(header, dict):
            raise Over("what the engine says isn't the protocol")
        return message

    def _handle(self, message: Message) -> None:
        header = message.header
        if message.verb == "PING":
            self.say("PONG", {"n": header["n"]})
        elif message.verb == "ERROR" and header["fatal"]:
            self._fatal(str(header["code"]), str(header["message"]))
        elif message.verb == "BYE" and not (self.in_session and "within" in header):
            raise Over(f"the engine says goodbye ({header.get('reason', '')})")
        elif message.verb == "WELCOME":
            self.in_session = self.welcomed = True
            self.beat = header["heartbeat"] / 1000
            self.handle(message)
        elif self.in_session and message.verb != "PONG":
            self.handle(message)

    def _fatal(self, code: str, words: str) -> None:
        if code in HOPELESS:
            raise Refused(code, words)
        if code in AGAIN and not self.in_session:
            return  # about what was said before the HELLO that is under way
        raise Over(f"{code}: {words}", again=code in AGAIN)
