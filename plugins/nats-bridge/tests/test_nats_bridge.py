# SPDX-License-Identifier: Apache-2.0
"""nats-bridge between a scripted engine and a nats-server: what is on the other side,
whatever happens.

    test_nats_bridge.py PROGRAM
"""
import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "..", "sdk", "testkit"))
from nats_server import Client, Server  # noqa: E402
from tappet_testkit import Engine  # noqa: E402

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else ""
PREFIX = "tappet.events"
OUT = ["--prefix", PREFIX]
IN = ["--stream", "ORDERS", "--subject", "orders.>"]


class Bridge(unittest.TestCase):
    def setUp(self):
        self.server = self.new_server()
        self.client = self.new_client()
        self.engine = self.new_engine()

    def new_server(self, **options):
        server = Server(**options)
        self.addCleanup(server.close)
        return server

    def new_client(self):
        client = Client(self.server.port)
        self.addCleanup(client.close)
        return client

    def new_engine(self):
        engine = Engine("nats", auto={"HELLO", "SUBSCRIBE", "ACK", "EMIT"})
        self.addCleanup(engine.close)
        return engine

    def start(self, *words, env=None, **more):
        more.setdefault("stderr", subprocess.DEVNULL)
        return self.engine.start([PROGRAM, *words], env={"NATS_URL": self.server.url, **(env or {})},
                                 **more)

    def restart_server(self):
        self.server.stop()
        self.server.start()
        self.client = self.new_client()

    def fill(self, count, size=0):
        for number in range(count):
            self.engine.append("test.kind", {"n": number, "text": "x" * size, "ü": "\u2028"})

    def until_acked(self, seq):
        self.engine.serve(lambda: self.engine.cursors.get("nats") == seq)

    def assert_published(self, last):
        """All of the log, none twice. With one error in between the order may differ."""
        texts = [text for _, _, text in self.client.messages("EVENTS")]
        self.assertEqual(sorted(json.loads(text)["seq"] for text in texts),
                         list(range(1, last + 1)))
        self.assertEqual(set(texts), {text for _, text in self.engine.log})

    def add_events(self, **more):
        self.client.add_stream("EVENTS", PREFIX + ".>", **more)

    def add_orders(self, count=0):
        self.client.add_stream("ORDERS", "orders.>")
        self.publish(count)

    def publish(self, count, first=0):
        for number in range(first, first + count):
            self.client.publish("orders.new", {"n": number})

    def emitted(self):
        return [json.loads(text)["data"] for _, text in self.engine.log]

    def until_settled(self, stream="ORDERS", durable="tappet"):
        """Nothing is left, or unacknowledged."""
        def is_settled():
            info = self.client.consumer(stream, durable)
            return info.get("num_pending") == 0 and info["num_ack_pending"] == 0
        self.engine.serve(is_settled)

    def told(self, folder):
        with open(os.path.join(folder, "stderr"), encoding="utf-8") as f:
            return f.read()

    def folder(self):
        folder = tempfile.TemporaryDirectory(prefix="nats-bridge-")
        self.addCleanup(folder.cleanup)
        return folder.name

    def start_heard(self, folder, *words, **more):
        with open(os.path.join(folder, "stderr"), "w", encoding="utf-8") as f:
            return self.start(*words, stderr=f, **more)


