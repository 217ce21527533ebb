"""Tests of :mod:`deepvanet.datasets.records`: those that come with it, and plug-ins."""

import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

from deepvanet.cli import main
from deepvanet.config import Execution, PrepareSettings
from deepvanet.datasets import DATASETS, DataSet, check, find_data_set, list_names
from deepvanet.datasets.recording_files import read_recording
from deepvanet.datasets.records import find_terms
from deepvanet.preparation.run import prepare
from deepvanet.schema import Channel, ChannelType, UserError
from deepvanet.store import open_store
from finding_texts import write_own

GROUP = "deepvanet.datasets"
LAB = """
from pathlib import Path

import numpy as np

from deepvanet.datasets import CheckResult, DataSet, Table
from deepvanet.findings import make_finding
from deepvanet.schema import Channel, ChannelType, Recording, Target, TrialSpan

DATA_SET = DataSet(
    name="lab",
    title="what a laboratory recorded",
    terms_of_use="Ask the laboratory.",
    reader="lab_code",
    check="lab_code:check",
    suffixes=(".npy",),
)
IS_RAW = False
CHANNELS = (Channel("ECG", ChannelType.ECG, "uV"),)

def name_dataset(root):
    return "lab"

def list_subjects(root):
    return sorted(path.stem for path in root.glob("*.npy"))

def input_files(root, subject):
    return [root / f"{subject}.npy"]

def read_recordings(root, subject):
    return iter([read_file(root / f"{subject}.npy", None)])

def holds(path):
    return True

def read_file(path, trial):
    bio = np.load(path, allow_pickle=False)
    end_s = bio.shape[1] / 128
    span = TrialSpan(
        trial="1", stimulus="clip", onset_s=1.0, end_s=end_s, baseline_s=1.0,
        video=None, fps=None, ratings={Target.VALENCE: 7.0, Target.AROUSAL: 2.0},
    )
    return Recording(
        subject=path.stem, name="1", bio=bio, sfreq=128.0, channels=CHANNELS,
        spans=(span,), is_raw=False,
    )

def check(root, *, exclude=(), execution=None):
    rows = tuple((subject,) for subject in list_subjects(root))
    finding = make_finding("F03", f"{len(rows)} subjects")
    return CheckResult((Table("Subjects", ("subject",), rows),), (finding,))
"""


@pytest.fixture
def lab(add_package, tmp_path):
    """A package with a data set of its own, and two subjects of it; their folder."""
    add_package("lab", GROUP, {"lab": "lab_code:DATA_SET"}, LAB)
    root = tmp_path / "LAB"
    root.mkdir()
    for subject in ("a", "b"):
        bio = np.random.default_rng(0).normal(size=(1, 3 * 128)).astype(np.float32)
        np.save(root / f"{subject}.npy", bio)
    return root


@pytest.mark.parametrize("record", DATASETS.values(), ids=DATASETS)
def test_what_a_record_names_is_there(record):
    assert callable(record.load_check())
    assert (record.reader == "") == (record.name == "afew-va")
    if record.reader:
        assert record.load_reader().__name__ == record.reader
    if record.writer:
        assert callable(record.load_writer())
    assert record.title
    assert record.terms_of_use.endswith(".")


def test_each_data_set_has_a_folder_with_a_reader_and_a_check():
    for record in DATASETS.values():
        folder = f"deepvanet.datasets.{record.name.replace('-', '_')}"
        assert record.check.startswith(f"{folder}.check:check_")
        assert find_spec(f"{folder}.reader")


def test_a_plug_in_is_checked_prepared_and_opened_as_the_others_are(lab, tmp_path):
    store = tmp_path / "store"
    settings = PrepareSettings()

    found = check("lab", lab)
    made = prepare("lab", lab, store, settings=settings, execution=Execution())
    opened = read_recording(
        lab / "a.npy", channels=(Channel("ECG", ChannelType.ECG, "uV"),)
    )

    assert write_own(found.findings[0]) == "2 subjects"
    assert made.n_subjects == 2
    rows = open_store(store).cut()
    assert rows.manifest.dataset == "lab"
    assert list(rows.table["subject"]) == ["a", "a", "b", "b"]
    np.testing.assert_array_equal(opened.bio, np.load(lab / "a.npy"))


