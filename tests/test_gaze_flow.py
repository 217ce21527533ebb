"""Gaze from the files of MAHNOB-HCI to scores, a bundle, a prediction and its parts."""

import numpy as np
import pandas as pd
import pytest

from deepvanet.bundle import train_bundle
from deepvanet.config import (
    EvaluateSettings,
    Execution,
    NetworkSettings,
    PrepareSettings,
    TrainSettings,
)
from deepvanet.datasets.mahnob.gaze import read_gaze
from deepvanet.evaluation import evaluate
from deepvanet.explanation import explain
from deepvanet.inference import RecordingInput, predict
from deepvanet.preparation.run import prepare
from deepvanet.schema import Stream
from deepvanet.store import open_store
from deepvanet.synthetic.knobs import Knobs
from deepvanet.synthetic.mahnob import sample_movements
from deepvanet.synthetic.mahnob_gaze import spell_gaze
from deepvanet.synthetic.mahnob_plan import MahnobPlan, feel, plan_sessions
from small_mahnob import number_of, write_session

NAME = "P{}-Rec1-2009.07.09.17.53.46-All-Data-New_Section_{}.tsv"
QUICK = NetworkSettings(epochs=1, batch_size=16)


def write_copy(root, *, n_subjects=2, n_trials=4):
    """Write sessions without video; the last of each subject is without gaze."""
    plan = MahnobPlan(root, n_trials, 4, Knobs(effect=2.0), 0)
    for subject in range(1, n_subjects + 1):
        clips = [s for s in plan_sessions(plan, subject) if s.is_emotional]
        for trial, session in enumerate(clips[:n_trials], start=1):
            high = str(7 if trial % 2 else 3)
            number = number_of(subject, trial)
            folder = write_session(
                root,
                number,
                stimulus_s=6,
                media=f"{trial}.avi",
                felt={"feltVlnc": high, "feltArsl": high},
                has_video=False,
            )
            if trial < n_trials:
                state = feel(plan, session)
                text = spell_gaze(
                    plan, session, state, sample_movements(plan, session, state)
                )
                file = folder / NAME.format(subject, 2 * trial)
                file.write_text(text, encoding="utf-8", newline="")
    return root


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    return write_copy(tmp_path_factory.mktemp("gaze") / "MAHNOB")


@pytest.fixture(scope="module")
def store(copy):
    settings = PrepareSettings(artefacts="none")
    out = copy.parent / "store"
    prepare("mahnob", copy, out, settings=settings, execution=Execution())
    return out


@pytest.mark.slow
def test_a_trial_without_the_file_goes_without_gaze(store):
    seconds = open_store(store).cut()

    by_trial = seconds.trials.groupby("trial")["n_segments_with_gaze"].sum()
    assert by_trial["04"] == 0
    assert (by_trial[["01", "02", "03"]] > 0).all()
    assert seconds.held == (Stream.EEG, Stream.PERIPHERAL, Stream.GAZE)
    gaze = seconds.read(Stream.GAZE, seconds.rows_with([Stream.GAZE]))
    pupil = gaze[:, 2][np.isfinite(gaze[:, 2])]
    assert 2 < pupil.mean() < 5


@pytest.mark.slow
def test_gaze_is_scored_alone_and_with_others(store, tmp_path):
    settings = EvaluateSettings(
        protocols=("trial-pooled",),
        targets=("valence",),
        streams=("gaze", "gaze+bio", "all"),
        learners=("network", "bandpower-logistic", "trial-logistic"),
        folds=2,
        network=QUICK,
        permutations=0,
    )

    evaluate(store, tmp_path / "run", settings=settings, execution=Execution())

    made = pd.read_csv(tmp_path / "run" / "predictions.csv")
    pairs = set(zip(made["streams"], made["learner"], strict=True))
    own = {pair for pair in pairs if not pair[1].endswith(("prior", "majority"))}
    read = ("network", "bandpower-logistic", "trial-logistic")
    assert own == {(s, name) for s in ("gaze", "bio+gaze") for name in read}


@pytest.mark.slow
def test_gaze_is_learnt_predicted_from_and_explained(copy, store, tmp_path):
    settings = TrainSettings(
        targets=("valence",),
        streams=("bio", "bio+gaze"),
        cross_validate=False,
        network=QUICK,
    )
    bundle = train_bundle(
        store, tmp_path / "model", settings=settings, execution=Execution()
    )
    folder = copy / "Sessions" / str(number_of(1, 1))
    recording = RecordingInput(bio=next(folder.glob("*.bdf")))

    seconds = predict(bundle.path, recording).table.set_index("time_s")["streams"]
    explain(bundle.path, recording, tmp_path / "parts")

    assert seconds[:29].unique().tolist() == ["bio"]
    assert "bio+gaze" in set(seconds[30:34])
    parts = pd.read_csv(tmp_path / "parts" / "channels.csv")
    assert "Pupil left" in set(parts["channel"])
    assert (tmp_path / "parts" / "gaze-valence.svg").is_file()


def test_synthetic_pupils_widen_with_arousal_and_blinks_are_missing(tmp_path):
    plan = MahnobPlan(tmp_path, 8, 20, Knobs(effect=6.0), 0)
    arousal, widths = [], []
    for session in plan_sessions(plan, 1):
        if session.is_emotional and session.has_felt and session.has_gaze:
            state = feel(plan, session)
            text = spell_gaze(
                plan, session, state, sample_movements(plan, session, state)
            )
            file = tmp_path / f"{session.number}.tsv"
            file.write_text(text, encoding="utf-8", newline="")
            gaze = read_gaze(file)
            assert 0.05 < np.isnan(gaze.values[2]).mean() < 0.5
            late = gaze.time_s > session.seconds / 2
            arousal.append(session.ratings[1])
            widths.append(np.nanmean(gaze.values[2, late]))
            assert gaze.time_s[0] == pytest.approx(-0.4, abs=0.01)

    assert np.corrcoef(arousal, widths)[0, 1] > 0.8