class Out(Bridge):
    def test_publishes_events_as_they_are(self):
        self.add_events()
        self.fill(300)
        self.engine.append("other.thing.done", {"a": 1})
        process = self.start(*OUT)
        self.until_acked(301)
        self.engine.finish(process)
        found = self.client.messages("EVENTS")
        self.assertEqual([text for _, _, text in found], [text for _, text in self.engine.log])
        self.assertEqual([subject for subject, _, _ in found[-2:]],
                         [PREFIX + ".test.kind", PREFIX + ".other.thing.done"])
        self.assertIn("Nats-Msg-Id: " + json.loads(found[-1][2])["id"], found[-1][1])

    def test_drops_repeats(self):
        self.add_events()
        self.fill(50)
        process = self.start(*OUT)
        self.until_acked(50)
        self.engine.finish(process)
        self.engine.cursors["nats"] = 10  # as if the last ACKs had been lost
        self.fill(1)
        process = self.start(*OUT)
        self.until_acked(51)
        self.engine.finish(process)
        self.assert_published(51)

    def test_asks_for_types_and_a_window(self):
        self.add_events()
        for kind in ("a.b", "c.d", "e"):
            self.engine.append(kind, {})
        process = self.start(*OUT, "--types", "a.*", "--types", "e", "--window", "1")
        self.until_acked(3)
        self.engine.finish(process)
        self.assertEqual([subject for subject, _, _ in self.client.messages("EVENTS")],
                         [PREFIX + ".a.b", PREFIX + ".e"])

    def test_acknowledges_nothing_that_isnt_taken(self):
        folder = self.folder()
        self.fill(20)
        process = self.start_heard(folder, *OUT)
        self.engine.serve(lambda: "will be published again" in self.told(folder))
        self.assertEqual(self.engine.cursors["nats"], 0)
        self.add_events()
        self.until_acked(20)
        self.engine.finish(process)
        self.assert_published(20)

    def test_ends_at_what_is_too_large(self):
        self.server.close()
        self.server = self.new_server(max_payload=4096)
        self.client = self.new_client()
        self.add_events()
        self.fill(3)
        self.fill(1, 5000)
        process = self.start(*OUT)
        self.engine.ended(process, 1)
        self.assertLessEqual(self.engine.cursors["nats"], 3)
        self.fill(1)
        process = self.start(*OUT, "--skip-too-large")
        self.until_acked(5)
        self.engine.finish(process)
        self.assertEqual([json.loads(text)["seq"] for _, _, text in self.client.messages("EVENTS")],
                         [1, 2, 3, 5])

    def test_all_there_and_none_twice_when_it_is_killed(self):
        self.add_events()
        total = 0
        for kill in range(15):
            self.fill(240, 300)
            total += 240
            process = self.start(*OUT)
            welcomes, begun = self.engine.welcomes, self.engine.cursors.get("nats", 0)
            if kill % 2:
                self.engine.serve(lambda: self.engine.cursors.get("nats", 0) > begun)
            else:
                self.engine.serve(lambda: self.engine.welcomes > welcomes)
            self.engine.kill(process)
            if kill % 3 == 2:
                self.engine.restart()
        process = self.start(*OUT)
        self.until_acked(total)
        self.engine.finish(process)
        self.assert_published(total)

    def test_nor_when_the_server_is_restarted(self):
        self.add_events()
        process = self.start(*OUT)
        for last in (500, 1000, 1500):
            begun = last - 500
            self.fill(500, 300)
            self.engine.serve(lambda: self.engine.cursors.get("nats", 0) > begun)
            self.restart_server()
        self.until_acked(1500)
        self.engine.finish(process)
        self.assert_published(1500)

    def test_nor_when_the_engine_is_restarted(self):
        self.add_events()
        process = self.start(*OUT)
        for last in (500, 1000, 1500):
            begun = last - 500
            self.fill(500, 300)
            self.engine.serve(lambda: self.engine.cursors.get("nats", 0) > begun)
            self.engine.restart()
        self.until_acked(1500)
        self.engine.finish(process)
        self.assert_published(1500)

    def test_begins_before_the_server_is_there(self):
        self.add_events()
        self.server.stop()
        self.fill(10)
        process = self.start(*OUT)
        self.engine.serve(lambda: "nats" in self.engine.subscriptions)
        self.assertEqual(self.engine.cursors["nats"], 0)
        self.server.start()
        self.until_acked(10)
        self.engine.finish(process)
        self.client = self.new_client()
        self.assert_published(10)


