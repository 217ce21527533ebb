"""Tests of :mod:`deepvanet.learners.offsets`: where training segments may start."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from deepvanet.config import NetworkSettings, Segmenting
from deepvanet.learners import held_rows, inputs
from deepvanet.learners.eegnet import EEGNetLearner
from deepvanet.learners.held_rows import open_rows, open_stretches
from deepvanet.learners.held_seconds import hold_seconds
from deepvanet.learners.network import NetworkLearner
from deepvanet.learners.offsets import find_room, open_training
from deepvanet.learners.scaling import fit_scaling
from deepvanet.learners.within_subject import compare_within
from deepvanet.schema import BIO, PAPER_STREAMS, Stream
from deepvanet.store import Rows, open_store
from segment_blocks import rewrite_segments
from small_store import take_rows

QUICK = NetworkSettings(epochs=2, batch_size=8)


@pytest.fixture(scope="module")
def store(tiny_store, tmp_path_factory):
    """Two subjects of four trials of six seconds, 4 frames a second."""
    path = tmp_path_factory.mktemp("offsets") / "store"
    return tiny_store(path, n_trials=4, n_segments=6, images=(4, 24))


def take_some(store, left_out, streams=PAPER_STREAMS):
    """Take all rows but those segments of the first trial."""
    rows = take_rows(store, streams)
    table = rows.table
    first = (rows.trial == 0) & table["segment"].isin(left_out).to_numpy()
    return rows.take(~first)


def room_of(rows, trial=0):
    room = find_room(rows)
    mine = rows.trial == trial
    return room.earlier[mine].tolist(), room.later[mine].tolist()


def test_a_segment_moves_over_training_segments_beside_it_and_no_further(store):
    earlier, later = room_of(take_some(store, left_out=[2]))

    #  segments     0    1    3    4    5
    assert earlier == [0, 0.5, 0, 0.5, 0.5]
    assert later == [0.5, 0, 0.5, 0.5, 0]


def test_rows_in_another_order_have_the_same_room(store):
    rows = take_some(store, left_out=[2])
    order = np.random.default_rng(0).permutation(len(rows))

    room, mixed = find_room(rows), find_room(rows.take(order))

    assert mixed.earlier.tolist() == room.earlier[order].tolist()
    assert mixed.later.tolist() == room.later[order].tolist()


@pytest.mark.parametrize(
    ("segment_s", "step_s", "room"), [(2, 1, 0.5), (1, 0.5, 0.25), (1, 2, 0)]
)
def test_room_is_half_a_step_where_segments_touch_or_overlap(
    store, segment_s, step_s, room
):
    cut = open_store(store.path).cut(Segmenting(segment_s, step_s))

    earlier, later = room_of(take_rows(cut, BIO))

    assert set(earlier[1:]) == set(later[:-1]) == {room}
    assert earlier[0] == later[-1] == 0


def test_a_shifted_segment_is_cut_from_the_samples_of_its_neighbours(store):
    rows, shift_s = np.array([1, 2, 3]), np.array([0.25, -0.5, 0.0])

    moved = store.read(Stream.EEG, rows, shift_s)
    frames = store.read(Stream.FACE, rows, shift_s)

    joined = np.concatenate(list(store.read(Stream.EEG, np.arange(6))), axis=1)
    images = np.concatenate(list(store.read(Stream.FACE, np.arange(6))))
    for one, start_s in enumerate(rows + shift_s):
        first, frame = round(start_s * 128), round(start_s * 4)
        np.testing.assert_array_equal(moved[one], joined[:, first : first + 128])
        np.testing.assert_array_equal(frames[one], images[frame : frame + 4])


def test_no_row_is_shifted_out_of_its_trial(store):
    for row, shift_s in ((0, -0.1), (5, 0.1)):
        with pytest.raises(ValueError, match="leaves the eeg of its trial"):
            store.read(Stream.EEG, np.array([row]), np.array([shift_s]))


@pytest.mark.parametrize(("segment_s", "step_s"), [(1, 1), (2, 1), (1, 2)])
@pytest.mark.parametrize("where", ["in memory", "in the store"])
def test_rows_from_memory_are_those_of_the_store_bit_for_bit(
    store, segment_s, step_s, where, monkeypatch
):
    if where == "in the store":
        monkeypatch.setattr(inputs, "HELD_BYTES", 0)
    cut = open_store(store.path).cut(Segmenting(segment_s, step_s))
    rows = take_some(cut, left_out=[2])
    order = np.random.default_rng(0).permutation(len(rows))
    rows, scalings = rows.take(order), fit_scaling(rows)
    shift_s = find_room(rows).sample(order, np.random.default_rng(1))

    found = open_stretches(rows, scalings)(order, shift_s)

    for stream in PAPER_STREAMS:
        wanted = rows.read(stream, order, shift_s)
        if stream in BIO:
            wanted = scalings[stream].apply(wanted)
        np.testing.assert_array_equal(found[stream].numpy(), wanted)


@pytest.mark.parametrize("segmenting", [Segmenting(4, 1), Segmenting(2, 0.5)])
def test_rows_that_overlap_are_held_as_their_trials(store, segmenting, monkeypatch):
    cut = open_store(store.path).cut(segmenting)
    rows = take_rows(cut, BIO)
    rows = rows.take(np.random.default_rng(0).permutation(len(rows)))
    scalings, order = fit_scaling(rows), np.arange(len(rows))[::-1].copy()
    n_trials, n_channels, lasts_s = int(rows.trial.max()) + 1, len(cut.channels(BIO)), 6
    asked = []
    monkeypatch.setattr(
        held_rows, "may_be_held", lambda n_bytes: asked.append(n_bytes) or True
    )

    found = open_rows(rows, scalings)(order)

    assert asked == [4 * n_trials * n_channels * lasts_s * 128]
    for stream in BIO:
        wanted = scalings[stream].apply(rows.read(stream, order))
        np.testing.assert_array_equal(found[stream].numpy(), wanted)


def test_training_meets_a_row_at_another_offset_each_time_and_the_same_by_seed(store):
    rows = take_rows(store, BIO)
    scalings, index = fit_scaling(rows), np.arange(8)

    fetch, again, other = (
        open_training(rows, scalings, QUICK, seed=seed) for seed in (0, 0, 1)
    )
    one, two = fetch(index)[Stream.EEG], fetch(index)[Stream.EEG]

    assert not one.equal(two)
    assert one.equal(again(index)[Stream.EEG])
    assert not one.equal(other(index)[Stream.EEG])


def test_without_offsets_rows_are_gathered_as_before(store):
    rows = take_rows(store)
    scalings, index = fit_scaling(rows), np.arange(8)
    none = replace(QUICK, offsets="none")

    found = open_training(rows, scalings, none, seed=0)(index)

    for stream, tensor in open_rows(rows, scalings)(index).items():
        assert tensor.equal(found[stream])


CUTS_S = (0.125, 0.25, 0.375, 0.5)


def write_tones(store, path):
    """Write a store in which trials rated high have 10 Hz, others 6 Hz, in noise."""
    shutil.copytree(store.path, path)
    rng, time_s = np.random.default_rng(0), np.arange(128) / 128

    def change(rows, array):
        is_high = store.table["valence"].to_numpy()[rows] >= 5
        hertz = np.where(is_high, 10, 6)[:, None, None]
        tone = np.cos(2 * np.pi * hertz * time_s)
        return (10 * rng.normal(size=array.shape) + 15 * tone).astype(np.float32)

    rewrite_segments(store, Stream.EEG, change, path=path)
    return open_store(path).cut()


def cut_start(rows, cut_s):
    """Return a recording that starts later, in seconds from its new start on."""
    read = {
        s: rows.read(s, shift_s=np.full(len(rows), float(cut_s))) for s in rows.streams
    }
    return hold_seconds(
        read, channels=rows.store.channels(rows.streams), sfreq=rows.store.sfreq
    )


def measure_change(fitted, test):
    """Return by how much the probability of a trial changes where its start is cut."""
    number = test.table["segment"]
    test = test.take((number < number.max()).to_numpy())

    def score_trials(cut_s):
        score = fitted.score(cut_start(test, cut_s))
        return np.bincount(test.trial, score) / np.bincount(test.trial)

    return np.mean([np.abs(score_trials(c) - score_trials(0)) for c in CUTS_S])


@pytest.mark.parametrize(
    ("learner", "without"),
    [
        (NetworkLearner, 0.05),
        # its average pooling makes it depend less on where a segment starts
        pytest.param(EEGNetLearner, 0.0, marks=pytest.mark.slow),
    ],
)
def test_a_recording_that_starts_later_has_the_same_probabilities(
    tiny_store, tmp_path, learner, without
):
    made = tiny_store(
        tmp_path / "noise", n_trials=12, n_segments=8, streams=[Stream.EEG]
    )
    rows = take_rows(write_tones(made, tmp_path / "store"), [Stream.EEG])
    is_first = (rows.table["subject"] == "01").to_numpy()
    train, test = rows.take(is_first), rows.take(~is_first)

    change = {
        name: measure_change(
            learner(
                NetworkSettings(epochs=20, batch_size=16, offsets=name), seed=0
            ).fit(train),
            test,
        )
        for name in ("random", "none")
    }

    assert change["random"] < 0.05
    assert change["none"] > without


def poison(store, path, numbers):
    """Copy a store, and write garbage over some of its rows."""
    shutil.copytree(store.path, path)
    rng = np.random.default_rng(9)

    def change(rows, array):
        mine = np.flatnonzero(np.isin(rows, numbers))
        array[mine] = rng.integers(0, 256, array[mine].shape)
        return array

    for stream in PAPER_STREAMS:
        rewrite_segments(store, stream, change, path=path)
    return open_store(path).cut()


@pytest.mark.parametrize("learner", [NetworkLearner, EEGNetLearner])
def test_garbage_in_segments_beside_training_rows_changes_nothing(
    store, tmp_path, learner
):
    streams = (Stream.EEG,) if learner is EEGNetLearner else PAPER_STREAMS
    every = take_rows(store, streams)
    is_left_out = np.random.default_rng(0).random(len(every)) < 0.3
    spoiled = poison(store, tmp_path / "store", every.numbers[is_left_out])

    clean, poisoned = (
        learner(QUICK, seed=0).fit(replace(every.take(~is_left_out), store=held))
        for held in (store, spoiled)
    )

    room = find_room(every.take(~is_left_out))
    assert room.earlier.any()
    assert (room.earlier == 0).any()
    for (name, one), other in zip(
        clean.chosen.state_dict().items(),
        poisoned.chosen.state_dict().values(),
        strict=True,
    ):
        assert one.equal(other), name


def test_subjects_that_are_compared_with_themselves_take_offsets_too(store):
    rows = take_rows(store, BIO)
    make = compare_within(
        lambda settings, seed, _=None, /: NetworkLearner(settings, seed)
    )

    scores = [
        make(replace(QUICK, normalise="subject", offsets=name), 0).fit(rows).score(rows)
        for name in ("random", "none")
    ]

    assert not np.array_equal(*scores)


def test_held_rows_are_trained_at_their_places(store):
    rows = take_rows(store, BIO)
    held = hold_seconds(
        {stream: rows.read(stream) for stream in BIO},
        channels=store.channels(BIO),
        sfreq=128.0,
    )
    held = Rows(held.store, held.numbers, held.streams, rows.label)
    scalings, index = fit_scaling(held), np.arange(8)

    found = open_training(held, scalings, QUICK, seed=0)(index)

    for stream, tensor in open_rows(rows, scalings)(index).items():
        assert tensor.equal(found[stream])
