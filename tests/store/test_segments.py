"""Tests of segments as a view of a store's trials."""

import pickle

import numpy as np
import pytest

from deepvanet.config import Segmenting
from deepvanet.schema import Channel, ChannelType, FrameState, Stream, Target, UserError
from deepvanet.store import (
    COLUMNS,
    Manifest,
    Rows,
    TrialBlock,
    open_store,
    segments,
    write_subject,
)

SFREQ, FPS, REST_S = 8, 2, 3
FILLED_FIRST = np.array([FrameState.FILLED, FrameState.FOUND], np.uint8)
CHANNELS = (
    Channel("Fz", ChannelType.EEG, "uV"),
    Channel("Cz", ChannelType.EEG, "uV"),
    Channel("GSR", ChannelType.GSR, "Ohm"),
)


def make_trial(trial, *, seconds=6.0, rest_s=REST_S, spoil=None, state=None):
    """Make a trial of subject 01 of random numbers that the trial's name samples."""
    rng = np.random.default_rng(int(trial))
    samples = rng.normal(50, 5, (round((rest_s + seconds) * SFREQ), 3))
    if spoil is not None:
        spoil(samples)
    n_frames = int(seconds * FPS)
    states = np.full(n_frames, FrameState.FOUND, np.uint8) if state is None else state
    faces = np.broadcast_to(
        np.arange(n_frames, dtype=np.uint8)[:, None, None, None], (n_frames, 4, 4, 3)
    )
    names = {"subject": "01", "trial": trial, "stimulus": trial, "recording": trial}
    return TrialBlock(
        row={**names, "duration_s": seconds, **dict.fromkeys(map(str, Target), 7.0)},
        arrays={
            Stream.EEG: samples[:, :2].astype(np.float32),
            Stream.PERIPHERAL: samples[:, 2:].astype(np.float32),
            Stream.FACE: faces,
        },
        n_baseline=round(rest_s * SFREQ),
        face_state=states,
    )


def write_store(path, *trials, **settings):
    rates = {"sfreq": float(SFREQ), "face_fps": float(FPS), **settings}
    manifest = Manifest("deap", False, rates, "abc", CHANNELS, {})
    (path / "subjects").mkdir(parents=True)
    (path / "manifest.json").write_text(manifest.to_json())
    write_subject(path, "01", parts=iter(trials), inputs={})
    return open_store(path)


def cut_by_hand(trial, start_s, length_s, baseline):
    """Return a segment of EEG, sample by sample as the words of ``baseline`` say."""
    samples = trial.arrays[Stream.EEG].astype(np.float64)
    rest, stimulus = samples[: trial.n_baseline], samples[trial.n_baseline :].copy()
    for sample in range(len(stimulus)):
        if baseline == "mean":
            stimulus[sample] -= rest.mean(axis=0)
        if baseline == "waveform":
            stimulus[sample] -= rest[sample % SFREQ :: SFREQ].mean(axis=0)
    first = round(start_s * SFREQ)
    return stimulus[first : first + round(length_s * SFREQ)].T


@pytest.mark.parametrize("baseline", ["mean", "waveform", "none"])
@pytest.mark.parametrize(("length_s", "step_s"), [(1, 1), (4, 1), (2, 0.5), (0.5, 2)])
def test_segments_are_windows_of_their_trials_less_the_baseline(
    tmp_path, baseline, length_s, step_s
):
    trials = [make_trial("1"), make_trial("2", seconds=5.5)]
    store = write_store(tmp_path / "store", *trials).cut(
        Segmenting(length_s, step_s, baseline)
    )

    assert tuple(store.table) == COLUMNS
    fitting = [int((s - length_s) / step_s) + 1 for s in (6, 5.5)]
    assert store.table["trial"].value_counts().sort_index().tolist() == fitting
    order = np.random.default_rng(0).permutation(len(store.table))
    read = store.read(Stream.EEG, order)
    for row, found in zip(order, read, strict=True):
        of, start_s = store.table.loc[row, ["trial", "start_s"]]
        wanted = cut_by_hand(trials[int(of) - 1], start_s, length_s, baseline)
        np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert (store.table["duration_s"] == length_s).all()
    assert read.dtype == np.float32


