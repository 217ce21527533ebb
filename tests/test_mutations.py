"""No file that was changed at random ends in a traceback, a hang, or much memory.

Each mutation of a file is drawn from its name and number. ``DEEPVANET_MUTATIONS`` is
how many a file gets, where that should be more than these few.
"""

import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat

import device_exports
import small_amigos
from deepvanet import results
from deepvanet.bundle import train_bundle
from deepvanet.config import Execution, NetworkSettings, TrainSettings
from deepvanet.schema import BIO, Channel, ChannelType
from fake_run import write_run
from films import number_pictures, write_video
from interrupted_recordings import write_interrupted_edf
from mutated_files import Case, Worker
from signal_files import write_brainvision, write_fif
from small_afew_va import write_small_afew_va
from small_case import write_case_subject
from small_deap import write_small_deap
from small_deap_original import write_small_original
from small_dreamer import write_dreamer_mat
from small_mahnob import write_session
from small_recordings import EEG, sample_bio, write_edf, write_trials, write_xdf
from small_wesad import write_wesad_subject

pytestmark = pytest.mark.slow

N_MUTATIONS = int(os.environ.get("DEEPVANET_MUTATIONS", "4"))
SFREQ, SECONDS = 256, 6
CHANNELS = tuple(Channel(name, ChannelType.EEG, "uV") for name in EEG)
SIGNALS = sample_bio(SECONDS, labels=EEG)
UNITS = ("uV",) * len(EEG)
EVENTS = """\
onset\tduration\ttrial_type\tvalence\tarousal
1.0\t2.0\tfilm\t3\t4
3.0\t2.0\tfilm\t7\t6
"""


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
    if path.suffix == ".parquet":
        table.to_parquet(path)
    else:
        sep = "\t" if path.suffix == ".tsv" else ","
        table.to_csv(path, index=False, float_format="%.4f", sep=sep)


def write_streams(path, signals):
    stream = {"name": "amp", "type": "EEG", "rate": SFREQ, "labels": EEG}
    stream |= {"units": ["microvolts"] * len(EEG), "values": signals.T}
    write_xdf(path, [{**stream, "times": np.arange(signals.shape[1]) / SFREQ}])


WRITERS = {
    "s1.edf": lambda p: write_edf(p, SIGNALS, labels=EEG, units=UNITS),
    "s1.bdf": lambda p: write_edf(p, SIGNALS, labels=EEG, units=UNITS),
    "plus_d.edf": lambda p: write_interrupted_edf(
        p, SIGNALS, [0, 1, 2, 12, 13, 14], labels=EEG, units=UNITS
    ),
    "s1_raw.fif": lambda p: write_fif(p, SIGNALS, CHANNELS, sfreq=SFREQ),
    "s1.vhdr": lambda p: write_brainvision(p, SIGNALS, CHANNELS, sfreq=SFREQ),
    "s1.set": lambda p: write_eeglab(p, SIGNALS),
    "s1.csv": lambda p: write_table(p, SIGNALS),
    "s1.tsv": lambda p: write_table(p, SIGNALS),
    "s1.parquet": lambda p: write_table(p, SIGNALS),
    "s1.xdf": lambda p: write_streams(p, SIGNALS),
}
EXPORTS = {
    "openbci.txt": device_exports.write_openbci,
    "openbci_4.txt": device_exports.write_openbci_4,
    "brainflow.csv": device_exports.write_brainflow,
    "mind_monitor.csv": device_exports.write_mind_monitor,
    "muse_lsl.csv": device_exports.write_muse_lsl,
    "emotiv.csv": device_exports.write_emotiv,
    "testbench.csv": device_exports.write_testbench,
    "shimmer.csv": device_exports.write_shimmer,
    "polar_ecg.txt": device_exports.write_polar_ecg,
    "polar_ppg.txt": device_exports.write_polar_ppg,
    "s1.acq": device_exports.write_acq,
}


def change_each(arguments, *files):
    """Yield a case for each file that a command reads."""
    for file in files:
        yield Case(tuple(map(str, arguments)), str(file), N_MUTATIONS)


def write_rated(folder, **files):
    """Write a table of two trials that names files; return the command to check it."""
    rows = [
        {"subject": "s1", "trial": n, "stimulus": n, "valence": 3 + 3 * n, **files}
        | {"onset_s": 2 * n, "duration_s": 2}
        for n in range(2)
    ]
    return "check", "recordings", write_trials(folder / "trials.csv", rows)


def list_signal_files(root):
    for name, write in WRITERS.items():
        folder = root / name.replace(".", "_")
        folder.mkdir()
        write(folder / name)
        command = write_rated(folder, bio=name)
        yield from change_each(command, *sorted(folder.glob("*[!v]")))


