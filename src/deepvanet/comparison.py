"""Two learners, stream sets or protocols of one run -> a paired verdict.

A *side* names what it is, with commas: ``face+bio`` is a stream set, ``trial`` a
protocol, ``network`` a learner. What only one side names holds for both; what
neither names is the same on both sides and is gone through: targets, protocols,
stream sets, and learners that read a signal. All pairs are one family, over which
p-values are corrected.

The two sides are compared on the rows that both have, subject by subject.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from deepvanet import metrics
from deepvanet.metrics.paired import LEVEL
from deepvanet.protocols import PROTOCOLS
from deepvanet.results import (
    PART_COLUMNS,
    Run,
    open_run,
    sharing_of,
    write_table,
)
from deepvanet.schema import PRIORS, STREAM_SETS, UserError, pick

COLUMNS = (
    *("target", "a", "b", "metric", "level", "unit", "n_units", "n_skipped", "n_rows"),
    *("mean_a", "mean_b", "difference", "ci_low", "ci_high", "smallest_visible"),
    *("p_sign_flip", "p_wilcoxon", "p_corrected_t", "p_holm", "leaks_a", "leaks_b"),
)
"""Columns of the table. ``p_holm`` corrects the sign-flip p-value, or the corrected
t-test's where folds are the unit."""

UNITS = ("subject", "fold")
_ROW = ["seed", "subject", "trial", "segment"]
_DIMENSIONS = ("protocol", "streams", "learner")

Key = tuple[str, str, str, str]  # as PART_COLUMNS


@dataclass(frozen=True)
class Comparison:
    """A family of paired comparisons.

    Attributes
    ----------
    table : DataFrame
        A row a pair; columns ``COLUMNS``.
    """

    table: pd.DataFrame

    def write(self, path: Path) -> None:
        """Write the table as CSV."""
        write_table(path, [self.table], COLUMNS)

    def lines(self) -> list[str]:
        """Say each pair in a sentence."""
        rows = self.table.to_dict("records")
        return [
            _describe({str(k): v for k, v in row.items()}, len(rows)) for row in rows
        ]


def compare(
    path: Path,
    a: str,
    b: str,
    *,
    metric: str = "balanced_accuracy",
    level: str = "trial",
    unit: str = "subject",
    seed: int = 0,
) -> Comparison:
    """Compare two sides of a run.

    Parameters
    ----------
    a, b : str
        Sides, as the module says.
    metric, level : str
        One of ``METRICS``, of ``LEVELS``.
    unit : str
        ``subject``, or ``fold`` with a t-test that knows that folds overlap.
    seed : int
        Draws signs and bootstrap samples.

    Raises
    ------
    UserError
        When a side names nothing of the run, or both are the same.
    """
    pick("metric", metric, metrics.METRICS)
    pick("level", level, metrics.LEVELS)
    pick("unit", unit, UNITS)
    run = open_run(path)
    parts: dict[Key, pd.DataFrame] = {}
    for key, part in run.predictions.groupby(list(PART_COLUMNS), sort=False):
        protocol, target, streams, learner = map(str, key)
        parts[protocol, target, streams, learner] = part
    pairs = list(_list_pairs(list(parts), a, b))
    if not pairs:
        raise UserError(f"{path}: holds no pair of {a} and {b} that is alike otherwise")
    sharing = sharing_of(run.leakage)
    rows = []
    for one, other in pairs:
        row = _compare_pair(run, parts, one, other, metric, level, unit, seed)
        leaks = {"leaks_a": sharing[one][0], "leaks_b": sharing[other][0]}
        rows.append({**row, **leaks})
    table = pd.DataFrame(rows)
    deciding = "p_sign_flip" if unit == "subject" else "p_corrected_t"
    table["p_holm"] = metrics.correct_by_holm(table[deciding].tolist())
    return Comparison(table[list(COLUMNS)])


