# SPDX-License-Identifier: Apache-2.0
"""Which actions a scenario has carried out, and by which routes of the sandbox.

A request carries its step's Idempotency-Key, which the store keeps with the attempt
and the sandbox with the request; so a step and a route are told to belong together.
What is no HTTP never comes to the sandbox: there the step alone has to do.
"""
import json

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def done_steps(daemon):
    """{action: id of a run with such a step that was done with a request}"""
    code, out, _ = daemon.command("runs", "--limit", "10000", "--format", "json")
    found = {}
    if code != 0:  # scenarios of stores that can't be opened end so
        return found
    for line in out.splitlines():
        run = json.loads(line)
        for step in run["steps"]:
            if step["state"] == "done" and any(a["fate"] == "ok" for a in step["attempts"]):
                found.setdefault(step["action"], run["id"])
    return found


def carried_out(daemon, sandbox):
    """One {action, route, status} for each action that was carried out and answered 2xx. To be
    called when the daemon has ended, and before the sandbox does."""
    steps = done_steps(daemon)
    if not steps:
        return []
    routes = {e["idempotency_key"]: e["route"] for e in sandbox.journal()
              if 200 <= e["status"] < 300}
    rows = []
    for action, run in steps.items():
        _, out, _ = daemon.command("runs", str(run), "--format", "json")
        for step in json.loads(out)["steps"]:
            good = [a for a in step["attempts"] if a["fate"] == "ok" and a["request"]]
            if step["action"] != action or step["state"] != "done" or not good:
                continue
            method = good[-1]["request"]["method"]
            route = routes.get(good[-1]["key"]) if method in METHODS else f"no HTTP: {method}"
            if route:
                rows.append({"action": action, "route": route, "status": good[-1]["status"]})
                break
    return rows
