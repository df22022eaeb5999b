# SPDX-License-Identifier: Apache-2.0
"""Writes a file as the numbers of a C initializer: embed.py INPUT OUTPUT."""
import sys

with open(sys.argv[1], "rb") as source:
    data = source.read()
with open(sys.argv[2], "w", encoding="ascii") as target:
    for start in range(0, len(data), 20):
        target.write(",".join(str(byte) for byte in data[start:start + 20]) + ",\n")
