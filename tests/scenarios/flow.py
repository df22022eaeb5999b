# SPDX-License-Identifier: Apache-2.0
"""The language of *.flow files: one step a line, see README.md.

A step is a method step_NAME of Flow; a condition that `expect` and `await`
understand is a method see_NAME of Conditions (conditions.py). Adding either is
adding a method (and a line to README.md).
"""
import base64
import gzip
import hashlib
import hmac
import json
import mmap
import os
import re
import shutil
import shlex
import shutil
import signal
import socket
import sqlite3
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from peers import MailServer, Manager, Proxy, TlsFront, make_authority  # noqa: E402
from conditions import Conditions, check_text, dig  # noqa: E402
from operations import carried_out  # noqa: E402
from world import Daemon, Failed, Sandbox, request, until  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PYTHON = "/usr/bin/python3"  # the one that Debian's python3-zmq is for

# Credentials of the sandbox; configurations refer to them as ${env:NAME}.
ENV = {
    "KANTATA_TOKEN": "kantata-token",
    "HINDSITE_ID": "hindsite-id",
    "HINDSITE_SECRET": "hindsite-secret",
    "HINDSITE_HOOK": "hindsite-hook-secret",
    "SLACK_TOKEN": "xoxb-sandbox-token",
    "BLUEWORKS_ID": "blueworks-id",
    "BLUEWORKS_SECRET": "blueworks-secret",
    "PAGERDUTY_KEY": "0123456789abcdef0123456789abcdef",
}

CONNECTIONS = {
    "sandbox": "  sandbox: { connector: http, base_url: @sandbox }\n",
    "kantata": """  kantata:
    connector: kantata
    base_url: @sandbox/api/v1
    token: "${env:KANTATA_TOKEN}"
    poll:
      workspaces: { every: %(every)s, full: %(full)s }
""",
    "kantata-fed": """  kantata:
    connector: kantata
    base_url: @sandbox/api/v1
    token: "${env:KANTATA_TOKEN}"
    poll:
      workspaces: { every: 20d, full: 30d }
      workspace_resources: { every: 20d, full: 30d }
      subscribed_events: { every: %(every)s, full: %(full)s }
""",
    "hindsite": """  hindsite:
    connector: hindsite
    base_url: @sandbox
    client_id: "${env:HINDSITE_ID}"
    client_secret: "${env:HINDSITE_SECRET}"
    webhook: { secret: "${env:HINDSITE_HOOK}" }
""",
    "hindsite-polled": """  hindsite:
    connector: hindsite
    base_url: @sandbox
    client_id: "${env:HINDSITE_ID}"
    client_secret: "${env:HINDSITE_SECRET}"
    webhook: { secret: "${env:HINDSITE_HOOK}" }
    poll:
      webhook_deliveries: { every: %(every)s }
""",
    "blueworks": """  blueworks:
    connector: blueworks
    base_url: @sandbox/blueworks
    client_id: "${env:BLUEWORKS_ID}"
    client_secret: "${env:BLUEWORKS_SECRET}"
    on_behalf_of: [kim@example.com, lee@example.com]
""",
    "blueworks-polled": """  blueworks:
    connector: blueworks
    base_url: @sandbox/blueworks
    client_id: "${env:BLUEWORKS_ID}"
    client_secret: "${env:BLUEWORKS_SECRET}"
    on_behalf_of: [kim@example.com, lee@example.com]
    poll:
      work: { every: %(every)s, full: %(full)s }
""",
    "slack": """  slack:
    connector: slack
    webhook_url: "${env:SLACK_URL}"
    allow_private: true
""",
    "email": """  email:
    connector: email
    url: "smtp://@mail"
    tls: none
    from: tappet@example.com
""",
    "slack_app": """  slack_app:
    connector: slack
    token: "${env:SLACK_TOKEN}"
    base_url: @sandbox/slack/api
""",
    "pagerduty": """  pagerduty:
    connector: pagerduty
    routing_key: "${env:PAGERDUTY_KEY}"
    base_url: @sandbox/pagerduty
""",
}

