"""The whole pipeline on a small synthetic data set, from raw files to predictions."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from deepvanet.bundle import train_bundle
from deepvanet.cells import write_csv
from deepvanet.config import (
    Control,
    EvaluateSettings,
    Execution,
    NetworkSettings,
    PrepareSettings,
    TrainSettings,
)
from deepvanet.datasets import check
from deepvanet.evaluation import evaluate
from deepvanet.files import make_folder
from deepvanet.findings import say_count
from deepvanet.gap import Gap, describe_gap, list_gaps
from deepvanet.inference import RecordingInput, predict
from deepvanet.preparation.run import prepare
from deepvanet.reporting import write_report
from deepvanet.results import open_run
from deepvanet.synthetic import Knobs, write_data_set

N_SUBJECTS, N_TRIALS, SECONDS = 2, 24, 2
"""Trials enough for some of them to choose the epoch."""
EFFECT = 3.0
"""Of a rating on signals and face: more than real recordings show in so few trials."""
N_FOLDS, N_SEEDS = 3, 3
STREAMS = ("face", "bio", "face+bio")
WHOLE, QUICK = "face+bio", "bio"
QUICK_LEARNER = "bandpower-logistic"
CONTROLS: tuple[Control, ...] = ("shuffled-labels", "noise")
NETWORK = NetworkSettings(epochs=10, batch_size=8, precision="float32")
"""Smaller batches than the paper's: its 64 would be less than two steps an epoch; and
the numbers of the README on every machine."""


def run_demo(out: Path, *, execution: Execution, seed: int = 0) -> Iterator[str]:
    """Run the whole pipeline in one folder; yield what to print.

    Parameters
    ----------
    out : Path
        Gets ``DEAP``, ``store``, ``run``, ``quick-run``, a run of each control,
        ``report``, ``numbers.csv``, ``model`` and ``timeline.csv``.
    """
    make_folder(out)
    root, store, run = out / "DEAP", out / "store", out / "run"
    yield f"1/8 synth: {N_SUBJECTS} subjects, {N_TRIALS} trials of {SECONDS} s"
    write_data_set(
        "deap",
        root,
        n_subjects=N_SUBJECTS,
        n_trials=N_TRIALS,
        seconds=SECONDS,
        knobs=Knobs(effect=EFFECT),
        seed=seed,
        execution=execution,
    )

    result = check("deap", root)
    n_findings = len(result.findings)
    yield f"2/8 check: {say_count(n_findings, 'finding')} (deepvanet check deap {root})"

    made = prepare("deap", root, store, settings=PrepareSettings(), execution=execution)
    n_segments = int(made.trials["n_segments"].sum())
    yield f"3/8 prepare: {len(made.trials)} trials, {n_segments} seconds"

    settings = EvaluateSettings(
        targets=("valence",),
        streams=(WHOLE,),
        folds=N_FOLDS,
        seeds=(seed,),
        network=NETWORK,
    )
    quick = replace(
        settings,
        targets=("valence", "arousal"),
        streams=(QUICK,),
        learners=(QUICK_LEARNER,),
        seeds=tuple(range(seed, seed + N_SEEDS)),
        permutations=0,
    )
    runs = [run, out / "quick-run"]
    done = [
        evaluate(store, path, settings=asked, execution=execution)
        for path, asked in zip(runs, (settings, quick), strict=True)
    ]
    n_fits = sum(evaluated.n_fits for evaluated in done)
    yield f"4/8 evaluate: {n_fits} fits under {', '.join(settings.protocols)}"

    for control in CONTROLS:
        asked = replace(quick, control=control, seeds=(seed,))
        evaluate(store, out / control, settings=asked, execution=execution)
    yield f"5/8 controls: {' and '.join(CONTROLS)}"

    page = write_report([*runs, *(out / name for name in CONTROLS)], out / "report")
    yield f"6/8 report: {page}"

    training = TrainSettings(
        targets=("valence",),
        streams=STREAMS,
        seed=seed,
        cross_validate=False,
        network=replace(NETWORK, epochs=5),
    )
    train_bundle(store, out / "model", settings=training, execution=execution)
    yield f"7/8 train: {out / 'model'}"

    timeline = predict(
        out / "model",
        RecordingInput(
            video=root / "face_video" / "s01" / "s01_trial01.avi",
            bio=root / "data_preprocessed_python" / "s01.dat",
            trial="1",
        ),
    )
    timeline.write(out / "timeline.csv")
    yield f"8/8 predict: {out / 'timeline.csv'}"

    gaps = [gap for path in runs for gap in _find_gaps(path)]
    write_csv(_tabulate(gaps), out / "numbers.csv")
    yield ""
    for gap in gaps:
        seeds = f", {gap.n_seeds} seeds" if gap.n_seeds > 1 else ""
        yield f"{gap.target}, {gap.learner} on {gap.streams}{seeds}:"
        yield from (f"  {sentence}" for sentence in describe_gap(gap))
    yield f"Report: {page}"


def _find_gaps(path: Path) -> list[Gap]:
    """Return what lies between the published and the honest scores of a run."""
    run = open_run(path)
    return list_gaps(run.predictions, run.leakage["parts"])


def _tabulate(gaps: Sequence[Gap]) -> pd.DataFrame:
    """Return the scores that are printed, as fractions; the README shows the same."""
    rows = [
        {
            "target": gap.target,
            "streams": gap.streams,
            "learner": gap.learner,
            "n_seeds": gap.n_seeds,
            "metric": gap.metric,
            "protocol": protocol,
            "mean": mean,
        }
        for gap in gaps
        for protocol, mean in zip(gap.links, gap.means, strict=True)
    ]
    return pd.DataFrame(rows)