def _list_pairs(keys: Sequence[Key], a: str, b: str) -> Iterator[tuple[Key, Key]]:
    one, other = (_read_side(text, keys) for text in (a, b))
    one, other = {**other, **one}, {**one, **other}
    if one == other:
        raise UserError(f"compare: both sides are {a}")
    for key in keys:
        protocol, target, streams, learner = key
        found = {"protocol": protocol, "streams": streams, "learner": learner}
        if any(found[name] != value for name, value in one.items()):
            continue
        if "learner" not in one and learner in PRIORS:
            continue
        found |= other
        partner = found["protocol"], target, found["streams"], found["learner"]
        if partner in keys:
            yield key, partner


def _read_side(text: str, keys: Sequence[Key]) -> dict[str, str]:
    """Read ``trial,face+bio`` as what it names."""
    learners = dict.fromkeys(key[3] for key in keys)
    known = {
        **dict.fromkeys(learners, "learner"),
        **dict.fromkeys(STREAM_SETS, "streams"),
        **dict.fromkeys(PROTOCOLS, "protocol"),
    }
    side: dict[str, str] = {}
    for name in filter(None, map(str.strip, text.split(","))):
        kind = known[pick("protocol, stream set or learner", name, known)]
        if kind in side:
            raise UserError(f"compare: a side has one {kind}, got {side[kind]}, {name}")
        side[kind] = name
    if not side:
        raise UserError("compare: a side names a protocol, stream set or learner")
    return side


def _compare_pair(
    run: Run,
    parts: Mapping[Key, pd.DataFrame],
    one: Key,
    other: Key,
    metric: str,
    level: str,
    unit: str,
    seed: int,
) -> dict[str, Any]:
    first, second = _keep_common(parts[one], parts[other])
    if unit == "subject":
        scores = _score_subjects(first, second, metric, level)
    else:
        if one[0] != other[0]:
            raise UserError("compare: folds can be paired within one protocol only")
        scores = _score_folds(first, second, metric, level)
    known = ~np.isnan(scores).any(axis=1)
    values = scores[known]
    difference = values[:, 0] - values[:, 1]
    low, high = metrics.draw_interval(difference, seed=seed)
    ratio = _measure_test_by_train(run, one) if unit == "fold" else float("nan")
    subject = unit == "subject"
    return {
        "target": one[1],
        **_name_sides(one, other),
        "metric": metric,
        "level": level,
        "unit": unit,
        "n_units": len(values),
        "n_skipped": int((~known).sum()),
        "n_rows": len(first),
        "mean_a": _mean(values[:, 0]),
        "mean_b": _mean(values[:, 1]),
        "difference": _mean(difference),
        "ci_low": low if subject else float("nan"),
        "ci_high": high if subject else float("nan"),
        "smallest_visible": metrics.find_smallest_visible(difference),
        "p_sign_flip": metrics.flip_signs(difference, seed=seed)
        if subject
        else float("nan"),
        "p_wilcoxon": metrics.rank_signs(difference) if subject else float("nan"),
        "p_corrected_t": float("nan")
        if subject
        else metrics.compare_folds(difference, test_by_train=ratio),
    }