# Chat targets whose whole URL is the secret: the name, and where it is in the sandbox.
WEBHOOKS = {
    "teams": "/teams/workflows/w1/triggers/manual/paths/invoke?sig=sandbox-signature",
    "discord": "/discord/api/webhooks/1/sandbox-token",
    "google_chat": "/google_chat/v1/spaces/S1/messages?key=sandbox-key&token=sandbox-token",
}
for word in WEBHOOKS:
    CONNECTIONS[word] = f"""  {word}:
    connector: {word}
    webhook_url: "${{env:{word.upper()}_URL}}"
    allow_private: true
    rate: {{ per_second: 50, burst: 5 }}
"""


def scan_body(text):
    """A request's body at the start of text, as it is sent, and the rest of the line."""
    text = text.lstrip()
    if text.startswith(("{", "[", '"')):
        _, end = json.JSONDecoder().raw_decode(text)
        return text[:end], text[end:]
    if text.startswith("'"):
        end = text.index("'", 1)
        return text[1:end], text[end + 1:]
    return None, text


def split_arrow(line):
    """A step and what is expected of it: `step -> expectation`."""
    step, arrow, wanted = line.rpartition(" -> ")
    return (step, shlex.split(wanted)) if arrow else (line, None)


def signature_headers(words, data, now):
    """`signed SCHEME SECRET ...` as headers."""
    scheme, secret = words.pop(0), words.pop(0)

    def mac(key, message, algorithm="sha256"):
        return hmac.new(key, message, getattr(hashlib, algorithm))

    if scheme == "hindsite":
        return [("X-Webhook-Signature", mac(secret.encode(), data).hexdigest()),
                ("X-Webhook-Timestamp", str(now))]
    if scheme == "github":
        return [("X-Hub-Signature-256", "sha256=" + mac(secret.encode(), data).hexdigest())]
    if scheme == "standard":  # secret is whsec_BASE64; then the message's id, and how old it is
        message, age = words.pop(0), int(words.pop(0))
        stamp = str(now - age)
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signed = mac(key, f"{message}.{stamp}.".encode() + data).digest()
        return [("webhook-id", message), ("webhook-timestamp", stamp),
                ("webhook-signature", "v1," + base64.b64encode(signed).decode())]
    if scheme in ("slack", "stripe"):  # then how old it is
        stamp = str(now - int(words.pop(0)))
        if scheme == "stripe":
            signed = mac(secret.encode(), stamp.encode() + b"." + data).hexdigest()
            return [("Stripe-Signature", f"t={stamp},v1={signed}")]
        signed = mac(secret.encode(), f"v0:{stamp}:".encode() + data).hexdigest()
        return [("X-Slack-Request-Timestamp", stamp), ("X-Slack-Signature", "v0=" + signed)]
    if scheme == "hmac":  # then the header's name and its value, with HEX or BASE64 in it
        name, form = words.pop(0), words.pop(0)
        algorithm = words.pop(0)
        signed = mac(secret.encode(), data, algorithm)
        return [(name, form.replace("HEX", signed.hexdigest())
                 .replace("BASE64", base64.b64encode(signed.digest()).decode()))]
    raise Failed(f"no scheme {scheme!r}")