class In(Bridge):
    def test_emits_messages(self):
        self.add_orders(300)
        process = self.start(*IN)
        self.engine.serve(lambda: len(self.engine.log) == 300)
        self.until_settled()
        self.engine.finish(process)
        self.assertEqual(self.emitted()[0], {"subject": "orders.new", "stream": "ORDERS",
                                             "sequence": 1, "body": {"n": 0}})
        self.assertEqual([data["body"]["n"] for data in self.emitted()], list(range(300)))

    def test_an_id_of_the_senders_is_kept(self):
        self.add_orders()
        self.client.publish("orders.new", {"n": 1}, "order-1")
        self.client.publish("orders.new", {"n": 2})
        process = self.start(*IN, "--durable", "mine")
        self.engine.serve(lambda: len(self.engine.log) == 2)
        self.until_settled(durable="mine")
        self.engine.finish(process)
        first, second = self.engine.emitted
        self.assertEqual(first, "order-1")
        self.assertTrue(second.startswith("2."))

    def test_acknowledges_only_what_the_engine_has(self):
        self.add_orders(1)
        self.engine.auto -= {"EMIT"}
        process = self.start(*IN)
        emit = self.engine.expect("EMIT")
        info = self.client.consumer("ORDERS", "tappet")
        self.assertEqual((info["num_ack_pending"], info["ack_floor"]["stream_seq"]), (1, 0))
        self.engine.refuse_emit(emit, "busy", after=1)
        self.engine.take_emit(self.engine.expect("EMIT", id=emit["id"]))
        self.until_settled()
        self.engine.finish(process)

    def test_terminates_what_is_no_json(self):
        folder = self.folder()
        self.add_orders()
        for body in (b"{", b"", b"\xff", b'{"a":1} x', b"17"):
            self.client.publish("orders.new", body)
        process = self.start_heard(folder, *IN)
        self.engine.serve(lambda: len(self.engine.log) == 1)
        self.until_settled()
        self.engine.finish(process)
        self.assertEqual(self.emitted()[0]["body"], 17)
        self.assertEqual(self.told(folder).count("is not JSON"), 4)

    def test_terminates_what_the_engine_refuses(self):
        folder = self.folder()
        self.add_orders(1)
        self.engine.auto -= {"EMIT"}
        process = self.start_heard(folder, *IN)
        self.engine.refuse_emit(self.engine.expect("EMIT"), "bad-emit", message="no such thing")
        self.until_settled()
        self.engine.finish(process)
        self.assertIn("no such thing: terminated", self.told(folder))

    def test_waits_for_the_stream(self):
        folder = self.folder()
        process = self.start_heard(folder, *IN)
        self.engine.serve(lambda: "can't fetch" in self.told(folder))
        self.add_orders(1)
        self.engine.serve(lambda: len(self.engine.log) == 1)
        self.until_settled()
        self.engine.finish(process)

    def test_uses_no_consumer_that_isnt_meant_for_it(self):
        folder = self.folder()
        self.add_orders(3)
        self.client.api("CONSUMER.DURABLE.CREATE.ORDERS.tappet", stream_name="ORDERS",
                        config={"durable_name": "tappet", "ack_policy": "explicit",
                                "filter_subject": "orders.old", "deliver_policy": "all",
                                "replay_policy": "instant"})
        process = self.start_heard(folder, *IN)
        self.engine.serve(lambda: "can't fetch from stream ORDERS" in self.told(folder))
        self.assertEqual(self.engine.log, [])
        self.client.api("CONSUMER.DELETE.ORDERS.tappet")
        self.engine.serve(lambda: len(self.engine.log) == 3)
        self.until_settled()
        self.engine.finish(process)

    def test_makes_its_consumer_again(self):
        self.add_orders(3)
        process = self.start(*IN)
        self.engine.serve(lambda: len(self.engine.log) == 3)
        self.until_settled()
        self.client.api("CONSUMER.DELETE.ORDERS.tappet")
        self.publish(300, 3)
        self.engine.serve(lambda: len(self.engine.log) == 303)
        self.until_settled()
        self.engine.finish(process)
        self.assert_emitted(303)

    def assert_emitted(self, count):
        self.assertEqual(sorted(data["body"]["n"] for data in self.emitted()), list(range(count)))

    def add_impatient(self):
        """The consumer, made before: what wasn't acknowledged comes again after 100 ms."""
        self.client.api("CONSUMER.DURABLE.CREATE.ORDERS.tappet", stream_name="ORDERS",
                        config={"durable_name": "tappet", "ack_policy": "explicit",
                                "ack_wait": 100_000_000, "filter_subject": "orders.>",
                                "deliver_policy": "all", "replay_policy": "instant"})

    def test_all_there_and_none_twice_when_it_is_killed(self):
        self.add_orders()
        self.add_impatient()
        total = 0
        for kill in range(12):
            self.publish(100, total)
            total += 100
            process = self.start(*IN)
            begun = len(self.engine.log)
            self.engine.serve(lambda: len(self.engine.log) > begun + kill)
            self.engine.kill(process)
            if kill % 3 == 2:
                self.engine.restart()
        process = self.start(*IN)
        self.engine.serve(lambda: len(self.engine.log) == total)
        self.until_settled()
        self.engine.finish(process)
        self.assert_emitted(total)

    def test_nor_when_the_server_or_the_engine_is_restarted(self):
        self.add_orders()
        self.add_impatient()
        process = self.start(*IN)
        for total in (200, 400, 600, 800):
            begun = total - 200
            self.publish(200, begun)
            self.engine.serve(lambda: len(self.engine.log) > begun)
            if total % 400:
                self.restart_server()
            else:
                self.engine.restart()
        self.engine.serve(lambda: len(self.engine.log) == 800)
        self.until_settled()
        self.engine.finish(process)
        self.assert_emitted(800)


