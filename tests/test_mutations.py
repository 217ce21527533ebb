"""No file that was changed at random ends in a traceback, a hang, or much memory."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat

import mutated_files
import small_amigos
from deepvanet.bundle import train_bundle
from deepvanet.config import Execution, NetworkSettings, TrainSettings
from deepvanet.schema import BIO, Channel, ChannelType
from films import number_pictures, write_video
from signal_files import write_brainvision, write_fif
from small_deap import write_small_deap
from small_mahnob import write_session
from small_recordings import EEG, sample_bio, write_edf, write_trials, write_xdf

pytestmark = pytest.mark.slow

N_MUTATIONS = 12
BATCH_S = 200
SFREQ, SECONDS = 256, 6
CHANNELS = tuple(Channel(name, ChannelType.EEG, "uV") for name in EEG)
SIGNALS = sample_bio(SECONDS, labels=EEG)


def write_eeglab(path, signals):
    """Write EEGLAB's format, its numbers within."""
    places = np.zeros(len(EEG), dtype=[("labels", object)])
    places["labels"] = EEG
    counts = {"nbchan": len(EEG), "pnts": signals.shape[1], "trials": 1}
    held = {"data": signals, "srate": float(SFREQ), "chanlocs": places, **counts}
    none = {k: [] for k in ("event", "icawinv", "icaweights", "icasphere")}
    savemat(path, {"EEG": {"setname": "x", "xmin": 0.0, "xmax": 6.0, **held, **none}})


def write_table(path, signals):
    times = np.arange(signals.shape[1]) / SFREQ
    table = pd.DataFrame(dict(zip(EEG, signals, strict=True)))
    table.insert(0, "time", times)
    if path.suffix == ".csv":
        table.to_csv(path, index=False, float_format="%.4f")
    else:
        table.to_parquet(path)


def write_streams(path, signals):
    stream = {"name": "amp", "type": "EEG", "rate": SFREQ, "labels": EEG}
    stream |= {"units": ["microvolts"] * len(EEG), "values": signals.T}
    write_xdf(path, [{**stream, "times": np.arange(signals.shape[1]) / SFREQ}])


WRITERS = {
    "edf": lambda p: write_edf(p, SIGNALS, labels=EEG, units=["uV"] * len(EEG)),
    "bdf": lambda p: write_edf(p, SIGNALS, labels=EEG, units=["uV"] * len(EEG)),
    "fif": lambda p: write_fif(p, SIGNALS, CHANNELS, sfreq=SFREQ),
    "vhdr": lambda p: write_brainvision(p, SIGNALS, CHANNELS, sfreq=SFREQ),
    "set": lambda p: write_eeglab(p, SIGNALS),
    "csv": lambda p: write_table(p, SIGNALS),
    "parquet": lambda p: write_table(p, SIGNALS),
    "xdf": lambda p: write_streams(p, SIGNALS),
}


def list_signal_files(root):
    for kind, write in WRITERS.items():
        folder = root / kind
        folder.mkdir()
        file = folder / ("s1_raw.fif" if kind == "fif" else f"s1.{kind}")
        write(file)
        table = write_trials(
            folder / "trials.csv",
            [
                {"subject": "s1", "trial": n, "stimulus": n, "bio": file.name}
                | {"onset_s": 2 * n, "duration_s": 2, "valence": 3 + 3 * n}
                for n in range(2)
            ],
        )
        yield ["check", "recordings", str(table)], file
        if kind == "vhdr":
            yield ["check", "recordings", str(table)], file.with_suffix(".eeg")
        if kind == "edf":
            (folder / "recordings.toml").write_text("[channels]\n")
            yield ["check", "recordings", str(table)], table
            yield ["check", "recordings", str(table)], folder / "recordings.toml"


def list_videos(root):
    for kind, codec in {"mp4": "libx264", "mkv": "libx264", "avi": "mpeg4"}.items():
        folder = root / f"video-{kind}"
        folder.mkdir()
        bio, file = folder / "s1.edf", folder / f"s1.{kind}"
        write_edf(bio, SIGNALS, labels=EEG, units=["uV"] * len(EEG))
        write_video(file, number_pictures(range(SECONDS * 10)), fps=10, codec=codec)
        row = {"subject": "s1", "stimulus": "a", "bio": bio.name, "video": file.name}
        rows = [{**row, "trial": n, "valence": 3 + 3 * n} for n in range(2)]
        rows = [{**r, "onset_s": 2 * r["trial"], "duration_s": 2} for r in rows]
        table = write_trials(folder / "trials.csv", rows)
        yield ["check", "recordings", str(table)], file


