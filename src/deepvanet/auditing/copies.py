"""Look for copies: of a trial under another name, of a row, of a column of scores."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from deepvanet.auditing.looks import CERTAIN, Look, find_shared
from deepvanet.auditing.parts import AuditPart, number_rows
from deepvanet.auditing.priors import has_segments, measure_coincidence
from deepvanet.findings import say_count
from deepvanet.metrics import HIGH_LOW
from deepvanet.protocols import columns_of

LEAST_TRIALS = 8
"""Fewer trials can agree with anything by chance."""
LEAST_VALUES = 3
"""Scores of a trial that has fewer different ones say nothing of copies."""
LEAST_COLUMN = 10
"""Different scores that a column must hold before an equal one is a copy."""
NEAR = 1e-3
"""Scores that are all nearer than this to their labels are the labels."""


@dataclass(frozen=True)
class Print:
    """What distinguishes the scores of one part from those of another.

    Attributes
    ----------
    learner : tuple of str
        Its streams and its name.
    scores, labels, folds : str
        Digests; that of scores is of the rows' names too.
    is_telling : bool
        Whether there are enough different scores for equal ones to be a copy.
    leaks : bool
        Whether the part leaks.
    """

    name: str
    learner: tuple[str, str]
    seed: str
    scores: str
    labels: str
    folds: str
    is_telling: bool
    leaks: bool


def look_at_repeats(audited: AuditPart) -> Look:
    """Look for trials of a clip that the same subject saw in training as well.

    Where a subject gave a clip the same label each time, without exception, the other
    trial may be a copy. It is one if a clip has one trial otherwise, if it trains and
    never tests, or if subjects differ on the clip so that such agreement within them
    is no chance.
    """
    name = "repeated stimuli"
    rows = audited.rows
    if "stimulus" not in rows:
        return Look(name, missing="trials of one clip (no column stimulus)")
    repeats = _list_repeats(audited)
    seen = repeats[["seen_least", "seen_most"]]
    agree = seen.eq(repeats["label"], axis=0).all(axis=None)
    if not agree or not _measure_coincidence(rows, repeats) < CERTAIN:
        return Look(name)
    all_agree = (
        f"{len(repeats)} tested trials have the label that the same subject gave the "
        "same stimulus in training, without exception"
    )
    why = _find_why_copies(audited)
    return (
        Look(name, leak=f"{all_agree}, and {why}: they are copies")
        if why
        else Look(
            name, note=f"{all_agree}: stimuli are repeated, and knowing them is enough"
        )
    )


def _list_repeats(audited: AuditPart) -> pd.DataFrame:
    """List tested trials, with the labels of other trials of their clip in training."""
    rows = audited.rows
    label = rows["label"].to_numpy(dtype=float)
    known = np.isfinite(label)
    trial = number_rows(rows, columns_of("trial"))
    clip = number_rows(rows, ["subject", "stimulus"])
    found = []
    for fit in audited.fits:
        seen = fit.seen & known
        n_clips = int(clip.max()) + 1
        counts = np.bincount(clip[seen], minlength=n_clips)
        least, most = np.full(n_clips, np.inf), np.full(n_clips, -np.inf)
        np.minimum.at(least, clip[seen], label[seen])
        np.maximum.at(most, clip[seen], label[seen])
        # a trial that trained itself is another matter
        test = fit.test & known & (counts[clip] > 0) & ~np.isin(trial, trial[fit.seen])
        place = np.flatnonzero(test)
        place = place[np.unique(trial[place], return_index=True)[1]]
        mine = rows.iloc[place][["subject", "trial", "stimulus", "label"]]
        ends = {"seen_least": least[clip[place]], "seen_most": most[clip[place]]}
        found.append(mine.assign(**ends))
    return pd.concat(found).drop_duplicates(columns_of("trial"))


def _measure_coincidence(rows: pd.DataFrame, repeats: pd.DataFrame) -> float:
    """Return the chance that labels of a subject agree so, if clips meant nothing."""
    trials = rows[rows["label"].notna()].drop_duplicates(columns_of("trial"))
    counts = trials.groupby(["subject", "label"]).size()
    shares = counts / counts.groupby("subject").transform("sum")
    wanted = pd.MultiIndex.from_frame(repeats[["subject", "label"]])
    chance = shares.reindex(wanted).to_numpy(dtype=float)
    once = ~repeats.duplicated(["subject", "stimulus"]).to_numpy()
    return float(np.prod(chance[once]))


def _find_why_copies(audited: AuditPart) -> str:
    """Say why trials of one clip are one trial, or nothing where they need not be."""
    rows = audited.rows
    trials = rows.drop_duplicates(columns_of("trial"))
    of_a_clip = trials.groupby(["subject", "stimulus"]).size()
    if of_a_clip.median() == 1:
        return "the other stimuli have one trial"
    tested = np.zeros(len(rows), dtype=bool)
    for fit in audited.fits:
        tested |= fit.test
    test = rows[tested].drop_duplicates(columns_of("trial"))
    if (test.groupby(["subject", "stimulus"]).size() == 1).all():
        return "the trials that they repeat never test"
    labels = trials[trials["label"].notna()].groupby(["stimulus", "subject"])["label"]
    single = labels.first()[labels.nunique() == 1]
    by_clip = [mine for _, mine in single.groupby("stimulus") if len(mine) > 1]
    if not by_clip:
        return ""
    # how often two subjects agree on a clip
    agree = float(np.mean([measure_coincidence(mine, 2) for mine in by_clip]))
    n_repeated = int((of_a_clip > 1).sum())
    if not agree**n_repeated < CERTAIN:
        return ""
    return f"two subjects agree on a stimulus in {agree:.0%} only"


def look_at_duplicates(audited: AuditPart) -> Look:
    """Look for rows that are there twice, and for trials with each other's scores."""
    name = "duplicated rows"
    rows = audited.rows
    twice = int((rows["copy"] > 0).sum())
    if twice:
        number = number_rows(rows, _list_identity(rows))
        if any(find_shared(number, fit).any() for fit in audited.fits):
            there = say_count(twice, "row is", "rows are")
            leak = f"{there} there twice, and on both sides"
            return Look(name, leak=leak)
        doubt = say_count(
            twice,
            "row is there twice and counts twice",
            "rows are there twice and count twice",
        )
        return Look(name, doubt=doubt)
    pairs = list(_list_equal_trials(audited)) if has_segments(audited) else []
    if not pairs:
        return Look(name)
    one, other = pairs[0]
    said = (
        f"{len(pairs)} trials have, row by row, the scores of another one "
        f"(subject {other[0]} trial {other[1]} those of {one[0]} trial {one[1]})"
    )
    if _are_divided(audited, pairs):
        return Look(name, leak=f"{said}, and are on the other side: they are copies")
    return Look(name, doubt=f"{said}: they are copies and count twice")


