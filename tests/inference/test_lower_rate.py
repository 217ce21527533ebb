"""Peripheral signals that a store keeps at a lower rate than EEG."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from deepvanet.bundle import train_bundle
from deepvanet.cli import main
from deepvanet.config import Execution, NetworkSettings, PrepareSettings, TrainSettings
from deepvanet.inference import RecordingInput
from deepvanet.inference.open_recording import open_recording
from deepvanet.preparation.run import prepare
from deepvanet.preprocessing.cleaning.filters import limit_rate, lower_rate
from deepvanet.schema import BIO, Stream
from deepvanet.store import open_store
from small_recordings import write_edf, write_trials

ALONE = Execution()
SFREQ, RATE, REST_S, TRIAL_S, N_TRIALS = 128, 16.0, 2, 10, 3
LASTS_S = 40
QUICK = TrainSettings(
    targets=("valence",),
    streams=("bio",),
    cross_validate=False,
    network=NetworkSettings(epochs=1, batch_size=4),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A recording of EEG and skin, and its stores at one rate and at two."""
    folder = tmp_path_factory.mktemp("rates")
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 10, (2, LASTS_S * SFREQ))
    skin = (
        5
        + np.sin(np.arange(LASTS_S * SFREQ) / SFREQ)
        + rng.normal(0, 0.2, noise[0].shape)
    )
    write_edf(
        folder / "p.bdf",
        [*noise, skin],
        labels=("Fp1", "Cz", "GSR"),
        units=("uV", "uV", "uS"),
        sfreq=SFREQ,
    )
    (folder / "recordings.toml").write_text(f"baseline_s = {REST_S}\n")
    rows = [
        {
            "subject": "p",
            "trial": f"t{trial}",
            "stimulus": f"c{trial}",
            "bio": "p.bdf",
            "onset_s": 2.5 + trial * (REST_S + TRIAL_S),
            "duration_s": TRIAL_S,
            "valence": 7 if trial % 2 else 3,
        }
        for trial in range(N_TRIALS)
    ]
    table = write_trials(folder / "trials.csv", rows)
    whole = PrepareSettings(artefacts="none")
    lower = replace(whole, peripheral_rate=RATE)
    for name, settings in (("whole", whole), ("lower", lower)):
        prepare("recordings", table, folder / name, settings=settings, execution=ALONE)
    return folder


def read_all(path, stream):
    store = open_store(path).cut()
    return store.read(stream, np.arange(len(store.table)))


def test_one_sample_in_eight_is_kept_on_disk_and_eeg_stays_as_it_is(folder):
    size = {
        (name, stream): (folder / name / "subjects" / "p" / f"{stream}.npy")
        for name in ("whole", "lower")
        for stream in BIO
    }
    counts = {key: len(np.load(file)) for key, file in size.items()}

    assert counts["whole", Stream.PERIPHERAL] == 8 * counts["lower", Stream.PERIPHERAL]
    assert counts["whole", Stream.EEG] == counts["lower", Stream.EEG]
    assert np.array_equal(
        *(read_all(folder / n, Stream.EEG) for n in ("whole", "lower"))
    )
    tables = [open_store(folder / name).table for name in ("whole", "lower")]
    assert tables[0].equals(tables[1])


def test_what_is_read_is_what_the_lower_rate_can_hold_at_the_rate_of_eeg(folder):
    store, lower = (open_store(folder / name) for name in ("whole", "lower"))

    for trial in range(N_TRIALS):
        own, found = (s.read_trial(Stream.PERIPHERAL, trial) for s in (store, lower))
        wanted = limit_rate(own[:, 0].astype(float), 8)
        assert found.shape == own.shape
        np.testing.assert_allclose(found[:, 0], wanted, atol=1e-4)
        # a slow wave is whole, and most of the noise is gone
        assert np.std(found[:, 0] - own[:, 0]) == pytest.approx(0.2, abs=0.03)


def test_a_recording_is_read_as_the_store_is_but_where_trials_were_cut(folder):
    made = train_bundle(
        folder / "lower", folder / "model", settings=QUICK, execution=ALONE
    )
    given = RecordingInput(bio=folder / "p.bdf", trials=folder / "trials.csv")

    chunks = list(open_recording(made, given).chunks(at_once=4))

    assert made.recipe.peripheral_rate == RATE
    for stream in BIO:
        found = np.concatenate([chunk.arrays[stream] for chunk in chunks])
        wanted = read_all(folder / "lower", stream)
        away = np.abs(found - wanted).max(axis=(1, 2)).reshape(N_TRIALS, TRIAL_S)
        # a filter reaches one second over the ends of a trial
        assert away[:, 1:-1].max() < 0.02
        assert away.max() < 0.3


def test_gaps_stay_gaps():
    samples = np.sin(np.arange(256) / 20)[:, None]
    samples[100:140] = np.nan

    kept = lower_rate(samples, 8)

    lost = np.flatnonzero(np.isnan(kept[:, 0]))
    assert lost.tolist() == list(range(lost[0], lost[-1] + 1))
    assert (lost[0] * 8, lost[-1] * 8) == pytest.approx((100, 140), abs=8)


@pytest.mark.parametrize("rate", ["50", "256"])
def test_a_rate_that_does_not_divide_ends_in_a_sentence(folder, tmp_path, capsys, rate):
    given = ["prepare", "recordings", str(folder / "trials.csv"), "--artefacts", "none"]
    options = ["--out", str(tmp_path / "store"), "--peripheral-rate", rate]

    assert main([*given, *options]) == 2

    said = capsys.readouterr().err
    assert "--peripheral-rate: needs a rate of which 128 Hz is a whole multiple" in said
    assert not (tmp_path / "store").exists()


def test_a_store_at_another_rate_is_another_store(folder, tmp_path, capsys):
    shutil.copytree(folder / "lower", tmp_path / "store")
    given = ["prepare", "recordings", str(folder / "trials.csv"), "--artefacts", "none"]

    assert main([*given, "--out", str(tmp_path / "store")]) == 2

    assert "peripheral_rate" in capsys.readouterr().err