def list_data_sets(root):
    deap = write_small_deap(root / "deap", n_subjects=1, n_trials=2, seconds=2)
    yield (
        ["check", "deap", str(deap)],
        deap / "data_preprocessed_python" / "s01.dat",
    )
    yield (
        ["check", "deap", str(deap)],
        deap / "metadata_csv" / "participant_ratings.csv",
    )
    mat = small_amigos.write_small(root / "amigos")
    yield ["check", "amigos", str(root / "amigos")], mat
    session = write_session(root / "mahnob", has_video=False)
    yield ["check", "mahnob", str(root / "mahnob")], session / "session.xml"
    yield ["check", "mahnob", str(root / "mahnob")], next(session.glob("*.bdf"))


@pytest.fixture(scope="module")
def bundles(tiny_store, tmp_path_factory):
    """Folders of two bundles: a network, and a support vector machine."""
    root = tmp_path_factory.mktemp("mutations")
    store = tiny_store(root / "store", n_trials=4, n_segments=2, streams=BIO)
    settings = TrainSettings(
        targets=("valence",),
        streams=("bio",),
        cross_validate=False,
        network=NetworkSettings(epochs=1, batch_size=8),
    )
    for learner in ("network", "bandpower-svm"):
        asked = replace(settings, learner=learner)
        train_bundle(store.path, root / learner, settings=asked, execution=Execution())
    return root


def list_bundle_files(bundles, root):
    for learner in ("network", "bandpower-svm"):
        bundle = Path(shutil.copytree(bundles / learner, root / learner))
        yield ["load", str(bundle)], bundle / "bundle.json"
        for file in sorted((bundle / "networks" / "valence" / "bio").iterdir()):
            yield ["load", str(bundle)], file


def list_audited(root):
    rows = [(f"s{s}", str(t), (s + t) % 2) for s in range(4) for t in range(4)]
    table = pd.DataFrame(rows, columns=["subject", "trial", "label"])
    files = root / "predictions.csv", root / "table.csv"
    table.assign(score=0.25 + table["label"] / 2).to_csv(files[0], index=False)
    table.assign(fold=table["subject"]).to_csv(files[1], index=False)
    for file in files:
        yield ["audit", str(files[0]), "--table", str(files[1])], file


def find_failures(root, cases):
    """Run the mutations of files; return what went wrong, a line each."""
    described = [
        {"arguments": arguments, "file": str(file), "seed": k, "n": N_MUTATIONS}
        for k, (arguments, file) in enumerate(cases)
    ]
    assert described
    (root / "cases.json").write_text(json.dumps(described))
    script = Path(mutated_files.__file__)
    try:
        ran = subprocess.run(
            [sys.executable, str(script), str(root)],
            capture_output=True,
            timeout=BATCH_S,
            check=False,
        )
        ended = f"the process ended with {ran.returncode}: {ran.stderr[-1000:]!r}"
        failed = [ended] if ran.returncode else []
        assert b"\x1b" not in ran.stderr + ran.stdout
    except subprocess.TimeoutExpired:
        failed = ["the batch ran too long"]
    outcomes = [
        json.loads(line) for line in (root / "outcomes.jsonl").read_text().splitlines()
    ]
    began = [o["began"] for o in outcomes if "began" in o]
    done = [o for o in outcomes if "ended" in o]
    if len(done) < len(began):
        failed.append(f"did not end: {began[-1]}")
    names = {Path(case["file"]).name for case in described}
    sound = [o for o in done if o["ended"] in names]
    failed += [f"sound but {o}" for o in sound if o["status"] != 0]
    failed += [f"{o['ended']}: {o['error']}" for o in done if o["status"] == -1]
    return failed


@pytest.mark.parametrize("make", [list_signal_files, list_videos, list_data_sets])
def test_no_recording_that_was_changed_ends_in_a_traceback(tmp_path, make):
    failed = find_failures(tmp_path, list(make(tmp_path)))

    assert not failed, "\n\n".join(failed)


def test_no_bundle_that_was_changed_ends_in_a_traceback(bundles, tmp_path):
    failed = find_failures(tmp_path, list(list_bundle_files(bundles, tmp_path)))

    assert not failed, "\n\n".join(failed)


def test_no_predictions_that_were_changed_end_in_a_traceback(tmp_path):
    failed = find_failures(tmp_path, list(list_audited(tmp_path)))

    assert not failed, "\n\n".join(failed)
