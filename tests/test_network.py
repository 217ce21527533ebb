"""Tests of :mod:`deepvanet.learners.network`."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from deepvanet.config import NetworkSettings
from deepvanet.learners import inputs as batches
from deepvanet.learners.learner import Choice, EpochRecord, choose_epoch
from deepvanet.learners.network import NetworkLearner, load_network
from deepvanet.schema import BIO, PAPER_STREAMS, STREAM_SETS, Stream, UserError
from deepvanet.store import Rows
from small_store import hold, take_rows

QUICK = NetworkSettings(epochs=3, batch_size=16, learning_rate=1e-2)


@pytest.fixture(scope="module")
def store(tiny_store, tmp_path_factory):
    return tiny_store(tmp_path_factory.mktemp("stores") / "store")


@pytest.fixture(scope="module")
def rows(store):
    return take_rows(store, BIO)


@pytest.fixture(scope="module")
def halves(rows):
    """One subject to train on, the other to watch."""
    subject = rows.table["subject"].to_numpy()
    return rows.take(subject == "01"), rows.take(subject == "02")


def fit(train, *, seed=0, watch=None, choose=Choice.LAST, **settings):
    learner = NetworkLearner(dataclasses.replace(QUICK, **settings), seed)
    return learner.fit(train, watch=watch, choose=choose)


def weights_of(network):
    return {name: weight.numpy() for name, weight in network.state_dict().items()}


def assert_same_weights(one, other):
    for name, weight in weights_of(one).items():
        assert np.array_equal(weight, weights_of(other)[name]), name


@pytest.mark.parametrize("streams", [BIO, (Stream.FACE,)], ids=["bio", "face"])
def test_what_plainly_shows_in_a_stream_is_learned(tiny_store, tmp_path, streams):
    rows = take_rows(tiny_store(tmp_path / "store", n_segments=1, effect=3.0), streams)

    fitted = fit(rows, epochs=6, batch_size=4, learning_rate=2e-3, dropout=0.0)

    assert ((fitted.score(rows) > 0.5) == rows.label).all()
    assert fitted.history[-1].train_loss < 0.5 * fitted.history[0].train_loss


@pytest.mark.parametrize("streams", STREAM_SETS.values(), ids=STREAM_SETS)
def test_every_stream_set_trains_and_scores(store, streams):
    rows = take_rows(store, streams).take(np.arange(0, 48, 6))

    fitted = fit(rows, epochs=1)

    scores = fitted.score(rows)
    assert fitted.streams == streams
    assert scores.shape == (8,)
    assert ((scores > 0) & (scores < 1)).all()


def test_the_same_seed_gives_the_same_bytes_whatever_ran_before(rows):
    first = fit(rows).score(rows)
    torch.manual_seed(99)
    torch.rand(7)

    assert fit(rows).score(rows).tobytes() == first.tobytes()
    assert fit(rows, seed=1).score(rows).tobytes() != first.tobytes()


def test_a_fit_leaves_threads_and_generator_as_they_were(rows):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    threads = torch.get_num_threads()

    fit(rows, epochs=1, threads=threads + 1).score(rows)

    assert torch.get_num_threads() == threads
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("choose", [Choice.LOSS, Choice.ACCURACY])
def test_watching_changes_no_weight(halves, choose):
    train, watch = halves

    blind, seeing = fit(train), fit(train, watch=watch, choose=choose)

    assert_same_weights(blind.last, seeing.last)
    assert [r.train_loss for r in blind.history] == [
        r.train_loss for r in seeing.history
    ]


def test_the_chosen_epoch_is_a_shorter_fit(halves):
    """Noise labels: watched loss grows, so an early epoch is chosen."""
    train, watch = halves
    noise = np.random.default_rng(0).integers(0, 2, len(watch))
    watch = Rows(watch.store, watch.numbers, watch.streams, noise)

    fitted = fit(train, watch=watch, choose=Choice.LOSS, epochs=6)

    assert 1 <= fitted.chosen_epoch < 6
    shorter = fit(train, epochs=fitted.chosen_epoch)
    assert_same_weights(fitted.chosen, shorter.last)
    assert np.array_equal(fitted.score(watch), shorter.score(watch))
    assert not np.array_equal(fitted.score(watch), fitted.score(watch, epoch="last"))


def test_without_a_choice_the_last_epoch_is_chosen(halves):
    train, watch = halves

    fitted = fit(train, watch=watch)

    assert fitted.chosen_epoch == 3
    assert np.array_equal(fitted.score(watch), fitted.score(watch, epoch="last"))


def test_the_record_of_an_epoch_can_be_recomputed_from_its_scores(halves):
    train, watch = halves
    watch = watch.take(np.array([0, 1, 2, 3, 4, 8, 9]))  # trials of 4, 1 and 2

    fitted = fit(train, watch=watch)

    scores, label = fitted.score(watch), watch.label
    losses = -np.log(np.where(label == 1, scores, 1 - scores))
    of_trials = [losses[:4].mean(), losses[4], losses[5:].mean()]
    assert fitted.history[-1].watched_loss == pytest.approx(np.mean(of_trials))
    accuracy = ((scores > 0.5) == label).mean()
    assert fitted.history[-1].watched_accuracy == pytest.approx(accuracy)
    assert [record.epoch for record in fitted.history] == [1, 2, 3]


@pytest.mark.parametrize(
    ("choice", "epoch"), [(Choice.LAST, 4), (Choice.LOSS, 2), (Choice.ACCURACY, 3)]
)
def test_of_equal_epochs_the_earliest_is_chosen(choice, epoch):
    watched = [(0.9, 0.5), (0.6, 0.5), (0.6, 0.8), (0.7, 0.8)]
    history = [EpochRecord(n, 0.0, *pair) for n, pair in enumerate(watched, start=1)]

    assert choose_epoch(history, choice) == epoch


def test_nothing_is_chosen_by_rows_that_were_not_watched(rows):
    with pytest.raises(ValueError, match="loss chooses an epoch by rows"):
        fit(rows, choose=Choice.LOSS)


def test_a_score_does_not_depend_on_the_rows_beside_it(store):
    rows = take_rows(store).take(np.arange(0, 48, 4))
    fitted = fit(rows, epochs=1)

    together = fitted.score(rows)

    alone = [fitted.score(rows.take(np.array([k])))[0] for k in range(len(rows))]
    np.testing.assert_allclose(together, alone, rtol=1e-6)
    assert fitted.score(rows.take(np.arange(0))).shape == (0,)


def test_rows_too_many_for_memory_give_the_same_scores(store, monkeypatch):
    rows = take_rows(store).take(np.arange(0, 48, 4))
    held = fit(rows, epochs=1).score(rows)

    monkeypatch.setattr(batches, "HELD_BYTES", 0)

    assert fit(rows, epochs=1).score(rows).tobytes() == held.tobytes()


@pytest.mark.parametrize("n_rows", [1, 2, 33, 48])
def test_every_row_is_in_one_batch_and_none_is_alone(n_rows):
    generator = np.random.default_rng(0)

    cut = list(batches.cut_batches(n_rows, batch_size=16, generator=generator))

    assert sorted(np.concatenate(cut)) == list(range(n_rows))
    assert n_rows == 1 or min(map(len, cut)) > 1


@pytest.mark.parametrize("streams", [BIO, PAPER_STREAMS], ids=["bio", "face+bio"])
def test_a_loaded_network_scores_fresh_arrays_as_it_scored_the_rows(
    store, streams, tmp_path
):
    rows = take_rows(store, streams).take(np.arange(0, 48, 4))
    fitted = fit(rows, epochs=2, watch=rows, choose=Choice.LOSS)

    fitted.save(tmp_path / "network")
    again = load_network(tmp_path / "network")

    arrays = {stream: rows.read(stream) for stream in streams}
    assert np.array_equal(again.score(rows), fitted.score(rows))
    assert np.array_equal(again.score(hold(arrays)), fitted.score(rows))
    assert again.history == fitted.history
    assert again.chosen_epoch == fitted.chosen_epoch
    names = {file.name for file in (tmp_path / "network").iterdir()}
    assert names == {"learner.json", "network.json", "network.safetensors"}


def test_a_loaded_network_has_no_last_epoch(rows, tmp_path):
    fit(rows, epochs=1).save(tmp_path / "network")
    with pytest.raises(ValueError, match="chosen epoch only"):
        load_network(tmp_path / "network").score(rows, epoch="last")


@pytest.mark.parametrize("text", ["", "[]", '{"format": "x"}', '{"scalings": 1}'])
def test_a_damaged_learner_is_named(rows, tmp_path, text):
    fit(rows, epochs=1).save(tmp_path / "network")
    (tmp_path / "network" / "learner.json").write_text(text)

    with pytest.raises(UserError, match=r"learner\.json: not a saved learner"):
        load_network(tmp_path / "network")


def test_lost_samples_harm_no_other_channel(rows):
    fitted = fit(rows)
    arrays = {stream: rows.read(stream) for stream in BIO}
    arrays[Stream.EEG][:, 1] = np.nan
    arrays[Stream.PERIPHERAL][3, :, 5] = np.inf

    scores = fitted.score(hold(arrays))

    assert np.isfinite(scores).all()
    assert ((scores > 0.5) == rows.label).mean() > 0.8


def test_a_loss_that_is_no_number_ends_in_a_sentence(rows):
    with pytest.raises(UserError, match=r"the loss is (nan|inf) in epoch \d+, with"):
        fit(rows, learning_rate=1e30, scale="none")


def test_the_history_is_saved_as_numbers(halves, tmp_path):
    train, watch = halves
    fit(train, watch=watch).save(tmp_path / "network")

    values = json.loads((tmp_path / "network" / "learner.json").read_text())

    assert len(values["history"]) == 3
    assert {type(item["watched_loss"]) for item in values["history"]} == {float}


@pytest.mark.parametrize(("scale", "relative"), [("train", True), ("none", False)])
def test_faces_are_taken_relative_to_the_training_rows_but_not_as_published(
    tiny_store, tmp_path, scale, relative
):
    rows = take_rows(tiny_store(tmp_path / "store"), [Stream.FACE])
    train = rows.take(rows.table["subject"].to_numpy() == "01")
    settings = NetworkSettings(scale=scale, epochs=1)

    fitted = NetworkLearner(settings, seed=0).fit(train, watch=rows)
    fitted.save(tmp_path / "fitted")

    encoder = load_network(tmp_path / "fitted").chosen.encoders["face"]
    images = train.read(Stream.FACE) / 255
    mean = images.mean(axis=(0, 1)).transpose(2, 0, 1) if relative else 0.0
    np.testing.assert_allclose(encoder.center.numpy(), mean, atol=1e-6)
    assert (encoder.spread.item() != 1.0) == relative


def test_a_number_of_steps_ends_the_fit_with_that_step(halves):
    """Oracle: whole epochs are those of a fit by epochs."""
    train, watch = halves
    n_batches = -(-len(train) // 8)

    by_epochs = fit(train, epochs=3, batch_size=8)
    by_steps = fit(train, steps=3 * n_batches, batch_size=8)
    fewer = fit(train, steps=3 * n_batches - 1, batch_size=8)

    assert np.array_equal(by_steps.score(watch), by_epochs.score(watch))
    assert not np.array_equal(fewer.score(watch), by_epochs.score(watch))
    assert by_steps.plan == by_epochs.plan == {"steps": 3 * n_batches}
    assert fewer.plan == {"steps": 3 * n_batches - 1}


def test_a_refit_is_a_fit_for_the_chosen_steps(halves):
    train, watch = halves
    learner = NetworkLearner(NetworkSettings(epochs=4, batch_size=8), seed=0)

    chosen = learner.fit(train, watch=watch, choose=Choice.LOSS)
    again = learner.refit(watch, plan=chosen.plan)

    steps = chosen.chosen_epoch * -(-len(train) // 8)
    assert chosen.plan == {"steps": steps}
    alone = NetworkLearner(NetworkSettings(steps=steps, batch_size=8), seed=0)
    assert np.array_equal(again.score(train), alone.fit(watch).score(train))


def test_class_weights_act_in_the_loss(halves):
    train, watch = halves
    label = np.zeros(len(train), dtype=np.int64)
    label[train.trial == 0] = 1
    uneven = Rows(train.store, train.numbers, train.streams, label)

    even, balanced = (
        fit(uneven, class_weight=name, epochs=6, offsets="none").score(watch).mean()
        for name in ("none", "balanced")
    )

    # one trial in six is high: balanced, a score stands near one half
    assert even < balanced - 0.1
