"""Properties of all learners: what each promises, and what none may look at."""

import json
import shutil
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from safetensors.numpy import load_file

from deepvanet.config import EvaluateSettings, NetworkSettings
from deepvanet.evaluation.fits import fit_learner, plan_task
from deepvanet.evaluation.parts import cut_parts
from deepvanet.learners import LEARNERS
from deepvanet.learners.learner import FittedLearner, Learner
from deepvanet.learners.making import find_learner
from deepvanet.protocols import PROTOCOLS
from deepvanet.schema import PAPER_STREAMS, STREAM_SETS, UserError
from deepvanet.store import Rows, open_store
from segment_blocks import rewrite_segments
from small_store import rate, take_rows

QUICK = NetworkSettings(epochs=2, batch_size=8, size="small")
GRID = NetworkSettings(epochs=2, batch_size=8, grid_face=(4, 8), grid_bio=(4, 8))
# what divides trials in time is poisoned in evaluation/test_traces.py
HONEST = [
    name
    for name, facts in PROTOCOLS.items()
    if facts.kind == "honest" and not facts.is_forward
]
CHOOSING = [n for n in HONEST if PROTOCOLS[n].chooses_on == "validation"]


def make(name, settings=QUICK):
    return find_learner(name)(settings, 0)


@pytest.fixture(scope="module")
def store(tiny_store, tmp_path_factory):
    path = tmp_path_factory.mktemp("learners") / "store"
    return tiny_store(path, n_subjects=4, n_trials=6, n_segments=1, n_sessions=3)


@cache
def choose_streams(name):
    """Return the stream set with the most streams that a learner reads."""
    known = set(make(name).traits.stream_sets).intersection(STREAM_SETS)
    return max(known, key=lambda streams: len(STREAM_SETS[streams]))


def take_halves(store, name):
    """Return two subjects to train on, the other two to watch."""
    rows = take_rows(store, STREAM_SETS[choose_streams(name)])
    if "high-low" not in make(name).traits.goals:
        rows = rate(rows)
    first = rows.table["subject"].isin(["01", "02"]).to_numpy()
    return rows.take(first), rows.take(~first)


@pytest.mark.slow
@pytest.mark.parametrize("name", LEARNERS)
def test_every_learner_keeps_the_contract(store, name, tmp_path):
    train, watch = take_halves(store, name)
    learner = make(name)

    fitted = learner.fit(train, watch=watch)

    assert isinstance(learner, Learner)
    assert isinstance(fitted, FittedLearner)
    has_epochs = learner.traits.has_epochs
    assert (fitted.chosen_epoch is not None) == has_epochs == bool(fitted.history)
    for epoch in ("chosen", "last"):
        scores = fitted.score(watch, epoch=epoch)
        assert scores.dtype == np.float64
        assert train.goal.kind == "rating" or ((scores >= 0) & (scores <= 1)).all()
    fitted.save(tmp_path / "fitted")
    assert read_folder(tmp_path / "fitted")


@pytest.mark.slow
@pytest.mark.parametrize("name", LEARNERS)
def test_garbage_in_the_watched_rows_changes_no_last_score(store, name):
    train, watch = take_halves(store, name)
    poisoned = replace(watch, label=1 - watch.label)

    scores = [
        make(name).fit(train, watch=rows).score(train, epoch="last")
        for rows in (watch, poisoned)
    ]

    assert scores[0].tobytes() == scores[1].tobytes()


@pytest.mark.parametrize("name", LEARNERS)
def test_a_score_depends_on_the_batch_only_where_the_learner_says_so(store, name):
    train, test = take_halves(store, name)
    fitted = make(name).fit(train)

    together, first = fitted.score(test), fitted.score(test.take(np.arange(5)))

    alike = np.allclose(together[:5], first, rtol=0, atol=1e-6)
    assert alike != make(name).traits.adapts_to_test


def test_a_name_that_is_no_learner_is_answered_with_the_nearest():
    with pytest.raises(UserError, match="unknown learner 'networks', did you mean"):
        find_learner("networks")
    with pytest.raises(UserError, match="unknown learner 'network:0x16'"):
        find_learner("network:0x16")


def test_a_cell_of_the_grid_has_its_lengths(store):
    train, _ = take_halves(store, "network")

    recipe = make("network:16x32").fit(train).recipe

    assert (recipe.face_features, recipe.bio_features) == (16, 32)