@pytest.mark.parametrize("baseline", ["mean", "waveform", "none"])
def test_segments_that_are_read_again_are_the_same_to_the_bit(
    tmp_path, baseline, monkeypatch
):
    def spoil(samples):
        samples[30:40, 0] = np.nan

    trials = [make_trial("1"), make_trial("2", seconds=5.5, spoil=spoil)]
    store = write_store(tmp_path / "store", *trials).cut(Segmenting(2, 0.5, baseline))
    rows = np.random.default_rng(0).permutation(store.rows_with([Stream.EEG]))
    is_inner = (store.table["segment"] > 0) & (store.table["segment"] < 7)
    inner = np.flatnonzero(is_inner)
    shift_s = np.resize([0.25, -0.375], len(inner))

    monkeypatch.setattr(segments, "KEPT_BYTES", 0)
    never = open_store(store.path).cut(store.segmenting)
    wanted = never.read(Stream.EEG, rows)
    moved = never.read(Stream.EEG, inner, shift_s)

    for _ in range(3):  # trials are kept from the second time on
        np.testing.assert_array_equal(store.read(Stream.EEG, rows), wanted)
    file = store.path / "subjects" / "01" / "eeg.npy"
    np.load(file, mmap_mode="r+")[:] = 0  # so what is read now was kept

    np.testing.assert_array_equal(store.read(Stream.EEG, rows), wanted)
    np.testing.assert_array_equal(store.read(Stream.EEG, inner, shift_s), moved)
    assert not np.array_equal(never.read(Stream.EEG, rows), wanted)


def test_segments_of_several_subjects_come_in_the_order_asked_for(tmp_path):
    write_store(tmp_path / "store", make_trial("1"), make_trial("2"))
    other = make_trial("3")
    other.row["subject"] = "02"
    write_subject(tmp_path / "store", "02", parts=iter([other]), inputs={})
    store = open_store(tmp_path / "store").cut()

    order = np.random.default_rng(0).permutation(len(store.table))
    for stream in (Stream.EEG, Stream.FACE):
        each = [store.read(stream, np.array([row]))[0] for row in order]
        np.testing.assert_array_equal(store.read(stream, order), each)


@pytest.mark.parametrize("baseline", ["mean", "waveform"])
def test_a_shifted_segment_loses_its_baseline_in_the_phase_that_it_has(
    tmp_path, baseline
):
    trial = make_trial("1")
    store = write_store(tmp_path / "store", trial).cut(Segmenting(1.5, 1.0, baseline))
    shift_s = np.array([-0.25, 0.375])

    read = store.read(Stream.EEG, np.array([1, 2]), shift_s)

    for found, start_s in zip(read, np.array([1, 2]) + shift_s, strict=True):
        wanted = cut_by_hand(trial, start_s, 1.5, baseline)
        np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_what_was_read_is_let_go_of_and_comes_again(tmp_path, monkeypatch):
    monkeypatch.setattr(segments, "MAPPED_BYTES", 0)
    store = write_store(tmp_path / "store", make_trial("1")).cut()

    first, again = (store.read(Stream.EEG, np.arange(6)) for _ in range(2))

    np.testing.assert_array_equal(first, again)


def test_overlapping_segments_hold_the_same_samples_and_images(tmp_path):
    trials = write_store(tmp_path / "store", make_trial("1"))
    seconds, windows = (trials.cut(Segmenting(s)) for s in (1.0, 4.0))

    for stream, axis in ((Stream.EEG, 1), (Stream.FACE, 0)):
        joined = np.concatenate(list(seconds.read(stream, np.arange(1, 5))), axis=axis)
        [window] = windows.read(stream, np.array([1]))
        np.testing.assert_array_equal(window, joined)
    assert windows.is_overlapping
    assert not seconds.is_overlapping


def test_what_is_missing_is_counted_where_it_lies(tmp_path):
    def spoil(samples):
        at = REST_S * SFREQ
        samples[at : at + SFREQ, 0] = np.nan  # one of two EEG channels
        samples[at + 2 * SFREQ : at + 3 * SFREQ, :2] = np.nan  # both
        samples[at + 3 * SFREQ : at + 3 * SFREQ + 2, 2] = np.nan

    trials = write_store(tmp_path / "store", make_trial("1", spoil=spoil))
    table = trials.cut().table

    assert table["has_eeg"].tolist() == [1, 1, 0, 1, 1, 1]
    assert table["missing_eeg"].tolist() == [0.5, 0, 1, 0, 0, 0]
    assert table["has_peripheral"].all()
    assert table["missing_peripheral"].tolist() == [0, 0, 0, 0.25, 0, 0]
    longer = trials.cut(Segmenting(3.0)).table
    assert longer["has_eeg"].tolist() == [1, 1, 1, 1]
    assert longer["missing_eeg"].tolist() == [0.5, 0.3333, 0.3333, 0]