def _list_identity(rows: pd.DataFrame) -> list[str]:
    return [name for name in ("subject", "trial", "segment") if name in rows]


def _list_equal_trials(
    audited: AuditPart,
) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    """Yield trials that have the scores of an earlier one, if that is no chance."""
    rows = audited.rows[audited.rows["score"].notna()]
    share = rows["score"].value_counts(normalize=True).to_numpy()
    alike = float((share**2).sum())  # of two scores, by chance
    met: dict[tuple[float, ...], tuple[str, str]] = {}
    trials = list(rows.groupby(columns_of("trial"), sort=False))
    for (subject, trial), mine in trials:
        scores, name = mine["score"], (str(subject), str(trial))
        key = tuple(scores)
        n_values = scores.nunique()
        expected = len(trials) ** 2 * alike**n_values
        if n_values < LEAST_VALUES or not expected < CERTAIN:
            continue
        if key in met:
            yield met[key], name
        else:
            met[key] = name


def _are_divided(
    audited: AuditPart, pairs: Sequence[tuple[tuple[str, str], tuple[str, str]]]
) -> bool:
    index = pd.MultiIndex.from_frame(audited.rows[columns_of("trial")])
    for fit in audited.fits:
        seen, test = set(index[fit.seen]), set(index[fit.test])
        if any(
            (a in seen and b in test) or (b in seen and a in test) for a, b in pairs
        ):
            return True
    return False


