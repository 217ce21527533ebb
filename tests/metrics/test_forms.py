"""Tests of :mod:`deepvanet.metrics.forms`."""

from typing import get_args

import numpy as np
import pandas as pd
import pytest

from deepvanet.config import Metric
from deepvanet.metrics import (
    HIGH_LOW,
    METRIC_RECORDS,
    PERMUTATION_COLUMNS,
    TASK_SCORES,
    find_form,
    is_over_people,
    make_form,
    permutation_columns,
)
from deepvanet.schema import QUADRANT_NAMES
from simulated_predictions import predict_classes, predict_ratings


def test_the_columns_of_predictions_show_their_task():
    high_low = pd.DataFrame({"label": [1], "score": [0.7]})

    assert find_form(high_low).task == "high-low"
    assert find_form(predict_classes(1)).task == "classes"
    assert find_form(predict_classes(1)).classes == ("<4", "4-6", ">6")
    assert find_form(predict_classes(1, classes=QUADRANT_NAMES)).task == "quadrants"
    assert find_form(predict_ratings(1)).task == "rating"


def test_other_tables_are_no_predictions():
    with pytest.raises(ValueError, match="no predictions: subject, score"):
        find_form(pd.DataFrame(columns=["subject", "score"]))


def test_classes_of_another_target_are_none_of_a_part():
    states = predict_classes(1, classes=("calm", "stress"))
    both = pd.concat([states, predict_classes(1).assign(target="arousal")])

    assert find_form(both).classes == ("calm", "stress", "<4", "4-6", ">6")
    assert find_form(both[both["target"] == "valence"]).classes == ("calm", "stress")


def test_truth_is_a_number_of_its_class():
    predictions = predict_classes(1)

    numbers = find_form(predictions).read_truth(predictions)

    names = np.array(["<4", "4-6", ">6"])
    assert (names[numbers] == predictions["truth"]).all()


def test_every_task_has_metrics_with_a_record_and_a_headline_among_them():
    assert tuple(METRIC_RECORDS) == get_args(Metric)
    for scores in TASK_SCORES.values():
        assert set(scores.metrics) <= set(METRIC_RECORDS)
        assert scores.headline in scores.metrics


def test_chance_is_one_in_so_many_classes():
    assert make_form(QUADRANT_NAMES).find_chance("balanced_accuracy") == 0.25
    assert make_form(["a", "b", "c"]).find_chance("balanced_accuracy") == 1 / 3
    assert make_form("abc").find_chance("auroc") == 0.5
    assert make_form([]).find_chance("ccc") == 0
    assert np.isnan(make_form([]).find_chance("rmse"))
    assert np.isnan(make_form("abc").find_chance("accuracy"))


def test_permutations_have_a_column_for_each_metric_of_their_task():
    assert permutation_columns(HIGH_LOW) == PERMUTATION_COLUMNS
    assert permutation_columns("rating")[-8:] == TASK_SCORES["rating"].metrics


def test_classes_may_belong_to_people():
    predictions = predict_classes(3)
    groups = predictions["subject"].map({"01": "<4", "02": "4-6", "03": "<4"})

    assert not is_over_people(predictions)
    assert is_over_people(predictions.assign(truth=groups))
