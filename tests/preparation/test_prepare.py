"""Tests of :mod:`deepvanet.preparation.run`."""

import csv
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deepvanet.cli import main
from deepvanet.config import Execution, PrepareSettings, Segmenting
from deepvanet.preparation.run import prepare
from deepvanet.schema import Stream, UserError
from deepvanet.store import digest_store, open_store
from films import number_pictures, write_video
from portraits import film_portrait, sample_portrait, video_of, write_filmed_deap
from small_deap import pickle_as_python_2
from small_disk import enlarge, mount_small_disk

DEFAULTS = PrepareSettings()
ALONE = Execution()
N_TRIALS, SECONDS, SFREQ = 4, 3, 128
PROGRESS = ("check: ", "prepare: ")
"""How lines begin that count subjects; the check comes first."""


@pytest.fixture
def deap(filmed_deap, tmp_path):
    """A copy of the filmed DEAP that a test may spoil."""
    return shutil.copytree(filmed_deap, tmp_path / "DEAP")


def make_store(root, out, *, settings=DEFAULTS, execution=ALONE, **options):
    return prepare("deap", root, out, settings=settings, execution=execution, **options)


def write_signals(root, subject, data):
    arrays = {"labels": np.full((len(data), 4), 5.0), "data": data}
    path = root / "data_preprocessed_python" / f"s{subject:02d}.dat"
    path.write_bytes(pickle_as_python_2(arrays))
    return path


def sample_signals(seed=0):
    """Return signals whose rest is not zero, and not the same from trial to trial."""
    rng = np.random.default_rng(seed)
    data = rng.normal(0, 10, (N_TRIALS, 40, (3 + SECONDS) * SFREQ))
    return data + rng.normal(0, 100, (N_TRIALS, 40, 1))


def read_bio(store, trial):
    """Return a trial's signals as one array of channels by time."""
    table = store.table
    rows = np.flatnonzero((table["subject"] == "01") & (table["trial"] == trial))
    cut = [store.read(stream, rows) for stream in (Stream.EEG, Stream.PERIPHERAL)]
    return np.concatenate(np.concatenate(cut, axis=1), axis=1)


