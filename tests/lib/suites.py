#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What tests/run does: builds into build/, runs the suites, counts.

Builds go one after the other in a thread of their own; each suite waits for the
builds it names, so that the first suites run while later builds are made.
A new suite is a function and a row of SUITES.
"""
import collections
import concurrent.futures
import glob
import os
import re
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
from world import SANITIZERS  # noqa: E402

TEST_SECONDS = 900  # one program, and one test of Check: a hung one must not hang CI

FATAL = "-fno-sanitize-recover=all"

# Directory under build/ -> how it is made. Optimisation as low as the build's purpose
# allows: -O1 keeps sanitizers usable, the clang build is only there for its warnings.
BUILDS = {
    "asan": {"CC": "gcc", "CXX": "g++", "options": [
        "-Dfaults=true", "-Db_sanitize=address,undefined", "-Db_lundef=false", "-Doptimization=1",
        "-Ddebug=true", "-Dc_args=" + FATAL, "-Dcpp_args=" + FATAL]},
    "release": {"CC": "gcc", "CXX": "g++", "options": []},
    "tsan": {"CC": "gcc", "CXX": "g++", "options": [
        "-Dfaults=true", "-Db_sanitize=thread", "-Db_lundef=false", "-Doptimization=1",
        "-Ddebug=true"]},
    "clang": {"CC": "clang", "CXX": "clang++", "options": ["-Doptimization=0"]},
}

# Scenarios that are run against the daemon under ThreadSanitizer too.
THREADS_SCENARIOS = ["demo-story", "mixed"]

# Spent on searching by each fuzzer; nothing is asserted about it.
FUZZ_SECONDS = "4"

Counts = collections.namedtuple("Counts", "passed failed skipped")
NONE = Counts(0, 0, 0)


def add(a, b):
    return Counts(*(x + y for x, y in zip(a, b)))


class Context:
    """What suites are given: the builds, the names asked for, where to print."""

    def __init__(self, verbose):
        self.verbose = verbose
        self.built = {}  # name -> Future of None or why it failed
        self.lock = threading.Lock()

    def say(self, text):
        with self.lock:
            print(text, flush=True)

    def build_directory(self, name):
        return os.path.join(ROOT, "build", name)

    def wait_for(self, name):
        return self.built[name].result()

    def run(self, name, argv, directory=ROOT, expect_text=None):
        """Runs a program to its end: (good, output)."""
        env = dict(os.environ, CK_DEFAULT_TIMEOUT=str(TEST_SECONDS), **SANITIZERS)
        begin = time.monotonic()
        try:
            done = subprocess.run(argv, cwd=directory, env=env, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  timeout=TEST_SECONDS, check=False)
            output = done.stdout.decode("utf-8", "replace")
            good = done.returncode == 0
            how = f"exit code {done.returncode}"
        except subprocess.TimeoutExpired as e:
            output = (e.stdout or b"").decode("utf-8", "replace")
            good, how = False, f"still running after {TEST_SECONDS} s"
        except OSError as e:
            output, good, how = "", False, str(e)
        if good and expect_text and expect_text not in output:
            good, how = False, f"the output lacks {expect_text!r}"
        if not good or self.verbose:
            self.say(f"--- {name}: {how}\n{output.rstrip()}\n---")
        self.say(f"{'ok    ' if good else 'FAILED'} {name} ({time.monotonic() - begin:.1f} s)")
        return good, output

    def one(self, name, argv):
        good, _ = self.run(name, argv)
        return Counts(1, 0, 0) if good else Counts(0, 1, 0)


# ---- builds ----


def build(name, targets):
    """Configures when needed and builds; None, or the output of what failed."""
    how = BUILDS[name]
    directory = os.path.join(ROOT, "build", name)
    env = dict(os.environ, CC=how["CC"], CXX=how["CXX"])
    steps = []
    if not os.path.exists(os.path.join(directory, "build.ninja")):
        steps.append(["meson", "setup", directory, *how["options"]])
    steps.append(["ninja", "-C", directory, "-j", str(os.cpu_count() or 2), *targets])
    for argv in steps:
        try:
            done = subprocess.run(argv, cwd=ROOT, env=env, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        except OSError as e:
            return str(e)
        if done.returncode != 0:
            output = done.stdout.decode("utf-8", "replace")
            return output[max(output.find("FAILED: "), 0):]
    return None


def tsan_targets():
    return ["engine/tappet", "tests/sandbox/tappet-sandbox"] + [
        "tests/unit/test_" + name for name in words_of_meson("unit_threads")]


def build_all(context, names):
    for name in names:
        begin = time.monotonic()
        try:
            why = build(name, tsan_targets() if name == "tsan" else [])
        except Exception as e:  # whoever waits must hear of it
            why = repr(e)
        if why:
            context.say(f"--- build/{name}\n{why.rstrip()[:8000]}\n---")
        context.say(f"{'FAILED' if why else 'built '} build/{name} "
                    f"({time.monotonic() - begin:.0f} s)")
        context.built[name].set_result(why)


# ---- suites: each gives Counts; `names` are the tests asked for, or empty for all ----


def words_of_meson(name):
    """The words of a list in tests/unit/meson.build."""
    with open(os.path.join(ROOT, "tests/unit/meson.build"), encoding="utf-8") as f:
        return re.findall(r"'(\w+)'", re.search(name + r" = \[(.*?)\]", f.read(), re.S)[1])


def unit_names():
    found = glob.glob(os.path.join(ROOT, "tests/unit/test_*.c"))
    return sorted(os.path.basename(path)[len("test_"):-len(".c")] for path in found)


def scenario_names():
    found = glob.glob(os.path.join(ROOT, "tests/scenarios/*.flow"))
    return sorted(os.path.basename(path)[:-len(".flow")] for path in found)


def check_counts(good, output):
    """Counts of a program written with Check; one that crashed has failed once more."""
    found = re.findall(r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)", output, re.M)
    checks, failures, errors = (sum(int(f[i]) for f in found) for i in range(3))
    failed = failures + errors
    if (not good and failed == 0) or not found:
        failed += 1
        checks += 1
    return Counts(checks - failed, failed, 0)


def programs(context, names, directory, prefix=""):
    """Runs unit test binaries, two at a time."""
    def one(name):
        binary = os.path.join(directory, "tests/unit/test_" + name)
        return check_counts(*context.run(prefix + name, [binary]))

    total = NONE
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for counts in pool.map(one, names):
            total = add(total, counts)
    return total


def suite_layers(context, _):
    return context.one("layers", [".ci/layers"])


def suite_format(context, _):
    return context.one("format", [".ci/format"])


def suite_clang(context, _):
    return Counts(1, 0, 0)  # it was built


def suite_unit(context, names):
    directory = context.build_directory("asan")
    total = programs(context, names or unit_names(), directory)
    forgotten = [name for name in unit_names()
                 if not os.path.exists(os.path.join(directory, "tests/unit/test_" + name))]
    for name in forgotten:
        context.say(f"FAILED test_{name}.c is not in tests/unit/meson.build")
    return total


def suite_sandbox(context, _):
    base = os.path.join(context.build_directory("asan"), "tests/sandbox/")
    return check_counts(*context.run("sandbox", [base + "test_sandbox", base + "tappet-sandbox"]))


def suite_threads(context, _):
    directory = context.build_directory("tsan")
    total = programs(context, words_of_meson("unit_threads"), directory, "threads: ")
    return add(total, scenarios(context, "tsan", THREADS_SCENARIOS, "threads: "))


def suite_rules(context, _):
    tappet = os.path.join(context.build_directory("asan"), "engine/tappet")
    total = summary(context, "rules", [tappet, "test", "rules/"])
    total = add(total, context.one("ready-made automations",
                                   [sys.executable, "tests/ready_made.py"]))
    return add(total, context.one("check of deploy/demo",
                                  [tappet, "check", "-c", "deploy/demo/tappet.yaml"]))


def scenarios(context, build_name, names, prefix="", report=()):
    base = context.build_directory(build_name)
    good, output = context.run(prefix + "scenarios", [
        sys.executable, "tests/scenarios/run.py", "--tappet", base + "/engine/tappet",
        "--sandbox", base + "/tests/sandbox/tappet-sandbox", *report, *names])
    found = re.search(r"^scenarios: (\d+) passed, (\d+) failed", output, re.M)
    if not found:
        return Counts(0, 1, 0)
    counts = Counts(int(found[1]), int(found[2]), 0)
    return counts if good or counts.failed else add(counts, Counts(0, 1, 0))


def suite_scenarios(context, names):
    """All of them together leave no action out."""
    if names:
        return scenarios(context, "asan", names)
    base = context.build_directory("asan")
    report = base + "/operations.jsonl"
    counts = scenarios(context, "asan", names, report=["--operations", report])
    return add(counts, summary(context, "operations", [
        sys.executable, "tests/operations.py", base + "/engine/tappet", report]))


def summary(context, title, command):
    """A program whose last words are "N passed, N failed"."""
    return counts_of(*context.run(title, command))


def counts_of(good, output):
    found = re.findall(r"^(\d+) passed, (\d+) failed", output, re.M)
    counts = Counts(int(found[-1][0]), int(found[-1][1]), 0) if found else Counts(0, 1, 0)
    return counts if good or counts.failed else add(counts, Counts(0, 1, 0))


def suite_docs(context, _):
    tappet = os.path.join(context.build_directory("asan"), "engine/tappet")
    page = summary(context, "docs", [sys.executable, "tests/connectors_page.py", tappet])
    examples = summary(context, "docs", [sys.executable, "tests/docs_examples.py", tappet])
    index = summary(context, "docs", [sys.executable, "tests/docs_index.py", tappet])
    return add(add(page, examples), index)


def suite_conformance(context, _):
    return summary(context, "conformance", [
        sys.executable, "tests/conformance/run", "--build", context.build_directory("asan")])


def suite_differential(context, _):
    return summary(context, "differential", [
        sys.executable, "tests/differential/run", "--build", context.build_directory("asan")])


def suite_schema(context, _):
    return summary(context, "schema", [
        sys.executable, "tests/schema/run", "--build", context.build_directory("asan")])


def suite_webhooks(context, _):
    return summary(context, "webhooks", [
        sys.executable, "tests/webhooks/run", "--build", context.build_directory("asan")])


def suite_email(context, _):
    return summary(context, "email", [
        sys.executable, "tests/email/run", "--build", context.build_directory("asan")])


def suite_monitoring(context, _):
    return summary(context, "monitoring", [
        sys.executable, "tests/monitoring/run", "--build", context.build_directory("asan")])


def suite_secrets(context, _):
    return summary(context, "secrets", [
        sys.executable, "tests/secrets/run", "--build", context.build_directory("asan")])


def suite_plugins(context, names):
    return summary(context, "plugins", [
        sys.executable, "tests/plugins/run", "--build", context.build_directory("asan"), *names])


def suite_power(context, names):
    base = context.build_directory("asan")
    good, output = context.run("power", [os.path.join(base, "tests/power/power"), *names])
    if good and not context.verbose:
        context.say(output.rstrip())
    counts = counts_of(good, output)
    return counts if names else add(counts, summary(context, "a store in trouble", [
        sys.executable, "tests/power/trouble.py", "--build", base]))


def suite_fuzz(context, _):
    good, output = context.run("fuzz", ["tests/fuzz/long", FUZZ_SECONDS])
    if good and not context.verbose:
        context.say(output.rstrip())
    return counts_of(good, output)


def suite_poll(context, _):
    base = context.build_directory("release")
    return summary(context, "poll", [sys.executable, "tests/bench/poll", "--build", base])


def suite_hang(context, _):
    base = context.build_directory("release")
    counts = [context.one("hang", [
        sys.executable, "tests/bench/hang", "--build", base, "--how", how, "--minutes", "0.1",
        "--before", "1", "--rate", "200", "--ill-rate", "50"])
        for how in ("hang", "slow", "429", "refuse")]
    return Counts(*(sum(c[i] for c in counts) for i in range(3)))


def suite_crash(context, _):
    base = context.build_directory("release")
    counts = [context.one("crash", [
        sys.executable, f"tests/crash/{name}.py", "--tappet", base + "/engine/tappet",
        "--sandbox", base + "/tests/sandbox/tappet-sandbox", *words])
        for name, words in (("kill", []), ("items", ["--kills", "12", "--items", "120"]),
                            ("plugins", ["--kills", "6"]),
                            ("mixed", ["--kills", "10", "--brief"]),
                            ("overload", []),
                            ("nats", ["--events", "6000", "--kills", "5", "--servers", "4",
                                      "--impatient"]))]
    return Counts(*(sum(c[i] for c in counts) for i in range(3)))


# name -> what it is, the build it needs, how it is run, which tests it has
Suite = collections.namedtuple("Suite", "about build run tests", defaults=[lambda: []])
SUITES = {
    "layers": Suite("who may include whom", None, suite_layers),
    "format": Suite("all C is as .clang-format says", None, suite_format),
    "unit": Suite("under AddressSanitizer and UBSan", "asan", suite_unit, unit_names),
    "conformance": Suite("every case of the conformance suite of CEL", "asan", suite_conformance),
    "differential": Suite("the match index on GitHub's webhooks, beside every rule by itself", "asan",
                          suite_differential),
    "schema": Suite("tappet schema, beside a JSON Schema library", "asan", suite_schema),
    "webhooks": Suite("every webhook of GitHub's, to a running daemon", "asan", suite_webhooks),
    "email": Suite("mail to a real mail server, byte by byte", "asan", suite_email),
    "monitoring": Suite("dashboard, alerts and unit, beside a real Prometheus", "asan",
                        suite_monitoring),
    "secrets": Suite("secrets in every place that takes one, and all output searched for them",
                     "asan", suite_secrets),
    "plugins": Suite("SDKs and plugins against a scripted engine; bad ones against a daemon",
                     "asan", suite_plugins),
    "sandbox": Suite("the fake APIs, from outside", "asan", suite_sandbox),
    "rules": Suite("the tests beside the rules, what belongs to each; the demo's files", "asan", suite_rules),
    "docs": Suite("every example of the documentation", "asan", suite_docs),
    "scenarios": Suite("daemon and sandbox, by data files", "asan", suite_scenarios,
                       scenario_names),
    "power": Suite("the power cut, and calls that fail, at every point of a scenario, thinned out",
                   "asan", suite_power),
    "crash": Suite("kill -9 at random moments, overload", "release", suite_crash),
    "poll": Suite("100,000 workspaces, 1 % of them changed", "release", suite_poll),
    "hang": Suite("a target falls ill, in four ways; another doesn't notice, nothing is lost", "release",
                  suite_hang),
    "threads": Suite("what has threads, under ThreadSanitizer", "tsan", suite_threads),
    "fuzz": Suite("a few seconds of each fuzzer; tests/fuzz/long takes hours", None, suite_fuzz),
    "build-clang": Suite("clang takes everything without a warning", "clang", suite_clang),
}


def wanted_of(words):
    """{suite: names of its tests, empty for all}; exits when a word is unknown."""
    wanted = {}
    for word in words or SUITES:
        if word in SUITES:
            wanted[word] = []
            continue
        owner = next((name for name, suite in SUITES.items() if word in suite.tests()), None)
        if owner is None:
            sys.exit(f"tests/run: there is no suite or test {word!r}; see tests/run --list")
        if wanted.get(owner) != []:
            wanted.setdefault(owner, []).append(word)
    return {name: wanted[name] for name in SUITES if name in wanted}


def list_names():
    for name, suite in SUITES.items():
        print(f"{name:12} {suite.about}")
        for test in suite.tests():
            print(f"    {test}")


def main():
    words = sys.argv[1:]
    if "--list" in words:
        list_names()
        return 0
    context = Context("-v" in words)
    wanted = wanted_of([word for word in words if word != "-v"])
    builds = list(dict.fromkeys(SUITES[name].build for name in wanted if SUITES[name].build))
    for name in builds:
        context.built[name] = concurrent.futures.Future()
    threading.Thread(target=build_all, args=(context, builds), daemon=True).start()
    total = NONE
    for name, names in wanted.items():
        suite = SUITES[name]
        if suite.build and context.wait_for(suite.build):
            context.say(f"FAILED {name}: build/{suite.build} can't be built")
            counts = Counts(0, 1, 0)
        else:
            counts = suite.run(context, names)
        context.say(f"== {name}: {counts.passed} passed, {counts.failed} failed\n")
        total = add(total, counts)
    print(f"{total.passed} passed, {total.failed} failed, {total.skipped} skipped")
    return 1 if total.failed else 0


sys.exit(main())
