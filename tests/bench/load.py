# SPDX-License-Identifier: Apache-2.0
"""What the runs under load share: the sink, h2load with every answer's time, figures of a
process. Standard library only."""
import os
import re
import select
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
sys.path.insert(0, os.path.join(ROOT, "tests", "lib"))
from world import until  # noqa: E402


class Sink:
    """tests/bench/sink.c, and what it has heard."""

    def __init__(self, binary, directory, name, log=False):
        port = os.path.join(directory, name + ".port")
        self.log = os.path.join(directory, name + ".log") if log else None
        self.process = subprocess.Popen([binary, "--port-file", port] +
                                        (["--log", self.log] if log else []),
                                        stdout=subprocess.PIPE, text=True)
        until("the sink", lambda: os.path.exists(port))
        with open(port, encoding="ascii") as f:
            self.url = f"http://127.0.0.1:{int(f.read())}"

    def count(self):
        self.process.send_signal(signal.SIGUSR1)
        while not select.select([self.process.stdout], [], [], 1)[0]:
            self.process.send_signal(signal.SIGUSR1)
        return int(self.process.stdout.readline().split()[0])

    def end(self):
        self.process.terminate()
        self.process.wait()


class Offer:
    """h2load: so many requests, at `rate` a second or as fast as it can (None)."""

    def __init__(self, directory, url, body, count, connections=8, rate=None):
        self.times = tempfile.NamedTemporaryFile(dir=directory, suffix=".tsv")
        per = [] if rate is None else ["--rps", f"{rate / connections:.3f}"]
        self.process = subprocess.Popen(
            ["h2load", "--h1", "-c", str(connections), "-t", "1", "-n", str(int(count)), *per,
             "--log-file", self.times.name, "-d", body, "-H", "Content-Type: application/json",
             url], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def wait(self):
        """The times of the 202s in ms, and how many got each other answer."""
        output = self.process.communicate()[0]
        good, other = [], {}
        with open(self.times.name, encoding="ascii") as f:
            for line in f:
                _, status, took = line.split()
                if status == "202":
                    good.append(int(took) / 1000)
                else:
                    other[status] = other.get(status, 0) + 1
        self.times.close()
        if not good:
            raise SystemError("h2load had no answer:\n" + output)
        return good, other

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def at(times, share):
    """The time that `share` of them are not above."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def told(times):
    return (f"median {at(times, 0.5):.2f} ms, p99 {at(times, 0.99):.2f} ms, "
            f"max {max(times):.1f} ms")


def memory(pid, field="VmRSS"):
    """MiB."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(field + r":\s+(\d+)", f.read())[1]) / 1024


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def size(path):
    """MiB of a store with its log."""
    files = [path + end for end in ("", "-wal")]
    return sum(os.path.getsize(f) for f in files if os.path.exists(f)) / 1048576


def metric(text, name):
    found = re.search(r"^" + re.escape(name) + r" ([0-9.e+]+)$", text, re.M)
    return float(found[1]) if found else 0.0
