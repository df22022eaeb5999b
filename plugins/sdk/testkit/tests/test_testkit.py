# SPDX-License-Identifier: Apache-2.0
"""The scripted engine: a plugin of a few frames is told what is wrong with each."""
import json
import os
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

import zmq

HERE = os.path.dirname(os.path.abspath(__file__))
KIT = os.path.dirname(HERE)
sys.path.insert(0, KIT)
from tappet_testkit import Engine, Wrong, check_data, check_manifest, is_pattern, matches  # noqa: E402

MANIFEST = {"actions": {"act": {"params": {"a": {"type": "text"}}}},
            "events": {"low": {"fields": {"n": {"type": "int"}}}}}


class Raw:
    """A plugin that says what it is told to."""

    def __init__(self, test, engine, identity=None):
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.linger = 0
        if identity:
            self.socket.setsockopt(zmq.IDENTITY, identity)
        self.socket.connect(engine.sessions)
        test.addCleanup(self.context.term)
        test.addCleanup(self.socket.close)

    def say(self, verb, header, body=None):
        frames = [verb.encode(), json.dumps(header).encode()]
        if body is not None:
            frames.append(body if isinstance(body, bytes) else json.dumps(body).encode())
        self.socket.send_multipart(frames)

    def hear(self):
        verb, header, *body = self.socket.recv_multipart()
        return verb.decode(), json.loads(header), json.loads(body[0]) if body else None


class Kit(unittest.TestCase):
    def begin(self, **more):
        engine = Engine("raw", **more)
        self.addCleanup(engine.close)
        raw = Raw(self, engine)
        raw.say("HELLO", {"protocol": 1, "name": "raw", "jobs": 2}, MANIFEST)
        engine.welcome()
        self.assertEqual(raw.hear()[0], "WELCOME")
        return engine, raw

    def wrong(self, code, verb, header, body=None):
        engine, raw = self.begin(emits=1)
        raw.say(verb, header, body)
        self.assert_wrong(code, engine.receive)

    def assert_wrong(self, code, call):
        with self.assertRaises(Wrong) as caught:
            call()
        self.assertEqual(caught.exception.code, code)

    def test_frames(self):
        self.wrong("bad-frame", "NONSENSE", {})
        self.wrong("bad-frame", "ACK", [])
        self.wrong("bad-frame", "ACK", {"cursor": "c"})
        self.wrong("bad-frame", "ACK", {"cursor": "c", "seq": True})
        self.wrong("bad-frame", "ACK", {"cursor": "c", "seq": -1})
        self.wrong("bad-frame", "RESULT", {"id": "1", "fate": "ok", "error": None})
        self.wrong("bad-frame", "RESULT", {"id": "1", "fate": "ok"}, b"NaN")
        self.wrong("bad-frame", "RESULT", {"id": "1", "fate": "ok"}, b"{")
        self.wrong("too-large", "PROGRESS", {"id": "x" * 17000})
        self.wrong("too-large", "RESULT", {"id": "1", "fate": "ok"}, b" " * 1048577)

    def test_credit(self):
        self.wrong("flood", "CREDIT", {"jobs": 4095})
        engine, raw = self.begin(emits=1)
        for number in range(2):
            raw.say("EMIT", {"id": str(number), "type": "low"}, {})
        engine.expect("EMIT")
        self.assert_wrong("flood", engine.receive)

    def test_jobs(self):
        self.wrong("unknown-job", "RESULT", {"id": "1", "fate": "ok"})
        self.wrong("unknown-job", "PROGRESS", {"id": "1"})
        for code, header in (("bad-result", {"fate": "fine"}),
                             ("bad-result", {"fate": "ok", "after": 1})):
            engine, raw = self.begin()
            job = engine.job("act", {"a": "b"})
            self.assertEqual(raw.hear()[1]["id"], job)
            raw.say("RESULT", {"id": job, **header})
            self.assert_wrong(code, engine.receive)

    def test_emits(self):
        self.wrong("bad-emit", "EMIT", {"id": "", "type": "low"})
        self.wrong("bad-emit", "EMIT", {"id": "x" * 129, "type": "low"})
        self.wrong("bad-emit", "EMIT", {"id": "x", "type": "high"})
        self.wrong("bad-emit", "EMIT", {"id": "x", "type": "low", "time": "today"})
        self.wrong("bad-emit", "EMIT", {"id": "x", "type": "low"}, {"n": "7"})
        self.wrong("bad-emit", "EMIT", {"id": "x", "type": "low"})

    def refused(self, event, data):
        self.assert_wrong("bad-emit", lambda: check_data(event, data))

    def test_data(self):
        kinds = {"text": ["x"], "bool": [True], "int": [7], "number": [1.5], "list": [[]],
                 "map": [{}], "timestamp": ["2026-11-22T10:00:00Z"], "date": ["2026-11-22"]}
        also = {"number": [7], "text": ["2026-11-22", "2026-11-22T10:00:00Z"]}
        for kind, values in kinds.items():
            event = {"fields": {"a": {"type": kind}, "b": {"type": "any"}}}
            for value in values + also.get(kind, []):
                check_data(event, {"a": value, "b": value, "c": value})
            check_data(event, {"a": None})
            check_data(event, {})
            for other in kinds:
                for value in kinds[other]:
                    if value not in values + also.get(kind, []):
                        self.refused(event, {"a": value})
        for kind, value in (("int", 7.0), ("date", "2026-02-30"),
                            ("timestamp", "2026-02-30T00:00:00Z")):
            self.refused({"fields": {"a": {"type": kind}}}, {"a": value})
        self.refused({"fields": {}}, [])
        check_data({}, [])

    def test_subscriptions(self):
        for header in ({"cursor": "C"}, {"types": []}, {"types": ["a*"]}, {"types": ["**.a"]},
                       {"window": 0}, {"window": 10001}, {"from": "here"}):
            self.wrong("bad-subscribe", "SUBSCRIBE", {"cursor": "c", "types": ["**"], **header})
        self.wrong("unknown-cursor", "ACK", {"cursor": "c", "seq": 1})
        self.wrong("unknown-cursor", "UNSUBSCRIBE", {"cursor": "c"})
        engine, raw = self.begin(auto={"SUBSCRIBE"})
        raw.say("SUBSCRIBE", {"cursor": "c", "types": ["a.*"], "window": 1})
        engine.serve(lambda: "c" in engine.subscriptions)
        for _ in range(2):
            engine.append("a.b", {})
        self.assertEqual([raw.hear()[0] for _ in range(2)], ["SUBSCRIBED", "EVENT"])
        raw.say("ACK", {"cursor": "c", "seq": 2})
        self.assert_wrong("unknown-cursor", engine.receive)

    def test_hello(self):
        for code, header, body in (("protocol-version", {"protocol": 2}, {}),
                                   ("name-unknown", {"name": "other"}, {}),
                                   ("flood", {"jobs": 4097}, {}),
                                   ("bad-manifest", {}, []),
                                   ("bad-manifest", {}, None)):
            engine = Engine("raw")
            self.addCleanup(engine.close)
            raw = Raw(self, engine)
            raw.say("HELLO", {"protocol": 1, "name": "raw", **header}, body)
            self.assert_wrong(code, engine.welcome)

    def test_manifest(self):
        check_manifest(MANIFEST)
        for wrong in ({"action": {}}, {"actions": {"A": {}}}, {"actions": {"a": {"param": {}}}},
                      {"actions": {"a": {"params": {"p": {"type": "string"}}}}},
                      {"actions": {"a": {"params": {"p": {"type": "choice"}}}}},
                      {"actions": {"a": {"params": {"p": {"type": "text", "choices": ["x"]}}}}},
                      {"actions": {"a": {"params": {"p": {"type": "text", "required": 1}}}}},
                      {"actions": {"a": {"params": {"p": {"type": "text", "members": {}}}}}},
                      {"actions": {"a": {"timeout": 99}}}, {"actions": {"a": {"timeout": True}}},
                      {"actions": {"a": {"after_doubt": "ask"}}},
                      {"events": {"e": {"fields": {"f": {"type": "mail"}}}}},
                      {"events": {f"e{n}": {} for n in range(65)}}):
            with self.assertRaises(Wrong, msg=wrong):
                check_manifest(wrong)

    def test_routing_id(self):
        engine = Engine("raw")
        self.addCleanup(engine.close)
        Raw(self, engine, b"mine!").say("HELLO", {"protocol": 1, "name": "raw"}, MANIFEST)
        self.assert_wrong("bad-frame", engine.welcome)

    def test_says_hello_first_once(self):
        engine, raw = self.begin(heartbeat=100000)
        engine.forget()
        for number in range(3):
            raw.say("PROGRESS", {"id": str(number)})
        raw.say("HELLO", {"protocol": 1, "name": "raw"}, MANIFEST)
        engine.welcome()
        self.assertEqual(raw.hear()[1]["code"], "hello-first")
        self.assertEqual(raw.hear()[0], "WELCOME")

    def test_gives_up_on_silence(self):
        engine, _ = self.begin(patience=0.05)
        self.assert_wrong("silence", engine.receive)

    def test_patterns(self):
        for pattern, event_type, is_one in (
                ("a.*", "a.b", True), ("a.*", "a.b.c", False), ("a.**", "a.b.c", True),
                ("**", "a", True), ("*.b", "a.b", True), ("a", "a", True), ("a.b", "a", False)):
            self.assertTrue(is_pattern(pattern))
            self.assertEqual(matches(pattern, event_type), is_one, pattern)
        for pattern in ("", "a.", "a*", "**.a", None):
            self.assertFalse(is_pattern(pattern))


