"""The whole way on a small synthetic data set, from raw files to predictions."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd

from deepvanet.bundle import train_bundle
from deepvanet.config import (
    EvaluateSettings,
    Execution,
    NetworkSettings,
    PrepareSettings,
    TrainSettings,
)
from deepvanet.datasets import synthetic
from deepvanet.evaluation import evaluate
from deepvanet.files import make_folder
from deepvanet.inference import predict
from deepvanet.inspection import inspect
from deepvanet.prepare import prepare
from deepvanet.report import write_report

N_SUBJECTS, N_TRIALS, SECONDS = 2, 12, 4
STREAMS = ("face", "bio", "face+bio")
CONTROLS = ("shuffled-labels", "noise")
NETWORK = NetworkSettings(epochs=10, batch_size=8, precision="float32")
"""Smaller batches than the paper's: its 64 would be less than two steps an epoch; and
the numbers of the README on every machine."""


def run_demo(out: Path, *, execution: Execution, seed: int = 0) -> Iterator[str]:
    """Go the whole way in one folder; yield what to tell.

    Parameters
    ----------
    out : Path
        Gets ``DEAP``, ``store``, ``run``, a run of each control, ``report``, ``model``
        and ``timeline.csv``.
    """
    make_folder(out)
    root, store, run = out / "DEAP", out / "store", out / "run"
    yield f"1/8 synth: {N_SUBJECTS} subjects, {N_TRIALS} trials of {SECONDS} s"
    synthetic.write_deap(
        root,
        n_subjects=N_SUBJECTS,
        n_trials=N_TRIALS,
        seconds=SECONDS,
        knobs=synthetic.Knobs(effect=1.0),
        seed=seed,
        execution=execution,
    )

    inspection = inspect("deap", root)
    n_findings = len(inspection.findings)
    yield f"2/8 check: {n_findings} findings (deepvanet check deap {root})"

    made = prepare("deap", root, store, settings=PrepareSettings(), execution=execution)
    n_segments = int(made.trials["n_segments"].sum())
    yield f"3/8 prepare: {n_segments} segments of one second"

    settings = EvaluateSettings(
        targets=("valence",), streams=STREAMS, folds=3, seeds=(seed,), network=NETWORK
    )
    done = evaluate(store, run, settings=settings, execution=execution)
    yield f"4/8 evaluate: {done.n_fits} fits under {' and '.join(settings.protocols)}"

    controls = []
    for control in CONTROLS:
        asked = replace(settings, streams=("bio",), control=control)
        done = evaluate(store, out / control, settings=asked, execution=execution)
        controls.append(done.run)
    yield f"5/8 controls: {' and '.join(CONTROLS)}, so that nothing is left to find"

    page = write_report([run, *controls], out / "report")
    yield f"6/8 report: {page}"

    training = TrainSettings(
        targets=("valence",),
        streams=STREAMS,
        seed=seed,
        network=replace(NETWORK, epochs=5),
    )
    train_bundle(store, out / "model", settings=training, execution=execution)
    yield f"7/8 train: {out / 'model'}"

    timeline = predict(
        out / "model",
        video=root / "face_video" / "s01" / "s01_trial01.avi",
        bio=root / "data_preprocessed_python" / "s01.dat",
        trial="1",
    )
    timeline.write(out / "timeline.csv")
    yield f"8/8 predict: {out / 'timeline.csv'}"

    yield ""
    yield from _compare(pd.read_csv(out / "report" / "scores.csv"))
    yield f"Report: {page}"


def _compare(scores: pd.DataFrame) -> Iterator[str]:
    """Say the two numbers, and why they differ."""
    shown = scores[
        (scores["learner"] == "network")
        & (scores["streams"] == "face+bio")
        & (scores["level"] == "segment")
        & (scores["metric"] == "accuracy")
    ].set_index("protocol")
    for protocol, name in (("paper", "published"), ("trial", "honest")):
        row = shown.loc[protocol]
        yield (
            f"{name:>9} protocol ({protocol}): {row['mean']:.1%} of seconds right, "
            f"leaks: {row['leaks']}"
        )
    yield (
        "They differ because `paper` tests on seconds of trials it was trained on, "
        "so knowing the trial again is enough; `trial` tests on trials it never saw."
    )
