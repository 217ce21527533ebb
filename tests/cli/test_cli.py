"""Tests of :mod:`deepvanet.cli`: what each command takes, and what it refuses."""

import csv
import inspect
import json
import logging
import os
import pickle
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import numpy as np
import pandas as pd
import pytest
import torch

from deepvanet import config
from deepvanet.cli import main
from deepvanet.cli.app import COMMANDS as COMMANDS_AND_EXAMPLES
from deepvanet.cli.options import JOBS, join, name_option
from deepvanet.fields import find_about, list_hints
from deepvanet.labels import KNOWN_RULES
from deepvanet.learners import LEARNERS, PRIORS
from deepvanet.models.trunk import Trunk
from deepvanet.preprocessing.bio import BASELINES
from deepvanet.preprocessing.face import BACKENDS
from deepvanet.protocols import PROTOCOLS
from deepvanet.schema import STREAM_SETS
from deepvanet.store import read_store_findings
from films import number_pictures, write_video
from portraits import video_of
from small_deap import HEADER, pickle_as_python_2
from small_disk import mount_small_disk

COMMANDS = (
    *("demo", "synth", "check", "prepare", "evaluate", "report", "train", "predict"),
    *("explain", "reproduce"),
)
ALONE = ("--jobs", "1")
QUICK = ("--streams", "bio", "--target", "valence", "--epochs", "1", *ALONE)
EVALUATE = ("--protocol", "trial", "--folds", "3", *QUICK)


@pytest.fixture
def deap(tiny_deap):
    """A DEAP of noise that a test may spoil."""
    return tiny_deap()


@pytest.fixture
def refuse(capfd):
    """Run a command that must refuse; return its one sentence."""

    def run(*parts):
        assert main([str(part) for part in parts]) == 2
        lines = capfd.readouterr().err.splitlines()
        said = [line for line in lines if not re.match(r"\w+: \d+ of \d+$", line)]
        assert len(said) == 1, said
        assert said[0].startswith("deepvanet: ")
        return said[0].removeprefix("deepvanet: ")

    return run


def left_in(folder):
    """Return what a refused command left, but empty folders."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def signals_file(root, subject=1):
    return root / "data_preprocessed_python" / f"s{subject:02d}.dat"


def rewrite_ratings(root, change):
    """Change the rows of the ratings table, of dictionaries of text."""
    path = root / "metadata_csv" / "participant_ratings.csv"
    with path.open(newline="") as file:
        rows = change(list(csv.DictReader(file)))
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)


def set_rating(rows, value):
    rows[2]["Valence"] = value
    return rows


def rename_column(rows, old, new):
    return [{new if k == old else k: v for k, v in row.items()} for row in rows]


def write_arrays(root, **arrays):
    signals_file(root).write_bytes(pickle_as_python_2(arrays))


class _Hostile:
    """What a pickle would run if a reader let it."""

    def __reduce__(self):
        return Path.touch, (Path("hostile-pickle-ran"),)


def test_help_names_every_command(capsys):
    assert main(["--help"]) == 0

    said = capsys.readouterr().out
    for command in COMMANDS:
        assert re.search(rf"\b{command}\b", said)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_s_help_shows_an_example_that_can_be_read(command, capsys):
    assert main([command, "--help"]) == 0

    said = re.sub(r"[\s│]+", " ", capsys.readouterr().out)
    example = re.search(rf"Example: deepvanet {command}( \S+)+", said)
    assert example


@pytest.mark.parametrize(
    ("command", "option", "names"),
    [
        ("evaluate", "--protocol", PROTOCOLS),
        ("evaluate", "--streams", STREAM_SETS),
        (
            *("evaluate", "--learner"),
            [n.rpartition(":")[2] for n in LEARNERS if n not in PRIORS],
        ),
        ("evaluate", "--label-rule", KNOWN_RULES),
        ("evaluate", "--baseline", BASELINES),
        ("train", "--baseline", BASELINES),
        ("reproduce", "--baseline", BASELINES),
        ("prepare", "--face", BACKENDS),
    ],
)
def test_help_names_what_can_be_chosen(command, option, names, capsys):
    main([command, "--help"])

    said = re.sub(r"[\s│]+", " ", capsys.readouterr().out)
    about = said.partition(f" {option} ")[2].partition(" --")[0]
    for name in names:
        assert re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", about), name


SETTINGS_OF = {
    "synth": (config.SynthSettings, config.Execution),
    "prepare": (config.PrepareSettings, config.Execution),
    "pretrain": (config.PretrainSettings, config.Execution),
    "evaluate": (config.EvaluateSettings, config.NetworkSettings, config.Execution),
    "train": (config.TrainSettings, config.NetworkSettings, config.Execution),
    "compare": (config.CompareSettings,),
    "reproduce": (config.ReproduceSettings, config.Execution),
}
FOUND_WHEN_STARTED = {"--jobs": JOBS, "--artefacts": None}


def list_options(command):
    """Return the parameter of each option of a command, by the option's name."""
    function = next(f for f, _ in COMMANDS_AND_EXAMPLES if f.__name__ == command)
    for parameter in inspect.signature(function).parameters.values():
        for info in getattr(parameter.annotation, "__metadata__", ()):
            # typer keeps the name of an annotated option as its default
            name = str(getattr(info, "default", ""))
            if name.startswith("--"):
                yield name.partition("/")[0], parameter, info


