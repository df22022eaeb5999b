#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/RULES.md has every key that the loader knows in its index, and says what it is.

usage: tests/docs_index.py PATH-OF-TAPPET [--write]

The keys are those of `tappet schema` and `tappet schema --config`. Each is a link to the
section named here, else to the first of its group's sections that has it in `code` or as a
key of an example; a key that none has is a failure, and so is a place of the schema that no
group here covers. --write writes the index.
"""
import json
import os
import re
import subprocess
import sys

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "docs", "RULES.md")
BEGIN, END = "<!-- keys: made by tests/docs_index.py --write -->\n", "<!-- end of keys -->\n"

SHARED, TESTS = "What rules share", "Tests beside rules"
# Words, schema (rules or config), places in it (a prefix ends with *), sections, keys with a section of their own.
GROUPS = [
    ("tappet.yaml", "config", [""], ["tappet.yaml"],
     {"connections": "Connections", "hooks": "Hooks", "schedules": "Schedules", "tables": "Tables",
      "plugins": "Plugins", "bus": "Plugins", "secrets": "Secrets that rules name"}),
    ("a connection", "config", ["connection", "connection-*"], ["Connections", "Any API"],
     {"poll": "Polls", "proxy": "Proxies and authorities", "ca_file": "Proxies and authorities",
      "bearer": "Any API", "basic": "Any API", "api_key": "Any API", "oauth2": "Any API", "sign": "Any API"}),
    ("its `poll`", "config", ["poll"], ["Polls"], {"silent_after": "Silence"}),
    ("its `webhook`", "config", ["webhook"], ["Connections"], {"silent_after": "Silence"}),
    ("a hook", "config", ["hook"], ["Hooks"], {"silent_after": "Silence", "dedupe": "Dedupe"}),
    ("a schedule", "config", ["schedule"], ["Schedules"], {}),
    ("a plugin", "config", ["plugin"], ["Plugins"], {}),
    ("a rules file", "rules", [""], [SHARED], {"tables": "Tables", "rules": "Rules"}),
    ("its `defaults`", "rules", ["defaults"], [SHARED], {}),
    ("its `actions`", "rules", ["action"], [SHARED], {}),
    ("a rule", "rules", ["rule"], ["Rules"],
     {"lookup": "Look-ups", "edge": "Edges", "first": "Edges", "clear": "Edges",
      "echoes": "Echoes and loops", "tests": TESTS}),
    ("`match`", "rules", ["match", "operand"], ["Rules"], {}),
    ("a look-up", "rules", ["lookup"], ["Look-ups", "Steps"], {}),
    ("a step", "rules", ["action_step", "use"], ["Steps"],
     {"on_error": "When a step fails", "after_doubt": "When a step fails"}),
    ("its `retry`", "rules", ["retry"], ["Steps"], {}),
    ("`for_each`", "rules", ["loop"], ["Items", "Steps"], {}),
    ("a test", "rules", ["test"], [TESTS], {}),
    ("its `given`", "rules", ["given"], [TESTS], {"tables": "Tables"}),
    ("`given`: `event`", "rules", ["given_event"], [TESTS], {}),
    ("`given`: `entity`", "rules", ["given_entity"], [TESTS], {}),
    ("its `reply`", "rules", ["reply"], [TESTS], {}),
]


def schemas(tappet):
    def one(*more):
        run = subprocess.run([tappet, "schema", *more], capture_output=True, text=True, check=True)
        return json.loads(run.stdout)
    return {"rules": one(), "config": one("--config")}


def places(schema):
    """{place: keys}; "" is the file itself. Actions, which have a dot, are on another page."""
    found = {"": list(schema["properties"])}
    for name, place in schema["$defs"].items():
        properties = place.get("properties") or place.get("then", {}).get("properties") or {}
        keys = [key for key in properties if "." not in key]
        if keys:
            found[name] = keys
    return found


def anchor(heading):
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def sections(page):
    """{heading: its own text}"""
    parts = re.split(r"^#{2,4} (.+)\n", page, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def section_of(texts, key, own, candidates):
    if key in own:
        return own[key] if own[key] in texts else None
    for heading in candidates:
        if re.search(rf"`[^`\n]*\b{re.escape(key)}\b[^`\n]*`", texts[heading]) or \
                re.search(rf"^\s*(- )?(\{{ )?{re.escape(key)}:", texts[heading], re.M):
            return heading
    return None


def make(page, known):
    texts, lines, wrong, covered = sections(page), [], [], set()
    for words, which, names, candidates, own in GROUPS:
        links, seen = [], set()
        for place, keys in known[which].items():
            if place not in names and not any(n.endswith("*") and place.startswith(n[:-1]) for n in names):
                continue
            covered.add((which, place))
            for key in keys:
                heading = None if key in seen else section_of(texts, key, own, candidates)
                if heading:
                    links.append(f"[`{key}`](#{anchor(heading)})")
                elif key not in seen:
                    wrong.append(f"{words}: no word of {key} under {', '.join(candidates)}")
                seen.add(key)
        lines.append(f"- {words}: {' '.join(links)}\n")
    for which, all_places in known.items():
        wrong += [f"no group has the keys of {p} ({which})" for p in all_places if (which, p) not in covered]
    return "".join(lines), wrong


def main():
    with open(PAGE, encoding="utf-8") as f:
        page = f.read()
    before, _, rest = page.partition(BEGIN)
    index, _, after = rest.partition(END)
    known = {which: places(schema) for which, schema in schemas(sys.argv[1]).items()}
    made, wrong = make(before + after, known)
    if "--write" in sys.argv:
        with open(PAGE, "w", encoding="utf-8") as f:
            f.write(before + BEGIN + made + END + after)
        index = made
    if not rest or index != made:
        wrong.append("docs/RULES.md: the index of keys is another one; --write writes it")
    for line in wrong:
        print(line)
    print(f"{0 if wrong else 1} passed, {1 if wrong else 0} failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
