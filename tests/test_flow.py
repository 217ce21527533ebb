"""The whole way, from raw files to predictions, as a person goes it."""

import json
import shutil
import sys
from functools import partial
from itertools import chain

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score

from deepvanet.bundle import load_bundle
from deepvanet.cli import main
from deepvanet.config import Execution
from deepvanet.datasets.amigos import reader as amigos
from deepvanet.execution import run_tasks
from deepvanet.schema import STREAM_SETS, Stream, Target
from deepvanet.store import open_store
from deepvanet.synthetic import Knobs
from deepvanet.synthetic.deap import SubjectsPlan, write_ratings, write_subject
from portraits import film_portrait, video_of
from processes import kill_when, start, wait_until_none_is_left
from small_deap import write_small_deap

N_SUBJECTS, N_TRIALS = 6, 4
ALONE, JOBS = ("--jobs", "1"), ("--jobs", "2")
TRAIN = ("--target", "valence", "--epochs", "2", *ALONE)
EVALUATE = ("--target", "valence", "--streams", "bio", "--folds", "3", "--epochs", "2")

on_linux = pytest.mark.skipif(
    sys.platform != "linux", reason="looks for processes in /proc"
)


with_workers_and_alone = pytest.mark.parametrize(
    "group",
    [
        pytest.param(True, id="with workers"),
        pytest.param(False, id="alone"),
    ],
)


def run(*parts):
    assert main([str(part) for part in parts]) == 0


@pytest.mark.slow
def test_from_made_up_recordings_to_a_timeline(tmp_path, capsys):
    root, store, model = (tmp_path / name for name in ("DEAP", "store", "model"))

    run("synth", "deap", root, "--subjects", 2, "--trials", 4, "--seconds", 2, *ALONE)
    run("check", "deap", root)
    run("prepare", "deap", root, "--out", store, *ALONE)
    run("evaluate", store, "--out", tmp_path / "run", *EVALUATE, *ALONE)
    run("report", tmp_path / "run", "--out", tmp_path / "report")
    run("train", store, "--out", model, "--streams", "face,bio,face+bio", *TRAIN)
    run(
        *("predict", model, "--out", tmp_path / "timeline.csv", "--trial", 2),
        *("--bio", root / "data_preprocessed_python" / "s01.dat"),
        *("--video", video_of(root, 1, 2)),
    )

    scores = pd.read_csv(tmp_path / "report" / "scores.csv")
    leaks = scores.groupby("protocol")["leaks"].unique().map(list).to_dict()
    assert leaks == {"paper": ["trial"], "trial-matched": ["none"], "trial": ["none"]}
    assert set(scores["learner"]) == {
        *("network", "majority", "subject-prior", "stimulus-prior", "additive-prior")
    }
    page = (tmp_path / "report" / "index.html").read_text()
    assert "<svg" in page
    timeline = pd.read_csv(tmp_path / "timeline.csv")
    assert timeline["streams"].tolist() == ["bio"] * 3 + ["face+bio"] * 2
    assert timeline["valence"].notna().all()
    said = capsys.readouterr().out
    assert "2 subjects" in said
    assert "faces: 100.0%" in said


WITH_EEG = {name for name, held in STREAM_SETS.items() if Stream.EEG in held}


