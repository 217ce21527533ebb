"""Two learners, stream sets or protocols of one run -> a paired verdict.

A *side* names what it is, with commas: ``face+bio`` is a stream set, ``trial`` a
protocol, ``network`` a learner. What only one side names holds for both; what
neither names is the same on both sides and is gone through: targets, protocols,
stream sets, and learners that read a signal. All pairs are one family, over which
p-values are corrected.

The two sides are compared on the rows that both have, subject by subject and clip by
clip. The verdict is that of the two-way jackknife (:mod:`deepvanet.metrics.jackknife`);
flipped signs, ranks and the t-test over folds stand beside it as descriptions.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from deepvanet import metrics
from deepvanet.config import CompareSettings
from deepvanet.findings import say_count
from deepvanet.gap import Gap, describe_gap, list_gaps
from deepvanet.metrics import LEAST_CLIPS, LEAST_SUBJECTS, LEVEL, Measurement
from deepvanet.protocols import PROTOCOLS, columns_of
from deepvanet.results import (
    Run,
    open_run,
    sharing_of,
    write_table,
)
from deepvanet.schema import (
    KEY_COLUMNS,
    PRIORS,
    STREAM_SETS,
    TRAINED_WITH,
    ScoreKey,
    UserError,
    pick,
)

COLUMNS = (
    *("target", "a", "b", "metric", "level", "unit", "n_units", "n_clips"),
    *("n_skipped", "n_rows", "mean_a", "mean_b", "difference", "ci_low", "ci_high"),
    *("smallest_visible", "p_value", "p_holm", "p_sign_flip", "p_wilcoxon"),
    *("p_corrected_t", "leaks_a", "leaks_b"),
)
"""Columns of the table. ``p_value`` is of the jackknife and two-sided, ``p_holm``
corrects it; the p-values after it are descriptions. Of a run with fits of several
targets at once, ``trained_with_a`` and ``trained_with_b`` follow."""
_TRAINED_WITH = (f"{TRAINED_WITH}_a", f"{TRAINED_WITH}_b")

USUAL = CompareSettings()
_PLURAL = {"subject": "subjects", "person": "people", "fold": "folds"}
_ROW = ["seed", *columns_of("segment")]
_DIMENSIONS = ("protocol", "streams", "learner")


@dataclass(frozen=True)
class Comparison:
    """A family of paired comparisons.

    Attributes
    ----------
    table : DataFrame
        A row a pair; columns ``COLUMNS``, and those after them.
    gaps : tuple of Gap
        Of pairs of a published and an honest protocol, what lies between them.
    """

    table: pd.DataFrame
    gaps: tuple[Gap, ...] = ()

    def write(self, path: Path) -> None:
        """Write the table as CSV."""
        write_table(path, [self.table], list(self.table.columns))

    def lines(self) -> list[str]:
        """Say each pair in a sentence, and then each gap."""
        rows = self.table.to_dict("records")
        said = [
            _describe({str(k): v for k, v in row.items()}, len(rows)) for row in rows
        ]
        for gap in self.gaps:
            where = f"{gap.target}, {gap.streams}, {gap.learner}"
            said.append(f"{where}: {' '.join(describe_gap(gap))}")
        return said


def compare(
    path: Path,
    a: str,
    b: str,
    *,
    settings: CompareSettings = USUAL,
) -> Comparison:
    """Compare two sides of a run.

    Parameters
    ----------
    path : Path
        Folder of a finished run.
    a, b : str
        Sides, as the module says.
    settings : CompareSettings
        What is compared, and over which units.

    Returns
    -------
    Comparison
        A row for each pair, p-values corrected over all of them, and the gaps.

    Raises
    ------
    UserError
        When a side names nothing of the run, or both are the same.
    """
    run = open_run(path)
    parts: dict[ScoreKey, pd.DataFrame] = {}
    for key, part in run.predictions.groupby(list(KEY_COLUMNS), sort=False):
        parts[ScoreKey(*map(str, key))] = part
    pairs = list(_list_pairs(list(parts), a, b))
    if not pairs:
        raise UserError(f"{path}: holds no pair of {a} and {b} that is alike otherwise")
    sharing = sharing_of(run.leakage)
    is_joint = TRAINED_WITH in run.predictions
    rows = []
    for one, other in pairs:
        row = _compare_pair(run, parts, one, other, settings)
        leaks = {"leaks_a": sharing[one][0], "leaks_b": sharing[other][0]}
        rows.append({**row, **leaks})
        if is_joint:
            sides = zip(_TRAINED_WITH, (one, other), strict=True)
            rows[-1] |= {n: str(parts[s][TRAINED_WITH].iloc[0]) for n, s in sides}
    table = pd.DataFrame(rows)
    table["p_holm"] = metrics.correct_by_holm(table["p_value"].tolist())
    columns = [*COLUMNS, *(_TRAINED_WITH if is_joint else ())]
    return Comparison(table[columns], tuple(_find_gaps(run, pairs)))


def _find_gaps(run: Run, pairs: Sequence[tuple[ScoreKey, ScoreKey]]) -> Iterator[Gap]:
    """Yield the gaps whose ends are compared: of pairs of two protocols."""
    ends = {
        (*key[1:], frozenset((key[0], other[0])))
        for key, other in pairs
        if key[0] != other[0]
    }
    if not ends:
        return
    for gap in list_gaps(run.predictions, run.leakage["parts"]):
        both = frozenset((gap.links[0], gap.links[-1]))
        if (gap.target, gap.streams, gap.learner, both) in ends:
            yield gap


def _list_pairs(
    keys: Sequence[ScoreKey], a: str, b: str
) -> Iterator[tuple[ScoreKey, ScoreKey]]:
    one, other = (_read_side(text, keys) for text in (a, b))
    one, other = {**other, **one}, {**one, **other}
    if one == other:
        raise UserError(f"compare: both sides are {a}")
    for key in keys:
        found = key._asdict()
        if any(found[name] != value for name, value in one.items()):
            continue
        if "learner" not in one and key.learner in PRIORS:
            continue
        partner = key._replace(**other)
        if partner in keys:
            yield key, partner


def _read_side(text: str, keys: Sequence[ScoreKey]) -> dict[str, str]:
    """Read ``trial,face+bio`` as what it names."""
    learners = dict.fromkeys(key[3] for key in keys)
    known = {
        **dict.fromkeys(learners, "learner"),
        **dict.fromkeys(STREAM_SETS, "streams"),
        **dict.fromkeys((key.streams for key in keys), "streams"),
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
    parts: Mapping[ScoreKey, pd.DataFrame],
    one: ScoreKey,
    other: ScoreKey,
    settings: CompareSettings,
) -> dict[str, Any]:
    first, second = _keep_common(parts[one], parts[other])
    form = metrics.find_form(first)
    metric = settings.metric or form.headline
    level, unit = settings.level, settings.unit
    if metric not in form.metrics:
        known = ", ".join(form.metrics)
        raise UserError(
            f"{metric} is none of the metrics of {form.task}: {known}", field="metric"
        )
    if unit == "subject":
        found = _compare_subjects(first, second, metric, level, settings.seed)
    else:
        if one[0] != other[0]:
            raise UserError("compare: folds can be paired within one protocol only")
        ratio = _measure_test_by_train(run, one)
        found = _compare_folds(first, second, metric, level, ratio)
    return {
        **dict.fromkeys(COLUMNS, float("nan")),
        "target": one[1],
        **_name_sides(one, other),
        "metric": metric,
        "level": level,
        "unit": unit,
        "n_clips": 0,
        "n_rows": len(first),
        **found,
    }


def _compare_subjects(
    one: pd.DataFrame, other: pd.DataFrame, metric: str, level: str, seed: int
) -> dict[str, Any]:
    a, b = (metrics.measure(part, level)[metric] for part in (one, other))
    found = a.minus(b)
    spread = found.spread
    low, high = metrics.find_interval(found.mean, spread)
    return {
        "unit": "person" if found.is_over_people else "subject",
        "n_units": len(found.known),
        "n_clips": spread.n_clips,
        "n_skipped": len(found.values) - len(found.known),
        "mean_a": _mean_of_common(a, found),
        "mean_b": _mean_of_common(b, found),
        "difference": found.mean,
        "ci_low": low,
        "ci_high": high,
        "smallest_visible": metrics.find_smallest_visible(spread),
        "p_value": metrics.find_p_unequal(found.mean, spread),
        "p_sign_flip": metrics.flip_signs(found.known, seed=seed),
        "p_wilcoxon": metrics.rank_signs(found.known),
    }


def _mean_of_common(side: Measurement, difference: Measurement) -> float:
    """Return the score of one side, over the subjects whom both sides score."""
    if side.pooled is not None:
        return side.pooled
    return _mean(side.values[~np.isnan(difference.values)])


def _compare_folds(
    one: pd.DataFrame, other: pd.DataFrame, metric: str, level: str, ratio: float
) -> dict[str, Any]:
    scores = np.stack(
        [_list_fold_scores(part, metric, level) for part in (one, other)], axis=1
    )
    known = ~np.isnan(scores).any(axis=1)
    values = scores[known]
    difference = values[:, 0] - values[:, 1]
    return {
        "n_units": len(values),
        "n_skipped": int((~known).sum()),
        "mean_a": _mean(values[:, 0]),
        "mean_b": _mean(values[:, 1]),
        "difference": _mean(difference),
        "p_corrected_t": metrics.compare_folds(difference, test_by_train=ratio),
    }


def _mean(values: Float[np.ndarray, " unit"]) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _keep_common(
    one: pd.DataFrame, other: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows that both have."""
    first, second = (part.set_index(_ROW).index for part in (one, other))
    return one[first.isin(second)], other[second.isin(first)]


