"""A task turns ratings into what is learnt, and says which rows take part."""

import numpy as np
import pandas as pd
import pytest

from deepvanet.config import TaskName
from deepvanet.schema import HIGH_OR_LOW, Goal, UserError
from deepvanet.tasks import TASKS, make_task, split_target
from deepvanet.tasks.making import read_column
from deepvanet.tasks.task import stratify

RATINGS = np.array([2.0, 5.0, 7.0, np.nan])
TABLE = pd.DataFrame({"subject": list("aabb"), "trial": list("1212")})


def make(name, target="valence", column=RATINGS, **others):
    asked = {"rule": ">=5", "classes": "<4,4-6,>6"} | others
    return make_task(name, target, column=np.asarray(column), **asked)


def test_every_task_of_the_settings_has_a_record():
    assert tuple(TASKS) == TaskName.__args__


def test_high_and_low_follow_the_label_rule():
    task = make("high-low", rule="<4,>6")
    known = task.find_known(RATINGS[:, None])
    assert known.tolist() == [True, False, True, False]
    assert task.encode(RATINGS[known, None], TABLE[known]).tolist() == [0, 1]
    assert task.goal == HIGH_OR_LOW


def test_classes_are_numbered_from_the_lowest():
    task = make("classes")
    known = task.find_known(RATINGS[:, None])
    assert task.encode(RATINGS[known, None], TABLE[known]).tolist() == [0, 1, 2]
    assert task.goal == Goal("classes", ("<4", "4-6", ">6"), is_ordered=True)


def test_a_text_column_is_classes_by_name_without_an_order():
    texts = np.array(["rest", "fear", np.nan, "rest"], dtype=object)
    task, numbers = make("classes", "state", texts), read_column(texts)[:, None]
    assert task.goal == Goal("classes", ("fear", "rest"))
    assert task.find_known(numbers).tolist() == [True, True, False, True]
    assert task.encode(numbers[:2], TABLE[:2]).tolist() == [1, 0]


def test_a_quadrant_is_two_labels():
    task = make("quadrants", "valence+arousal")
    both = np.array([[2, 2], [2, 8], [8, 2], [8, 8], [8, np.nan]])
    table = pd.DataFrame({"subject": list("aaaaa"), "trial": list("12345")})
    known = task.find_known(both)
    assert known.tolist() == [True] * 4 + [False]
    assert task.encode(both[known], table[known]).tolist() == [0, 1, 2, 3]
    assert task.goal.classes[1] == "low-high"  # valence first


def test_a_rating_stays_as_rated():
    task = make("rating")
    known = task.find_known(RATINGS[:, None])
    assert task.encode(RATINGS[known, None], TABLE[known]).tolist() == [2.0, 5.0, 7.0]


def test_folds_are_balanced_by_class_or_by_half_of_the_ratings():
    assert stratify(np.array([2, 0, 1]), Goal("classes", tuple("abc"))).tolist() == [
        2,
        0,
        1,
    ]
    assert stratify(np.array([1.0, 9.0, 2.0, 8.0]), Goal("rating")).tolist() == [
        *(0, 1, 0, 1)
    ]


@pytest.mark.parametrize("name", ["classes", "rating", "quadrants"])
def test_one_label_a_person_is_known_for_every_task(name):
    target = "valence+arousal" if name == "quadrants" else "valence"
    task = make(name, target, [2.0, 2.0, 8.0, 8.0])
    ratings = np.tile([[2.0], [2.0], [8.0], [8.0]], len(task.columns))
    assert task.are_personal(ratings, TABLE)
    assert not task.are_personal(ratings[[0, 2, 1, 3]], TABLE)


@pytest.mark.parametrize(
    ("name", "target", "said"),
    [
        ("quadrants", "valence", "takes exactly two targets"),
        ("quadrants", "valence+valence", "takes exactly two targets"),
        ("high-low", "valence+valence", "takes one target, as valence, or different"),
        ("rating", "valence+", "takes one target, as valence, or different ones"),
    ],
)
def test_another_number_of_targets_ends_in_a_sentence(name, target, said):
    with pytest.raises(UserError, match=said):
        split_target(name, target)


@pytest.mark.parametrize("name", ["high-low", "rating"])
def test_texts_are_predicted_as_classes_only(name):
    with pytest.raises(UserError, match="--task classes"):
        make(name, "state", np.array(["rest", "fear"], dtype=object))
