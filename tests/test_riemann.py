"""Tests of the learner in the tangent space of covariances."""

import sys

import numpy as np
import pytest
from pyriemann.estimation import Covariances
from pyriemann.tangentspace import TangentSpace
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from deepvanet.config import NetworkSettings
from deepvanet.learners import riemann
from deepvanet.learners.making import find_learner
from deepvanet.schema import Stream, UserError
from segment_blocks import rewrite_segments
from small_store import take_rows

EEG = (Stream.EEG,)


@pytest.fixture
def halves(tiny_store, tmp_path):
    rows = take_rows(tiny_store(tmp_path / "store", streams=EEG), EEG)
    first = (rows.table["subject"] == "01").to_numpy()
    return rows.take(first), rows.take(~first)


def make(**settings):
    return find_learner("riemann")(NetworkSettings(**settings), 0)


@pytest.mark.parametrize("class_weight", ["balanced", "none"])
def test_it_is_pyriemann_s_pipeline_on_scaled_signals(halves, class_weight):
    halves = [leave_out_some_high(rows) for rows in halves]
    train, test = halves
    signals = [rows.read(Stream.EEG).astype(float) for rows in halves]
    low, middle, high = np.quantile(signals[0], [0.25, 0.5, 0.75], axis=(0, 2))
    scaled = [(s - middle[:, None]) / (high - low)[:, None] for s in signals]
    theirs = make_pipeline(
        Covariances("oas"),
        TangentSpace(metric="riemann"),
        LogisticRegression(
            class_weight=None if class_weight == "none" else class_weight, max_iter=2000
        ),
    ).fit(scaled[0], train.label)

    scores = make(class_weight=class_weight).fit(train).score(test)

    np.testing.assert_allclose(scores, theirs.predict_proba(scaled[1])[:, 1], atol=1e-3)


def leave_out_some_high(rows):
    """Leave one of three trials that are high, so that the classes are uneven."""
    high = np.unique(rows.trial[rows.label == 1])
    return rows.take(~np.isin(rows.trial, high[1:]))


def average_reference(folder):
    for file in sorted(folder.rglob("eeg.npy")):
        array = np.load(file)
        np.save(file, array - array.mean(axis=1, keepdims=True))


def test_an_average_reference_and_dead_seconds_are_no_trouble(halves):
    train, test = halves
    average_reference(train.store.path)

    def change(_rows, array):
        array[0] = 0
        array[1, 0] = np.nan
        return array

    rewrite_segments(train.store, Stream.EEG, change)

    scores = make().fit(train).score(test)

    assert np.isfinite(scores).all()
    assert len(set(scores)) > 1


def test_without_pyriemann_it_says_what_to_install(halves, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyriemann.estimation", None)
    riemann._load_pyriemann.cache_clear()

    with pytest.raises(UserError, match=r"pyRiemann: pip install 'deepvanet\[base"):
        make().fit(halves[0])

    riemann._load_pyriemann.cache_clear()
