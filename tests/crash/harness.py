# SPDX-License-Identifier: Apache-2.0
"""What those who kill share: the directory they run in, arguments, what a plugin notes, audits."""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

PACKAGED = "/usr/bin/python3"  # the one that Debian's python3-zmq is for
TOLD = 20  # offences that are printed


class Audit:
    """What doesn't hold, in words."""

    def __init__(self):
        self.offences = []

    def must(self, good, what):
        if not good:
            self.offences.append(what)

    def tell(self):
        """Prints what it found; the exit code."""
        for offence in self.offences[:TOLD]:
            print("OFFENCE " + offence)
        return 1 if self.offences else 0


class Following:
    """A file of lines read as it grows, by a thread: take(words) of each line that ends with a
    dot, for a kill may cut one off."""

    def __init__(self, path):
        self.path = path
        self.ended = False
        open(path, "x", encoding="ascii").close()
        self.thread = threading.Thread(target=self._follow, daemon=True)
        self.thread.start()

    def take(self, words):
        raise NotImplementedError

    def _follow(self):
        rest = b""
        with open(self.path, "rb", buffering=0) as f:
            while True:
                got = f.read(1 << 20)
                if not got and self.ended:
                    return
                *lines, rest = (rest + got).split(b"\n")
                for words in (line.decode().split() for line in lines):
                    if words and words[-1] == ".":
                        self.take(words[:-1])
                if not got:
                    time.sleep(0.005)

    def end(self):
        self.ended = True
        self.thread.join()


def kill(daemon, chance, senders):
    """Kills it, and one time in five again at once: how often it did so before it was ready, and
    after. Nobody sends meanwhile, for another daemon may get the port it had."""
    early = late = 0
    daemon.kill()
    senders.port = None
    while chance.random() < 0.2:
        before = len(daemon.log)
        daemon.launch()
        time.sleep(chance.uniform(0, chance.choice((0.02, 0.1))))
        daemon.kill()
        if any('"message":"ready"' in line for line in daemon.log[before:]):
            late += 1
        else:
            early += 1
    return early, late


def can_speak():
    """Whether there is what plugins in Python need."""
    return subprocess.run([PACKAGED, "-c", "import zmq"], check=False,
                          stderr=subprocess.DEVNULL).returncode == 0


def write(directory, files):
    for name, text in files.items():
        with open(os.path.join(directory, name), "w", encoding="utf-8") as f:
            f.write(text)


def arguments(parser, sandbox=True):
    """Those that all of them take."""
    parser.add_argument("--tappet", required=True, type=os.path.abspath)
    parser.add_argument("--sandbox", required=sandbox, type=os.path.abspath,
                        help=None if sandbox else "isn't used: each of crash/ is given it")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="keep the directory")


def within(run, options):
    """run(options, directory) in a directory of its own, which goes afterwards."""
    name = os.path.splitext(os.path.basename(sys.argv[0]))[0]
    directory = tempfile.mkdtemp(prefix=f"tappet-{name}-")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))  # and it ends what it began
    try:
        return run(options, directory)
    finally:
        if options.keep:
            print(directory)
        else:
            shutil.rmtree(directory, ignore_errors=True)