class Flow(Conditions):
    """One scenario being run."""

    def __init__(self, path, directory, tappet, sandbox):
        self.path = path
        self.directory = directory
        self.tappet = tappet
        self.sandbox_binary = sandbox
        self.sandbox = None
        self.daemon = None
        self.variables = {"dir": directory, "root": ROOT, "python": PYTHON}
        self.config = ""
        self.connections = ""
        self.reply = None
        self.output = ""  # of the last command
        self.proxy = None
        self.mail = None
        self.manager = None
        self.peers = []
        self.line = ""
        self.number = 0
        self.clock = None
        self.started = 0  # the last request before the daemon's start
        self.operations = []  # filled at the end: see operations.py

    # ---- running ----

    def run(self):
        """Runs all steps; a Failed tells where and why it stopped."""
        self.sandbox = Sandbox(self.sandbox_binary, self.directory)
        self.variables["sandbox"] = self.sandbox.url
        self.variables["host"] = self.sandbox.url.removeprefix("http://")
        self.variables["sandboxport"] = str(self.sandbox.port)
        urls = {word.upper() + "_URL": self.sandbox.url + path for word, path in WEBHOOKS.items()}
        self.daemon = Daemon(self.tappet, self.directory,
                             dict(ENV, **urls, SLACK_URL=self.sandbox.url + "/slack/T1/B1/x"))
        try:
            self._steps()
            if self.daemon.process:
                self.line = "(the end)"
                self.step_stop("")
            self._no_alarm()
            self.operations = carried_out(self.daemon, self.sandbox)
        except (Failed, SystemError, OSError, ValueError, KeyError, IndexError) as e:
            raise Failed(f"{self.path}:{self.number}: {self.line}\n{type(e).__name__}: {e}") from e
        finally:
            if self.daemon.process:
                self.daemon.kill()
            self.sandbox.process.end()
            for peer in self.peers:
                peer.close()

    def _steps(self):
        with open(self.path, encoding="utf-8") as f:
            lines = f.read().split("\n")
        while self.number < len(lines):
            self.line = lines[self.number].strip()
            self.number += 1
            if not self.line or self.line.startswith("#"):
                continue
            block = None
            if self.line.endswith("<<"):
                first = self.number
                while lines[self.number].strip() != ">>":
                    self.number += 1
                block = "\n".join(lines[first:self.number]) + "\n"
                self.number += 1
            self._step(self.line, block)

    def _step(self, line, block=None):
        name, _, rest = line.partition(" ")
        step = getattr(self, "step_" + name, None)
        if step is None:
            raise Failed(f"there is no step {name!r}")
        if block is not None:
            step(rest.removesuffix("<<").strip(), block)
        else:
            step(self.filled(rest))

    def step_times(self, rest):
        """times N STEP: N times, @n counts from 1"""
        count, _, step = rest.partition(" ")
        for n in range(1, int(count) + 1):
            self.variables["n"] = str(n)
            self._step(step)
        del self.variables["n"]

    def _no_alarm(self):
        alarms = self.daemon.alarms()
        if alarms:
            raise Failed("the daemon's log holds " + alarms[0])

    def filled(self, text):
        """@name replaced, @times(N,x) made."""
        text = re.sub(r"@times\((\d+),(.)\)", lambda m: m[2] * int(m[1]), text)
        return re.sub(r"@([a-z_]+)", lambda m: self.variables.get(m[1], m[0]), text)

    # ---- files ----

    def step_config(self, _, block):
        self.config = block
        self._write_config()

    def step_connect(self, rest):
        """connect kantata every 200ms full 1h; connect nothing: not even the sandbox's sink"""
        name, *words = rest.split()
        options = {"every": "200ms", "full": "1h"}
        options.update(zip(words[::2], words[1::2]))
        if name == "nothing":
            self.connections = "  {}\n"
        else:
            self.connections = self.connections or CONNECTIONS["sandbox"]
            self.connections += CONNECTIONS[name] % options
        self._write_config()

    def step_rules(self, _, block):
        self._write("rules.yaml", self.filled(block))
        self._write_config()

    def step_file(self, name, block):
        self._write(name, self.filled(block))

    def step_copy(self, rest):
        """copy PATH NAME: a file of the repository; of the directory as it is."""
        source, name = rest.split()
        if os.path.isabs(source):
            shutil.copyfile(source, os.path.join(self.directory, name))
            return
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", source),
                  encoding="utf-8") as f:
            self._write(name, f.read())

    def step_mode(self, rest):
        """mode OCTAL NAME: who may read and write a file of the directory."""
        mode, name = rest.split()
        os.chmod(os.path.join(self.directory, name), int(mode, 8))

    def step_restore(self, rest):
        """restore FILE: (while it is stopped) a backup takes the place of the store."""
        store = os.path.join(self.directory, "tappet.db")
        for suffix in ("-wal", "-shm"):
            if os.path.exists(store + suffix):
                os.remove(store + suffix)
        shutil.copyfile(os.path.join(self.directory, rest), store)

    def step_append(self, rest):
        """append FILE TO: a file of the directory, behind another one."""
        source, to = rest.split()
        with open(os.path.join(self.directory, source), encoding="utf-8") as f:
            text = f.read()
        with open(os.path.join(self.directory, to), "a", encoding="utf-8") as f:
            f.write(text)

    def step_env(self, rest):
        name, _, value = rest.partition("=")
        self.daemon.env[name] = value

    def step_overlay(self, rest):
        """overlay [FILE]...: from the next start and command on"""
        self.daemon.overlays = shlex.split(rest)

    def _write(self, name, text):
        path = os.path.join(self.directory, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)

    def _write_config(self):
        defaults = {"listen": "127.0.0.1:0", "admin": '{ listen: "unix:tappet.sock" }',
                    "store": "sqlite:tappet.db", "rules": "[rules.yaml]"}
        text = self.config
        for key, value in defaults.items():
            if not re.search(rf"^{key}:", text, re.M):
                text += f"{key}: {value}\n"
        if not re.search("^connections:", text, re.M):
            text += "connections:\n" + (self.connections or CONNECTIONS["sandbox"])
        self._write("tappet.yaml", self.filled(text))

    # ---- the daemon ----

    def step_start(self, rest):
        if rest.startswith("fails"):
            try:
                self.daemon.start()
            except SystemError as e:
                return check_text(str(e), shlex.split(rest)[1:], "its last words")
            raise Failed("it started")
        # The daemon has a new port and polls at once: what a poll asks the sandbox to send again
        # must not go to the old port.
        self.sandbox.control("POST", "switches", {"hook_hold": True})
        self.started = max([e["n"] for e in self.sandbox.journal()], default=0)
        self.daemon.start()
        switches = {"hook_hold": False}
        if self.daemon.port and self.daemon.port > 0:
            self.variables["daemon"] = f"http://127.0.0.1:{self.daemon.port}"
            switches["hook_url"] = self.variables["daemon"] + "/hooks/hindsite"
        self.sandbox.control("POST", "switches", switches)
        return None

    def step_kill(self, _):
        self.daemon.kill()

    def step_stop(self, _):
        code = self.daemon.stop()
        if code != 0:
            raise Failed(f"SIGTERM: exit code {code}; the log ends\n" +
                         "\n".join(self.daemon.log[-30:]))

    def step_reload(self, _):
        """And waits until the daemon has done it, or refused it."""
        told = ('"message":"reloaded"', '"message":"reload refused')

        def answers():
            return sum(any(t in line for t in told) for line in self.daemon.log)

        before = answers()
        self.daemon.signal(signal.SIGHUP)
        until("the reload", lambda: answers() > before)

    def step_backdate(self, rest):
        """backdate DAYS: polls were last made so much earlier; the daemon must not run."""
        back = int(rest) * 86400 * 1000
        store = sqlite3.connect(os.path.join(self.directory, "tappet.db"))
        with store:
            for source, text in store.execute("SELECT source, json FROM cursors").fetchall():
                cursor = json.loads(text)
                for name in ("baseline_at", "full_at", "ok_at", "high"):
                    if cursor.get(name):
                        cursor[name] -= back
                store.execute("UPDATE cursors SET json = ? WHERE source = ?",
                              (json.dumps(cursor), source))
        store.close()

    def step_disk(self, rest):
        """disk full: no file grows beyond what the store's files are now; disk free."""
        if rest == "free":
            return self.daemon.file_size_limit(None)
        sizes = [os.path.getsize(os.path.join(self.directory, name))
                 for name in os.listdir(self.directory) if name.startswith("tappet.db")]
        return self.daemon.file_size_limit(min(sizes + [4096]))

    # ---- the clock of both ----

    def step_clock(self, rest):
        """clock: the sandbox's, and from its next start on the daemon's, stand still but for `turn`;
        clock goes: the daemon's goes by itself again from its next start on;
        clock set BY: after `clock`: somebody sets the daemon's wall clock, by -1h, +1d or so"""
        if rest == "goes":
            del self.daemon.env["TAPPET_CLOCK"]
            return
        if rest.startswith("set "):
            by = rest.split()[1]
            self.clock[1] += int(by[:-1]) * {"s": 1000, "m": 60000, "h": 3600000, "d": 86400000}[by[-1]]
            return
        path = os.path.join(self.directory, "clock")
        with open(path, "wb") as f:
            f.write(bytes(16))
        with open(path, "r+b") as f:
            self.clock = memoryview(mmap.mmap(f.fileno(), 16)).cast("q")
        self.clock[0] = self.sandbox.control("POST", "clock", {"advance_s": 0, "stop": True})["now_ms"]
        self.daemon.env["TAPPET_CLOCK"] = path

    def step_turn(self, rest):
        """turn N ROUTE: by a second, N times; each time a request comes there, and is dealt with;
        turn N: by N seconds at once"""
        count, *route = rest.split()
        if not route:
            self.sandbox.control("POST", "clock", {"advance_s": int(count)})
            self.clock[0] += int(count) * 1000
            return
        route = route[0]
        until("all to be answered", lambda: self._all_answered(route))
        since = self.sandbox.journal()[-1]["n"]
        for n in range(int(count)):
            self.sandbox.control("POST", "clock", {"advance_s": 1})
            self.clock[0] += 1000
            came = until(f"turn {n + 1}'s request to {route}", lambda: self.sandbox.journal(route, since))
            since = came[-1]["n"]
            until("all to be answered", lambda: self._all_answered(route))

    def _all_answered(self, route):
        """What was decided to be sent has been answered, and what follows from that decided; a
        poll, when the route is that of a list, too: its next one is due by the clock then."""
        metrics = request(self.daemon.port, "GET", "/metrics").body
        total = {m[1] + (m[2] or ""): float(m[3]) for m in re.finditer(
            r'^(tappet_\w+)({state="\w+"})? (\S+)$', metrics, re.M)}
        polls = sum(float(n) for n in re.findall(r"^tappet_polls_total{.*} (\S+)$", metrics, re.M))
        if route.endswith(".list") and polls < len(self.sandbox.journal(route, self.started)):
            return False
        return total["tappet_attempts_total"] == total["tappet_retries_total"] + sum(
            n for name, n in total.items()
            if name.startswith("tappet_runs_total") and "skipped" not in name)

    # ---- the sandbox ----

    def step_fault(self, rest):
        """fault ROUTE FAULT name value ..."""
        route, fault, *words = shlex.split(rest)
        body = {"route": route, "fault": fault}
        for name, value in zip(words[::2], words[1::2]):
            body[name] = json.loads(value)
        self.sandbox.control("POST", "faults", body)

    def step_mend(self, rest):
        self.sandbox.control("DELETE", "faults" + (f"?route={rest}" if rest else ""))

    def step_switch(self, rest):
        name, _, value = rest.partition(" ")
        self.sandbox.control("POST", "switches", {name: json.loads(value)})

    def step_sandbox(self, rest):
        """sandbox METHOD PATH [JSON] [-> contains X]"""
        step, wanted = split_arrow(rest)
        method, path, *body = step.split(None, 2)
        found = self.sandbox.control(method, path, json.loads(body[0]) if body else None)
        if wanted:
            check_text(json.dumps(found), wanted, step)

    # ---- what stands between ----

    def step_tls(self, rest):
        """tls: https in front of the sandbox, and ca.pem; again: another authority."""
        certificate = make_authority(self.directory)
        if "tls" in self.variables:
            return
        front = TlsFront(certificate, self.sandbox.port)
        self.peers.append(front)
        self.variables["tls"] = f"https://localhost:{front.port}"
        self.variables["tlshost"] = f"localhost:{front.port}"

    def step_proxy(self, rest):
        """proxy [USER:PASSWORD]"""
        self.proxy = Proxy(rest or None)
        self.peers.append(self.proxy)
        self.variables["proxy"] = f"127.0.0.1:{self.proxy.port}"

    def step_mail(self, rest):
        """mail [REPLY]...: a mail server, whose next messages get these replies"""
        if self.mail:
            self.mail.says += shlex.split(rest)
            return
        self.mail = MailServer(shlex.split(rest))
        self.peers.append(self.mail)
        self.variables["mail"] = f"127.0.0.1:{self.mail.port}"

    def step_manager(self, rest):
        """manager [EVERY]: a service manager hears of the daemon, with a watchdog of so many ms"""
        path = os.path.join(self.directory, "manager.sock")
        self.manager = Manager(path)
        self.peers.append(self.manager)
        self.daemon.env["NOTIFY_SOCKET"] = path
        if rest:
            self.daemon.env["WATCHDOG_USEC"] = str(int(rest) * 1000)

    # ---- requests and commands ----

    def step_post(self, rest):
        """post HOOK BODY ... is a JSON request to a hook."""
        name, _, rest = rest.partition(" ")
        self._request("POST /hooks/" + name + " " + rest)

    def step_request(self, rest):
        self._request(rest)

    def _request(self, rest):
        step, wanted = split_arrow(rest)
        method, path, *tail = step.split(None, 2)
        body, tail = scan_body(tail[0] if tail else "")
        words = shlex.split(tail)
        headers, chunked, more = [], False, {}
        data = (body or "").encode()
        if body is not None and "as" not in words:
            headers.append(("Content-Type", "application/json"))
        where = self.daemon.port if self.daemon.port and self.daemon.port > 0 else None
        while words:
            verb = words.pop(0)
            if verb == "with":
                name, _, value = words.pop(0).partition(":")
                headers.append((name, value.strip()))
            elif verb == "as":
                headers.append(("Content-Type", words.pop(0)))
            elif verb == "signed":
                headers += signature_headers(words, data, int(time.time()))
            elif verb == "gzip":
                data = gzip.compress(data)
                headers.append(("Content-Encoding", "gzip"))
            elif verb == "hex":
                data = bytes.fromhex(body)
            elif verb == "headers":
                headers += [("X-Filler", "1")] * int(words.pop(0))
            elif verb == "chunked":
                chunked = True
            elif verb == "trusting":
                more["authority"] = os.path.join(self.directory, words.pop(0))
            elif verb == "through":
                where = os.path.join(self.directory, words.pop(0))
            else:
                raise Failed(f"unknown word {verb!r}")
        if body is None and method == "GET":
            data = None
        self.reply = request(where, method, path, data, headers, chunked=chunked, **more)
        self._check_reply(step, wanted)

    def _check_reply(self, step, wanted):
        if wanted is None:
            return
        reply = self.reply
        if str(reply.status) != wanted[0]:
            raise Failed(f"{step[:200]}: status {reply.status}, body {reply.body[:2000]}")
        words = wanted[1:]
        while "header" in words:
            at = words.index("header")
            name, _, value = words[at + 1].partition(":")
            del words[at:at + 2]
            if not re.fullmatch(value.strip(), reply.headers.get(name, "")):
                raise Failed(f"header {name} is {reply.headers.get(name)!r}")
        check_text(reply.body, words, step[:200])

    def step_cli(self, rest):
        """cli ARGUMENTS -> EXIT [contains X] [lacks X] [lines N]; both outputs are looked at"""
        step, wanted = split_arrow(rest)
        code, out, err = self.daemon.command(*shlex.split(step))
        self.output = out
        if wanted and str(code) != wanted[0]:
            raise Failed(f"tappet {step}: exit {code}\n{out}{err}")
        if wanted:
            check_text(out + err, wanted[1:], "tappet " + step)

    def step_save(self, name):
        """save FILE: what the last command printed"""
        self._write(name, self.output)

    def step_let(self, rest):
        """let NAME = run RULE STATE | revision RULE STATE | event TYPE | reply FIELD
        | key WHERE I | output FIELD | port"""
        name, _, source = rest.partition(" = ")
        kind, *words = source.split()
        if kind == "run":
            value = self._runs(*words)[0]["id"]
        elif kind == "revision":
            value = self._runs(*words)[0]["revision"]
        elif kind == "event":
            value = next(e for e in self.daemon.listed("events") if e["type"] == words[0])["id"]
        elif kind == "reply":
            value = dig(json.loads(self.reply.body), words[0])
        elif kind == "output":
            value = dig(json.loads(self.output), words[0])
        elif kind == "port":
            with socket.create_server(("127.0.0.1", 0)) as server:
                value = server.getsockname()[1]
        elif kind == "key":
            value = self.sandbox.journal(words[0])[int(words[1]) - 1]["idempotency_key"]
        else:
            raise Failed(f"let knows no {kind!r}")
        self.variables[name] = str(value)

    # ---- steps that can be waited for ----

    def see_cli(self, words):
        self.step_cli(words)

    def see_request(self, words):
        self._request(words)

    def see_post(self, words):
        self.step_post(words)

    def see_sandbox(self, words):
        self.step_sandbox(words)