def test_a_plug_in_works_in_commands_and_says_its_terms(lab, tmp_path, capsys):
    out = str(tmp_path / "store")

    assert main(["check", "lab", str(lab)]) == 0
    assert main(["prepare", "lab", str(lab), "--out", out, "--jobs", "1"]) == 0

    said = capsys.readouterr().out
    assert "what a laboratory recorded. Ask the laboratory." in said
    assert "2 subjects" in said


@pytest.mark.usefixtures("lab")
def test_help_lists_plug_ins_and_imports_none():
    code = (
        "import sys; from deepvanet.cli import main; main(['check', '--help']);"
        "sys.exit(str([n for n in ('lab_code', 'numpy') if n in sys.modules]))"
    )

    said = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": ":".join(sys.path), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert said.stderr.strip() == "[]"
    assert ", ".join([*DATASETS, "lab"]) in " ".join(said.stdout.split())


def test_a_name_that_is_taken_is_refused(add_package, tmp_path, capsys):
    add_package("thief", GROUP, {"deap": "thief_code:DATA_SET"}, LAB)

    assert main(["check", "deap", str(tmp_path)]) == 2

    said = capsys.readouterr().err
    assert "plug-in deap of thief: the name is taken by a data set of deepvanet" in said


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import absent_package", "cannot be loaded: No module named 'absent_package'"),
        ("DATA_SET = 'lab'", "must be a DataSet of that name, got 'lab'"),
        (LAB.replace('name="lab"', 'name="other"'), "must be a DataSet of that name"),
        (LAB.replace("lab_code:check", "gone:check"), "gone:check cannot be loaded"),
    ],
)
def test_a_plug_in_that_cannot_be_used_ends_in_a_sentence(
    add_package, tmp_path, capsys, code, why
):
    add_package("lab", GROUP, {"lab": "lab_code:DATA_SET"}, code)

    assert main(["check", "lab", str(tmp_path)]) == 2

    said = capsys.readouterr().err
    assert why in said
    assert said.count("\n") == 1


def test_a_reader_that_lacks_a_function_is_named(add_package):
    code = LAB.replace("def list_subjects", "def all_subjects").replace("holds", "has")
    add_package("lab", GROUP, {"lab": "lab_code:DATA_SET"}, code)

    with pytest.raises(UserError, match="lab_code lacks list_subjects, holds"):
        find_data_set("lab").load_reader()


@pytest.mark.usefixtures("lab")
def test_terms_are_found_by_what_results_call_a_data_set():
    assert "DEAP may be used for academic research only" in find_terms("deap-original")
    assert find_terms("lab") == "Ask the laboratory."
    assert find_terms("what I recorded") == find_terms("recordings")


def test_what_has_no_reader_or_writer_cannot_be_asked_for():
    assert "afew-va" not in list_names("reader")
    assert "bids" not in list_names("writer")
    with pytest.raises(UserError, match="unknown data set 'afew-va'"):
        find_data_set("afew-va", "reader")
    bare = DataSet(name="x", title="x", terms_of_use="x.", check="x:x")
    with pytest.raises(UserError, match="x: has no reader"):
        bare.load_reader()
    with pytest.raises(UserError, match="x: has no synthetic copy"):
        bare.load_writer()


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("synth deap D --original", "was removed, say synth deap-original D"),
        ("synth deap D --filmed 2", "was removed, say --with-video 2"),
        ("check deap D --from original", "was removed, say check deap-original D"),
        (
            "prepare deap D --out S --from original",
            "was removed, say prepare deap-original D",
        ),
        ("check deap D --from preprocessed", "was removed, say check deap D"),
    ],
)
def test_removed_options_name_the_new_form(capsys, command, sentence):
    assert main(command.split()) == 2

    assert sentence in capsys.readouterr().err