def _list_fold_scores(
    part: pd.DataFrame, metric: str, level: str
) -> Float[np.ndarray, " unit"]:
    """Score each fold of each scope and seed by itself, in order."""
    facts = PROTOCOLS[str(part["protocol"].iloc[0])]
    columns = ["seed", "fold"] + (["subject"] if facts.scope == "subject" else [])
    scores = []
    for _, fold in part.groupby(columns, sort=True):
        rows = metrics.mean_over_trials(fold) if level == "trial" else fold
        scores.append(metrics.score_together(rows)[metric])
    return np.array(scores)


def _measure_test_by_train(run: Run, key: ScoreKey) -> float:
    """Return how many rows of a fold test for each that trains."""
    folds = next(
        part["folds"]
        for part in run.leakage["parts"]
        if tuple(part[name] for name in KEY_COLUMNS) == key
    )
    ratio: float = sum(f["n_test"] for f in folds) / sum(f["n_train"] for f in folds)
    return ratio


def _name_sides(one: ScoreKey, other: ScoreKey) -> dict[str, str]:
    """Name each side by what distinguishes it from the other, and by what both are."""
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
    together_with = "+".join(
        dict.fromkeys(filter(None, (row.get(name, "") for name in _TRAINED_WITH)))
    )
    where += f" (trained with {together_with})" if together_with else ""
    units = _PLURAL[row["unit"]]
    together = row["unit"] == "person" or row["metric"].startswith("pooled")
    over = "over" if together else "mean over"
    said = (
        f"{where}: {a} {_write_score(row, 'mean_a')}, "
        f"{b} {_write_score(row, 'mean_b')} "
        f"({row['metric'].replace('_', ' ')} of {row['level']}s, {over} "
        f"{row['n_units']} {units}): {_judge(row, a, b, n_pairs)}"
    )
    if row["n_skipped"]:
        n_skipped, why = row["n_skipped"], _say_why(row["metric"])
        one, many = (f"{row['unit']} has {why} and is", f"{units} have {why} and are")
        said += f" {say_count(n_skipped, one, many)} left out."
    leaking = [row[name] for name in ("leaks_a", "leaks_b") if row[name] != "none"]
    if leaking:
        which = "both sides leak" if len(leaking) == 2 else "one side leaks"
        kinds = ", ".join(sorted(set(leaking)))
        said += f" But {which} ({kinds}): this compares how well they leak."
    return said


