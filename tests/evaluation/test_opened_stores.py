"""A process opens a store once, and once more when it was prepared anew."""

import shutil

import numpy as np

from deepvanet.config import Segmenting
from deepvanet.evaluation.fits import open_once
from deepvanet.schema import Stream


def test_a_store_that_was_prepared_anew_gives_its_new_rows(tiny_store, tmp_path):
    root = tmp_path / "store"
    tiny_store(root, n_trials=2, n_segments=2, seed=0)
    before = open_once(root, Segmenting())
    old = before.read(Stream.EEG, np.arange(4))
    assert open_once(root, Segmenting()) is before

    shutil.rmtree(root)
    tiny_store(root, n_trials=3, n_segments=2, seed=1)

    after = open_once(root, Segmenting())
    assert len(after.table) == 12
    assert not np.array_equal(after.read(Stream.EEG, np.arange(4)), old)
