#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Is each ready-made automation of rules/ complete?

    tests/ready_made.py              exit code 1 when something is missing

Each rules/NAME.yaml needs the line that editors complete by, a header that says what it is for and
needs, at least two tests, a row in rules/README.md, and a scenario tests/scenarios/rules-NAME.flow
that copies the file and makes something go wrong. Each row and each scenario needs its file.
"""
import glob
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SCHEMA_LINE = "# yaml-language-server: $schema=tappet-rules.schema.json\n"
LEAST = 9  # fewer, and the folder isn't found any more


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def names_of(pattern, prefix=""):
    """The names of the files, without prefix and extension."""
    found = glob.glob(os.path.join(ROOT, pattern))
    return {os.path.splitext(os.path.basename(path))[0].removeprefix(prefix) for path in found}


def missing_in(name):
    """What the file itself lacks."""
    text = read(f"rules/{name}.yaml")
    if not text.startswith(SCHEMA_LINE):
        yield "the first line that names the schema"
    if not re.search(r"^# Needs: ", text, re.M):
        yield "a header that says what it needs (# Needs: ...)"
    if len(re.findall(r"^ +- name: ", text, re.M)) < 2:
        yield "two tests"


def missing_beside(name, rows, flows):
    if name not in rows:
        yield "a row in rules/README.md"
    if name not in flows:
        yield f"a scenario tests/scenarios/rules-{name}.flow"
        return
    flow = read(f"tests/scenarios/rules-{name}.flow")
    if not re.search(rf"^copy rules/{name}\.yaml ", flow, re.M):
        yield "a scenario that copies it from the repository"
    if not re.search(r"^(fault|kill|mail \")", flow, re.M):
        yield "a scenario in which something goes wrong (fault, kill, mail)"


def main():
    names = names_of("rules/*.yaml")
    rows = set(re.findall(r"^\| \[[\w-]+\]\(([\w-]+)\.yaml\)", read("rules/README.md"), re.M))
    flows = names_of("tests/scenarios/rules-*.flow", "rules-")
    wrong = [f"rules/{name}.yaml lacks {what}" for name in sorted(names)
             for what in (*missing_in(name), *missing_beside(name, rows, flows))]
    wrong += [f"rules/README.md has a row of {name}, which isn't there"
              for name in sorted(rows - names)]
    wrong += [f"tests/scenarios/rules-{name}.flow is of no automation" for name in
              sorted(flows - names)]
    if len(names) < LEAST:
        wrong.append(f"only {len(names)} automations were found")
    for line in wrong:
        print(line)
    print(f"{len(names)} automations, {len(wrong)} things missing")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
