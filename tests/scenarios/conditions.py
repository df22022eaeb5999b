# SPDX-License-Identifier: Apache-2.0
"""What `expect` and `await` of *.flow files look at, see README.md.

A condition is a method see_NAME of Conditions that raises Failed while it isn't so.
Conditions only look: what is done is flow.py's.
"""
import base64
import json
import os
import re
import shlex
import time
from urllib.parse import quote

from world import Failed, until


def covers(actual, wanted):
    """True when actual has everything wanted has; lists and values must be equal."""
    if isinstance(wanted, dict):
        return isinstance(actual, dict) and all(
            key in actual and covers(actual[key], value) for key, value in wanted.items())
    return actual == wanted


def spellings(secret):
    """As it is, percent-encoded, and what base64 makes of it wherever it stands among other bytes;
    of a short one only what is no chance."""
    yield secret
    if quote(secret, safe="") != secret:
        yield quote(secret, safe="")
    for before in range(3):
        coded = base64.b64encode(bytes(before) + secret.encode()).decode()
        whole = coded[(before * 8 + 5) // 6:(before + len(secret.encode())) * 8 // 6]
        if len(whole) >= 8:
            yield whole


def dig(value, path):
    for part in path.split("."):
        if isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            value = value.get(part) if isinstance(value, dict) else None
    return value


def body_of(entry):
    try:
        return json.loads(entry["body"])
    except (ValueError, TypeError):
        return entry["body"]


def check_text(text, wanted, what):
    """wanted: any number of `contains X`, `lacks X`, `is X`, `lines N`."""
    words = list(wanted)
    while words:
        verb, word = words.pop(0), words.pop(0)
        lines = len(text.splitlines())
        good = {"contains": lambda: word in text, "lacks": lambda: word not in text,
                "is": lambda: text.strip() == word, "lines": lambda: lines == int(word)}[verb]()
        if not good:
            raise Failed(f"{what}: {verb} {word!r} is not so in:\n{text[-4000:]}")


class Conditions:
    """Of a scenario, which has: directory, daemon, sandbox, proxy, mail."""

    def step_expect(self, rest):
        self._see(rest)

    def step_await(self, rest):
        if rest.startswith("more "):
            return self._await_more(rest)

        def look():
            self._see(rest)
            return True
        return until(rest, look)

    def _see(self, rest):
        name, _, words = rest.partition(" ")
        see = getattr(self, "see_" + name, None)
        if see is None:
            raise Failed(f"there is no condition {name!r}")
        see(words)

    def _await_more(self, rest):
        """await more ROUTE N: N further requests, counted from now."""
        _, route, count = rest.split()
        entries = self.sandbox.journal()
        last = entries[-1]["n"] if entries else 0
        until(rest, lambda: len(self.sandbox.journal(route, last)) >= int(count))

    def _count(self, found, wanted, what):
        if len(found) != int(wanted):
            raise Failed(f"{what}: {len(found)}, not {wanted}:\n" +
                         "\n".join(json.dumps(f)[:600] for f in found[:20]))

    def see_sent(self, words):
        """sent WHERE N [status S]"""
        where, count, *status = words.split()
        found = self.sandbox.journal(where)
        if status:
            found = [e for e in found if e["status"] == int(status[1])]
        self._count(found, count, where)

    def see_body(self, words):
        """body WHERE I JSON: the I-th request's body has all of JSON"""
        where, index, wanted = words.split(None, 2)
        found = self.sandbox.journal(where)
        if len(found) < int(index):
            raise Failed(f"only {len(found)} requests")
        body = body_of(found[int(index) - 1])
        if not covers(body, json.loads(wanted)):
            raise Failed(f"the body is {json.dumps(body)}")

    def see_values(self, words):
        """values WHERE FIELD JSON: this field of all bodies, in order"""
        where, field, wanted = words.split(None, 2)
        values = [dig(body_of(e), field) for e in self.sandbox.journal(where)]
        if values != json.loads(wanted):
            raise Failed(f"they are {json.dumps(values)}")

    def see_keys(self, words):
        """keys WHERE N: N different Idempotency-Keys, and none missing"""
        where, count = words.split()
        keys = [e["idempotency_key"] for e in self.sandbox.journal(where)]
        if not all(keys) or len(set(keys)) != int(count):
            raise Failed(f"they are {keys}")

    def see_gap(self, words):
        """gap WHERE I J MS: at least MS between two requests"""
        where, one, other, least = words.split()
        found = self.sandbox.journal(where)
        gap = found[int(other) - 1]["at_ms"] - found[int(one) - 1]["at_ms"]
        if gap < int(least):
            raise Failed(f"it is {gap} ms")

    def see_spaced(self, words):
        """spaced WHERE I MS: from the I-th request on at least MS between any two"""
        where, first, least = words.split()
        found = self.sandbox.journal(where)[int(first) - 1:]
        gaps = [other["at_ms"] - one["at_ms"] for one, other in zip(found, found[1:])]
        if not gaps or min(gaps) < int(least):
            raise Failed(f"they are {gaps}")

    def see_pause(self, words):
        """pause WHERE STATUS MS: after a reply of this status, none for MS"""
        where, status, least = words.split()
        found = self.sandbox.journal(where)
        if not any(e["status"] == int(status) for e in found[:-1]):
            raise Failed("there is no such reply, or nothing after it")
        for one, other in zip(found, found[1:]):
            gap = other["at_ms"] - one["at_ms"]
            if one["status"] == int(status) and gap < int(least):
                raise Failed(f"once it was {gap} ms")

    def see_event(self, words):
        """event TYPE N [JSON]: N recorded events of this type, each with all of JSON"""
        kind, count, *wanted = words.split(None, 2)
        found = [e for e in self.daemon.listed("events") if e["type"] == kind]
        self._count(found, count, kind)
        for e in found:
            if wanted and not covers(e, json.loads(wanted[0])):
                raise Failed(json.dumps(e))

    def _runs(self, rule, state):
        return [r for r in self.daemon.listed("runs") if r["rule"] == rule and r["state"] == state]

    def see_run(self, words):
        """run RULE STATE N [JSON]"""
        rule, state, count, *wanted = words.split(None, 3)
        found = self._runs(rule, state)
        if len(found) != int(count):
            self._count([r for r in self.daemon.listed("runs") if r["rule"] == rule], -1,
                        f"{len(found)} {state}, not {count}; all runs of {rule}")
        for r in found:
            if wanted and not covers(r, json.loads(wanted[0])):
                raise Failed(json.dumps(r))

    def see_memory(self, words):
        """memory N: the daemon never had more than N MiB in memory."""
        with open(f"/proc/{self.daemon.process.child.pid}/status", encoding="ascii") as f:
            peak = int(re.search(r"^VmHWM:\s+(\d+) kB", f.read(), re.M)[1]) // 1024
        if peak > int(words):
            raise Failed(f"it had {peak} MiB in memory")

    def see_quiet(self, _):
        """quiet: no run is open"""
        found = [r for r in self.daemon.listed("runs")
                 if r["state"] in ("PENDING", "STARTED", "WAITING")]
        self._count(found, 0, "open runs")

    def see_idle(self, _):
        """idle: the daemon's threads hardly wake up in a second of this very test"""
        def switches():
            tasks = f"/proc/{self.daemon.process.child.pid}/task"
            total = 0
            for task in os.listdir(tasks):
                with open(f"{tasks}/{task}/status", encoding="ascii") as f:
                    total += sum(int(line.split()[1]) for line in f if "ctxt_switches" in line)
            return total
        before = switches()
        time.sleep(1)  # what is measured, not waited for
        if switches() - before > 50:
            raise Failed(f"woken up {switches() - before} times")

    def see_proxied(self, words):
        """proxied N [X]: N requests (with X in their line) came to the proxy"""
        count, *text = shlex.split(words)
        self._count([line for line in self.proxy.journal if not text or text[0] in line], count,
                    "proxied")

    def see_mailed(self, words):
        """mailed N [X]: the mail server took N messages (with X in them)"""
        count, *text = shlex.split(words)
        self._count([m for m in self.mail.letters if not text or text[0] in m], count, "mailed")

    def see_told(self, words):
        """told X N: the service manager was told the line X at least N times"""
        line, count = shlex.split(words)
        times = self.manager.said.count(line)
        if times < int(count):
            raise Failed(f"{times} times of {self.manager.said}")

    def see_offered(self, words):
        """offered N: N messages came to the mail server, those that it refused too"""
        self._count([None] * self.mail.offered, words, "offered")

    def see_log(self, words):
        text, *count = shlex.split(words)
        found = [line for line in self.daemon.log if text in line]
        if not found or (count and len(found) != int(count[0])):
            raise Failed(f"{len(found)} lines; the log ends\n" + "\n".join(self.daemon.log[-20:]))

    def see_no(self, words):
        """no log X"""
        text = shlex.split(words)[1]
        for line in self.daemon.log:
            if text in line:
                raise Failed("the log has " + line)

    def see_nowhere(self, words):
        """nowhere X: not in the log, any file of the daemon, nor what commands print"""
        for secret in spellings(shlex.split(words)[0]):
            self._nowhere(secret)

    def _nowhere(self, secret):
        for line in self.daemon.log:
            if secret in line:
                raise Failed("it is in the log: " + line)
        for name in os.listdir(self.directory):
            path = os.path.join(self.directory, name)
            if name.endswith((".yaml", ".secret")) or not os.path.isfile(path):
                continue
            with open(path, "rb") as f:
                if secret.encode() in f.read():
                    raise Failed(f"it is in {name}")
        for command in ("events", "runs", "sources", "dead list", "table list"):
            if secret in "".join(map(str, self.daemon.command(*command.split(), "--format",
                                                              "json"))):
                raise Failed(f"tappet {command} prints it")
