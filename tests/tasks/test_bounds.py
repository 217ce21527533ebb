"""Classes of ratings are divided by bounds as they are written."""

import numpy as np
import pytest

from deepvanet.schema import UserError
from deepvanet.tasks.bounds import number_classes, read_bounds


@pytest.mark.parametrize(
    ("text", "ratings", "classes"),
    [
        ("<4,4-6,>6", [1, 4, 6, 6.1], [0, 1, 1, 2]),
        ("<=4,>4", [4, 4.01], [0, 1]),
        ("<4,>6", [5, 3], [-1, 0]),
        ("1-2,3-4,>=5", [1, 2, 2.5, 3, 5], [0, 0, -1, 1, 2]),
        ("<-0.5,-0.5-0.5,>0.5", [-1, 0, 1], [0, 1, 2]),
    ],
)
def test_a_rating_is_in_the_class_whose_bounds_hold_it(text, ratings, classes):
    found = number_classes(np.array(ratings, dtype=float), read_bounds(text))
    assert found.tolist() == classes


def test_a_missing_rating_is_in_no_class():
    assert number_classes(np.array([np.nan]), read_bounds("<5,>=5")).tolist() == [-1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<5", "needs 2 to 20 classes"),
        ("<5,4-9", "share a value"),
        ("4-6,6-9", "share a value"),
        (">6,<4", "share a value or are not in rising order"),
        ("<4,six", "'six' is no class"),
        ("<4,6-5", "'6-5' is no class"),
        ("", "needs 2 to 20 classes"),
    ],
)
def test_other_forms_end_in_a_sentence_that_names_the_part(text, said):
    with pytest.raises(UserError, match=said) as caught:
        read_bounds(text)
    assert caught.value.field == "classes"