def strip_none(hint):
    """Return a type without the None that it may also be."""
    if get_origin(hint) not in (UnionType, Union):
        return hint
    return next(part for part in get_args(hint) if part is not NoneType)


@pytest.mark.parametrize("command", SETTINGS_OF)
def test_options_take_what_settings_take_and_have_their_defaults(command):
    options = {name: (p, info) for name, p, info in list_options(command)}
    n_compared = 0

    for kind in SETTINGS_OF[command]:
        for field, hint in list_hints(kind).items():
            if name_option(field) not in options or get_origin(hint) is not Annotated:
                continue
            parameter, info = options[name_option(field)]
            usual, about = getattr(kind, field), find_about(kind, field)
            usual = join(usual) if isinstance(usual, tuple) else usual
            usual = FOUND_WHEN_STARTED.get(name_option(field), usual)
            if info.show_default != "of the recipe":
                assert parameter.default == usual, field
            if get_origin(hint.__origin__) is not tuple:
                taken = parameter.annotation.__origin__
                # typer takes no union of types: its parser reads either
                if taken is not Any:
                    assert strip_none(taken) == strip_none(hint.__origin__), field
            assert (info.min, info.max) == (about.least, about.most)
            n_compared += 1

    assert n_compared > 2


def test_the_command_line_starts_without_array_libraries():
    heavy = ("numpy", "torch", "mne", "sklearn", "scipy", "pandas", "cv2", "av", "ray")
    code = (
        "import sys; from deepvanet.cli import main; main(['--help']);"
        f"sys.exit(str([n for n in {heavy} if n in sys.modules]))"
    )

    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )

    assert ran.stderr.strip() == "[]"


