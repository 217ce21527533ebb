"""
An own data set as a plug-in
============================

A package names a data set in its metadata; then every command knows it. The package of
:doc:`/plugins` is written into a folder here, in place of ``pip install``.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from tempfile import mkdtemp

import numpy as np

home = Path(mkdtemp())
page = Path("../plugins.md").read_text()
_, init, reader, check, _ = re.findall(r"```(?:toml|python)\n(.*?)```", page, re.S)
for name, code in (("__init__", init), ("reader", reader), ("check", check)):
    file = home / "deepvanet_lab" / f"{name}.py"
    file.parent.mkdir(exist_ok=True)
    file.write_text(code)
metadata = home / "deepvanet_lab-1.0.dist-info"
metadata.mkdir()
(metadata / "METADATA").write_text("Name: deepvanet-lab\nVersion: 1.0\n")
(metadata / "entry_points.txt").write_text(
    "[deepvanet.datasets]\nlab = deepvanet_lab:DATA_SET\n"
)

# %%
# The files of the laboratory: two subjects, six trials each.

(home / "LAB").mkdir()
rng = np.random.default_rng(0)
for subject in ("s01", "s02"):
    np.savez(
        home / "LAB" / f"{subject}.npz",
        bio=rng.standard_normal((6, 2, 128 * 7)),
        ratings=rng.integers(1, 10, (6, 2)),
    )

# %%
# The commands list it, check it and prepare it.

paths = os.pathsep.join([str(home), os.environ.get("PYTHONPATH", "")])
for command in (
    ["check", "lab", "LAB"],
    ["prepare", "lab", "LAB", "--out", "store", "--jobs", "1"],
):
    done = subprocess.run(
        [sys.executable, "-m", "deepvanet", *command],
        cwd=home,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=True,
    )
    print("$ deepvanet", *command)
    print(done.stdout)