class Both(Bridge):
    def certify(self, folder):
        """An authority, and a certificate of it for 127.0.0.1."""
        def openssl(*words):
            subprocess.run(["openssl", *words], cwd=folder, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, check=True)
        new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
        openssl("req", "-x509", *new, "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem")
        openssl("req", "-x509", *new, "-subj", "/CN=127.0.0.1", "-CA", "ca.pem", "-CAkey", "ca.key",
                "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=CA:FALSE",
                "-keyout", "key.pem", "-out", "cert.pem")

    def test_speaks_tls_with_certificates_on_both_sides(self):
        folder = self.folder()
        self.certify(folder)
        self.add_events()
        self.server.stop()
        self.server.options = {
            "tls": f'{{ cert_file: "{folder}/cert.pem", key_file: "{folder}/key.pem", '
                   f'ca_file: "{folder}/ca.pem", verify: true }}'}
        self.server.start()
        self.fill(5)
        process = self.start(*OUT, "--ca", f"{folder}/ca.pem",
                             env={"NATS_CERTIFICATE": f"{folder}/cert.pem",
                                  "NATS_KEY": f"{folder}/key.pem"})
        self.until_acked(5)
        self.engine.finish(process)
        self.server.stop()
        self.server.options = {}
        self.server.start()
        self.client = self.new_client()
        self.assert_published(5)

    def test_both_directions_at_once(self):
        self.add_events()
        self.add_orders(100)
        process = self.start(*OUT, *IN)
        self.engine.serve(lambda: len(self.engine.log) == 100)
        self.until_acked(100)
        self.until_settled()
        self.engine.finish(process)
        self.assert_published(100)

    def test_credentials_come_from_the_environment(self):
        self.server.close()
        self.server = self.new_server(authorization='{ user: "me", password: "let-me-in" }')
        self.client = Client(self.server.port, "me:let-me-in")
        self.addCleanup(self.client.close)
        self.add_events()
        self.fill(1)
        folder = self.folder()
        process = self.start(*OUT, env={"NATS_USER": "me", "NATS_PASSWORD": "let-me-in"})
        self.until_acked(1)
        self.engine.finish(process)
        process = self.start_heard(folder, *OUT, env={"NATS_USER": "me", "NATS_PASSWORD": "wr0ng"})
        self.engine.ended(process, 1)
        self.assertNotIn("wr0ng", self.told(folder))

    def test_wrong_words(self):
        for words in ([], ["--prefix", ""], ["--prefix", "a.*"], ["--prefix", "a..b"],
                      ["--subject", "a.>"], ["--stream", "A"], [*OUT, "--window", "0"],
                      [*OUT, "--from", "7"], [*OUT, "more"], ["--nonsense"],
                      [*OUT, "--key", "k"], ["--stream", "a.b", "--subject", "a"],
                      ["--stream", "A", "--subject", "a.>.b"],
                      [*OUT, "--stream", "A", "--subject", "tappet.>"],
                      [*OUT, "--stream", "A", "--subject", "*.events.test.*"],
                      [*OUT, "--credentials", "/nonexistent", "--ca", "/nonexistent"]):
            done = subprocess.run([PROGRAM, *words], stderr=subprocess.PIPE, check=False)
            self.assertEqual(done.returncode, 2, words)
            self.assertTrue(done.stderr, words)


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    unittest.main()
