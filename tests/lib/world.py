# SPDX-License-Identifier: Apache-2.0
"""The world of a test: a directory with its own sandbox and its own daemon.

Both listen on ports the system picks. Nothing here sleeps to let something
happen: until() looks again and again until a condition holds or the deadline,
which only a failure reaches, has passed. Standard library only.
"""
import http.client
import json
import os
import resource
import signal
import socket
import ssl
import subprocess
import threading
import time

# Seconds until a condition has failed; sanitizers on two busy cores are slow.
DEADLINE = float(os.environ.get("TAPPET_TEST_DEADLINE", "60"))

SANITIZERS = {
    "ASAN_OPTIONS": "halt_on_error=1:detect_leaks=1:detect_stack_use_after_return=0",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1:"
                    # libzmq's threads synchronise by what the sanitizer can't see
                    "ignore_noninstrumented_modules=1",
}

# What a sanitizer or an assertion writes when it has found something.
ALARMS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:",
          "WARNING: ThreadSanitizer", "Assertion `")


class Failed(Exception):
    """What was expected is not so."""


def until(what, look, deadline=DEADLINE):
    """Waits until look() returns something true, and returns it. A Failed of the last
    look explains the failure."""
    end = time.monotonic() + deadline
    pause = 0.01
    while True:
        reason = None
        try:
            found = look()
            if found:
                return found
        except (Failed, OSError, http.client.HTTPException) as e:
            reason = e
        if time.monotonic() > end:
            raise Failed(f"waited in vain for {what}" + (f": {reason}" if reason else ""))
        time.sleep(pause)
        pause = min(pause * 1.5, 0.2)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Reply:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body


def request(where, method, path, body=None, headers=(), timeout=DEADLINE, chunked=False,
            authority=None):
    """One request on its own connection; where is a port or the path of a unix socket.
    chunked: the body goes in one chunk instead of under a Content-Length.
    authority: a file, for https."""
    if authority:
        connection = http.client.HTTPSConnection(
            "localhost", where, timeout=timeout,
            context=ssl.create_default_context(cafile=authority))
    elif isinstance(where, int):
        connection = http.client.HTTPConnection("127.0.0.1", where, timeout=timeout)
    else:
        connection = UnixConnection(where, timeout)
    try:
        connection.putrequest(method, path)
        for name, value in headers:
            connection.putheader(name, value)
        if body is not None and chunked:
            connection.putheader("Transfer-Encoding", "chunked")
            body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        elif body is not None:
            connection.putheader("Content-Length", str(len(body)))
        try:
            connection.endheaders()
            if body:
                connection.send(body)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused while we were still sending: the reply says why
        reply = connection.getresponse()
        return Reply(reply.status, reply.headers, reply.read().decode("utf-8", "replace"))
    finally:
        connection.close()


