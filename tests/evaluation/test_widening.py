"""Tests that a run may be asked for more, and keeps the fits that it has."""

from dataclasses import replace

import pytest

from deepvanet import results
from deepvanet.config import EvaluateSettings, Execution
from deepvanet.evaluation import evaluate
from deepvanet.schema import UserError
from small_store import write_small_store

ALONE = Execution(jobs=1)
SMALL = EvaluateSettings(
    protocols=("trial",),
    targets=("valence",),
    streams=("bio",),
    learners=("bandpower-logistic",),
    subjects=("01",),
    folds=3,
    permutations=0,
)
WIDER = {
    "protocols": ("trial", "paper"),
    "targets": ("valence", "arousal"),
    "streams": ("bio", "peripheral"),
    "learners": ("bandpower-logistic", "bandpower-nb"),
    "seeds": (0, 1),
    "subjects": (),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return write_small_store(tmp_path_factory.mktemp("widening") / "store")


def run(store, out, **more):
    return evaluate(store.path, out, settings=replace(SMALL, **more), execution=ALONE)


@pytest.mark.parametrize("name", WIDER)
def test_a_run_that_grows_keeps_its_fits_and_is_as_if_made_at_once(
    name, store, tmp_path
):
    before = run(store, tmp_path / "run")
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "run/fits").iterdir()}

    made = run(store, tmp_path / "run", **{name: WIDER[name]})

    assert made.n_fits_before == before.n_fits < made.n_fits
    assert all(path.stat().st_mtime_ns == at for path, at in kept.items())
    run(store, tmp_path / "fresh", **{name: WIDER[name]})
    for file in ("predictions.csv", "segments.csv", "leakage.json", "settings.toml"):
        grown, fresh = (tmp_path / each / file for each in ("run", "fresh"))
        assert grown.read_bytes() == fresh.read_bytes(), file
    asked = results.open_run(tmp_path / "run").settings["evaluate"]
    assert tuple(asked.get(name, ())) == WIDER[name]


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"learners": ("bandpower-nb",)}, "learners is"),
        ({"protocols": ("trial", "paper"), "folds": 2}, "folds is"),
        ({"learners": ("bandpower-logistic", "bandpower-nb"), "step": 0.5}, "step is"),
    ],
)
def test_a_run_that_would_lose_or_change_something_is_refused(
    more, sentence, store, tmp_path
):
    run(store, tmp_path / "run")
    there = (tmp_path / "run" / "predictions.csv").read_bytes()

    with pytest.raises(UserError, match=f"made with other settings .*{sentence}"):
        run(store, tmp_path / "run", **more)

    assert (tmp_path / "run" / "predictions.csv").read_bytes() == there


def test_all_subjects_are_not_made_fewer(store, tmp_path):
    run(store, tmp_path / "run", subjects=())

    with pytest.raises(UserError, match="subjects is"):
        run(store, tmp_path / "run", subjects=("01",))
