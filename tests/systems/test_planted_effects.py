"""Networks of systems find what is planted for them, and nothing where none is."""

from dataclasses import replace

import numpy as np
import pytest

import known_information
from deepvanet.config import NetworkSettings
from deepvanet.learners.making import find_learner
from deepvanet.schema import STREAM_SETS
from known_information import KINDS, write_known_store
from small_store import take_rows, write_small_store

NAMES = ("Fp1", "Cz", "Oz", "F3", "F4", "C3", "C4", "Pz")

PLANTED = {
    "alhagry2017": ("level", "eeg", 0.5, 20),
    "yang2018": ("waveform", "eeg", 12, 0),
    "liu2016": ("level", "bio", 0.5, 0),
    "liu2016:de": ("level", "bio", 0.5, 0),
    "after-anubhav2020": ("band power", "eeg", 1.5, 0),
    "after-tang2017": ("band power", "bio", 1.5, 0),
}
"""Kind, streams, by how much a rating moves it, and epochs where there are others."""


@pytest.fixture
def write(monkeypatch, tmp_path):
    """Write stores whose electrodes have names, and whose effect is plain."""

    def write_named(kind, shift):
        if kind == "level":
            return write_small_store(
                tmp_path / f"store {shift}",
                n_subjects=4,
                n_trials=24,
                n_segments=6,
                effect=shift,
                images=(2, 24),
            )
        channels = [
            replace(c, name=name)
            for c, name in zip(known_information.CHANNELS, NAMES, strict=False)
        ]
        temperature = known_information.CHANNELS[-1]
        monkeypatch.setattr(known_information, "CHANNELS", (*channels, temperature))
        plain = replace(KINDS[kind], shift=shift, spread=shift / 6)
        monkeypatch.setitem(KINDS, kind, plain)
        return write_known_store(
            tmp_path / f"store {shift}", kind, n_subjects=4, seed=0
        )

    return write_named


@pytest.mark.long
@pytest.mark.parametrize("name", PLANTED)
def test_a_system_finds_its_effect_in_new_trials_and_none_where_none_is(write, name):
    kind, streams, shift, epochs = PLANTED[name]
    settings = NetworkSettings(size="small")
    settings = replace(settings, epochs=epochs or settings.epochs)

    accuracy = []
    for size in (shift, 0.0):
        rows = take_rows(write(kind, size), STREAM_SETS[streams])
        is_train = rows.trial % 3 > 0
        train, test = rows.take(is_train), rows.take(~is_train)
        scores = find_learner(name)(settings, 0).fit(train).score(test)
        trials = [scores[test.trial == n].mean() for n in range(test.trial.max() + 1)]
        label = [test.label[test.trial == n][0] for n in range(test.trial.max() + 1)]
        accuracy.append(np.mean((np.array(trials) > 0.5) == np.array(label)))

    # of 32 trials guesses have 0.5 with a deviation of 0.09
    assert accuracy[0] > 0.75
    assert abs(accuracy[1] - 0.5) < 0.27
