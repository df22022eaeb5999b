# SPDX-License-Identifier: Apache-2.0
"""The plugin of testkit/contract.py, with this SDK. The same exists in C."""
import asyncio
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tappet_plugin import (Any, BadEmit, Doubt, Event, Id, Int, Job, Map, Plugin,  # noqa: E402
                           Reject, Retry, Text)

plugin = Plugin("probe", version="1", jobs=4)
plugin.event("seen", {"number": Int}, doc="For tests.")
gates: dict[str, asyncio.Event] = {}
seen: list[int] = []
gaps: list[list[int]] = []


@plugin.action()
async def echo(job: Job, value: Any = None) -> dict[str, Any]:
    """Gives back what it is given."""
    return {"value": value, "attempt": job.attempt}


@plugin.action(after_doubt="park", timeout=5000)
async def fate(job: Job, fate: Text, after: Int = 0) -> None:
    """Ends as it is told."""
    if fate == "retry":
        raise Retry("later", after=after / 1000)
    raise {"reject": Reject, "doubt": Doubt}[fate]("ü" * after or "as told")


@plugin.action()
async def hold(job: Job, gate: Id) -> dict[str, str]:
    """Is at work until the gate opens."""
    await job.progress()
    await gates.setdefault(gate, asyncio.Event()).wait()
    return {"gate": gate}


@plugin.action()
async def open(job: Job, gate: Id) -> None:
    """Opens a gate."""
    gates.setdefault(gate, asyncio.Event()).set()


@plugin.action()
async def emit(job: Job, id: Text, data: Map) -> dict[str, Any]:
    """Emits, and tells the answer."""
    try:
        emitted = await plugin.emit("seen", data, id=id, subject="a subject")
    except BadEmit as e:
        return {"refused": str(e)}
    return {"seq": emitted.seq, "repeat": emitted.repeat}


@plugin.action()
async def told(job: Job) -> dict[str, Any]:
    """What the subscription brought."""
    return {"seen": seen, "gaps": gaps}


async def on_gap(first: int, last: int) -> None:
    gaps.append([first, last])


@plugin.subscribe("probe", ["test.**"], start="start", window=10, on_gap=on_gap)
async def on_event(event: Event) -> None:
    assert event.type.startswith("test.")
    seen.append(event.seq)


plugin.run()
