#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every action of every connector is carried out by a scenario against the sandbox.

usage: tests/operations.py PATH-OF-TAPPET REPORT

REPORT is what tests/scenarios/run.py --operations wrote when it ran all scenarios. Prints a
table of operation, route and scenarios; an action without any has failed.
"""
import json
import subprocess
import sys

SHOWN = 3  # scenarios named per action


def main():
    tappet, report = sys.argv[1:]
    out = subprocess.run([tappet, "connectors", "--format", "json"], check=True,
                         capture_output=True, text=True).stdout
    actions = [a["name"] for line in out.splitlines() for a in json.loads(line)["actions"]]
    seen = {}
    with open(report, encoding="utf-8") as f:
        for line in f:
            row = json.loads(line)
            seen.setdefault(row["action"], []).append(row)
    print("| operation | route of the sandbox | scenarios |\n|---|---|---|")
    missing = 0
    for action in actions:
        rows = seen.get(action, [])
        routes = sorted({row["route"] for row in rows})
        names = sorted({row["scenario"] for row in rows})
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        print(f"| `{action}` | {', '.join(f'`{r}`' for r in routes) or '**none**'} | "
              f"{', '.join(names[:SHOWN]) or '**none**'}{more} |")
        missing += not rows
    print(f"{len(actions) - missing} passed, {missing} failed")
    return 1 if missing else 0


sys.exit(main())