def list_declared(root):
    write_edf(root / "s1.edf", SIGNALS, labels=EEG, units=UNITS)
    names = ", ".join(f'"{name}"' for name in EEG)
    declared = root / "recordings.toml"
    declared.write_text(
        f'name = "films"\nrating_range = [1, 9]\nbaseline_s = 0\neeg = [{names}]\n'
    )
    command = write_rated(root, bio="s1.edf")
    yield from change_each(command, declared, command[-1])


def list_exports(root):
    for name, write in EXPORTS.items():
        folder = root / name.replace(".", "_")
        folder.mkdir()
        write(folder / name)
        yield from change_each(write_rated(folder, bio=name), folder / name)
    watch = device_exports.write_e4(root / "e4" / "wrist")
    command = write_rated(root / "e4", bio="wrist")
    yield from change_each(command, *sorted(watch.glob("*.csv")))


def list_videos(root):
    for kind, codec in {"mp4": "libx264", "mkv": "libx264", "avi": "mpeg4"}.items():
        folder = root / f"video-{kind}"
        folder.mkdir()
        bio, file = folder / "s1.edf", folder / f"s1.{kind}"
        write_edf(bio, SIGNALS, labels=EEG, units=UNITS)
        write_video(file, number_pictures(range(SECONDS * 10)), fps=10, codec=codec)
        command = write_rated(folder, bio=bio.name, video=file.name)
        yield from change_each(command, file)


def list_data_sets(root):
    deap = write_small_deap(root / "deap", n_subjects=1, n_trials=2, seconds=2)
    yield from change_each(
        ("check", "deap", deap),
        deap / "data_preprocessed_python" / "s01.dat",
        deap / "metadata_csv" / "participant_ratings.csv",
    )
    raw = write_small_original(root / "original", n_trials=3)
    files = next((raw / "data_original").iterdir()), next(raw.glob("metadata_csv/*"))
    yield from change_each(("check", "deap-original", raw), *files)
    mat = small_amigos.write_small(root / "amigos")
    yield from change_each(("check", "amigos", root / "amigos"), mat)
    for compressed in (True, False):
        folder = root / f"dreamer-{compressed}"
        mat = write_dreamer_mat(folder, compressed=compressed)
        yield from change_each(("check", "dreamer", folder), mat)
    pkl = write_wesad_subject(root / "wesad")
    files = pkl, pkl.with_name("S2_quest.csv")
    yield from change_each(("check", "wesad", root / "wesad"), *files)
    for form in ("interpolated", "raw"):
        folder = root / f"case-{form}"
        signals = write_case_subject(folder, form=form)
        said = next(signals.parents[1].glob("annotations/*"))
        files = signals, said, *folder.glob("metadata/*")
        yield from change_each(("check", "case", folder), *files)
    session = write_session(root / "mahnob", has_video=False)
    files = session / "session.xml", next(session.glob("*.bdf"))
    yield from change_each(("check", "mahnob", root / "mahnob"), *files)
    clips = write_small_afew_va(root / "afew", n_clips=1)
    files = sorted((clips / "001").iterdir())
    yield from change_each(("check", "afew-va", clips), files[0], files[-1])
    yield from change_each(("check", "bids", root / "bids"), *write_bids(root / "bids"))


def write_bids(root):
    """Write a data set of one run without MNE-BIDS; return its files."""
    stem = root / "sub-01" / "eeg" / "sub-01_task-film"
    stem.parent.mkdir(parents=True)
    write_edf(Path(f"{stem}_eeg.edf"), SIGNALS, labels=EEG, units=UNITS)
    Path(f"{stem}_events.tsv").write_text(EVENTS)
    rows = "".join(f"{name}\tEEG\tuV\tgood\n" for name in EEG)
    Path(f"{stem}_channels.tsv").write_text("name\ttype\tunits\tstatus\n" + rows)
    Path(f"{stem}_eeg.json").write_text('{"SamplingFrequency": 256}')
    (root / "dataset_description.json").write_text(
        '{"Name": "films", "BIDSVersion": "1.8.0"}'
    )
    (root / "participants.tsv").write_text("participant_id\tage\nsub-01\t30\n")
    return sorted(path for path in root.rglob("*.*") if path.suffix != ".edf")


@pytest.fixture(scope="module")
def worker(tmp_path_factory):
    """A process that all tests share: libraries take seconds to come."""
    worker = Worker(tmp_path_factory.mktemp("mutations"))
    yield worker
    worker.close()