def list_files(folder):
    return {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def read_times(folder):
    return {name: path.stat().st_mtime_ns for name, path in list_files(folder).items()}


def read_bytes(folder):
    return {name: path.read_bytes() for name, path in list_files(folder).items()}


def experiments_of(root, subject):
    """Return which experiment each trial was, read by other code than ours."""
    with (root / "metadata_csv" / "participant_ratings.csv").open(newline="") as file:
        return {
            int(row["Trial"]): int(row["Experiment_id"])
            for row in csv.DictReader(file)
            if row["Participant_id"] == str(subject)
        }


def test_signals_and_faces_of_a_segment_are_of_the_same_trial(deap, tmp_path):
    data = np.zeros((N_TRIALS, 40, (3 + SECONDS) * SFREQ))
    for experiment in range(1, N_TRIALS + 1):
        for second in range(SECONDS):
            start = (3 + second) * SFREQ
            data[experiment - 1, :, start : start + SFREQ] = 100 * experiment + second
    write_signals(deap, 1, data)

    make_store(deap, tmp_path / "store")

    store = open_store(tmp_path / "store").cut()
    rows = np.flatnonzero(store.table["subject"] == "01")
    mine = store.table.iloc[rows]
    experiment = mine["trial"].astype(int).map(experiments_of(deap, 1))
    assert (experiment != mine["trial"].astype(int)).all()
    assert (experiment == mine["stimulus"].astype(int)).all()
    for stream in (Stream.EEG, Stream.PERIPHERAL):
        signals = store.read(stream, rows)
        mark = (100 * experiment + mine["segment"]).to_numpy()
        assert (signals == mark[:, None, None]).all()
    light = store.read(Stream.FACE, rows).mean(axis=(1, 2, 3, 4))
    by_trial = light.reshape(N_TRIALS, SECONDS)
    assert (by_trial.min(axis=1)[1:] > by_trial.max(axis=1)[:-1] + 5).all()


def test_the_ratings_are_those_of_the_table(filmed_deap, filmed_store):
    table = open_store(filmed_store).cut().table
    with (filmed_deap / "metadata_csv" / "participant_ratings.csv").open() as file:
        for row in csv.DictReader(file):
            subject, trial = (
                f"{int(row[name]):02d}" for name in ("Participant_id", "Trial")
            )
            mine = table[(table["subject"] == subject) & (table["trial"] == trial)]
            assert len(mine) == SECONDS
            assert set(mine["valence"]) == {float(row["Valence"])}
            assert set(mine["arousal"]) == {float(row["Arousal"])}


@pytest.mark.parametrize("baseline", ["mean", "waveform", "none"])
def test_what_the_baseline_takes_off_is_taken_off(tiny_deap, tmp_path, baseline):
    root = tiny_deap(n_subjects=1, n_trials=N_TRIALS, seconds=SECONDS)
    data = sample_signals()
    write_signals(root, 1, data)

    make_store(root, tmp_path / "store")

    store = open_store(tmp_path / "store").cut(Segmenting(baseline=baseline))
    for trial, experiment in experiments_of(root, 1).items():
        wanted = data[experiment - 1, :, 3 * SFREQ :].copy()
        rest = data[experiment - 1, :, : 3 * SFREQ]
        for sample in range(wanted.shape[1] if baseline == "waveform" else 0):
            wanted[:, sample] -= rest[:, sample % SFREQ :: SFREQ].mean(axis=1)
        if baseline == "mean":
            wanted -= rest.mean(axis=1)[:, None]
        np.testing.assert_allclose(read_bio(store, f"{trial:02d}"), wanted, atol=1e-4)


def test_a_subject_without_video_stays_in_without_a_face(filmed_store):
    store = open_store(filmed_store).cut()

    table = store.table[store.table["subject"] == "02"]
    assert len(table) == N_TRIALS * SECONDS
    assert table[["has_eeg", "has_peripheral"]].to_numpy().all()
    assert not table[["has_face", "n_faces_found"]].to_numpy().any()
    assert not (filmed_store / "subjects" / "02" / "face.npy").exists()


def test_a_video_without_any_face_is_kept_and_counted(deap, tmp_path):
    write_video(video_of(deap, 1, 2), number_pictures(range(150), height=120))

    made = make_store(deap, tmp_path / "store")

    trial = made.trials.set_index(["subject", "trial"]).loc[("01", "02")]
    assert trial["has_video"] == 1
    assert trial["n_faces_lost"] == trial["n_frames"] == SECONDS * 5
    assert trial["n_segments_with_face"] == 0
    store = open_store(tmp_path / "store").cut()
    table = store.table[store.table["subject"] == "01"]
    assert (table.groupby("trial")["has_face"].sum() == [3, 0, 3, 3]).all()
    faces = store.read(Stream.FACE, store.rows_with([Stream.FACE]))
    assert faces.any(axis=(2, 3, 4)).all()


def test_a_subject_whose_videos_show_no_face_at_all_can_be_read(tiny_deap, tmp_path):
    root = tiny_deap(n_subjects=1, videos=True)

    made = make_store(root, tmp_path / "store")

    store = open_store(tmp_path / "store").cut()
    assert made.trials["n_segments_with_face"].sum() == 0
    assert len(store.rows_with([Stream.FACE])) == 0
    assert len(store.rows_with([Stream.EEG])) == N_TRIALS * SECONDS


def test_a_short_video_is_padded_and_the_frames_are_counted(deap, tmp_path):
    film_portrait(video_of(deap, 1, 1), n_frames=125)
    film_portrait(video_of(deap, 1, 2), n_frames=50)

    made = make_store(deap, tmp_path / "store")

    trials = made.trials.set_index(["subject", "trial"]).loc["01"]
    counted = ["n_faces_found", "n_frames_padded", "n_faces_lost"]
    assert list(trials.loc["01", counted]) == [13, 2, 0]
    assert list(trials.loc["02", counted]) == [5, 5, 5]  # a second is bridged
    assert list(trials["n_segments_with_face"]) == [3, 2, 3, 3]
    table = open_store(tmp_path / "store").cut().table
    first = table[(table["subject"] == "01") & (table["trial"] == "01")]
    assert list(first["n_frames_padded"]) == [0, 0, 2]


def test_channels_that_are_not_finite_or_never_move_are_counted(tiny_deap, tmp_path):
    root = tiny_deap(n_subjects=1, n_trials=N_TRIALS, seconds=SECONDS)
    data = sample_signals()
    data[0, 3, 500] = np.nan
    data[0, 4, 600] = np.inf
    data[1, 39] = 7.0
    write_signals(root, 1, data)

    made = make_store(root, tmp_path / "store")

    trials = made.trials.set_index(made.trials["stimulus"].astype(int))
    assert trials["n_bad_channels"].sort_index().tolist() == [2, 0, 0, 0]
    assert trials["n_flat_channels"].sort_index().tolist() == [0, 1, 0, 0]


def test_a_second_run_does_nothing(deap, tmp_path):
    make_store(deap, tmp_path / "store")
    before = read_times(tmp_path / "store")

    again = make_store(deap, tmp_path / "store")

    assert read_times(tmp_path / "store") == before
    assert again.n_done_before == again.n_subjects == 2


def test_a_copy_of_the_data_set_with_new_times_is_the_same_data_set(deap, tmp_path):
    make_store(deap, tmp_path / "store")
    before = read_times(tmp_path / "store")
    copy = shutil.copytree(deap, tmp_path / "copy")
    for path in list_files(copy).values():
        os.utime(path, (1, 1))

    again = make_store(copy, tmp_path / "store")

    assert again.n_done_before == 2
    assert read_times(tmp_path / "store") == before


@pytest.mark.parametrize(
    ("spoil", "subject"),
    [
        (lambda root: write_signals(root, 2, sample_signals(1)), "02"),
        (lambda root: film_portrait(video_of(root, 1, 3), n_frames=140), "01"),
        (lambda root: video_of(root, 1, 3).unlink(), "01"),
        (lambda root: film_portrait(video_of(root, 2, 1), n_frames=150), "02"),
    ],
    ids=["other signals", "another video", "a video gone", "a new video"],
)
def test_only_the_subject_whose_files_changed_is_made_again(
    deap, filmed_store, tmp_path, spoil, subject
):
    store = shutil.copytree(filmed_store, tmp_path / "store")
    before = read_times(store)
    spoil(deap)

    made = make_store(deap, store)

    after = read_times(store)
    changed = {Path(name).parts for name in before if after.get(name) != before[name]}
    assert {parts[1] for parts in changed if parts[0] == "subjects"} == {subject}
    assert made.n_done_before == 1


def test_a_subject_that_left_the_data_set_stays_and_is_named(
    deap, filmed_store, tmp_path, caplog
):
    store = shutil.copytree(filmed_store, tmp_path / "store")
    (deap / "data_preprocessed_python" / "s02.dat").unlink()

    make_store(deap, store)

    assert set(open_store(store).cut().table["subject"]) == {"01", "02"}
    assert "holds subject 02, which is not in" in caplog.text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"face": "yunet"}, "face is 'dlib5' there, got 'yunet'"),
        ({"face_size": 32}, "face_size is 64 there, got 32"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_store_of_other_settings_is_refused_and_left_alone(
    filmed_deap, filmed_store, change, message
):
    before = read_times(filmed_store)

    with pytest.raises(UserError, match=re.escape(message)):
        make_store(filmed_deap, filmed_store, settings=replace(DEFAULTS, **change))

    assert read_times(filmed_store) == before


@pytest.mark.parametrize("kind", ["subjects", "manifest"])
def test_a_folder_that_is_no_store_of_this_program_is_refused(
    filmed_deap, filmed_store, tmp_path, kind
):
    store = shutil.copytree(filmed_store, tmp_path / "store")
    if kind == "subjects":
        (store / "manifest.json").unlink()
    else:
        (store / "manifest.json").write_text('{"format": "another"}')

    said = {
        "subjects": "no manifest",
        "manifest": r"got another; make it again: deepva",
    }
    with pytest.raises(UserError, match=said[kind]):
        make_store(filmed_deap, store)


def test_what_was_interrupted_goes_on_to_the_same_store(deap, filmed_store, tmp_path):
    out = tmp_path / "store"
    make_store(deap, out, exclude=["01"])
    (out / "subjects" / ".01.999999999.tmp").mkdir()
    before = read_times(out / "subjects" / "02")
    assert before

    made = make_store(deap, out)

    assert made.n_done_before == 1
    assert read_times(out / "subjects" / "02") == before
    assert not (out / "failures.txt").exists()
    assert sorted(path.name for path in (out / "subjects").iterdir()) == ["01", "02"]
    assert digest_store(open_store(out)) == digest_store(open_store(filmed_store))
    arrays = {name for name in read_bytes(out) if name.endswith(("npy", "csv"))}
    assert arrays
    for name in arrays:
        assert (out / name).read_bytes() == (filmed_store / name).read_bytes()


@pytest.mark.slow
def test_a_store_is_the_same_bytes_whatever_the_jobs(
    filmed_deap, filmed_store, tmp_path
):
    make_store(filmed_deap, tmp_path / "store", execution=Execution(jobs=2))

    assert read_bytes(tmp_path / "store") == read_bytes(filmed_store)


@pytest.mark.parametrize("content", [b"", b"not a video at all", None])
def test_a_video_that_cannot_be_read_is_named(deap, tmp_path, content):
    video = video_of(deap, 1, 1)
    video.write_bytes(video.read_bytes()[:3000] if content is None else content)

    with pytest.raises(UserError, match=r"s01_trial01\.avi: ") as refused:
        make_store(deap, tmp_path / "store")

    assert "\n" not in str(refused.value)
    assert not (tmp_path / "store" / "subjects" / "01").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"artefacts": "ica"}, "artefacts: unknown 'ica', did you mean 'icalabel'"),
        ({"face": "dlib"}, "unknown face backend 'dlib', did you mean 'dlib5'"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_unknown_settings_are_refused_before_anything_is_written(
    filmed_deap, tmp_path, change, message
):
    with pytest.raises(UserError, match=re.escape(message)):
        make_store(
            filmed_deap, tmp_path / "store", settings=replace(DEFAULTS, **change)
        )

    assert not (tmp_path / "store").exists()


def test_signals_that_cannot_be_read_leave_no_store(deap, tmp_path):
    path = deap / "data_preprocessed_python" / "s01.dat"
    path.write_bytes(path.read_bytes()[:1000])

    with pytest.raises(UserError, match=r"s01\.dat"):
        make_store(deap, tmp_path / "store")

    assert not (tmp_path / "store").exists()


def test_a_rate_that_the_recordings_do_not_have_is_refused(filmed_deap, tmp_path):
    with pytest.raises(UserError, match=r"recording 01: filtered .* at 256 Hz"):
        make_store(
            filmed_deap, tmp_path / "store", settings=replace(DEFAULTS, sfreq=256.0)
        )


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_full_disk_is_one_sentence_and_nothing_half_written(
    filmed_deap, filmed_store, tmp_path, capfd, jobs
):
    with mount_small_disk(tmp_path / "disk", size="600k") as disk:
        command = ["prepare", "deap", str(filmed_deap), "--out", str(disk / "store")]
        command += ["--jobs", str(jobs)]

        assert main(command) == 2

        said = capfd.readouterr().err.splitlines()
        [sentence] = [line for line in said if not line.startswith(PROGRESS)]
        assert re.match(r"deepvanet: .*: cannot be written: the disk is full", sentence)
        subjects = {path.name for path in (disk / "store" / "subjects").iterdir()}
        assert subjects <= {"02"}

        enlarge(disk, size="20m")
        assert main(command) == 0
        assert read_bytes(disk / "store") == read_bytes(filmed_store)


def test_faces_are_found_in_videos_of_the_real_size(tmp_path):
    root = write_filmed_deap(tmp_path / "DEAP", n_subjects=1)
    picture = np.full((576, 720, 3), 90, np.uint8)
    picture[100:356, 200:456] = sample_portrait()
    write_video(video_of(root, 1, 1), (picture for _ in range(148)), codec="mpeg4")

    made = make_store(root, tmp_path / "store")

    assert (made.trials["n_faces_found"] == SECONDS * 5).all()


def test_a_store_whose_first_subject_failed_may_be_made_with_other_settings(
    tiny_deap, tmp_path
):
    root = tiny_deap(n_subjects=1, videos=True)
    video = next(root.rglob("*.avi"))
    whole = video.read_bytes()
    video.write_bytes(b"")
    with pytest.raises(UserError, match=video.name):
        make_store(root, tmp_path / "store")

    video.write_bytes(whole)
    make_store(root, tmp_path / "store", settings=replace(DEFAULTS, most_missing=0.2))

    made = open_store(tmp_path / "store").cut()
    assert made.manifest.settings["most_missing"] == 0.2


def test_subjects_can_be_left_out_by_number(filmed_deap, tmp_path):
    out = tmp_path / "store"

    made = prepare(
        "deap", filmed_deap, out, settings=DEFAULTS, execution=ALONE, exclude=["1"]
    )

    assert made.n_subjects == 1
    assert open_store(out).cut().table["subject"].unique().tolist() == ["02"]


def test_leaving_out_a_subject_who_is_not_there_is_said(filmed_deap, tmp_path, caplog):
    prepare(
        "deap",
        filmed_deap,
        tmp_path / "store",
        settings=DEFAULTS,
        execution=ALONE,
        exclude=["1", "31"],
    )

    assert "exclude: there is no subject 31" in caplog.text


def test_leaving_out_everybody_is_refused(filmed_deap, tmp_path):
    with pytest.raises(UserError, match="exclude: leaves no subject, got 1,2"):
        prepare(
            "deap",
            filmed_deap,
            tmp_path / "store",
            settings=DEFAULTS,
            execution=ALONE,
            exclude=["1", "2"],
        )
