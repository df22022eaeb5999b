#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the *.flow files beside it, each in a directory, with a sandbox and a daemon of its own.

  run.py --tappet BIN --sandbox BIN [-j N] [--keep] [--operations FILE] [NAME...]

The last line is `scenarios: N passed, M failed`.
"""
import argparse
import concurrent.futures
import glob
import json
import os
import shutil
import sys
import tempfile
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from flow import Failed, Flow  # noqa: E402


def run(path, options):
    """(None or why it failed, the actions it carried out)."""
    directory = tempfile.mkdtemp(prefix="tappet-flow-")
    flow = Flow(path, directory, options.tappet, options.sandbox)
    why = None
    try:
        flow.run()
    except Failed as e:
        why = str(e)
    except Exception:  # a mistake of a scenario must not hide the others
        why = f"{flow.path}:{flow.number}: {flow.line}\n{traceback.format_exc()}"
    if why and flow.daemon:
        why += "\n--- the daemon's log ends\n" + "\n".join(flow.daemon.log[-40:])
    if options.keep:
        print(f"{os.path.basename(path)}: {directory}")
    else:
        shutil.rmtree(directory, ignore_errors=True)
    return why, flow.operations


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--tappet", required=True, type=os.path.abspath)
    parser.add_argument("--sandbox", required=True, type=os.path.abspath)
    parser.add_argument("-j", type=int, default=3)
    parser.add_argument("--keep", action="store_true", help="keep the directories")
    parser.add_argument("--operations", type=os.path.abspath,
                        help="write which actions were carried out, for tests/operations.py")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    paths = sorted(glob.glob(os.path.join(HERE, "*.flow")))
    if options.names:
        paths = [os.path.join(HERE, name.removesuffix(".flow") + ".flow")
                 for name in options.names]
    failed = 0
    carried_out = []

    def timed(path):
        begin = time.monotonic()
        why, operations = run(path, options)
        return path, why, operations, time.monotonic() - begin

    with concurrent.futures.ThreadPoolExecutor(options.j) as pool:
        for path, why, operations, seconds in pool.map(timed, paths):
            name = os.path.basename(path).removesuffix(".flow")
            print(f"{'FAILED' if why else 'ok'} {name} ({seconds:.1f} s)", flush=True)
            carried_out += [] if why else [dict(row, scenario=name) for row in operations]
            if why:
                failed += 1
                print(why, flush=True)
    if options.operations:
        with open(options.operations, "w", encoding="utf-8") as f:
            f.writelines(json.dumps(row) + "\n" for row in carried_out)
    print(f"scenarios: {len(paths) - failed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
