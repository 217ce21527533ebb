"""axe-core, which finds what not everyone can read; npm's registry has it.

It is used by tests and is part of nothing that is installed.
"""

import shutil
import subprocess
import tarfile

import pytest

PACKAGE = "axe-core@4.11.0"


def fetch_axe(folder):
    """Return the text of axe-core, or skip the test where it cannot be had."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("no npm, which fetches axe-core")
    made = subprocess.run(
        [npm, "pack", PACKAGE, "--silent"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if made.returncode:
        pytest.skip(f"axe-core cannot be had: {made.stderr[-200:]}")
    with tarfile.open(folder / made.stdout.strip().splitlines()[-1]) as archive:
        return archive.extractfile("package/axe.min.js").read().decode()


def find_violations(tab, axe):
    """Return what axe-core objects to in a page: rule, help, how often, an example."""
    tab.evaluate(axe)
    found = tab.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert found["passes"]
    return [
        (rule["id"], rule["help"], len(rule["nodes"]), rule["nodes"][0]["html"][:200])
        for rule in found["violations"]
    ]