@pytest.mark.slow
def test_from_made_up_raw_recordings_of_deap_to_a_timeline(tmp_path):
    root = tmp_path / "DEAP"
    small = ("--subjects", 2, "--trials", 4, "--seconds", 2)

    run("synth", "deap-original", root, *small, *ALONE)
    run("check", "deap-original", root)
    run("prepare", "deap-original", root, "--out", tmp_path / "store", *ALONE)
    leaks = evaluate_every_stream_set(tmp_path)
    timeline = train_and_predict(
        tmp_path,
        *("--bio", root / "data_original" / "s01.bdf", "--trial", 2),
        *("--video", video_of(root, 1, 2)),
    )

    for streams in STREAM_SETS:
        cleaned = streams in WITH_EEG
        assert leaks["paper", streams] == ("trial+unlabelled" if cleaned else "trial")
        assert leaks["trial", streams] == ("unlabelled" if cleaned else "none")
    found = pd.read_csv(tmp_path / "run" / "recordings.csv")
    assert found["is_unmixed"].all()
    assert found["n_trials"].tolist() == [4, 4]
    assert "What cleaning removed" in read_page(tmp_path)
    assert timeline["streams"].tolist() == ["bio"] * 3 + ["face+bio"] * 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("small", "n_recordings", "is_unmixed"),
    [
        pytest.param((2, 4, 2), 8, False, id="too short to unmix"),
        pytest.param((1, 3, 30), 3, True, id="unmixed", marks=pytest.mark.long),
    ],
)
def test_from_made_up_sessions_of_mahnob_to_a_timeline(
    tmp_path, small, n_recordings, is_unmixed
):
    root = tmp_path / "MAHNOB"
    options = zip(("--subjects", "--trials", "--seconds"), small, strict=True)

    run("synth", "mahnob", root, *chain(*options), *JOBS)
    run("check", "mahnob", root)
    run("prepare", "mahnob", root, "--out", tmp_path / "store", *JOBS)
    leaks = evaluate_every_stream_set(tmp_path)
    session = root / "Sessions" / "2"
    (bio,), (video,) = session.glob("*.bdf"), session.glob("*C1 trigger*")
    timeline = train_and_predict(tmp_path, "--bio", bio, "--video", video)

    for streams in STREAM_SETS:
        cleaned = streams in WITH_EEG
        assert leaks["paper", streams] == ("trial+unlabelled" if cleaned else "trial")
        assert leaks["trial", streams] == "none"
    found = pd.read_csv(tmp_path / "run" / "recordings.csv")
    assert found["is_unmixed"].tolist() == [is_unmixed] * n_recordings
    assert found["n_trials"].eq(1).all()
    assert "What cleaning removed" in read_page(tmp_path)
    network = load_bundle(tmp_path / "model").load(Target.VALENCE, "face+bio").chosen
    assert sum(p.numel() for p in network.parameters()) == 1_416_537
    faces = timeline["time_s"][timeline["face_found"] == 1]
    assert faces.iloc[0] == 30
    assert faces.diff().iloc[1:].eq(1).all()


@pytest.mark.slow
def test_from_made_up_viewings_of_amigos_to_a_timeline(tmp_path, capsys):
    root = tmp_path / "AMIGOS"
    small = ("--subjects", 2, "--trials", 4, "--seconds", 2)

    run("synth", "amigos", root, *small, *JOBS)
    run("check", "amigos", root)
    run("prepare", "amigos", root, "--out", tmp_path / "store", *JOBS)
    leaks = evaluate_every_stream_set(tmp_path)
    name = "Data_Preprocessed_P02"
    bio = root / "data_preprocessed" / name / f"{name}.mat"
    (video,) = root.glob("face_videos/*/P2_10_face.mov")
    (place,) = [
        recording.name
        for recording in amigos.read_recordings(root, "02")
        if recording.spans[0].video == video
    ]
    timeline = train_and_predict(
        tmp_path, "--bio", bio, "--trial", place, "--video", video
    )

    for streams in STREAM_SETS:
        assert leaks["paper", streams] == "trial"
        assert leaks["trial", streams] == "none"
    scores = pd.read_csv(tmp_path / "report" / "scores.csv")
    assert set(scores["dataset"]) == {"amigos-synthetic"}
    trials = pd.read_csv(tmp_path / "run" / "segments.csv", dtype=str)
    assert set(trials["subject"]) == {"01", "02"}
    assert timeline["face_found"].iloc[-1] == 1
    assert "faces: 100.0%" in capsys.readouterr().out


@pytest.mark.slow
def test_from_made_up_clips_of_dreamer_to_a_timeline(tmp_path):
    root = tmp_path / "DREAMER"
    small = ("--subjects", 2, "--trials", 4, "--seconds", 2)

    run("synth", "dreamer", root, *small, *ALONE)
    run("check", "dreamer", root)
    run("prepare", "dreamer", root, "--out", tmp_path / "store", *ALONE)
    scores, timeline = go_on_without_faces(
        tmp_path, "bio", "--bio", root / "DREAMER.mat", "--trial", "2/3"
    )

    assert set(scores["dataset"]) == {"dreamer-synthetic"}
    found = pd.read_csv(tmp_path / "run" / "recordings.csv")
    assert found["is_unmixed"].all()
    assert found["note"].str.contains("filters see both").all()
    trials = pd.read_csv(next((tmp_path / "store").glob("subjects/01/trials.csv")))
    assert set(trials["dominance"]) <= {1, 3, 5, 7, 9}
    assert set(timeline["streams"]) == {"bio"}