class Command(unittest.TestCase):
    """The command, with the probe of the Python SDK."""

    probe = os.path.join(KIT, "..", "python", "tests", "probe.py")

    def run_script(self, script):
        with tempfile.NamedTemporaryFile("w", suffix=".script", encoding="utf-8") as f:
            f.write(script)
            f.flush()
            done = subprocess.run(
                [sys.executable, os.path.join(KIT, "tappet-testkit"), f.name, "--",
                 sys.executable, self.probe], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                check=False)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def test_the_script_of_the_readme(self):
        with open(os.path.join(KIT, "README.md"), encoding="utf-8") as f:
            script = f.read().split("```script\n")[1].split("```")[0]
        self.assertEqual(self.run_script(script), (0, unittest.mock.ANY, unittest.mock.ANY))

    def test_tells_the_line(self):
        code, _, words = self.run_script(
            "name probe\nstart\n> HELLO {\"name\":\"probe\"}\n< WELCOME\n> SUBSCRIBE\n"
            "< JOB {\"id\":\"1\",\"action\":\"echo\",\"key\":\"k\"} {\"value\":1}\n"
            "> RESULT {\"id\":\"1\"} {\"value\":2}\n")
        self.assertEqual(code, 1)
        self.assertIn("line 7", words)
        self.assertIn("body.value is 1, not 2", words)

    def test_wrong_scripts(self):
        for script in ("dance\n", "start\n> hello\n", "< WELCOME {\n",
                       "name probe\nstart\n> HELLO\n< EMITTED {\"id\":\"$x\"}\n",
                       "auto EVERYTHING\n"):
            code, _, words = self.run_script(script)
            self.assertEqual(code, 2, script)
            self.assertIn("script is wrong", words)


if __name__ == "__main__":
    unittest.main()
