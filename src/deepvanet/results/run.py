"""A finished run, as ``evaluate`` left it, opened from its folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from deepvanet.config import read_toml
from deepvanet.findings import Finding, read_findings, say_count
from deepvanet.results.columns import HISTORY_COLUMNS, SEGMENT_COLUMNS, TRIAL_COLUMNS
from deepvanet.results.excerpt import CleaningExcerpt, read_excerpt
from deepvanet.results.json_files import read_json
from deepvanet.results.leakage import read_leakage
from deepvanet.results.tables import (
    read_cleaned_recordings,
    read_permutations,
    read_predictions,
    read_spectra,
    read_table,
)
from deepvanet.schema import UserError

RUN_FORMAT = "deepvanet-run-1"
"""Of ``settings.toml``, and so of the run."""


@dataclass(frozen=True, repr=False)
class Run:
    """A finished run, as ``evaluate`` left it.

    Attributes
    ----------
    predictions, history, trials : DataFrame
        Columns ``prediction_columns`` of the task, ``HISTORY_COLUMNS`` and at least
        ``TRIAL_COLUMNS``.
    permutations : DataFrame
        Columns ``KEY_COLUMNS``, ``exchanged``, ``permutation`` and one a metric;
        without a row where no learner was permuted.
    recordings, spectra : DataFrame
        Columns ``RECORDING_COLUMNS`` and ``SPECTRUM_COLUMNS``; without a row
        where no raw recording was read.
    excerpt : CleaningExcerpt | None
        None where nothing was cleaned.
    findings : tuple of Finding
        What was odd or assumed in the recordings.
    settings, environment, leakage : mapping
        Plain values of the files of that name.
    """

    path: Path
    predictions: pd.DataFrame
    history: pd.DataFrame
    trials: pd.DataFrame
    permutations: pd.DataFrame
    recordings: pd.DataFrame
    spectra: pd.DataFrame
    excerpt: CleaningExcerpt | None
    settings: Mapping[str, Any]
    environment: Mapping[str, Any]
    leakage: Mapping[str, Any]
    findings: tuple[Finding, ...] = ()

    def __len__(self) -> int:
        return len(self.predictions)

    def __repr__(self) -> str:
        named = (
            ", ".join(dict.fromkeys(self.predictions[name].astype(str)))
            for name in ("protocol", "target", "streams", "learner")
        )
        n_rows = say_count(len(self), "prediction")
        return f"<Run {self.path}: {n_rows}; {'; '.join(named)}>"

    @cached_property
    def segments(self) -> pd.DataFrame:
        """What each row did, fold by fold; read when first asked for."""
        return read_table(self.path / "segments.csv", SEGMENT_COLUMNS)


def open_run(path: Path) -> Run:
    """Open a folder that ``evaluate`` finished.

    Raises
    ------
    UserError
        When there is no finished run, or one of its files is damaged.
    """
    for name in (
        "predictions.csv",
        "segments.csv",
        "history.csv",
        "trials.csv",
        "leakage.json",
        "settings.toml",
        "environment.json",
    ):
        if not (path / name).is_file():
            raise UserError(f"{path}: no finished run here ({name} is missing)")
    return Run(
        path=path,
        predictions=read_predictions(path / "predictions.csv"),
        history=read_table(path / "history.csv", HISTORY_COLUMNS),
        trials=read_table(path / "trials.csv", TRIAL_COLUMNS),
        permutations=read_permutations(path / "permutations.csv"),
        recordings=read_cleaned_recordings(path / "recordings.csv"),
        spectra=read_spectra(path / "spectra.csv"),
        excerpt=read_excerpt(path / "excerpt.npz"),
        settings=read_run_settings(path / "settings.toml"),
        environment=read_json(path / "environment.json"),
        leakage=read_leakage(path / "leakage.json"),
        findings=read_findings(path),
    )


def read_run_settings(file: Path) -> dict[str, Any]:
    """Read the ``settings.toml`` of a run.

    Raises
    ------
    UserError
        When it cannot be read, or is of another format.
    """
    values = read_toml(file)
    found = values.get("format", "none")
    if found != RUN_FORMAT:
        raise UserError(
            f"{file}: expected a run of the format {RUN_FORMAT}, got {found}; make it "
            "again: deepvanet evaluate STORE --out RUN"
        )
    return values
