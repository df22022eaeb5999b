#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A store in trouble, as its people see it: the real daemon, a real file.

  trouble.py --build DIR [NAME...]

Each test makes the trouble, looks at what is said (what, where, what to do), takes it away, and looks
whether everything that was acknowledged is there, once. "full-disk" and "read-only-disk" mount
a file system of their own (unshare) and are left out, with a word, where that isn't allowed;
"file-limit" tries what is alike without one, and so does the program beside this. Last words:
"N passed, N failed".
"""
import argparse
import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from world import Daemon, Failed, request, until  # noqa: E402

CONFIG = """\
listen: 127.0.0.1:0
admin: { listen: "unix:tappet.sock" }
store: sqlite:%s/tappet.db
rules: [rules.yaml]
hooks: { in: { verify: none, id_header: X-Id } }
"""
RULES = "rules: [ { id: note, on: hook.in, do: [ { log.write: { text: x } } ] } ]\n"


class World:
    """A daemon, and what it acknowledged."""

    def __init__(self, binary, directory):
        self.directory = directory
        self.folder = os.path.join(directory, "store")
        self.path = os.path.join(self.folder, "tappet.db")
        os.mkdir(self.folder)
        for name, text in (("tappet.yaml", CONFIG % self.folder), ("rules.yaml", RULES)):
            with open(os.path.join(directory, name), "w", encoding="ascii") as f:
                f.write(text)
        self.daemon = Daemon(binary, directory)
        self.taken = {}  # our id -> the one in the answer
        self.sent = 0

    def post(self, n, size=1):
        body = '{"n":%d,"text":"%s"}' % (n, "x" * size)
        reply = request(self.daemon.port, "POST", "/hooks/in", body.encode(),
                        [("Content-Type", "application/json"), ("X-Id", str(n))])
        if reply.status == 202:
            self.taken[n] = reply.body.split('"')[3]
        return reply

    def send(self, size=1):
        """A new one, which is taken."""
        self.sent += 1
        reply = self.post(self.sent, size)
        if reply.status != 202:
            raise Failed(f"event {self.sent} was answered {reply.status}: {reply.body}")

    def send_again(self, last):
        """As senders do: all from `last` on, until each is taken."""
        for n in range(last, self.sent + 1):
            until(f"event {n} to be taken", lambda n=n: self.post(n).status == 202)

    def ready(self):
        return request(self.daemon.port, "GET", "/readyz")

    def told(self, *words):
        """A line of the log comes that has them all: answers may be read before it is."""
        until(f"a line of the log with {' and '.join(words)}",
              lambda: any(all(word in line for word in words) for line in self.daemon.log))

    def refused(self):
        """New events are refused so that their senders try again; returns the first of them."""
        first = self.sent + 1

        def look():
            self.sent += 1
            reply = self.post(self.sent)
            if reply.status == 202:
                return False
            if reply.status != 503 or "store can't be written" not in reply.body or \
               not reply.headers["Retry-After"]:
                raise SystemError(f"answered {reply.status}: {reply.body}")
            return True

        until("an event to be refused", look)
        until("/readyz to say so", lambda: self.ready().status == 503 and
              "store down" in self.ready().body)
        return first

    def audit(self):
        """What was acknowledged is there, once, under the id of the answer."""
        found = [e["id"] for e in self.daemon.listed("events", "--type", "hook.in", "--limit",
                                                     "100000")]
        for n, name in self.taken.items():
            if found.count(name) != 1:
                raise Failed(f"event {n} ({name}) is there {found.count(name)} times")
        if len(found) != len(self.taken):
            raise Failed(f"{len(found)} events for {len(self.taken)} that were acknowledged")

    def stop(self):
        code = self.daemon.stop()
        if code != 0:
            raise Failed(f"the daemon ended with {code}")
        if self.daemon.alarms():
            raise Failed("\n".join(self.daemon.alarms()))

    def refuses_to_start(self, *words, reads=True):
        """It and those who read say why, and what to do; no file is changed."""
        before = self.digest()
        commands = [("run",)] + ([("runs",), ("events",)] if reads else [])
        for command in commands:
            code, _, err = self.daemon.command(*command)
            lines = err.strip().split("\n")
            if code == 0 or "hint: " not in lines[-1]:
                raise Failed(f"{command}: exit {code}: {err}")
            for word in (self.path, *words):
                if word not in err:
                    raise Failed(f"{command} doesn't say {word!r}: {err}")
        if self.digest() != before:
            raise Failed("the store's file was changed")

    def digest(self):
        with open(self.path, "rb") as f:
            return hashlib.sha256(f.read()).hexdigest()


def begun(w):
    w.daemon.start()
    for _ in range(5):
        w.send()


def ended(w):
    w.audit()
    w.stop()


def recovers(w, first):
    """The trouble is over: it goes on by itself, and what was refused is taken now."""
    until("/readyz to be fine", lambda: w.ready().status == 200)
    w.send_again(first)
    ended(w)


def test_file_limit(w):
    """Every write beyond a size fails: a limit of the service, a quota."""
    begun(w)
    w.daemon.file_size_limit(4096)
    first = w.refused()
    w.told("could not be committed", w.path, "hint", "make room")
    w.daemon.file_size_limit(None)
    recovers(w, first)


def test_locked(w):
    """Somebody has it open in a shell, and a transaction under way."""
    begun(w)
    other = sqlite3.connect(w.path)
    other.execute("BEGIN IMMEDIATE")
    first = w.refused()
    w.told("could not be committed", "database is locked", "hint", "sqlite3 shell")
    other.rollback()
    recovers(w, first)
    other.close()


def test_locked_at_start(w):
    begun(w)
    w.stop()
    other = sqlite3.connect(w.path)
    other.execute("BEGIN IMMEDIATE")
    w.refuses_to_start("database is locked", "close the sqlite3 shell", reads=False)
    other.rollback()
    other.close()
    w.daemon.start()
    w.send()
    ended(w)


def test_reader(w):
    """Who only reads holds up nobody; the log starts anew when he is gone."""
    begun(w)
    reader = sqlite3.connect(w.path)
    reader.execute("BEGIN")
    seen = reader.execute("SELECT count(*) FROM events").fetchone()[0]
    for _ in range(40):
        w.send(500000)
    log = os.path.getsize(w.path + "-wal")
    if log < 18 << 20:
        raise Failed(f"the log has {log} bytes while somebody reads what was before it")
    if reader.execute("SELECT count(*) FROM events").fetchone()[0] != seen:
        raise Failed("the reader sees what came later")
    reader.rollback()
    reader.close()
    for _ in range(45):
        w.send(500000)
    if os.path.getsize(w.path + "-wal") > log + (4 << 20):
        raise Failed("the log grows after the reader is gone")
    ended(w)


def put_back(w, kept):
    for suffix in ("", "-wal", "-shm"):
        if os.path.exists(w.path + suffix):
            os.unlink(w.path + suffix)
    shutil.copy(kept, w.path)
    w.daemon.start()
    w.send()
    ended(w)


def spoilt(w, spoil, *words):
    """A store that was made unusable while nobody looked; then its backup is put back."""
    kept = os.path.join(w.directory, "backup.db")
    begun(w)
    w.stop()
    shutil.copy(w.path, kept)
    spoil()
    w.refuses_to_start(*words)
    put_back(w, kept)


def test_newer(w):
    def spoil():
        other = sqlite3.connect(w.path)
        other.execute("PRAGMA user_version = 99")
        other.close()

    spoilt(w, spoil, "newer version (schema 99", "install the version that wrote it")


def overwrite(path, at, data):
    with open(path, "r+b") as f:
        f.seek(at)
        f.write(data)


def test_damaged(w):
    spoilt(w, lambda: overwrite(w.path, 4096, b"\xa5" * 4096 * 8), "malformed", ".recover",
           "backup")


def test_shortened(w):
    spoilt(w, lambda: os.truncate(w.path, 8192), "malformed", "backup")


def test_foreign(w):
    spoilt(w, lambda: overwrite(w.path, 0, b"a text, not a store\n" * 100), "not a tappet store",
           "name one of its own")


def test_second_daemon(w):
    begun(w)
    code, _, err = w.daemon.command("run")
    if code != 1 or "in use by another daemon (process" not in err or "hint: one daemon" not in err:
        raise Failed(f"exit {code}: {err}")
    ended(w)


def fill(path):
    """Until nothing more goes in."""
    with open(path, "wb", buffering=0) as f:
        try:
            while True:
                f.write(b"x" * 4096)
        except OSError:
            pass


def mount(w, *options):
    subprocess.run(["mount", "-t", "tmpfs", *options, "tmpfs", w.folder], check=True)


def mounted_full_disk(w):
    """No space at all, also at the next start."""
    mount(w, "-o", "size=2m")
    begun(w)
    filler = os.path.join(w.folder, "filler")
    fill(filler)
    first = w.refused()
    w.told("could not be committed", w.path, "full", "hint", "make room")
    os.unlink(filler)
    recovers(w, first)
    fill(filler)
    code, _, err = w.daemon.command("run")
    if code != 1 or w.path not in err or "hint: make room" not in err:
        raise Failed(f"started on a full disk: exit {code}: {err}")
    os.unlink(filler)
    w.daemon.start()
    ended(w)


def mounted_read_only_disk(w):
    mount(w)
    begun(w)
    w.stop()
    subprocess.run(["mount", "-o", "remount,ro", w.folder], check=True)
    w.refuses_to_start("Read-only file system", "let it be written", reads=False)
    subprocess.run(["mount", "-o", "remount,rw", w.folder], check=True)
    w.daemon.start()
    w.send()
    ended(w)


TESTS = {name[5:].replace("_", "-"): run for name, run in globals().items()
         if name.startswith("test_")}
MOUNTED = {"full-disk": mounted_full_disk, "read-only-disk": mounted_read_only_disk}


def unmount(w):
    subprocess.run(["umount", "-q", "-l", w.folder], check=False)


def one(binary, name, run):
    directory = tempfile.mkdtemp(prefix="tappet-trouble-")
    w = World(binary, directory)
    try:
        run(w)
        print(f"ok     {name}", flush=True)
        return True
    except (Failed, SystemError, OSError, subprocess.SubprocessError) as e:
        print(f"FAILED {name}: {e}\n" + "\n".join(w.daemon.log[-20:]), flush=True)
        return False
    finally:
        if w.daemon.process is not None:
            w.daemon.kill()
        if name in MOUNTED:
            unmount(w)
        shutil.rmtree(directory, ignore_errors=True)


def may_mount():
    done = subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
                          capture_output=True, check=False)
    return done.returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", required=True)
    parser.add_argument("--mounted", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    binary = os.path.join(os.path.abspath(arguments.build), "engine/tappet")
    tests = MOUNTED if arguments.mounted else TESTS
    wanted = {n: run for n, run in tests.items() if not arguments.names or n in arguments.names}
    passed = sum(one(binary, name, run) for name, run in wanted.items())
    failed = len(wanted) - passed
    if arguments.mounted:
        return print(f"{passed} {failed}") or 0
    inside = [n for n in MOUNTED if not arguments.names or n in arguments.names]
    if inside and may_mount():
        done = subprocess.run(["unshare", "-rm", sys.executable, os.path.abspath(__file__),
                               "--build", arguments.build, "--mounted", *inside],
                              stdout=subprocess.PIPE, text=True, check=False)
        *lines, counts = done.stdout.strip().split("\n")
        print("\n".join(lines))
        passed, failed = passed + int(counts.split()[0]), failed + int(counts.split()[1])
    elif inside:
        print("left out, nothing may be mounted here: " + ", ".join(inside))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


sys.exit(main())
