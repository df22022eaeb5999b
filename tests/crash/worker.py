# SPDX-License-Identifier: Apache-2.0
"""The plugin that plugins.py kills: it writes down what it does and sees, a line each.

  worker.py FILE

A line is one write to a file that is only appended to, so it outlives the process; it ends
with a dot, for a kill may cut it off. Of some jobs it brings an event in before it answers.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../../plugins/sdk/python"))
from tappet_plugin import Event, Int, Job, Plugin, Text  # noqa: E402

EACH = 20  # of so many jobs one emits

plugin = Plugin("worker", jobs=256)
plugin.event("seen", {"n": Int})
out = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def note(*words: object) -> None:
    os.write(out, (" ".join(map(str, words)) + " .\n").encode())


@plugin.action()
async def work(job: Job, part: Text, key: Text, n: Int) -> dict[str, int]:
    """Is done when it is written down."""
    note("job", job.key, part, key, n)
    if part == "a" and n % EACH == 0:
        await plugin.emit("seen", {"n": n}, id=f"seen-{n}")
    return {"n": n}


@plugin.subscribe("all", ["hook.*", "plugin.**"], start="start", window=1000)
async def on_event(event: Event) -> None:
    note("event", event.seq, event.type, event.data["n"])


if __name__ == "__main__":
    os.write(out, b"\n")  # what was cut off before is a line of its own
    note("begin")
    plugin.run()
