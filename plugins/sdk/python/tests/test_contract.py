# SPDX-License-Identifier: Apache-2.0
"""The contract of all SDKs, with this one."""
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "testkit"))
from contract import Contract  # noqa: E402


class ContractOfPython(Contract, unittest.TestCase):
    command = [sys.executable, os.path.join(HERE, "probe.py")]


if __name__ == "__main__":
    unittest.main()