def _say_why(metric: str) -> str:
    """Say what subjects without a score have."""
    if metric in metrics.RATING_METRICS:
        return (
            f"fewer than {metrics.LEAST_TRIALS} trials or {metrics.LEAST_RATINGS} "
            "different ratings, or a constant prediction,"
        )
    return "one class"


def _judge(row: Mapping[str, Any], a: str, b: str, n_pairs: int) -> str:
    p = row["p_holm"]
    if row["unit"] == "fold":
        return _describe_folds(row)
    if not np.isfinite(p):
        return _say_too_few(row)
    corrected = f", corrected for {n_pairs} comparisons" if n_pairs > 1 else ""
    facts = (
        f"{_write_change(row)}, 95 % interval {_write_end(row, 'ci_low')} to "
        f"{_write_end(row, 'ci_high')}, p {_write_p(p)}{corrected}"
    )
    if p < LEVEL:
        higher = a if row["difference"] > 0 else b
        return f"{higher} is higher ({facts})."
    seen = _write_change(row, "smallest_visible").removeprefix("+")
    return (
        f"no difference that {_name_units(row)} can show ({facts}; they would show "
        f"{seen} four times in five)."
    )


def _describe_folds(row: Mapping[str, Any]) -> str:
    facts = _write_change(row)
    if np.isfinite(row["p_corrected_t"]):
        facts += f", p of a t-test over folds {_write_p(row['p_corrected_t'])}"
    return f"{facts}; this describes these folds, no verdict rests on it."


def _say_too_few(row: Mapping[str, Any]) -> str:
    least = f"at least {LEAST_SUBJECTS} {_PLURAL[row['unit']]}"
    if row["n_clips"]:
        least += f" and {LEAST_CLIPS} clips"
    return f"{_name_units(row)} are too few to show any difference: {least} are needed."


def _name_units(row: Mapping[str, Any]) -> str:
    clips = f" and {row['n_clips']} clips" if row["n_clips"] else ""
    return f"{row['n_units']} {_PLURAL[row['unit']]}{clips}"


def _is_share(row: Mapping[str, Any]) -> bool:
    """Say whether scores are written in per cent; the table has fractions."""
    return metrics.METRIC_RECORDS[row["metric"]].is_share


def _write_score(row: Mapping[str, Any], name: str) -> str:
    value = row[name]
    return f"{100 * value:.1f} %" if _is_share(row) else f"{value:.3f}"


def _write_end(row: Mapping[str, Any], name: str) -> str:
    """Write an end of an interval of differences."""
    value = row[name]
    return f"{100 * value:+.1f}" if _is_share(row) else f"{value:+.3f}"


def _write_change(row: Mapping[str, Any], name: str = "difference") -> str:
    return f"{_write_end(row, name)}{' points' if _is_share(row) else ''}"


def _write_p(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else "below 0.001"