class Process:
    """A child whose output is kept by a thread of ours."""

    def __init__(self, argv, directory, env, lines=None):
        self.lines = [] if lines is None else lines
        self.child = subprocess.Popen(argv, cwd=directory, env=env, stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.child.stdout:
            self.lines.append(line.decode("utf-8", "replace").rstrip("\n"))
        self.child.stdout.close()

    def send(self, number):
        if self.child.poll() is None:
            self.child.send_signal(number)

    def wait(self, deadline=DEADLINE):
        """The exit code, or None when it doesn't end."""
        try:
            code = self.child.wait(deadline)
        except subprocess.TimeoutExpired:
            return None
        self.reader.join(deadline)
        return code

    def end(self):
        """Ends it whatever state it is in."""
        self.send(signal.SIGKILL)
        self.child.wait()
        self.reader.join(5)


class Sandbox:
    def __init__(self, binary, directory, arguments=()):
        port_file = os.path.join(directory, "sandbox.port")
        env = dict(os.environ, **SANITIZERS)
        self.process = Process([binary, "--listen", "127.0.0.1:0", "--port-file", port_file,
                                *arguments], directory, env)
        until("the sandbox", lambda: self._started(port_file))
        with open(port_file, encoding="ascii") as f:
            self.port = int(f.read())
        self.url = f"http://127.0.0.1:{self.port}"

    def _started(self, port_file):
        if self.process.child.poll() is not None:
            raise Failed("the sandbox ended: " + "\n".join(self.process.lines))
        return os.path.exists(port_file)

    def control(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        reply = request(self.port, method, "/_sandbox/" + path, data)
        if reply.status >= 300:
            raise Failed(f"sandbox {method} {path}: {reply.status} {reply.body}")
        return json.loads(reply.body) if reply.body else None

    def journal(self, where=None, since=0):
        """Requests so far; where is a route's name, PRODUCT.* for all routes of a product, or
        sink/NAME or lists/NAME for the path."""
        query = f"journal?since={since}"
        if where and where.endswith(".*"):
            entries = self.control("GET", query)
            return [e for e in entries if e["route"].startswith(where[:-1])]
        if where and where.startswith(("sink/", "lists/")):
            entries = self.control("GET", query + "&path=/" + where)
            return [e for e in entries if e["path"].split("?")[0] == "/" + where]
        return self.control("GET", query + (f"&route={where}" if where else ""))

    def stop(self):
        self.process.send(signal.SIGTERM)
        code = self.process.wait()
        if code != 0:
            self.process.end()
            raise Failed(f"the sandbox ended with {code}: " + "\n".join(self.process.lines[-20:]))


class Daemon:
    """`tappet run` in a directory with a tappet.yaml, and the other commands there."""

    def __init__(self, binary, directory, env=None):
        self.binary = binary
        self.directory = directory
        self.env = dict(os.environ, **SANITIZERS)
        self.env.update(env or {})
        self.process = None
        self.port = None
        self.log = []  # lines of all its lives
        self.overlays = []  # files laid over tappet.yaml

    def _configs(self):
        files = ["tappet.yaml", *self.overlays] if self.overlays else []
        return [word for file in files for word in ("-c", file)]

    def launch(self):
        assert self.process is None
        self.process = Process([self.binary, *self._configs(), "run", "--log-format", "json"],
                               self.directory, self.env, self.log)

    def start(self):
        before = len(self.log)
        self.launch()
        self.port = until("the daemon to be ready", lambda: self._ready(before))

    def _ready(self, before):
        for line in self.log[before:]:
            if '"ready"' not in line:
                continue
            entry = json.loads(line)
            if entry.get("message") == "ready":
                return entry.get("port") or -1
        if self.process.child.poll() is not None:
            self.process.reader.join(5)
            lines = "\n".join(self.log[before:])
            self.process = None
            raise SystemError(f"the daemon ended instead of starting:\n{lines}")
        return None

    def kill(self):
        self.process.end()
        self.process = None

    def stop(self, deadline=DEADLINE):
        """SIGTERM; the exit code."""
        self.process.send(signal.SIGTERM)
        code = self.process.wait(deadline)
        if code is None:
            self.process.end()
        self.process = None
        return code

    def signal(self, number):
        self.process.send(number)

    def file_size_limit(self, limit):
        """Writes beyond limit bytes fail, as on a full disk; None: no limit."""
        soft = resource.RLIM_INFINITY if limit is None else limit
        resource.prlimit(self.process.child.pid, resource.RLIMIT_FSIZE,
                         (soft, resource.RLIM_INFINITY))

    def alarms(self):
        return [line for line in self.log if any(alarm in line for alarm in ALARMS)]

    def command(self, *arguments, deadline=DEADLINE, stdin=None):
        """Runs a command; (exit code, its output, its error output)."""
        done = subprocess.run([self.binary, *self._configs(), *arguments], cwd=self.directory, env=self.env,
                              input=stdin or b"", capture_output=True, timeout=deadline,
                              check=False)
        return (done.returncode, done.stdout.decode("utf-8", "replace"),
                done.stderr.decode("utf-8", "replace"))

    def listed(self, *arguments):
        """What a command with --format json tells, one object a line."""
        code, out, err = self.command(*arguments, "--format", "json")
        if code != 0:
            raise Failed(f"tappet {' '.join(arguments)}: exit {code}: {err.strip()}")
        return [json.loads(line) for line in out.splitlines() if line.strip()]