def test_a_channel_without_a_baseline_is_missing_where_it_is_subtracted(tmp_path):
    def spoil(samples):
        samples[: REST_S * SFREQ, :2] = np.nan

    trials = write_store(tmp_path / "store", make_trial("1", spoil=spoil))

    assert not trials.cut(Segmenting(baseline="mean")).table["has_eeg"].any()
    assert trials.cut(Segmenting(baseline="none")).table["has_eeg"].all()


def test_a_segment_with_a_lost_frame_has_no_face(tmp_path):
    lost, found, filled, padded = (FrameState(k) for k in range(4))
    state = [found, filled, lost, found, *[found] * 6, padded, padded]
    trials = write_store(
        tmp_path / "store", make_trial("1", state=np.array(state, np.uint8))
    )
    table = trials.cut().table

    assert table["has_face"].tolist() == [1, 0, 1, 1, 1, 1]
    assert table["n_faces_found"].tolist() == [1, 1, 2, 2, 2, 0]
    assert table["n_faces_filled"].tolist() == [1, 0, 0, 0, 0, 0]
    assert table["n_frames_padded"].tolist() == [0, 0, 0, 0, 0, 2]
    longer = trials.cut(Segmenting(2.0)).table
    assert longer["has_face"].tolist() == [0, 0, 1, 1, 1]
    assert longer["n_faces_found"].tolist() == [2, 3, 4, 4, 2]


def test_only_trials_in_which_something_is_missing_are_read_when_they_are_cut(tmp_path):
    write_store(tmp_path / "store", make_trial("1"), make_trial("2"))
    (tmp_path / "store" / "subjects" / "01" / "eeg.npy").unlink()

    store = open_store(tmp_path / "store").cut()

    assert store.table["has_eeg"].all()
    with pytest.raises(UserError, match=r"eeg\.npy: cannot be read"):
        store.read(Stream.EEG, np.array([0]))


def test_short_trials_are_lost_and_named_and_none_left_is_refused(tmp_path):
    short = make_trial("2", seconds=2.0)
    trials = write_store(tmp_path / "store", make_trial("1"), short)

    store = trials.cut(Segmenting(3.0))

    assert set(store.table["trial"]) == {"1"}
    assert store.lines()[1] == (
        "1 trial is shorter than a segment of 3 s and is left out: subject 01 trial 2"
    )
    assert store.trials["n_segments"].tolist() == [4, 0]
    with pytest.raises(
        UserError, match=r"segment: 7 s are longer than each .* longest lasts 6 s"
    ):
        trials.cut(Segmenting(7.0))


@pytest.mark.parametrize(
    ("segmenting", "sentence"),
    [
        (
            Segmenting(0.3),
            "segment: needs a whole number of samples at 8 Hz, got 0.3 s",
        ),
        (
            Segmenting(1, 0.2),
            "step: needs a whole number of samples at 8 Hz, got 0.2 s",
        ),
    ],
)
def test_lengths_and_steps_are_whole_samples(tmp_path, segmenting, sentence):
    trials = write_store(tmp_path / "store", make_trial("1"))

    with pytest.raises(UserError, match=sentence):
        trials.cut(segmenting)


def test_lengths_and_steps_are_whole_frames_where_faces_are_asked_for(tmp_path):
    store = write_store(tmp_path / "store", make_trial("1")).cut(Segmenting(1, 0.25))

    assert len(store.rows_with([Stream.EEG])) == len(store.table) == 21
    with pytest.raises(UserError, match="step: needs a whole number of frames at 2"):
        store.rows_with([Stream.FACE, Stream.EEG])


def test_the_mean_is_usual_where_every_trial_has_a_baseline(tmp_path):
    some = write_store(tmp_path / "some", make_trial("1"), make_trial("2", rest_s=0))
    every = write_store(tmp_path / "all", make_trial("1"), make_trial("2", rest_s=0.5))

    assert every.cut().segmenting.baseline == "mean"
    assert some.cut().segmenting.baseline == "none"
    assert some.cut().lines() == ["segments: 1 s each 1 s, baseline: none"]
    with pytest.raises(UserError, match=r"baseline: mean needs .* 1 of 2 trials .*l 2"):
        some.cut(Segmenting(baseline="mean"))
    with pytest.raises(UserError, match="baseline: waveform needs a whole second"):
        every.cut(Segmenting(baseline="waveform"))