@pytest.fixture(scope="module")
def store(tiny_store, tmp_path_factory):
    """Two subjects of four trials, without video."""
    root = tmp_path_factory.mktemp("mutations") / "store"
    tiny_store(root, n_trials=4, n_segments=2, streams=BIO)
    manifest = root / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"C"', '"degC"'))
    return root


@pytest.fixture(scope="module")
def bundles(store, tmp_path_factory):
    """Folders of two bundles: a network, and a support vector machine."""
    root = tmp_path_factory.mktemp("mutations")
    for learner in ("network", "bandpower-svm"):
        settings = TrainSettings(
            targets=("valence",),
            streams=("bio",),
            learner=learner,
            cross_validate=False,
            network=NetworkSettings(epochs=1, batch_size=8),
        )
        train_bundle(store, root / learner, settings=settings, execution=Execution())
    return root


def write_felt(path):
    """Write a table of the channels that a bundle of small stores was trained on."""
    labels = ("Fp1", "Cz", "Oz", "GSR", "Temp")
    table = pd.DataFrame(dict(zip(labels, sample_bio(8, labels=labels), strict=True)))
    table["Temp"] = 31 + table["Temp"] / 100
    table.insert(0, "time", np.arange(len(table)) / SFREQ)
    table.to_csv(path, index=False, float_format="%.4f")
    path.with_name("recordings.toml").write_text(
        'eeg = ["Fp1", "Cz", "Oz"]\n[peripherals]\nGSR = "gsr"\n'
        'Temp = "temperature"\n[units]\nGSR = "uS"\nTemp = "degC"\n'
    )
    return path


def list_bundle_files(bundles, root):
    bio = write_felt(root / "felt.csv")
    for learner in ("network", "bandpower-svm"):
        bundle = Path(shutil.copytree(bundles / learner, root / learner))
        command = ("predict", bundle, "--bio", bio, "--out", root / "out.csv")
        files = sorted((bundle / "networks" / "valence" / "bio").iterdir())
        yield from change_each(command, bundle / "bundle.json", *files)
    yield from change_each(command, bio, bio.with_name("recordings.toml"))


def list_store_files(store, root):
    copy = Path(shutil.copytree(store, root / "store"))
    files = [copy / "manifest.json", *sorted((copy / "subjects" / "01").iterdir())]
    yield from change_each(("take", copy), *files)


def write_segmented_run(path):
    """Write a small run whose scores are sampled, and its table of rows and folds."""
    write_run(
        path,
        protocol_names=("trial",),
        targets=("valence",),
        streams=("bio",),
        subjects=("01", "02", "03"),
        n_trials=6,
        n_segments=2,
    )
    rows = results.read_predictions(path / "predictions.csv")
    rows = rows[rows["learner"] == "network"]
    n_folds = rows["fold"].max() + 1
    letters = {k: "R" * k + "E" + "R" * (n_folds - k - 1) for k in range(n_folds)}
    segments = rows.assign(folds=rows["fold"].map(letters))
    results.write_table(path / "segments.csv", [segments], results.SEGMENT_COLUMNS)
    return path


def list_audited(root):
    rows = [(f"s{s}", str(t), (s + t) % 2) for s in range(4) for t in range(4)]
    table = pd.DataFrame(rows, columns=["subject", "trial", "label"])
    files = root / "predictions.csv", root / "table.csv"
    table.assign(score=0.25 + table["label"] / 2).to_csv(files[0], index=False)
    table = table.drop(columns="label").assign(fold=table["subject"])
    table.to_csv(files[1], index=False)
    yield from change_each(("audit", files[0], "--table", files[1]), *files)
    run = write_segmented_run(root / "run")
    read = ("predictions.csv", "segments.csv", "history.csv", "leakage.json")
    yield from change_each(("audit", run), *map(run.joinpath, read))


def run_all(worker, cases):
    """Fail with what went wrong, whatever ended the process."""
    failed = [text for case in cases for text in worker.run(case)]
    assert not failed, "\n\n".join(failed)


@pytest.mark.parametrize(
    "make",
    [list_signal_files, list_declared, list_exports, list_videos, list_data_sets],
)
def test_no_recording_that_was_changed_ends_in_a_traceback(worker, tmp_path, make):
    run_all(worker, list(make(tmp_path)))


def test_no_bundle_that_was_changed_ends_in_a_traceback(worker, bundles, tmp_path):
    run_all(worker, list(list_bundle_files(bundles, tmp_path)))


def test_no_store_that_was_changed_ends_in_a_traceback(worker, store, tmp_path):
    run_all(worker, list(list_store_files(store, tmp_path)))


def test_no_predictions_that_were_changed_end_in_a_traceback(worker, tmp_path):
    run_all(worker, list(list_audited(tmp_path)))
