# SPDX-License-Identifier: Apache-2.0
"""An example: has some of each article, reserves them, tells when few are left.

In a rule:

    - inventory.reserve: { sku: "${data.sku}", count: 2 }

It keeps its stock in memory. What it has carried out is remembered by key, so that a repeat
is no second reservation.
"""
from typing import TypedDict

from tappet_plugin import Event, Int, Job, Plugin, Reject, Text

FEW = 3

plugin = Plugin("inventory", version="1.0", doc="Reserves stock.")
plugin.event("low", {"sku": Text, "left": Int}, doc="An article runs low.",
             example={"sku": "A-7", "left": 2})

stock = {"A-7": 5, "B-1": 100}


class Reserved(TypedDict):
    left: Int


done: dict[str, Reserved] = {}


@plugin.action()
async def reserve(job: Job, sku: Text, count: Int = 1) -> Reserved:
    """Reserves some of an article."""
    if job.key not in done:
        if stock.get(sku, 0) < count:
            raise Reject("there aren't that many")
        stock[sku] -= count
        done[job.key] = {"left": stock[sku]}
    if done[job.key]["left"] < FEW:  # the id says which event it is: a repeat brings the same one
        await plugin.emit("low", {"sku": sku, "left": done[job.key]["left"]},
                          id=f"low-{job.key}", subject=sku)
    return done[job.key]


@plugin.subscribe("deliveries", ["shop.delivery.*"], start="now")
async def on_delivery(event: Event) -> None:
    stock[event.data["sku"]] = stock.get(event.data["sku"], 0) + int(event.data["count"])


if __name__ == "__main__":
    plugin.run()
