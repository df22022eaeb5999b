#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/CONNECTORS.md says what the connectors' tables say.

usage: tests/connectors_page.py PATH-OF-TAPPET [--write]

Makes the page from `tappet connectors --format json` and compares it with the committed
one; --write writes it. Nothing of the page is written by hand but what stands here.
"""
import difflib
import json
import os
import subprocess
import sys

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "docs", "CONNECTORS.md")

HEAD = """# Connectors

Every connector with its settings, events and actions. `tappet connectors NAME` prints the same for the version you run.
How rules use them is in [RULES.md](RULES.md), the functions for `${...}` in [CEL.md](CEL.md#functions).

<!-- made from the tables of engine/connectors by tests/connectors_page.py --write -->

- **Events** carry the object as `data`, and as `before` what was last known of it. Any field may be null or missing.
- **Actions** are steps of a rule, `- CONNECTOR.ACTION: { parameters }`. Parameters marked *required* must be there; `tappet check` refuses
  unknown ones and wrong types, with the place. A member of a map is written `map.member`.
- **In doubt** is a request that may have arrived but got no complete answer; each action says what follows. A step's `after_doubt` overrides it.
- **Replies.** 408, 425, 429 and 5xx are tried again; other statuses fail the step, in the product's words; see
  [RULES.md](RULES.md#when-a-step-fails).
- **Rates** hold per target. A connection's `rate: { per_second: N, burst: N }` sets its own.

"""

DOUBT = {
    "repeat": "it is sent again, with the same `Idempotency-Key`.",
    "lookup": "the product is asked first whether it happened.",
    "park": "the run waits as IN_DOUBT until somebody decides: a second time could be a second effect.",
}

READS = {
    "yes": "it only reads.",
    "by_method": "with `method: GET`, which it is without a body.",
}

AUTH = {
    "bearer": "a bearer token",
    "client_credentials": "OAuth 2 client credentials; tokens are fetched and renewed by tappet",
    "url": "the secret URL itself",
    "member": "a secret within each request",
    "any": "what the connection says: a bearer token, user and password, a key, OAuth 2 client credentials; requests can be signed",
    "login": "a user name and a password, or not at all",
}


def cell(text):
    """Text within a table: one line, nothing that ends the cell or begins a tag."""
    return (text or "").replace("\n", " ").replace("|", "\\|").replace("<", "&lt;")


def flat(params, prefix=""):
    """(name, param) of every parameter, with the members of maps and lists behind them."""
    for p in params:
        yield prefix + p["name"], p
        yield from flat(p.get("members", []), prefix + p["name"] + ".")


def parameters(params):
    rows = []
    for name, p in flat(params):
        words = (["*required*."] if p["required"] else []) + (["Secret."] if p["secret"] else [])
        words.append(cell(p["doc"]))
        if p.get("choices"):
            words.append("One of: " + ", ".join(f"`{c}`" for c in p["choices"]) + ".")
        rows.append(f"| `{name}` | {p['type']} | {' '.join(w for w in words if w)} |")
    return rows


def table(head, rows):
    columns = head.count("|") - 1
    return [head, "|" + "---|" * columns, *rows, ""] if rows else []


def duration(ms):
    for unit, size in (("d", 86400000), ("h", 3600000), ("m", 60000), ("s", 1000)):
        if ms % size == 0 and ms >= size:
            return f"{ms // size}{unit}"
    return f"{ms}ms"


def about(c):
    lines = [f"## {c['name']}", "", f"**{c['title']}.** {c['doc']}", ""]
    facts = []
    if c["auth"] in AUTH:
        facts.append(f"Signs in with {AUTH[c['auth']]}.")
    if c["base_url"]:
        facts.append(f"`base_url` is `{c['base_url']}` unless set.")
    if "rate" in c:
        facts.append(f"At most {c['rate']['per_second']:g} requests per second, "
                     f"{max(c['rate']['burst'], 1):g} at once, unless `rate` is set.")
    else:
        facts.append("No limit of requests of its own, unless `rate` is set.")
    if c["webhook"]:
        facts.append("Its webhooks are understood.")
    lines += [" ".join(facts), ""]
    setup = f"SETUP-{c['name'].replace('_', '-')}.md"
    if os.path.exists(os.path.join(os.path.dirname(PAGE), setup)):
        lines += [f"How to obtain what it needs, step by step: [{setup}]({setup}).", ""]
    rows = parameters(c["settings"])
    return lines + (["### Settings", ""] + table("| setting | type | |", rows) if rows else [])


def any_poll(c):
    p = c.get("any_poll")
    if p is None:
        return []
    return [f"### Polled by {c['name']}", "",
            f"{p['doc']} Read every {duration(p['every_ms'])} unless `every` is set; its events are "
            f"`{c['name']}.CONNECTION.NAME.created`, `.updated` and `.deleted`.", ""
            ] + table("| under `poll: { NAME: }` | type | |", parameters(p["params"]))


def polls(c):
    rows = [f"| `{r['name']}` | {cell(r['doc'])} | {duration(r['every_ms'])} | "
            f"{duration(r['full_ms'])} |" for r in c["polls"]]
    if not rows:
        return []
    return [f"### Polled by {c['name']}", ""] + table("| under `poll` | | changes every | all of them every |",
                                                     rows)


def example(data):
    return ["```json", json.dumps(data, indent=2, ensure_ascii=False), "```", ""]


def fields(e):
    rows = [f"| `{f['name']}` | {f['type']} | {cell(f['doc'])} |" for f in e["fields"]]
    return [f"Fields of `{e['object']}`:", ""] + table("| field | type | |", rows) if rows else []


def events(c):
    if not c["events"]:
        return []
    lines, told = [f"### Events of {c['name']}", ""], set()
    for e in c["events"]:
        lines += [f"#### {e['name']}", "", e["doc"], ""]
        if e["example"] is not None:
            lines += example(e["example"])
        if e["object"] is not None and e["object"] not in told:
            told.add(e["object"])
            lines += fields(e)
        elif e["fields"]:
            lines += [f"Fields: those of `{e['object']}`, above.", ""]
    return lines


def actions(c):
    if not c["actions"]:
        return []
    lines = [f"### Actions of {c['name']}", ""]
    for a in c["actions"]:
        lines += [f"#### {a['name']}", "", a["doc"], ""]
        lines += table("| parameter | type | |", parameters(a["params"]))
        if a["example"]:
            lines += ["```yaml fragment", "do:", f"  - {a['name']}: {a['example']}", "```", ""]
        lines += [f"- Result: {a['result'] or 'none.'}",
                  f"- In doubt: {DOUBT[a['after_doubt']]}"]
        if a["reads"] in READS:
            lines.append(f"- In [look-ups](RULES.md#look-ups): {READS[a['reads']]}")
        lines.append("")
    return lines


def page(tappet):
    done = subprocess.run([tappet, "connectors", "--format", "json"], check=True, text=True,
                          stdout=subprocess.PIPE, timeout=60)
    connectors = [json.loads(line) for line in done.stdout.splitlines()]
    lines = ["| connector | | events | actions |", "|---|---|---|---|"]
    lines += [f"| [`{c['name']}`](#{c['name']}) | {cell(c['doc'])} | {len(c['events'])} | "
              f"{len(c['actions'])} |" for c in connectors] + [""]
    for c in connectors:
        lines += about(c) + polls(c) + any_poll(c) + events(c) + actions(c)
    return HEAD + "\n".join(lines).rstrip("\n") + "\n"


def main():
    if len(sys.argv) not in (2, 3) or (len(sys.argv) == 3 and sys.argv[2] != "--write"):
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        return 2
    made = page(os.path.abspath(sys.argv[1]))
    if len(sys.argv) == 3:
        with open(PAGE, "w", encoding="utf-8") as file:
            file.write(made)
        return 0
    try:
        with open(PAGE, encoding="utf-8") as file:
            kept = file.read()
    except FileNotFoundError:
        kept = ""
    for line in difflib.unified_diff(kept.splitlines(), made.splitlines(), "docs/CONNECTORS.md",
                                     "the tables", lineterm="", n=1):
        print(line)
    same = kept == made
    if not same:
        print("docs/CONNECTORS.md is not what the tables say: tests/connectors_page.py "
              "PATH-OF-TAPPET --write makes it anew")
    print("1 passed, 0 failed" if same else "0 passed, 1 failed")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
