"""Bundles of strangers: whatever is wrong with one ends in a sentence."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch
import torch

from deepvanet.bundle import load_bundle, train_bundle
from deepvanet.config import Execution, NetworkSettings, TrainSettings
from deepvanet.schema import BIO, Target, UserError
from small_store import hold, take_rows

SETTINGS = TrainSettings(
    targets=("valence",),
    streams=("bio",),
    cross_validate=False,
    network=NetworkSettings(epochs=1, batch_size=8),
)


@pytest.fixture(scope="module")
def store(tiny_store, tmp_path_factory):
    """Two subjects of four trials, without video."""
    root = tmp_path_factory.mktemp("hostile") / "store"
    return tiny_store(root, n_trials=4, n_segments=2, streams=BIO)


@pytest.fixture(scope="module")
def bundles(store, tmp_path_factory):
    """A sound bundle of each kind of learner, by its name."""
    made = {}
    for name in ("network", "bandpower-svm", "bandpower-nb"):
        out = tmp_path_factory.mktemp("hostile") / "model"
        settings = replace(SETTINGS, learner=name)
        train_bundle(store.path, out, settings=settings, execution=Execution())
        made[name] = out
    return made


@pytest.fixture
def copied(bundles, tmp_path):
    """Copy a bundle, which a test may spoil."""

    def copy(name="network"):
        out = shutil.copytree(bundles[name], tmp_path / "model")
        return out, out / "networks" / "valence" / "bio"

    return copy


def rewrite(file, change):
    values = json.loads(file.read_text())
    change(values)
    file.write_text(json.dumps(values))


def refuse(path):
    with pytest.raises(UserError) as caught:
        load_bundle(path).load(Target.VALENCE, "bio")
    said = str(caught.value)
    assert len(said) < 600
    assert "\n" not in said
    return said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda v: v["channels"][0].update(unit={"a": 1}),
            "channels[0].unit: needs text of at most 10000 characters, got {'a': 1}",
        ),
        (
            lambda v: v["channels"][0].update(name="x" * 20_000),
            "channels[0].name: needs text of at most",
        ),
        (
            lambda v: v["channels"][1].update(name=v["channels"][0]["name"]),
            "channels: two channels have one name",
        ),
        (
            lambda v: v["training"]["network"].update(threads=0),
            "training.network.threads: needs 1 or more, got 0",
        ),
        (
            lambda v: v["training"]["network"].update(threads=10**9),
            "training.network.threads: needs 999 or less, got 1000000000",
        ),
        (
            lambda v: v["training"].pop("label_rule"),
            "training.label_rule: is missing",
        ),
        (
            lambda v: v["training"].update(learner=["network"]),
            "training.learner: needs text",
        ),
        (lambda v: v["recipe"].update(sfreq=1e9), "recipe.sfreq: needs 100000 or less"),
        (lambda v: v["recipe"].update(face_size=-1), "recipe.face_size: needs 1 or"),
        (lambda v: v.update(is_raw="no"), "is_raw: needs true or false, got 'no'"),
        (lambda v: v.update(more=1), "more: there is no such key"),
        (
            lambda v: v["networks"][0].update(streams="face+bio", answers=1),
            "networks[0].answers: needs a list, got 1",
        ),
        (
            lambda v: v["networks"][0]["plan"].update(steps=2.5),
            "networks[0].plan.steps: needs a whole number, got 2.5",
        ),
        (
            lambda v: v["networks"][0]["answers"][0].update(streams="face"),
            "face cannot be answered from bio",
        ),
        (
            lambda v: v["networks"][0]["answers"][0].update(validation={}),
            "validation.protocol: is missing",
        ),
        (
            lambda v: v.update(channels=v["channels"][:3]),
            "channels: bio is read, but no channel is peripheral",
        ),
    ],
)
def test_a_description_is_refused_with_the_key_and_what_it_holds(copied, change, said):
    path, _ = copied()
    rewrite(path / "bundle.json", change)

    sentence = refuse(path)

    assert "bundle.json: not a whole bundle: " in sentence
    assert said in sentence


@pytest.mark.parametrize("name", ["bundle.json", "learner.json", "network.json"])
@pytest.mark.parametrize(
    "text",
    ["[" * 200_000, '{"a": ' * 100_000, "null", "1", '{"format": NaN}', "\udcff", ""],
    ids=["lists", "tables", "null", "number", "NaN", "bytes", "empty"],
)
def test_no_document_ends_in_anything_but_a_sentence(copied, name, text):
    path, folder = copied()
    file = (path if name == "bundle.json" else folder) / name
    file.write_bytes(text.encode("utf-8", "surrogateescape"))

    assert name in refuse(path)


def test_a_document_that_is_too_large_is_not_read(copied):
    path, folder = copied()
    with (folder / "learner.json").open("wb") as file:
        file.truncate(2**40)

    assert f"has {2**40} bytes, at most 67108864 are read" in refuse(path)


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("learner.json", lambda v: v["scalings"]["eeg"]["center"].pop(), "spread"),
        (
            "learner.json",
            lambda v: [v["scalings"]["eeg"][k].pop() for k in v["scalings"]["eeg"]],
            "scalings.eeg.center: needs 3 numbers, as network.json says, got 2",
        ),
        ("learner.json", lambda v: v["scalings"].pop("eeg"), "scalings.eeg.center"),
        (
            "learner.json",
            lambda v: v["scalings"]["eeg"]["spread"].__setitem__(0, 0),
            "scalings.eeg.spread[0]",
        ),
        ("learner.json", lambda v: v.update(threads=10**9), "threads: needs 999 or"),
        ("learner.json", lambda v: v.update(threads=True), "threads: needs a whole"),
        ("learner.json", lambda v: v.update(history=None), "history: needs a list"),
        ("network.json", lambda v: v.update(dropout=7), "dropout: needs 1 or less"),
        ("network.json", lambda v: v.update(shapes={}), "at least one stream"),
        (
            "network.json",
            lambda v: v["shapes"].update(eeg=[3, 2**20]),
            "its weights are damaged: ",
        ),
        (
            "network.json",
            lambda v: v["shapes"].update(eeg=[2**20, 128]),
            "its weights are damaged: ",
        ),
        ("network.json", lambda v: v["shapes"].update(eeg=[3]), "needs 2 lengths"),
        ("network.json", lambda v: v["shapes"].update(eeg=[3, 1]), "weights are"),
        ("network.json", lambda v: v.update(bio_features=10**12), "9999 or less"),
    ],
)
def test_a_learner_is_refused_before_it_is_built(copied, name, change, said):
    path, folder = copied()
    rewrite(folder / name, change)

    assert said in refuse(path)


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused(copied, number):
    path, folder = copied()
    file = folder / "network.safetensors"
    weights = safetensors.torch.load_file(file)
    weights["head.0.weight"][0, 0] = torch.tensor(number)
    safetensors.torch.save_file(weights, file)

    assert "head.0.weight holds numbers that are not finite" in refuse(path)


@pytest.mark.parametrize(
    ("learner", "change", "said"),
    [
        ("bandpower-svm", {"n_support": np.array([5, 10**6], np.int32)}, "n_support"),
        ("bandpower-svm", {"support": np.zeros((2, 3))}, "support needs length"),
        ("bandpower-svm", {"gamma": np.array(np.nan)}, "gamma holds numbers"),
        ("bandpower-svm", {"kept": np.ones(3, bool)}, "fill needs a number"),
        ("bandpower-svm", {"spread": None}, "array spread is missing"),
        ("bandpower-nb", {"variance": np.zeros(3)}, "variance needs 2 axes"),
    ],
)
def test_fitted_numbers_are_refused_before_they_reach_a_library(
    copied, learner, change, said
):
    path, folder = copied(learner)
    file = folder / "fitted.safetensors"
    arrays = {**safetensors.numpy.load_file(file), **change}
    safetensors.numpy.save_file(
        {name: array for name, array in arrays.items() if array is not None}, file
    )

    assert said in refuse(path)


def test_a_bundle_of_other_channels_than_its_learner_is_refused_when_asked(
    copied, store
):
    path, _ = copied()
    fitted = load_bundle(path).load(Target.VALENCE, "bio")
    rows = take_rows(store, BIO)
    fewer = {s: rows.read(s)[:, :-1] for s in rows.streams}
    with pytest.raises(UserError, match=r"fitted on 3 channels of a stream, got 2"):
        fitted.score(hold(fewer))
