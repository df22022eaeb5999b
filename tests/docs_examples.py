#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every complete example in README.md and docs/ must load.

usage: tests/docs_examples.py PATH-OF-TAPPET [--keep FOLDER]

A block fenced as ```yaml is complete: a rules file when its first key is `rules` and
holds a list of rules, else a tappet.yaml. It is written to a folder of its own and
given to `tappet check`; any error or warning fails it. Rules that carry tests are run
with `tappet test`, too. A block fenced as ```yaml fragment is left alone.

`rules:` of a tappet.yaml names files, so empty ones are made for it. Environment
variables that ${env:NAME} names are set to something harmless, and files that
${file:PATH} names are made.
"""
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
FENCE = re.compile(r"^( *)```(\S*)(.*)$")
# With these every name that the examples' rules use is there.
WORLD = """vars:
  recovery_work_set: 01J8Z3KQ5V9X7W2M4N6P8R0T1A
  recovered_status: 305
  owners: { "7": Kim }
secrets: { crm: "${env:TOKEN}", legacy: "${env:TOKEN}" }
connections:
  kantata: { connector: kantata, token: "${env:TOKEN}", poll: { workspaces: {}, workspace_resources: {}, subscribed_events: {} } }
  hindsite: { connector: hindsite, client_id: "${env:ID}", client_secret: "${env:SECRET}", webhook: { secret: "${env:SECRET}" } }
  slack: { connector: slack, webhook_url: "${env:URL}" }
  teams: { connector: teams, webhook_url: "${env:URL}" }
  pagerduty: { connector: pagerduty, routing_key: "${env:TOKEN}" }
  discord: { connector: discord, webhook_url: "${env:URL}" }
  email: { connector: email, url: "smtp://mail.example.com", from: tappet@example.com, username: "${env:ID}", password: "${env:SECRET}" }
  google_chat: { connector: google_chat, webhook_url: "${env:URL}" }
  blueworks: { connector: blueworks, base_url: https://us001.blueworkslive.com, client_id: "${env:ID}", client_secret: "${env:SECRET}" }
  crm:
    connector: http
    base_url: https://crm.example.com/api
    bearer: "${env:TOKEN}"
    poll: { tickets: { path: /tickets } }
hooks:
  shop: { verify: none }
  orders: { verify: none }
  github: { verify: github, secret: "${env:SECRET}", event_header: X-GitHub-Event }
schedules:
  monday: { cron: "0 9 * * MON" }
  workday: { cron: "0 9 * * MON-FRI" }
plugins: { inventory: { manifest: inventory.json } }
"""
# What the plugin of the examples has.
MANIFEST = """{
  "actions": {"reserve": {"params": {"sku": {"type": "text", "required": true}, "count": {"type": "int"}}}},
  "events": {"low": {"fields": {"sku": {"type": "text"}, "left": {"type": "int"}}}}
}
"""


def documents():
    names = ["README.md"]
    for folder, _, files in sorted(os.walk(os.path.join(ROOT, "docs"))):
        names += [os.path.relpath(os.path.join(folder, f), ROOT) for f in sorted(files)
                  if f.endswith(".md")]
    return names


def blocks(name):
    """(line, text) of every complete YAML block."""
    start, indent, kept = 0, "", []
    wanted = False
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        for number, line in enumerate(file.read().splitlines(), 1):
            fence = FENCE.match(line)
            if fence and not start:
                start, indent, kept = number, fence[1], []
                wanted = fence[2] == "yaml" and fence[3].strip() != "fragment"
            elif fence and fence[2] == "":
                if wanted:
                    yield start, "\n".join(kept) + "\n"
                start = 0
            elif start:
                kept.append(line[len(indent):])
    if start:
        raise SystemExit(f"{name}:{start}: this block is never closed")


def is_rules(text):
    return re.search(r"^rules:\s*\n(\s*#.*\n)*\s*- .*\bid:", text, re.M)


def prepare(folder, text):
    """Makes what a tappet.yaml names: rules, secrets. Returns its environment."""
    environment = {}
    for name in re.findall(r"\$\{env:(\w+)\}", text):
        environment[name] = "whsec_AAAA" if name.endswith("WHSEC") else "https://example.com/x"
    for path in re.findall(r"\$\{file:([^}]+)\}", text):
        if not path.startswith("/"):
            make(os.path.join(folder, path), "secret\n")
    for path in re.findall(r"[\w./-]*rules/[\w./-]*", text):
        full = os.path.join(folder, path)
        if path.endswith("/"):
            make(os.path.join(full, "none.yaml"), "rules: []\n")
        else:
            make(full, "rules: []\n")
    return environment


def make(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def run(command, folder, environment):
    done = subprocess.run(command, cwd=folder, env={**os.environ, **environment}, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    return done.returncode, done.stdout


def check(tappet, folder, text):
    """None, or what is wrong with the block."""
    rules = is_rules(text)
    for path in re.findall(r"file: (\w+\.csv)", text):
        make(os.path.join(folder, path), "email,name,level\nann@example.com,Ann,3\n")
    if rules:
        environment = prepare(folder, WORLD)
        make(os.path.join(folder, "inventory.json"), MANIFEST)
        make(os.path.join(folder, "tappet.yaml"), WORLD + "rules: [example.yaml]\n")
        make(os.path.join(folder, "example.yaml"), text)
        commands = [[tappet, "check", "example.yaml"]]
        if re.search(r"^    tests:", text, re.M):
            commands.append([tappet, "test", "example.yaml"])
    else:
        environment = prepare(folder, text)
        make(os.path.join(folder, "tappet.yaml"), text)
        commands = [[tappet, "-c", "tappet.yaml", "check"]]
    for command in commands:
        code, output = run(command, folder, environment)
        if code != 0 or "warning:" in output:
            return " ".join(command[1:]) + f": exit code {code}\n" + output
    return None


def main():
    if len(sys.argv) not in (2, 4) or (len(sys.argv) == 4 and sys.argv[2] != "--keep"):
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        return 2
    tappet = os.path.abspath(sys.argv[1])
    passed = failed = 0
    with tempfile.TemporaryDirectory() as scratch:
        base = os.path.abspath(sys.argv[3]) if len(sys.argv) == 4 else scratch
        for name in documents():
            for line, text in blocks(name):
                folder = os.path.join(base, f"{name.replace('/', '_')}_{line}")
                os.makedirs(folder, exist_ok=True)
                wrong = check(tappet, folder, text)
                passed += wrong is None
                failed += wrong is not None
                if wrong is not None:
                    print(f"{name}:{line}: {wrong}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