def test_it_runs_as_a_module():
    ran = subprocess.run(
        [sys.executable, "-m", "deepvanet", "evaluat"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 2
    assert "No such command 'evaluat'. Did you mean 'evaluate'?" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def run_module(*arguments, **environment):
    """Run the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "deepvanet", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def test_the_version_is_that_of_the_package(capsys):
    assert main(["--version"]) == 0

    assert capsys.readouterr().out == f"deepvanet {version('deepvanet')}\n"


def test_a_shell_completes_commands_and_choices():
    words = {"deepvanet eval": "evaluate", "deepvanet train --scale n": "none"}

    for typed, wanted in words.items():
        asked = {
            "_PYTHON_M_DEEPVANET_COMPLETE": "complete_bash",
            "_DEEPVANET_COMPLETE": "complete_bash",
            "COMP_WORDS": typed,
            "COMP_CWORD": str(len(typed.split()) - 1),
        }
        ran = run_module(**asked)
        assert (ran.stdout.split(), ran.returncode) == ([wanted], 0), ran.stderr


def test_completion_is_installed_where_the_shell_looks(tmp_path):
    # the shell is named: what started the tests may be no shell of a person
    named = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    home = str(tmp_path)
    shown = run_module("--show-completion", "bash", **named)
    installed = run_module("--install-completion", "bash", HOME=home, **named)

    assert (shown.returncode, installed.returncode) == (0, 0)
    assert "_DEEPVANET_COMPLETE=complete_bash" in shown.stdout
    assert (tmp_path / ".bash_completions" / "deepvanet.sh").is_file()


@pytest.mark.parametrize(
    ("option", "is_shown", "level"),
    [("--quiet", False, "ERROR"), ("--verbose", True, "INFO")],
)
def test_progress_and_messages_are_as_loud_as_asked_for(
    option, is_shown, level, deap, tmp_path, capfd, monkeypatch
):
    log = logging.getLogger("deepvanet")
    monkeypatch.setattr(log, "level", log.level)
    command = ["prepare", "deap", deap, "--out", tmp_path / "s", "--exclude", "7"]

    assert main([option, *map(str, command), *ALONE]) == 0

    said = capfd.readouterr().err
    assert ("prepare: 2 of 2" in said) is is_shown
    assert log.level == getattr(logging, level)
    log.setLevel(logging.NOTSET)


def test_only_one_loudness_is_taken(refuse):
    assert "only one of --quiet and" in refuse(
        "--quiet", "--verbose", "check", "deap", "X"
    )


def test_without_a_command_it_shows_the_help(capsys):
    assert main([]) == 0

    assert "prepare" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "named"),
    [
        ("prepare deap ROOT", "--out"),
        ("prepare deap ROOT --out S --jobs 0", "--jobs"),
        ("prepare deap ROOT --out S --baselin mean", "--baselin"),
        ("evaluate S --out R --folds 1", "--folds"),
        ("evaluate S --out R --epochs many", "--epochs"),
        ("evaluate S --out R --seed one", "--seed"),
        ("evaluate S --out R --seed -1", "--seed"),
        ("evaluate S --out R --streams ,", "stream set"),
        ("report", "runs"),
        ("check deap", "root"),
    ],
)
def test_wrong_arguments_are_one_sentence_that_names_them(refuse, command, named):
    assert named in refuse(*command.split()).lower()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("check daep ROOT", "unknown data set 'daep', did you mean 'deap'"),
        ("synth daep ROOT", "unknown data set 'daep', did you mean 'deap'"),
        ("prepare daep ROOT --out OUT", "unknown data set 'daep', did you mean 'deap'"),
        ("evaluate STORE --out OUT --baseline wave", "of 'mean', 'waveform'"),
        (
            "prepare deap ROOT --out OUT --baseline mean",
            "was removed, since a store keeps the baseline of each trial; say evaluate",
        ),
        ("evaluate STORE --out OUT --segment 9", "--segment: 9 s are longer than each"),
        ("evaluate STORE --out OUT --segment 0.3", "--segment: needs a whole number"),
        ("evaluate STORE --out OUT --step 0.3", "--step: needs a whole number of sam"),
        ("evaluate STORE --out OUT --step 0.5", "--step: needs a whole number of fra"),
        ("evaluate STORE --out OUT --segment x", "--segment: needs seconds or trial"),
        ("train STORE --out OUT --segment 9", "--segment: 9 s are longer than each"),
        ("train STORE --out OUT --segment 0.3", "--segment: needs a whole number"),
        ("prepare deap ROOT --out OUT --face yunett", "did you mean 'yunet'"),
        ("evaluate STORE --out OUT --protocol trail", "did you mean 'trial'"),
        ("evaluate STORE --out OUT --streams faces+bio", "did you mean 'face'"),
        ("evaluate STORE --out OUT --learner netwerk", "did you mean 'network'"),
        ("evaluate STORE --out OUT --target valance", "did you mean 'valence'"),
        ("evaluate STORE --out OUT --scale trane", "'trane' is not one of 'train'"),
        ("evaluate STORE --out OUT --subjects 7", "unknown subject '7'"),
        ("train STORE --out OUT --streams fac", "did you mean 'face'"),
        ("train STORE --out OUT --target arousel", "did you mean 'arousal'"),
    ],
)
def test_unknown_names_are_answered_with_the_nearest(
    refuse, filmed_deap, filmed_store, tmp_path, command, message
):
    places = {"ROOT": filmed_deap, "STORE": filmed_store, "OUT": tmp_path / "out"}

    sentence = refuse(*(places.get(part, part) for part in command.split()))

    assert message in sentence
    assert left_in(tmp_path) == []


@pytest.mark.parametrize(
    ("command", "named"),
    [
        ("check deap GONE", "gone"),
        ("prepare deap GONE --out OUT", "gone"),
        ("prepare deap EMPTY --out OUT", "data_preprocessed_python is missing"),
        ("evaluate GONE --out OUT", "gone: no store here"),
        ("evaluate EMPTY --out OUT", "empty: no store here"),
        ("train GONE --out OUT", "gone: no store here"),
        ("report GONE --out OUT", "gone"),
        ("report EMPTY --out OUT", "empty"),
        ("predict GONE --out OUT --bio x.bdf", "gone: no bundle here"),
        ("predict EMPTY --out OUT --bio x.bdf", "empty: no bundle here"),
        ("explain EMPTY --out OUT --bio x.bdf", "empty: no bundle here"),
    ],
)
def test_a_folder_that_is_not_there_or_empty_is_named(refuse, tmp_path, command, named):
    (tmp_path / "empty").mkdir()
    places = {name.upper(): tmp_path / name for name in ("gone", "empty", "out")}

    sentence = refuse(*(places.get(part, part) for part in command.split()))

    assert named in sentence
    assert left_in(tmp_path) == []


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda root: signals_file(root).write_bytes(b""), r"s01\.dat"),
        (lambda root: signals_file(root).write_bytes(b"\x80\x02}q"), r"s01\.dat"),
        (
            lambda root: signals_file(root).write_bytes(
                signals_file(root).read_bytes()[:5000]
            ),
            r"s01\.dat",
        ),
        (
            lambda root: signals_file(root).write_bytes(
                pickle.dumps({"data": _Hostile()}, protocol=2)
            ),
            r"s01\.dat",
        ),
        (
            lambda root: write_arrays(
                root, data=np.zeros((4, 32, 768)), labels=np.zeros((4, 4))
            ),
            r"s01\.dat: data must be of shape \(trials, 40, samples\)",
        ),
        (
            lambda root: write_arrays(
                root, data=np.zeros((4, 40, 768)), labels=np.zeros((3, 4))
            ),
            r"s01\.dat: labels must be of shape \(4, 4\)",
        ),
        (
            lambda root: write_arrays(
                root, data=np.zeros((4, 40, 300)), labels=np.zeros((4, 4))
            ),
            r"s01\.dat: a trial must last 4 s",
        ),
        (lambda root: write_arrays(root, labels=np.zeros((4, 4))), "'data' is missing"),
        (
            lambda root: rewrite_ratings(
                root, lambda rows: rename_column(rows, "Valence", "valance")
            ),
            r"ratings\.csv: column Valence is missing, the nearest is 'valance'",
        ),
        (
            lambda root: rewrite_ratings(
                root, lambda rows: [{"Trial": row["Trial"]} for row in rows]
            ),
            r"ratings\.csv: column Participant_id is missing",
        ),
        (
            lambda root: rewrite_ratings(root, lambda rows: set_rating(rows, "9.5")),
            r"line 4: Valence must be a number from 1 to 9, got '9\.5'",
        ),
        (
            lambda root: rewrite_ratings(root, lambda rows: set_rating(rows, "")),
            r"line 4: Valence must be a number from 1 to 9, got ''",
        ),
        (
            lambda root: rewrite_ratings(root, lambda rows: rows[1:]),
            r"ratings\.csv: no row for Participant_id 1, Experiment_id",
        ),
        (
            lambda root: (root / "metadata_csv" / "participant_ratings.csv").unlink(),
            r"participant_ratings\.csv",
        ),
        (lambda root: write_rubbish(video_of(root, 1, 2), b""), r"s01_trial02\.avi"),
        (
            lambda root: write_rubbish(video_of(root, 1, 2), b"no video"),
            r"s01_trial02\.avi",
        ),
    ],
    ids=[
        *("empty signals", "two bytes of signals", "signals cut off", "hostile pickle"),
        *("other channels", "other labels", "too short", "no data", "renamed column"),
        *("no columns", "rating out of range", "no rating", "trial without ratings"),
        *("no ratings", "empty video", "no video"),
    ],
)
def test_recordings_that_cannot_be_used_are_named(
    deap, refuse, tmp_path, monkeypatch, spoil, named
):
    monkeypatch.chdir(tmp_path)
    spoil(deap)

    quick = ("--face", "yunet", *ALONE)  # the weights of dlib take longer to read
    refused = refuse("prepare", "deap", deap, "--out", tmp_path / "store", *quick)
    doubted = refuse("check", "deap", deap)

    assert re.search(named, refused)
    assert re.search(named, doubted)
    assert not (tmp_path / "store" / "subjects" / "01").exists()


def write_rubbish(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def test_a_later_subject_s_bad_file_is_refused_before_work_starts(
    deap, refuse, tmp_path
):
    signals_file(deap, 2).write_bytes(b"")

    sentence = refuse("prepare", "deap", deap, "--out", tmp_path / "store", *ALONE)

    assert "s02.dat" in sentence
    assert "accept F01 with --accept, or leave the subject out" in sentence
    assert not (tmp_path / "store").exists()


def test_what_cannot_be_read_is_left_out_where_its_code_is_accepted(deap, tmp_path):
    signals_file(deap, 2).write_bytes(b"")
    store = tmp_path / "store"
    arguments = ("prepare", "deap", str(deap), "--out", str(store), *ALONE)

    assert main([*arguments, "--accept", "F01"]) == 0

    assert [path.name for path in (store / "subjects").iterdir()] == ["01"]
    (kept,) = (f for f in read_store_findings(store) if f.code == "F01")
    assert "s02.dat" in kept.source


def test_faults_that_can_be_lived_with_are_counted(deap, tmp_path, capsys):
    data = np.random.default_rng(0).normal(0, 10, (4, 40, 768))
    data[0, :2, 5] = np.nan
    data[1, 7] = 3.0
    write_arrays(deap, data=data, labels=np.full((4, 4), 5.0))
    video = video_of(deap, 1, 2)
    video.parent.mkdir(parents=True)
    write_video(video, number_pictures(range(150), height=120))

    assert main(["check", "deap", str(deap)]) == 0
    store = str(tmp_path / "store")
    assert main(["prepare", "deap", str(deap), "--out", store, *ALONE]) == 0

    said = capsys.readouterr().out
    assert "2 subjects, 0 of them finished before; 8 trials, 24 seconds" in said
    assert "faces: 0.0% of 15 images found" in said
    assert "15 lost" in said
    assert "7 trials have no video: they stay in, without a face stream" in said
    assert "2 channels are not finite, counted over trials" in said
    assert "1 channel is flat, counted over trials" in said


def test_a_store_of_other_settings_is_refused(refuse, filmed_deap, filmed_store):
    sentence = refuse(
        *("prepare", "deap", filmed_deap, "--out", filmed_store, *ALONE),
        *("--most-missing", "0.2"),
    )

    assert "other settings (most_missing is 0.5 there, got 0.2)" in sentence


def test_a_damaged_store_is_named(refuse, filmed_store, tmp_path):
    store = shutil.copytree(filmed_store, tmp_path / "store")
    table = store / "subjects" / "01" / "trials.csv"
    table.write_text(table.read_text().replace("stimulus", "clip"))

    sentence = refuse("evaluate", store, "--out", tmp_path / "run", *EVALUATE)

    assert "trials.csv: column stimulus is missing" in sentence


@pytest.mark.parametrize("command", ["prepare", "evaluate", "report", "train", "demo"])
def test_an_out_that_is_a_file_is_refused(
    command, refuse, filmed_deap, filmed_store, filmed_run, tmp_path
):
    taken = tmp_path / "taken"
    taken.write_text("mine")
    inputs = {
        "prepare": ("deap", filmed_deap, *ALONE),
        "evaluate": (filmed_store, *EVALUATE),
        "report": (filmed_run,),
        "train": (filmed_store, *QUICK),
        "demo": ALONE,
    }

    sentence = refuse(command, *inputs[command], "--out", taken)

    assert re.search(r"--out: \S*taken: is a file", sentence)
    assert taken.read_text() == "mine"


def test_a_data_set_is_not_written_over_a_file(refuse, tmp_path):
    (tmp_path / "taken").write_text("mine")

    sentence = refuse("synth", "deap", tmp_path / "taken", "--trials", "2", *ALONE)

    assert "taken: is a file" in sentence


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--folds", "9"), r"9 folds"),
        (("--protocol", "subject", "--folds", "3"), r"3 folds"),
    ],
)
def test_fewer_units_than_folds_are_refused(
    refuse, filmed_store, tmp_path, options, named
):
    sentence = refuse(
        "evaluate", filmed_store, "--out", tmp_path / "run", *EVALUATE, *options
    )

    assert re.search(named, sentence)
    assert "predictions.csv" not in left_in(tmp_path)


def test_a_store_in_which_no_subject_can_be_scored_is_refused(
    refuse, filmed_store, tmp_path
):
    store = shutil.copytree(filmed_store, tmp_path / "store")
    for table in store.rglob("trials.csv"):
        pd.read_csv(table, dtype=str).assign(valence="2.0").to_csv(table, index=False)

    sentence = refuse("evaluate", store, "--out", tmp_path / "run", *EVALUATE)

    assert "valence does not vary" in sentence
    assert "predictions.csv" not in left_in(tmp_path)


def test_a_run_of_other_settings_is_refused(refuse, filmed_run, filmed_store):
    before = (filmed_run / "predictions.csv").read_bytes()

    sentence = refuse(
        "evaluate", filmed_store, "--out", filmed_run, *EVALUATE, "--epochs", "2"
    )

    assert "(epochs is 1 there, got 2)" in sentence
    assert (filmed_run / "predictions.csv").read_bytes() == before


def test_a_run_is_repeated_to_the_byte_from_its_settings(filmed_store, tmp_path):
    first, again = tmp_path / "first", tmp_path / "again"
    learners = (
        "--learner",
        "network,bandpower-logistic",
        "--seed",
        "3",
        "--steps",
        "2",
    )
    command = ["evaluate", filmed_store, "--out", first, *EVALUATE, *learners]
    assert main([str(part) for part in (*command, "--permutations", "0")]) == 0

    repeat = ("--settings", first / "settings.toml", "--out", again, *ALONE)
    assert main([str(part) for part in ("evaluate", filmed_store, *repeat)]) == 0

    for name in ("predictions.csv", "settings.toml", "segments.csv"):
        assert (again / name).read_bytes() == (first / name).read_bytes()
    # less is asked for by subjects alone
    fewer = (*repeat[:2], "--out", tmp_path / "fewer", "--subjects", "1", *ALONE)
    assert main([str(part) for part in ("evaluate", filmed_store, *fewer)]) == 0
    predictions = pd.read_csv(tmp_path / "fewer" / "predictions.csv", dtype=str)
    assert set(predictions["subject"]) == {"01"}


def test_face_weights_are_read_from_the_folder_of_the_run(
    tmp_path, tiny_store, refuse, capfd
):
    store = tiny_store(tmp_path / "store", n_subjects=1, n_trials=6, n_segments=2).path
    weights = tmp_path / "face.pt"
    trunk = {f"trunk.{name}": held for name, held in Trunk().state_dict().items()}
    torch.save(trunk, weights)
    first, again = tmp_path / "first", tmp_path / "again"
    asked = ("--protocol", "trial", "--folds", "3", "--streams", "face", "--steps", "1")
    asked += ("--epochs", "1", "--target", "valence", "--face-weights", weights, *ALONE)
    command = ["evaluate", store, "--out", first, *asked]
    assert main([str(part) for part in command]) == 0
    weights.unlink()

    repeat = ["evaluate", store, "--settings", first / "settings.toml", "--out", again]
    assert main([str(part) for part in (*repeat, *ALONE)]) == 0

    predictions = [(run / "predictions.csv").read_bytes() for run in (first, again)]
    assert predictions[0] == predictions[1]
    (first / "face-weights.safetensors").unlink()
    capfd.readouterr()
    assert "face-weights.safetensors: is missing" in refuse(*repeat)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--epochs", "3"), "--epochs: cannot be given beside --settings"),
        (("--protocol", "trial"), "--protocol: cannot be given beside --settings"),
        (("--freeze-face",), "--freeze-face: cannot be given beside --settings"),
        (("--recipe", "default"), "--recipe: cannot be given beside --settings"),
    ],
)
def test_other_options_beside_settings_are_refused(
    refuse, filmed_run, filmed_store, tmp_path, options, named
):
    repeat = ("--settings", filmed_run / "settings.toml", "--out", tmp_path / "run")

    assert refuse("evaluate", filmed_store, *repeat, *options) == named
    assert left_in(tmp_path) == []


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('format = "deepvanet-run-1"\n', "", "got none; make it again: deepvanet eval"),
        ("deepvanet-run-1", "deepvanet-run-9", "got deepvanet-run-9; make it again"),
        ('store_digest = "', 'store_digest = "0', "is of another store than"),
        ("epochs = 1\n", "epochs = 0\n", "epochs: must be 1 or more, got 0"),
        ("epochs = 1\n", "epoch = 1\n", "epoch: there is no such setting, did you"),
        ("permutations =", "draws =", "'permutations' is missing"),
    ],
)
def test_settings_that_cannot_be_repeated_are_refused_with_the_file(
    refuse, filmed_run, filmed_store, tmp_path, old, new, named
):
    text = (filmed_run / "settings.toml").read_text()
    assert old in text
    (tmp_path / "settings.toml").write_text(text.replace(old, new))

    repeat = ("--settings", tmp_path / "settings.toml", "--out", tmp_path / "run")
    sentence = refuse("evaluate", filmed_store, *repeat)

    assert sentence.startswith(f"{tmp_path / 'settings.toml'}: ")
    assert named in sentence
    assert left_in(tmp_path) == ["settings.toml"]


def test_an_older_run_is_told_how_to_be_made_again(
    refuse, filmed_run, filmed_store, tmp_path
):
    run = shutil.copytree(filmed_run, tmp_path / "run")
    text = (run / "settings.toml").read_text()
    (run / "settings.toml").write_text(text.partition("\n")[2])

    evaluated = refuse("evaluate", filmed_store, "--out", run, *EVALUATE)
    reported = refuse("report", run, "--out", tmp_path / "report")

    for sentence in (evaluated, reported):
        assert "make it again: deepvanet evaluate STORE --out RUN" in sentence


def test_a_bundle_of_other_settings_is_refused(refuse, filmed_bundle, filmed_store):
    sentence = refuse("train", filmed_store, "--out", filmed_bundle, *QUICK)

    assert "this bundle was made with other settings (" in sentence


def test_a_bundle_is_not_asked_for_streams_it_does_not_know(
    refuse, filmed_store, filmed_deap, tmp_path
):
    main(["train", str(filmed_store), "--out", str(tmp_path / "model"), *QUICK])

    sentence = refuse(
        *("predict", tmp_path / "model", "--out", tmp_path / "timeline.csv"),
        *("--video", video_of(filmed_deap, 1, 1)),
    )

    assert "the bundle knows bio, got face" in sentence
    assert not (tmp_path / "timeline.csv").exists()


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ((), "needs video, bio or features"),
        (("--video", "gone.mp4"), r"gone\.mp4"),
        (("--bio", "gone.bdf"), r"--bio: gone\.bdf: no such file"),
        (("--bio", "DAT"), r"--trial: \S+s01\.dat holds several trials"),
        (("--bio", "DAT", "--trial", "9"), "unknown trial '09'"),
        (("--bio", "DAT", "--trial", "1", "--baseline-end", "50"), "--baseline-end"),
        (("--bio", "DAT", "--trial", "1", "--baseline-start", "5"), "--baseline-st"),
        (("--bio", "DAT", "--trial", "1", "--baseline-start", "-1"), "--baseline-st"),
        (("--bio", "DAT", "--trial", "1", "--out", "FOLDER"), "--out"),
    ],
)
def test_a_recording_that_cannot_be_predicted_is_refused(
    refuse, filmed_bundle, filmed_deap, tmp_path, options, named
):
    places = {"DAT": signals_file(filmed_deap), "FOLDER": tmp_path}

    sentence = refuse(
        *("predict", filmed_bundle, "--out", tmp_path / "timeline.csv"),
        *(places.get(part, part) for part in options),
    )

    assert re.search(named, sentence)
    assert left_in(tmp_path) == []


def test_a_report_prints_its_answer(filmed_run, tmp_path, capsys):
    page = tmp_path / "report" / "index.html"

    assert main(["report", str(filmed_run), "--out", str(page.parent)]) == 0

    answer, last = capsys.readouterr().out.splitlines()
    assert answer.startswith("valence: none of this is known with 2 subjects")
    assert last == f"report: {page}"


def test_a_prediction_says_what_it_answered(
    filmed_bundle, filmed_deap, tmp_path, capsys
):
    out = tmp_path / "timeline.csv"
    files = ["--bio", signals_file(filmed_deap), "--video", video_of(filmed_deap, 1, 2)]

    command = ["predict", filmed_bundle, "--trial", "2", *files, "--out", out]
    assert main([str(part) for part in command]) == 0

    said = capsys.readouterr().out.splitlines()
    assert said[0] == "6 seconds: 6 answered, 3 with a face"
    assert f"timeline: {out}" in said
    assert [line.partition(":")[0] for line in said if "most streams" in line] == [
        "answered from bio",
        "answered from face+bio",
    ]
    (worth,) = (line for line in said if "never scored" in line)
    assert worth.endswith("no high or low is named.")
    assert len(pd.read_csv(out)) == 6


def test_a_damaged_bundle_is_named(refuse, filmed_bundle, filmed_deap, tmp_path):
    model = shutil.copytree(filmed_bundle, tmp_path / "model")
    described = json.loads((model / "bundle.json").read_text())
    del described["recipe"]["sfreq"]
    (model / "bundle.json").write_text(json.dumps(described))

    sentence = refuse(
        *("predict", model, "--out", tmp_path / "timeline.csv", "--trial", "1"),
        *("--bio", signals_file(filmed_deap)),
    )

    assert "bundle.json: not a whole bundle" in sentence


@pytest.mark.parametrize("option", ["--cross-validate", "--no-cross-validate"])
def test_training_says_how_good_it_is_or_that_nobody_knows(
    filmed_store, tmp_path, capsys, option
):
    out = tmp_path / "model"

    assert main(["train", str(filmed_store), "--out", str(out), option, *QUICK]) == 0

    first, second = capsys.readouterr().out.splitlines()
    assert first == f"bundle: {out} (1 network, baseline mean; card: README.md)"
    said = {
        "--cross-validate": "valence from bio: balanced accuracy ",
        "--no-cross-validate": "valence from bio: not calibrated, never scored",
    }
    assert second.startswith(said[option])


def test_an_explanation_says_what_spoke(filmed_bundle, filmed_deap, tmp_path, capsys):
    out = tmp_path / "out"
    bio = ("--bio", str(signals_file(filmed_deap)), "--trial", "2")

    assert main(["explain", str(filmed_bundle), "--out", str(out), *bio]) == 0

    valence, arousal, where = capsys.readouterr().out.splitlines()
    assert re.match(r"valence: (eeg|peripheral) \d+%, (eeg|peripheral) \d+%$", valence)
    assert arousal.startswith("arousal: ")
    assert where == f"explanation: {out}"
    assert (out / "streams.csv").is_file()


@pytest.mark.parametrize("command", ["synth", "evaluate", "train", "report", "predict"])
def test_a_full_disk_is_one_sentence_and_no_half_result(
    command, refuse, filmed_deap, filmed_store, filmed_run, filmed_bundle, tmp_path
):
    inputs = {
        "synth": "deap DISK/D --subjects 1 --trials 2 --seconds 2 --jobs 1",
        "evaluate": " ".join(["STORE --out DISK/run", *EVALUATE]),
        "train": " ".join(["STORE --out DISK/model", *QUICK]),
        "report": "RUN --out DISK/report",
        "predict": "MODEL --out DISK/timeline.csv --trial 1 --bio DAT",
    }
    with mount_small_disk(tmp_path / "disk", size="12k") as disk:
        (disk / "filled").write_bytes(bytes(12288 if command == "predict" else 4096))
        places = {"STORE": filmed_store, "RUN": filmed_run, "MODEL": filmed_bundle}
        places |= {"DISK": disk, "DAT": signals_file(filmed_deap)}
        parts = re.sub(
            r"[A-Z]{3,}(?=[ /])|DAT$", lambda m: str(places[m[0]]), inputs[command]
        )

        sentence = refuse(command, *parts.split())

        assert re.fullmatch(
            r"\S*disk\S*: cannot be written: the disk is full", sentence
        )
        results = {"s01.dat", "predictions.csv", "bundle.json", "index.html"}
        assert not {*left_in(disk)} & {*results, "timeline.csv"}
        assert not [name for name in left_in(disk) if name.endswith(".tmp")]


def test_ratings_have_the_columns_that_the_tests_think(deap):
    table = pd.read_csv(deap / "metadata_csv" / "participant_ratings.csv")

    assert tuple(table.columns) == HEADER