def read_folder(folder):
    """Return all numbers of a saved learner, to compare."""
    held = {}
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = str(file.relative_to(folder))
        if file.suffix == ".safetensors":
            held[name] = {k: v.tobytes() for k, v in load_file(file).items()}
        elif file.suffix == ".npz":
            with np.load(file, allow_pickle=False) as arrays:
                held[name] = {k: v.tobytes() for k, v in arrays.items()}
        else:
            held[name] = json.loads(file.read_text())
    return held


def poison(store, path, numbers):
    """Copy a store, and write garbage over some of its rows."""
    shutil.copytree(store.path, path)
    rng = np.random.default_rng(9)

    def change(rows, array):
        mine = np.flatnonzero(np.isin(rows, numbers))
        noise = rng.integers(0, 256, array[mine].shape)
        array[mine] = noise * 1000.0 if array.dtype != np.uint8 else noise
        return array

    for stream in PAPER_STREAMS:
        rewrite_segments(store, stream, change, path=path)
    return open_store(path).cut()


def fit_fold(store, name, protocol, settings, folder, *, poison_at=None):
    """Fit the first fold of a protocol, score its test, return all that is saved."""
    asked = EvaluateSettings(
        protocols=(protocol,),
        targets=("valence",),
        streams=(choose_streams(name),),
        folds=3,
        network=settings,
    )
    part = cut_parts(store, asked)[0]
    task = plan_task(part, part.folds[0], folder, asked, "run")
    label = dict(task.label)
    if poison_at is not None:
        store = poison(store, poison_at, task.numbers["test"])
        label["test"] = 1 - label["test"]
    rows = {
        key: Rows(store, numbers, task.streams, label[key])
        for key, numbers in task.numbers.items()
    }
    learner = make(name, settings)
    first, fitted = fit_learner(learner, rows, task)
    fitted.score(rows["test"])
    for at, made in (("first", first), ("fitted", fitted)):
        made.save(folder / at)
    return {at: read_folder(folder / at) for at in ("first", "fitted")}


def fit_clean_and_poisoned(store, name, protocol, settings, path):
    return [
        fit_fold(store, name, protocol, settings, path / where, poison_at=at)
        for where, at in (("clean", None), ("poisoned", path / "store"))
    ]


@pytest.mark.slow
@pytest.mark.parametrize("protocol", HONEST)
@pytest.mark.parametrize(
    "name", [n for n in LEARNERS if "published" not in n and "ridge" not in n]
)
def test_garbage_in_the_test_rows_changes_nothing_that_is_fitted(
    store, name, protocol, tmp_path
):
    clean, poisoned = fit_clean_and_poisoned(store, name, protocol, QUICK, tmp_path)

    assert clean == poisoned


@pytest.fixture(scope="module")
def choosing_store(tiny_store, tmp_path_factory):
    """Trials enough to choose an epoch on under every honest protocol."""
    path = tmp_path_factory.mktemp("learners") / "choosing"
    return tiny_store(
        path, n_subjects=6, n_trials=24, n_segments=1, images=(2, 24), n_sessions=3
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "protocol"),
    [
        *(("eegnet", protocol) for protocol in CHOOSING),
        ("network", "trial"),
        ("network", "subject-stimulus"),
        ("decision-fusion:stacking", "subject"),
    ],
)
def test_garbage_in_the_test_rows_changes_no_choice_and_no_refit(
    choosing_store, name, protocol, tmp_path
):
    clean, poisoned = fit_clean_and_poisoned(
        choosing_store, name, protocol, QUICK, tmp_path
    )

    assert clean == poisoned
    assert clean["first"] != clean["fitted"]


@pytest.mark.parametrize("protocol", ["trial", "subject-stimulus"])
def test_garbage_in_the_test_rows_changes_no_choice_of_lengths(
    choosing_store, protocol, tmp_path
):
    clean, poisoned = fit_clean_and_poisoned(
        choosing_store, "network", protocol, GRID, tmp_path
    )

    assert clean == poisoned


@pytest.mark.parametrize(
    ("name", "protocol", "settings"),
    [
        ("network", "reference", NetworkSettings(epochs=6, batch_size=8)),
        (
            "decision-fusion:adaboost",
            "reference",
            NetworkSettings(epochs=6, batch_size=8),
        ),
        ("decision-fusion:adaboost-published", "trial", QUICK),
    ],
    ids=["reference", "fusion under reference", "published fusion"],
)
def test_what_looks_at_the_test_is_found_out_by_garbage(
    store, name, protocol, settings, tmp_path
):
    clean, poisoned = fit_clean_and_poisoned(store, name, protocol, settings, tmp_path)

    assert clean != poisoned