@pytest.mark.slow
def test_from_made_up_conditions_of_wesad_to_a_timeline(tmp_path):
    root = tmp_path / "WESAD"

    run("synth", "wesad", root, "--subjects", 2, "--seconds", 8, *ALONE)
    run("check", "wesad", root)
    run("prepare", "wesad", root, "--out", tmp_path / "store", *ALONE)
    scores, timeline = go_on_without_faces(
        tmp_path, "peripheral", "--bio", root / "S3" / "S3.pkl", "--trial", 2
    )

    assert set(scores["dataset"]) == {"wesad-synthetic"}
    trials = pd.read_csv(next((tmp_path / "store").glob("subjects/03/trials.csv")))
    assert trials["state"].tolist() == [
        *("baseline", "amusement", "meditation", "stress", "meditation")
    ]
    assert trials["stimulus"].tolist() == ["Base", "Fun", "Medi 1", "TSST", "Medi 2"]
    assert set(timeline["streams"]) == {"peripheral"}
    assert len(timeline) == 3


@pytest.mark.slow
def test_from_made_up_videos_of_case_to_a_timeline(tmp_path):
    root = tmp_path / "CASE"
    signals = root / "data" / "interpolated" / "physiological" / "sub_2.csv"
    small = ("--subjects", 2, "--trials", 4, "--seconds", 4)

    run("synth", "case", root, *small, *ALONE)
    run("check", "case", root)
    run("prepare", "case", root, "--out", tmp_path / "store", *ALONE)
    scores, timeline = go_on_without_faces(
        tmp_path, "peripheral", "--bio", signals, "--trial", 2
    )

    assert set(scores["dataset"]) == {"case-synthetic"}
    store = open_store(tmp_path / "store")
    assert store.usual_baseline == "mean"
    for trial, row in store.table.iterrows():
        trace = store.read_trace(trial)
        np.testing.assert_allclose(
            trace.mean(axis=0), [row["valence"], row["arousal"]], atol=1e-3
        )
        assert len(trace) == pytest.approx(20 * row["duration_s"], abs=1)
    assert set(timeline["streams"]) == {"peripheral"}


def go_on_without_faces(folder, streams, *recording):
    """Evaluate, report, train, predict; return scores and timeline."""
    store, model, out = (folder / name for name in ("store", "model", "timeline.csv"))
    learner = ("--learner", "bandpower-logistic", "--streams", streams)
    few = ("--target", "valence", *learner, *ALONE)
    run("evaluate", store, "--out", folder / "run", "--folds", 3, *few)
    run("report", folder / "run", "--out", folder / "report")
    run("train", store, "--out", model, *few)
    run("predict", model, "--out", out, *recording)
    timeline = pd.read_csv(out)
    assert timeline["valence"].notna().all()
    return pd.read_csv(folder / "report" / "scores.csv"), timeline


def evaluate_every_stream_set(folder):
    """Evaluate and report; return what the network leaks, by protocol and streams."""
    run(
        *("evaluate", folder / "store", "--out", folder / "run", "--target", "valence"),
        *("--streams", ",".join(STREAM_SETS), "--folds", 3, "--epochs", 1),
        *("--protocol", "paper,trial"),
        *("--batch-size", 4, *ALONE),
    )
    run("report", folder / "run", "--out", folder / "report")
    scores = pd.read_csv(folder / "report" / "scores.csv")
    network = scores[scores["learner"] == "network"]
    assert set(network["streams"]) == set(STREAM_SETS)
    assert network["mean"].notna().any()
    return network.groupby(["protocol", "streams"])["leaks"].first().to_dict()


def train_and_predict(folder, *recording):
    """Train on everything, predict a recording, and return its timeline."""
    store, model, out = (folder / name for name in ("store", "model", "timeline.csv"))
    run("train", store, "--out", model, "--streams", "bio,face+bio", *TRAIN)
    run("predict", model, "--out", out, *recording)
    timeline = pd.read_csv(out)
    assert timeline["valence"].notna().all()
    return timeline


