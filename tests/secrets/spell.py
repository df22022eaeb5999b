# SPDX-License-Identifier: Apache-2.0
"""The ways a secret may be written, and whether one of them is in some bytes.

A secret that is escaped is found by reading the bytes as somebody would who undoes the escapes;
what base64 and hex make of it is looked for in all of these readings, too.
"""
import base64
import html
import re

READINGS = {
    "as it is": lambda data: data,
    "as JSON": lambda data: re.sub(
        rb'\\(u00([0-9a-fA-F]{2})|["\\/])',
        lambda m: bytes([int(m[2], 16)]) if m[2] else m[1], data),
    "percent-encoded": lambda data: unquote(data),
    "as a form": lambda data: unquote(data.replace(b"+", b" ")),
    "as HTML": lambda data: re.sub(
        rb"&(#[0-9]{1,4}|#[xX][0-9a-fA-F]{1,4}|amp|lt|gt|quot|apos);",
        lambda m: html.unescape(m[0].decode()).encode(), data),
    "base64 in lines": lambda data: data.replace(b"\r\n", b"").replace(b"\n", b""),
}


def unquote(data):
    return re.sub(rb"%([0-9a-fA-F]{2})", lambda m: bytes([int(m[1], 16)]), data)


def spellings(secret):
    """{bytes: what it is}: of base64 the characters that the secret alone decides."""
    found = {secret: "plain", secret.hex().encode(): "hex", secret.hex().upper().encode(): "HEX"}
    for before in range(3):
        coded = base64.b64encode(bytes(before) + secret)
        part = coded[(before * 8 + 5) // 6:(before + len(secret)) * 8 // 6]
        found[part] = f"base64 after {before}"
        found[part.translate(bytes.maketrans(b"+/", b"-_"))] = f"base64url after {before}"
    return found


class Search:
    """Looks for all of {name: secret} at once."""

    def __init__(self, secrets):
        self.meaning = {}
        for name, secret in secrets.items():
            assert len(secret) >= 12, name
            for spelling, how in spellings(secret).items():
                self.meaning[spelling] = f"{name} ({how}"
        longest_first = sorted(self.meaning, key=len, reverse=True)
        self.pattern = re.compile(b"|".join(map(re.escape, longest_first)))

    def look(self, where, data):
        """A line for each secret and spelling of it that is in the data."""
        hits = {}
        for how, read in READINGS.items():
            plain = read(data)
            if plain == data and how != "as it is":
                continue
            for m in self.pattern.finditer(plain):
                around = plain[max(m.start() - 60, 0):m.end() + 20]
                hits.setdefault(self.meaning[m[0]].split(" (")[0],
                                f"{where}: {self.meaning[m[0]]}, {how}): {around!r}")
        return list(hits.values())


def written(secret):
    """{how: bytes}: every way the search has to find, made by other means than it looks."""
    text = secret.decode()
    quoted = "".join(c if c.isalnum() else f"%{ord(c):02X}" for c in text)
    ways = {
        "plain": secret,
        "URL": quoted.encode(),
        "url": re.sub("%..", lambda m: m[0].lower(), quoted).encode(),
        "JSON": "".join(c if c.isalnum() else f"\\u{ord(c):04x}" for c in text).encode(),
        "JSON with slashes": text.replace("\\", "\\\\").replace('"', '\\"').replace("/", "\\/").encode(),
        "HTML": html.escape(text).encode(),
        "HTML by numbers": "".join(c if c.isalnum() else f"&#{ord(c)};" for c in text).encode(),
        "hex": secret.hex().encode(),
        "HEX": secret.hex().upper().encode(),
    }
    for before in range(3):
        plain = b"{.}"[:before] + secret + b"}"
        ways[f"base64 {before}"] = base64.b64encode(plain)
        ways[f"base64url {before}"] = base64.urlsafe_b64encode(plain)
        ways[f"base64 {before} as JSON"] = base64.b64encode(plain).replace(b"/", b"\\/")
        ways[f"base64 {before} as URL"] = base64.b64encode(plain).replace(
            b"/", b"%2F").replace(b"+", b"%2b")
    return ways


def self_test(secrets):
    """What the search doesn't find; nothing when it works."""
    search = Search(secrets)
    wrong = [f"{name}: {how} isn't found" for name, secret in secrets.items()
             for how, data in written(secret).items()
             if not search.look("", b"a line\nwith " + data + b" in it\n")]
    innocent = b"".join(b"%s %% \\ &amp; %s\n" % (name.encode(), secret[:7])
                        for name, secret in secrets.items())
    return wrong + search.look("what has none", innocent)