def look_at_labels(audited: AuditPart) -> Look:
    """Look for scores that were made from the labels."""
    name = "scores equal to labels"
    tested = audited.rows[audited.rows["score"].notna()]
    n_trials = len(tested.drop_duplicates(columns_of("trial")))
    if n_trials < LEAST_TRIALS:
        return Look(name, missing=f"scores equal to labels ({n_trials} trials)")
    if audited.form.task != HIGH_LOW:
        return _compare_truths(name, audited, tested)
    values = tested.groupby("label")["score"].agg(["min", "max"])
    if len(values) < 2:
        return Look(name)
    near = bool((tested["score"] - tested["label"]).abs().max() < NEAR)
    constant = bool((values["min"] == values["max"]).all())
    if near or (constant and values["min"].iloc[1] > values["max"].iloc[0]):
        said = " and ".join(f"{low:.3g}" for low in values["min"])
        return Look(
            name,
            leak=f"the scores are the labels: {said} for each row of label 0 and 1",
        )
    return Look(name)


def _compare_truths(name: str, audited: AuditPart, tested: pd.DataFrame) -> Look:
    """Look for predictions of classes or ratings that are the true ones."""
    form = audited.form
    known = tested[tested["label"].notna()]
    truth = known["label"].to_numpy(dtype=float)
    if len(np.unique(truth)) < 2:
        return Look(name)
    if form.is_rating:
        away = np.abs(known["score"].to_numpy(dtype=float) - truth)
        if away.max() < NEAR * np.ptp(truth):
            return Look(name, leak="the predictions are the ratings, row by row")
        return Look(name)
    values = form.read_values(known)
    right = values[np.arange(len(truth)), truth.astype(int)]
    if right.min() > 1 - NEAR:
        return Look(name, leak="the probabilities are those of the true classes")
    alike = known.groupby("label")[list(form.values)].nunique().eq(1).all(axis=None)
    if alike and (values.argmax(axis=1) == truth).all():
        return Look(
            name, leak="all rows of a class have the same prediction, which is right"
        )
    return Look(name)


def take_print(audited: AuditPart, *, leaks: bool) -> Print:
    """Reduce a part to what shows copied columns of scores."""
    rows = audited.rows
    names = _list_identity(rows)
    order = rows.sort_values(names).index.to_numpy()
    tested = rows.loc[order][rows["score"].notna().to_numpy()[order]]
    folds = sorted(
        fit.seen[order].tobytes() + fit.test[order].tobytes() for fit in audited.fits
    )
    values = tested["score"].to_numpy(dtype=float)
    return Print(
        name=audited.name,
        learner=(audited.key["streams"], audited.key["learner"]),
        seed=audited.seed,
        scores=_digest(tested[names].to_csv().encode(), values.tobytes()),
        labels=_digest(tested["label"].to_numpy(dtype=float).tobytes()),
        folds=_digest(*folds),
        is_telling=len(np.unique(values)) >= LEAST_COLUMN,
        leaks=leaks,
    )


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()


def look_at_columns(mine: Print, others: Sequence[Print]) -> Look:
    """Look for a column of scores that is another one's, to the last digit.

    A learner gives the same scores where folds and labels are the same: one without
    epochs under a protocol that reads another epoch, one that samples nothing with
    another seed.
    """
    name = "copied columns of scores"
    for other in others:
        if other is mine or not mine.is_telling or other.scores != mine.scores:
            continue
        said = f"the scores are, to the last digit, those of {other.name}"
        pairs = (
            (mine.learner, other.learner),
            (mine.labels, other.labels),
            (mine.folds, other.folds),
        )
        is_same = all(one == another for one, another in pairs)
        if not is_same and other.leaks:
            return Look(name, leak=f"{said}, which leaks")
        if not is_same:
            return Look(name, doubt=said)
        if mine.seed != other.seed:
            return Look(name, note=f"{said}: as seeds the two count once")
    return Look(name)
