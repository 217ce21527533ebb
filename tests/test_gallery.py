"""The examples of the documentation: what they are, and that they run."""

import ast
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
EXAMPLES = sorted((DOCS / "gallery").glob("plot_*.py"))


def run_example(path):
    return subprocess.run(
        [sys.executable, path.name],
        cwd=path.parent,
        env={**os.environ, "MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_has_a_title_and_imports_public_names_only(path):
    tree = ast.parse(path.read_text())

    title, line = (ast.get_docstring(tree) or "").splitlines()[:2]
    assert line == "=" * len(title)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
            assert not [n for n in names if n.startswith("deepvanet.")]
        if isinstance(node, ast.ImportFrom):
            assert not (node.module or "").startswith("deepvanet")


def test_there_are_twelve_examples_or_more_and_the_quickest_are_among_them():
    quickest = runpy.run_path(str(DOCS / "conf.py"))["QUICKEST"]

    assert len(EXAMPLES) >= 12
    assert {path.stem for path in EXAMPLES} >= set(quickest)
    assert len(quickest) == 3


@pytest.mark.long
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_runs(path):
    done = run_example(path)

    assert done.returncode == 0, done.stderr