def test_a_store_is_small_for_another_process(tmp_path):
    store = write_store(tmp_path / "store", make_trial("1")).cut()
    wanted = store.read(Stream.EEG, np.arange(6))

    sent = pickle.dumps(store)

    assert len(sent) < 20_000
    np.testing.assert_array_equal(
        pickle.loads(sent).read(Stream.EEG, np.arange(6)), wanted
    )


def test_a_store_of_an_older_version_names_the_command_to_run_again(tmp_path):
    write_store(tmp_path / "store", make_trial("1"))
    file = tmp_path / "store" / "manifest.json"
    file.write_text(file.read_text().replace("store-3", "store-2"))

    with pytest.raises(UserError, match="make it again: deepvanet prepare DATASET"):
        open_store(tmp_path / "store")


def test_whole_trials_are_segments_where_all_last_the_same_time(tmp_path):
    trials = [make_trial("1", seconds=5.5), make_trial("2", seconds=5.5)]

    store = write_store(tmp_path / "store", *trials).cut(Segmenting("trial"))

    assert (store.segmenting.segment_s, store.segmenting.step_s) == (5.5, 5.5)
    assert store.table["trial"].tolist() == ["1", "2"]
    assert store.read(Stream.EEG, np.arange(2)).shape == (2, 2, 44)
    assert store.read(Stream.FACE, np.arange(2)).shape[1] == 11


@pytest.mark.parametrize("baseline", ["mean", "waveform", "none"])
def test_whole_trials_of_several_lengths_are_a_segment_each(tmp_path, baseline):
    def spoil(samples):
        samples[30:40, 0] = np.nan

    trials = [
        make_trial("1", seconds=6.0),
        make_trial("2", seconds=5.5),
        make_trial("3", seconds=5.5, spoil=spoil),
        make_trial("4", seconds=3.0, state=np.repeat(FILLED_FIRST, [1, 5])),
    ]
    store = write_store(tmp_path / "store", *trials).cut(
        Segmenting("trial", baseline=baseline)
    )

    table = store.table
    assert store.segmenting.segment_s == "trial"
    assert table["duration_s"].tolist() == [6, 5.5, 5.5, 3]
    assert table["start_s"].tolist() == table["segment"].tolist() == [0] * 4
    lengths = store.count_samples(Stream.EEG, np.arange(4))
    assert lengths.tolist() == [48, 44, 44, 24]
    for row, trial in enumerate(trials):
        wanted = cut_by_hand(trial, 0, trial.row["duration_s"], baseline)
        for _ in range(3):  # from the third time on from memory
            (found,) = store.read(Stream.EEG, np.array([row]))
            np.testing.assert_allclose(found, wanted, atol=1e-5)
        face = store.read(Stream.FACE, np.array([row]))
        np.testing.assert_array_equal(face[0], trial.arrays[Stream.FACE])
    assert store.read(Stream.EEG, np.array([2, 1])).shape == (2, 2, 44)
    assert table["missing_eeg"].gt(0).tolist() == [False, False, True, False]
    assert table["n_faces_filled"].tolist() == [0, 0, 0, 1]
    assert not store.is_overlapping
    assert store.lines()[0].startswith("segments: whole trials of 3 to 6 s, baseline")


def test_rows_that_differ_in_length_are_not_read_at_once_but_in_parts(tmp_path):
    lasts_s = [6.0, 5.5, 3.0, 5.5, 5.5]
    trials = [make_trial(str(k), seconds=s) for k, s in enumerate(lasts_s)]
    store = write_store(tmp_path / "store", *trials).cut(Segmenting("trial"))
    rows = Rows(store, np.arange(5), (Stream.EEG,), np.zeros(5, np.int64))

    with pytest.raises(ValueError, match="differ in length"):
        rows.read(Stream.EEG)
    parts = rows.cut(Stream.EEG, most_numbers=2 * 2 * 44)

    assert [part.tolist() for part in parts] == [[2], [1, 3], [4], [0]]
    assert [rows.read(Stream.EEG, part).shape[2] for part in parts] == [24, 44, 44, 48]
