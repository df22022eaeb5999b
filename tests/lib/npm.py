# SPDX-License-Identifier: Apache-2.0
"""Packages of npm that tests read: pinned in a package.json beside the test, installed
under build/npm/, never into the tree."""
import json
import os
import shutil
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SECONDS = 300
QUIET = ["--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock", "--omit=peer",
         "--loglevel=error"]


def is_there(folder, name, version):
    """Whether exactly this version of a package is installed in the folder."""
    try:
        with open(os.path.join(folder, "node_modules", name, "package.json"),
                  encoding="utf-8") as f:
            return json.load(f)["version"] == version
    except FileNotFoundError:
        return False


def install(test):
    """Installs what tests/TEST/package.json pins, unless it is there; the folder that
    node_modules is in. Raises OSError when it can't be had."""
    pins = os.path.join(ROOT, "tests", test, "package.json")
    folder = os.path.join(ROOT, "build", "npm", test)
    with open(pins, encoding="utf-8") as f:
        wanted = json.load(f)["dependencies"]
    if all(is_there(folder, name, version) for name, version in wanted.items()):
        return folder
    os.makedirs(folder, exist_ok=True)
    shutil.copy(pins, folder)
    done = subprocess.run(["npm", "install", "--prefix", folder, *QUIET], cwd=folder,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=SECONDS, check=False)
    if done.returncode != 0:
        raise OSError(f"npm can't install tests/{test}/package.json:\n"
                      + done.stdout.decode("utf-8", "replace"))
    return folder
