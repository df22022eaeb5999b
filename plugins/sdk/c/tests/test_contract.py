# SPDX-License-Identifier: Apache-2.0
"""The contract of all SDKs, with libtappet-plugin.

    test_contract.py PROBE      the program made of probe.c
"""
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "testkit"))
from contract import Contract  # noqa: E402

PROBE = sys.argv.pop(1) if len(sys.argv) > 1 else ""


class ContractOfC(Contract, unittest.TestCase):
    command = [PROBE]


if __name__ == "__main__":
    unittest.main()