def _mean(values: Float[np.ndarray, " unit"]) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _keep_common(
    one: pd.DataFrame, other: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows that both have."""
    first, second = (part.set_index(_ROW).index for part in (one, other))
    return one[first.isin(second)], other[second.isin(first)]


def _score_subjects(
    one: pd.DataFrame, other: pd.DataFrame, metric: str, level: str
) -> Float[np.ndarray, "unit 2"]:
    first, second = (
        metrics.score_subjects(part, level).set_index("subject")[metric]
        for part in (one, other)
    )
    return np.stack([first, second.reindex(first.index)], axis=1).astype(float)


def _score_folds(
    one: pd.DataFrame, other: pd.DataFrame, metric: str, level: str
) -> Float[np.ndarray, "unit 2"]:
    return np.stack(
        [_list_fold_scores(part, metric, level) for part in (one, other)], axis=1
    )


def _list_fold_scores(
    part: pd.DataFrame, metric: str, level: str
) -> Float[np.ndarray, " unit"]:
    """Score each fold of each scope and seed by itself, in order."""
    facts = PROTOCOLS[str(part["protocol"].iloc[0])]
    columns = ["seed", "fold"] + (["subject"] if facts.scope == "subject" else [])
    scores = []
    for _, fold in part.groupby(columns, sort=True):
        rows = metrics.mean_over_trials(fold) if level == "trial" else fold
        scored = metrics.score_labels(
            rows["label"].to_numpy(dtype=np.int64),
            rows["score"].to_numpy(dtype=float),
            fit=np.zeros(len(rows), dtype=np.int64),
        )
        scores.append(scored[metric])
    return np.array(scores)


def _measure_test_by_train(run: Run, key: Key) -> float:
    """Return how many rows of a fold test for each that trains."""
    folds = next(
        part["folds"]
        for part in run.leakage["parts"]
        if tuple(part[name] for name in PART_COLUMNS) == key
    )
    ratio: float = sum(f["n_test"] for f in folds) / sum(f["n_train"] for f in folds)
    return ratio


def _name_sides(one: Key, other: Key) -> dict[str, str]:
    """Name each side by what tells it from the other, and by what both are."""
    both = {"protocol": 0, "streams": 2, "learner": 3}
    return {
        side: ",".join(key[both[name]] for name in _DIMENSIONS)
        for side, key in (("a", one), ("b", other))
    }


def _describe(row: Mapping[str, Any], n_pairs: int) -> str:
    sides = [dict(zip(_DIMENSIONS, row[s].split(","), strict=True)) for s in "ab"]
    differing = [name for name in _DIMENSIONS if sides[0][name] != sides[1][name]]
    same = [sides[0][name] for name in _DIMENSIONS if name not in differing]
    a, b = (", ".join(side[name] for name in differing) for side in sides)
    where = ", ".join([row["target"], *same])
    unit = f"{row['unit']}s"
    said = (
        f"{where}: {a} {row['mean_a']:.3f}, {b} {row['mean_b']:.3f} "
        f"({row['metric'].replace('_', ' ')} of {row['level']}s, mean over "
        f"{row['n_units']} {unit}): {_judge(row, a, b, n_pairs)}"
    )
    if row["n_skipped"]:
        said += f" {row['n_skipped']} {unit} have one class and are left out."
    leaking = [row[name] for name in ("leaks_a", "leaks_b") if row[name] != "none"]
    if leaking:
        which = "both sides leak" if len(leaking) == 2 else "one side leaks"
        kinds = ", ".join(sorted(set(leaking)))
        said += f" But {which} ({kinds}): this compares how well they leak."
    return said


def _judge(row: Mapping[str, Any], a: str, b: str, n_pairs: int) -> str:
    p = row["p_holm"]
    if not p <= 1 or 2 ** (1 - row["n_units"]) > LEVEL:
        return f"{row['n_units']} {row['unit']}s are too few to show any difference."
    corrected = f", corrected for {n_pairs} comparisons" if n_pairs > 1 else ""
    interval = ""
    if np.isfinite(row["ci_low"]):
        interval = f", 95 % interval {row['ci_low']:+.3f} to {row['ci_high']:+.3f}"
    facts = f"{row['difference']:+.3f}{interval}, p {_write_p(p)}{corrected}"
    if p < LEVEL:
        higher = a if row["difference"] > 0 else b
        return f"{higher} is higher ({facts})."
    seen = ""
    if np.isfinite(row["smallest_visible"]):
        seen = f"; they would show {row['smallest_visible']:.3f} four times in five"
    return (
        f"no difference that {row['n_units']} {row['unit']}s can show ({facts}{seen})."
    )


def _write_p(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else "below 0.001"