def read_page(folder):
    return (folder / "report" / "index.html").read_text()


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Six subjects of noise with a face; enough to be killed in between."""
    root = tmp_path_factory.mktemp("flow") / "DEAP"
    write_small_deap(root, n_subjects=N_SUBJECTS, n_trials=N_TRIALS, seconds=2)
    film = film_portrait(video_of(root, 1, 1), n_frames=98)
    for subject in range(1, N_SUBJECTS + 1):
        for trial in range(1, N_TRIALS + 1):
            video = video_of(root, subject, trial)
            video.parent.mkdir(exist_ok=True)
            if video != film:
                shutil.copy(film, video)
    return root


@pytest.fixture(scope="module")
def undisturbed(recordings, tmp_path_factory):
    """A store and a run that was not killed."""
    folder = tmp_path_factory.mktemp("flow")
    run("prepare", "deap", recordings, "--out", folder / "store", *ALONE)
    run("evaluate", folder / "store", "--out", folder / "run", *EVALUATE, *ALONE)
    return folder


def read_bytes(store):
    return {
        path.relative_to(store): path.read_bytes()
        for path in sorted(store.rglob("*"))
        if path.is_file()
    }


@on_linux
@pytest.mark.slow
@with_workers_and_alone
def test_a_prepare_that_was_killed_goes_on_to_the_same_predictions(
    recordings, undisturbed, tmp_path, group
):
    store = tmp_path / "store"
    command = ("prepare", "deap", recordings, "--out", store)
    done = partial(store.glob, "subjects/[!.]*")

    process = start(*command, *JOBS)
    kill_when(process, lambda: any(done()), group=group)
    wait_until_none_is_left(process.pid)

    kept = {path: path.stat().st_mtime_ns for path in done()}
    assert 0 < len(kept) < N_SUBJECTS
    run(*command, *ALONE)
    assert kept.items() <= {p: p.stat().st_mtime_ns for p in done()}.items()
    assert read_bytes(store) == read_bytes(undisturbed / "store")
    run("evaluate", store, "--out", tmp_path / "run", *EVALUATE, *ALONE)
    for name in ("predictions.csv", "segments.csv", "leakage.json", "history.csv"):
        wanted = (undisturbed / "run" / name).read_bytes()
        assert (tmp_path / "run" / name).read_bytes() == wanted


@on_linux
@pytest.mark.slow
@with_workers_and_alone
def test_an_evaluate_that_was_killed_goes_on_to_the_same_predictions(
    undisturbed, tmp_path, group
):
    out = tmp_path / "run"
    command = ("evaluate", undisturbed / "store", "--out", out, *EVALUATE)
    done = partial(out.glob, "fits/[!.]*.npz")
    n_fits = len(list((undisturbed / "run").glob("fits/*.npz")))

    process = start(*command, *JOBS)
    kill_when(process, lambda: len(list(done())) > 3, group=group)
    wait_until_none_is_left(process.pid)

    kept = {path: path.stat().st_mtime_ns for path in done()}
    assert 3 < len(kept) < n_fits
    assert not (out / "predictions.csv").exists()
    run(*command, *ALONE)
    assert kept.items() <= {p: p.stat().st_mtime_ns for p in done()}.items()
    wanted = (undisturbed / "run" / "predictions.csv").read_bytes()
    assert (out / "predictions.csv").read_bytes() == wanted
    assert not list(out.rglob(".*"))


def score_network(folder, *, effect, baseline, protocol, seed=0):
    """Return the network's balanced accuracy under each protocol.

    On three subjects who were not filmed, with 16 trials of six seconds each.
    """
    root, store, out = folder / "DEAP", folder / "store", folder / "run"
    plan = SubjectsPlan(root, 16, 6, Knobs(effect=effect), seed)
    subjects = [23, 24, 25]
    write_ratings(plan, subjects)
    work = partial(write_subject, plan)
    list(run_tasks(work, subjects, execution=Execution(jobs=2), what="synth"))
    run("prepare", "deap", root, "--out", store, *JOBS)
    run(
        *("evaluate", store, "--out", out, "--target", "valence", "--streams", "bio"),
        *("--baseline", baseline),
        *("--protocol", protocol, "--folds", 4, "--epochs", 15, "--batch-size", 32),
        *JOBS,
    )
    table = pd.read_csv(out / "predictions.csv")
    network = table[table["learner"] == "network"]
    return {
        name: balanced_accuracy_score(part["label"], part["score"] > 0.5)
        for name, part in network.groupby("protocol")
    }


@pytest.mark.slow
def test_where_there_is_nothing_to_find_only_the_leak_is_found(tmp_path):
    found = score_network(
        tmp_path, effect=0.0, baseline="waveform", protocol="paper,trial"
    )

    notes = json.loads((tmp_path / "run" / "leakage.json").read_text())["notes"]
    assert found["paper"] > 0.75
    assert found["trial"] < 0.65
    assert any("waveform" in note for note in notes)


@pytest.mark.slow
def test_where_there_is_something_to_find_the_honest_protocol_finds_it(tmp_path):
    found = score_network(tmp_path, effect=6.0, baseline="mean", protocol="trial")

    assert found["trial"] > 0.65
