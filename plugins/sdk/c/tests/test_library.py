# SPDX-License-Identifier: Apache-2.0
"""What libtappet-plugin alone has: its example, and its header in C++.

    test_library.py EXAMPLE      the program made of example/inventory.c
"""
import os
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "testkit"))
from tappet_testkit import Engine  # noqa: E402

EXAMPLE = sys.argv.pop(1) if len(sys.argv) > 1 else ""


class Library(unittest.TestCase):
    def test_example(self):
        with Engine("inventory", auto={"EMIT"}) as engine:
            process = engine.start([EXAMPLE], stderr=subprocess.DEVNULL)
            engine.welcome()
            for _ in range(2):  # the second one is a repeat
                job = engine.job("reserve", {"sku": "A-7", "count": 3}, key="one")
                self.assertEqual(engine.expect("RESULT", id=job, fate="ok").body, {"left": 2})
            engine.serve(lambda: list(engine.emitted) == ["low-one"])
            job = engine.job("reserve", {"sku": "A-7", "count": 3}, key="two")
            engine.expect("RESULT", id=job, fate="reject", error="there aren't that many")
            job = engine.job("reserve", {"sku": "B-1"})
            self.assertEqual(engine.expect("RESULT", id=job).body, {"left": 99})
            engine.finish(process)

    def test_header_in_cplusplus(self):
        subprocess.run(["g++", "-std=c++17", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x",
                        "c++", os.path.join(HERE, "..", "tappet_plugin.h"),
                        "-Wno-pragma-once-outside-header"], check=True)


if __name__ == "__main__":
    unittest.main()
