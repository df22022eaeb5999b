# SPDX-License-Identifier: Apache-2.0
"""event-log against a scripted engine: what is in its files, whatever happens.

    test_event_log.py PROGRAM SYNCS
"""
import glob
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "sdk", "testkit"))
from tappet_testkit import Engine  # noqa: E402

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else ""
SYNCS = sys.argv.pop(1) if len(sys.argv) > 1 else ""  # syncs.c
WINDOW = 2000


class EventLog(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="event-log-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.engine = self.new_engine()

    def new_engine(self):
        engine = Engine("event_log", auto={"HELLO", "SUBSCRIBE", "ACK"})
        self.addCleanup(engine.close)
        return engine

    def start(self, *words, **more):
        more.setdefault("stderr", subprocess.DEVNULL)
        return self.engine.start([PROGRAM, "--directory", self.folder, *words], **more)

    def fill(self, count, size=0):
        for number in range(count):
            self.engine.append("test.kind", {"n": number, "text": "x" * size, "ü": "\u2028"})

    def until_acked(self, seq):
        self.engine.serve(lambda: self.engine.cursors.get("event_log") == seq)

    def files(self):
        return sorted(glob.glob(os.path.join(self.folder, "events-*.jsonl")))

    def breaks(self):
        count = 0
        for path in self.files():
            with open(path, "rb") as f:
                count += f.read().count(b"\n")
        return count

    def lines(self):
        lines = []
        for path in self.files():
            with open(path, "rb") as f:
                content = f.read()
            self.assertTrue(content.endswith(b"\n"), path)
            found = content.splitlines(keepends=False)
            self.assertEqual(json.loads(found[0])["seq"],
                             int(os.path.basename(path).split("-")[1]))
            lines += found
        return lines

    def seqs(self):
        return [json.loads(line)["seq"] for line in self.lines()]

    def assert_all(self, last):
        self.assertEqual(self.seqs(), list(range(1, last + 1)))

    # ---- The usual. ----

    def test_writes_events_as_they_are(self):
        self.fill(500)
        process = self.start()
        self.until_acked(500)
        self.engine.finish(process)
        self.assertEqual(self.lines(), [text for _, text in self.engine.log])

    def test_goes_on_where_it_was(self):
        for last in (10, 20, 30):
            self.fill(10)
            process = self.start("--sync", "never")
            self.until_acked(last)
            self.engine.finish(process)
        self.assert_all(30)
        self.assertEqual(len(self.files()), 1)

    def test_begins_files_by_size_and_keeps_some(self):
        self.fill(100, 1000)
        process = self.start("--size", "10KiB", "--keep", "3")
        self.until_acked(100)
        self.engine.finish(process)
        self.assertEqual(len(self.files()), 3)
        self.assertTrue(all(os.path.getsize(f) <= 10240 for f in self.files()))
        seqs = self.seqs()
        self.assertEqual(seqs, list(range(seqs[0], 101)))

    def test_an_event_larger_than_a_file_has_one(self):
        self.fill(3, 5000)
        process = self.start("--size", "1KiB")
        self.until_acked(3)
        self.engine.finish(process)
        self.assertEqual(len(self.files()), 3)
        self.assert_all(3)

    def test_begins_a_file_when_one_is_old(self):
        self.fill(1)
        process = self.start()
        self.until_acked(1)
        self.engine.finish(process)
        os.rename(self.files()[0],
                  os.path.join(self.folder, "events-0000000000000000001-20200101T000000Z.jsonl"))
        self.fill(1)
        process = self.start("--age", "365d")
        self.until_acked(2)
        self.engine.finish(process)
        self.assertEqual(len(self.files()), 2)
        self.assert_all(2)

    def test_syncs_by_time_and_at_the_end(self):
        self.fill(50)
        process = self.start("--sync", "10ms")
        self.until_acked(50)
        self.engine.finish(process)
        process = self.start("--sync", "1h")
        self.engine.serve(lambda: "event_log" in self.engine.subscriptions)
        self.fill(5)
        self.engine.serve(lambda: self.breaks() == 55)
        self.assertEqual(self.engine.cursors["event_log"], 50)
        self.engine.finish(process)
        self.assertEqual(self.engine.cursors["event_log"], 55)
        self.assert_all(55)

    def test_writes_down_what_is_missing(self):
        process = self.start()
        self.engine.serve(lambda: "event_log" in self.engine.subscriptions)
        self.engine.gap("event_log", 1, 41)
        self.until_acked(41)
        self.engine.append("test.kind", {}, seq=42)
        self.until_acked(42)
        self.engine.finish(process)
        gap, event = map(json.loads, self.lines())
        self.assertEqual((gap["type"], gap["seq"], gap["data"]),
                         ("tappet.gap", 41, {"from": 1, "to": 41}))
        self.assertEqual(event["seq"], 42)

    def test_puts_an_event_into_one_line(self):
        self.engine.log.append((1, b'{"seq": 1,\n "id": "a",\r\n "data": "\\n"}'))
        self.engine.types.append("test.kind")
        process = self.start()
        self.until_acked(1)
        self.engine.finish(process)
        self.assertEqual(self.lines(), [b'{"seq":1,"id":"a","data":"\\n"}'])

    def test_asks_for_types(self):
        self.engine.append("a.b", {})
        self.engine.append("c.d", {})
        self.engine.append("e", {})
        process = self.start("--types", "a.*", "--types", "e", "--from", "start")
        self.until_acked(3)
        self.engine.finish(process)
        self.assertEqual(self.seqs(), [1, 3])

    # ---- Crashes. ----

    def kill_all_the_time(self, *words):
        """Killed 25 times, in the middle of what it is sent: after its first ACK, or before."""
        kills, total = 25, 0
        for kill in range(kills):
            self.fill(240, 300)
            total += 240
            process = self.start(*words)
            welcomes, begun = self.engine.welcomes, self.engine.cursors.get("event_log", 0)
            if kill % 2:
                self.engine.serve(lambda: self.engine.cursors.get("event_log", 0) > begun)
            else:
                self.engine.serve(lambda: self.engine.welcomes > welcomes)
            self.engine.kill(process)
            if kill % 3 == 2:
                self.engine.restart()
        process = self.start(*words)
        self.until_acked(total)
        self.engine.finish(process)
        self.assert_all(total)

    def test_no_gap_and_no_line_twice_when_it_is_killed(self):
        self.kill_all_the_time("--size", "100KiB")

    def test_nor_when_it_never_syncs(self):
        self.kill_all_the_time("--size", "100KiB", "--sync", "never")

    def test_nor_when_it_syncs_by_time(self):
        self.kill_all_the_time("--size", "300KiB", "--sync", "2ms")

    def test_what_a_kill_left_unsynced_is_synced_before_its_ack(self):
        """Lines that were written and not synced are there after a kill, and may not be after
        a power cut: they come again, and are acknowledged because they are in the file."""
        done = subprocess.run([SYNCS, self.folder], stdout=subprocess.PIPE, check=True)
        self.assertEqual(int(done.stdout), 1)

    def test_cuts_off_what_a_crash_left(self):
        self.fill(5)
        process = self.start()
        self.until_acked(5)
        self.engine.finish(process)
        for number, torn in enumerate((b'{"specversion":"1.0","seq":6', b"\0" * 9000, b"\0\0\n",
                                       b'{"a":1}\n{"seq":"x"}\n', b"x" * 20000), 6):
            with open(self.files()[-1], "ab") as f:
                f.write(torn)
            self.fill(1)
            process = self.start()
            self.until_acked(number)
            self.engine.finish(process)
        self.assert_all(10)

    def test_passes_over_files_with_no_whole_line(self):
        self.fill(2)
        process = self.start()
        self.until_acked(2)
        self.engine.finish(process)
        for name, content in (("3", b""), ("4", b'{"seq":4')):
            path = os.path.join(self.folder, f"events-{int(name):019d}-20260101T000000Z.jsonl")
            with open(path, "wb") as f:
                f.write(content)
        self.fill(1)
        process = self.start()
        self.until_acked(3)
        self.engine.finish(process)
        self.assert_all(3)

    def test_ends_when_it_cant_write_and_loses_nothing(self):
        def small_files():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (20000, resource.RLIM_INFINITY))

        self.fill(100, 1000)
        process = self.start(preexec_fn=small_files)
        self.engine.ended(process, 1)
        process = self.start()
        self.until_acked(100)
        self.engine.finish(process)
        self.assert_all(100)

    # ---- Refused. ----

    def test_doesnt_mix_two_logs(self):
        self.fill(5)
        process = self.start()
        self.until_acked(5)
        self.engine.finish(process)
        self.engine = self.new_engine()
        self.engine.append("test.kind", "of another", seq=4)
        self.engine.append("test.kind", "of another", seq=5)
        self.engine.log[1] = (5, self.engine.log[1][1].replace(b'"id": "0', b'"id": "f'))
        process = self.start()
        self.engine.ended(process, 1)
        self.assertEqual(self.engine.cursors["event_log"], 0)
        self.assert_all(5)

    def test_one_process_to_a_folder(self):
        process = self.start()
        self.engine.serve(lambda: "event_log" in self.engine.subscriptions)
        other = self.start(stderr=subprocess.PIPE)
        _, words = other.communicate()
        self.assertEqual(other.returncode, 2)
        self.assertIn(b"another process", words)
        self.engine.finish(process)

    def test_wrong_words(self):
        for words in ([], ["--directory", "/nonexistent"],
                      *(["--directory", self.folder, *more] for more in (
                          ["--size", "0"], ["--size", "1XiB"], ["--age", "x"], ["--keep", "-1"],
                          ["--sync", "often"], ["--from", "7"], ["more"], ["--nonsense"]))):
            done = subprocess.run([PROGRAM, *words], stderr=subprocess.PIPE, check=False)
            self.assertEqual(done.returncode, 2, words)
            self.assertTrue(done.stderr, words)


if __name__ == "__main__":
    unittest.main()
