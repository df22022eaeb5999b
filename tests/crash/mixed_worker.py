# SPDX-License-Identifier: Apache-2.0
"""The plugin of mixed.py: it writes down what it does, says and sees, a line each.

  mixed_worker.py FILE

A line is one write to a file that is only appended to, so it outlives the process; it ends
with a dot, for a kill may cut it off. What it said and wasn't acknowledged when it was killed
it says again, with the same id.
"""
import asyncio
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../../plugins/sdk/python"))
from tappet_plugin import Event, Id, Int, Job, Plugin, Text  # noqa: E402

TICK = 0.1  # s between events that no job asked for
EACH = 4  # of so many jobs one emits

plugin = Plugin("worker", jobs=64)
plugin.event("tick", {"name": Text})
plugin.event("seen", {"name": Text})
out = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def note(*words: object) -> None:
    os.write(out, (" ".join(map(str, words)) + " .\n").encode())


async def say(kind: str, name: str) -> None:
    """An event under its name, which is noted before it is said and when it is on disk."""
    note("says", kind, name)
    told = await plugin.emit(kind, {"name": name}, id=name)
    note("said", kind, name, told.event)


@plugin.action()
async def work(job: Job, key: Text, seq: Int, event: Id) -> dict[str, int]:
    """Is done when it is written down."""
    note("job", job.key, key, seq, event)
    if seq % EACH == 0:
        await say("seen", f"seen-{seq}")
    return {"seq": seq}


@plugin.subscribe("changes", ["http.**", "kantata.**", "hindsite.**"], start="start", window=200)
async def on_event(event: Event) -> None:
    data = event.data or {}
    note("event", event.seq, event.type, event.subject, data.get("v", data.get("title", "-")))


@plugin.background
async def tick() -> None:
    unsaid, count = unfinished()
    for name in unsaid:
        await say("tick", name)
    while True:
        count += 1
        await say("tick", f"tick-{count}")
        await asyncio.sleep(TICK)


def unfinished() -> tuple[list[str], int]:
    """Ticks that were begun and not acknowledged, and the number of the last."""
    said, begun = set(), {}
    with open(sys.argv[1], encoding="ascii") as f:
        for words in (line.split() for line in f):
            if words[:2] == ["says", "tick"] and words[-1] == ".":
                begun[words[2]] = int(words[2].split("-")[1])
            elif words[:2] == ["said", "tick"] and words[-1] == ".":
                said.add(words[2])
    return [name for name in begun if name not in said], max(begun.values(), default=0)


if __name__ == "__main__":
    os.write(out, b"\n")  # what was cut off before is a line of its own
    note("begin")
    plugin.run()
