"""Tests of :mod:`deepvanet.learners.priors`."""

import json

import numpy as np
import pandas as pd
import pytest

from deepvanet.config import NetworkSettings
from deepvanet.learners import PRIORS, priors
from deepvanet.learners.making import find_learner
from deepvanet.store import Rows
from small_store import take_rows

UNITS = ("subject", "stimulus")
UNIT = {"subject-prior": "subject", "stimulus-prior": "stimulus"}


def make(name):
    return find_learner(name)(NetworkSettings(), 0)


@pytest.fixture
def rows(tiny_store, tmp_path):
    """Rows with labels of which no two units have as many."""
    rows = take_rows(tiny_store(tmp_path / "store", n_subjects=4, n_segments=2))
    label = (np.random.default_rng(1).random(len(rows)) < 0.6).astype(np.int64)
    return Rows(rows.store, rows.numbers, rows.streams, label)


def test_the_majority_scores_every_row_by_the_base_rate(rows):
    train, test = rows.take(np.arange(30)), rows.take(np.arange(30, 48))

    scores = make("majority").fit(train).score(test)

    assert scores.tolist() == [train.label.mean()] * 18


@pytest.mark.parametrize("name", UNIT)
def test_a_unit_is_scored_by_its_training_rows(rows, name):
    train, test = rows.take(np.arange(0, 48, 2)), rows.take(np.arange(1, 48, 2))

    scores = make(name).fit(train).score(test)

    units = [part.table[UNIT[name]].to_numpy() for part in (train, test)]
    expected = [train.label[units[0] == unit].mean() for unit in units[1]]
    assert scores.tolist() == expected
    assert len(set(expected)) > 1


@pytest.mark.parametrize("name", UNIT)
def test_an_unseen_unit_gets_the_training_base_rate(rows, name):
    unit = rows.table[UNIT[name]].to_numpy()
    train, test = rows.take(unit != unit[0]), rows.take(unit == unit[0])

    scores = make(name).fit(train).score(test)

    assert scores.tolist() == [train.label.mean()] * len(test)


def test_the_additive_prior_adds_what_subject_and_clip_depart_from_the_base_rate(rows):
    table = rows.table
    seen = (table["subject"] != "04") & (table["stimulus"] != "1")
    train = rows.take(seen.to_numpy())

    scores = make("additive-prior").fit(train).score(rows)

    base = train.label.mean()
    by = {u: pd.Series(train.label).groupby(train.table[u]).mean() for u in UNITS}
    for row, score in zip(table.itertuples(index=False), scores, strict=True):
        subject = by["subject"].get(row.subject, base)
        stimulus = by["stimulus"].get(row.stimulus, base)
        assert score == pytest.approx(np.clip(subject + stimulus - base, 0, 1))
    nowhere = ~seen & (table["subject"] == "04") & (table["stimulus"] == "1")
    assert scores[nowhere.to_numpy()] == pytest.approx(base)


@pytest.mark.parametrize("name", PRIORS)
def test_a_prior_has_no_epochs_and_reads_no_stream(rows, name, monkeypatch):
    monkeypatch.setattr(Rows, "read", None)
    learner = make(name)

    fitted = learner.fit(rows, watch=rows)

    assert not learner.traits.reads_streams
    assert not learner.traits.has_epochs
    assert fitted.chosen_epoch is None
    assert len(fitted.history) == 0
    assert np.array_equal(fitted.score(rows), fitted.score(rows, epoch="last"))


def test_a_saved_prior_is_plain_json(rows, tmp_path):
    make("subject-prior").fit(rows).save(tmp_path / "prior")

    values = json.loads((tmp_path / "prior" / "prior.json").read_text())
    assert values["base_rate"] == rows.label.mean()
    assert list(values["rates"]["subject"]) == ["01", "02", "03", "04"]


def test_the_priors_are_those_that_the_reports_know():
    assert tuple(priors.UNITS) == PRIORS
