"""Look at what chose the epoch, and whether that can be what is said.

That validation rows chose is what a file says. It is checked by

- the columns ``epoch_chosen`` and ``epoch_best_on_test`` of the predictions: the epoch
  whose weights scored a row, and the epoch whose weights would have scored that fold's
  test rows best. An honest choice meets the best now and then. It is compared with
  what one fold's choice and another fold's best have in common, so that epochs that
  are good in all folds do not count;
- of a run, the loss of the chosen epoch on the rows that were watched. It is never
  that of the test rows, to five digits; and where the weights that score were fitted
  once more, it does not rise and fall with that of the test rows from fold to fold,
  since what one fold tests is not what it watches;
- the letters of ``folds``: something validated.
"""

import numpy as np
import pandas as pd
from jaxtyping import Float

from deepvanet.auditing.looks import CERTAIN, Look
from deepvanet.auditing.parts import AuditPart, FitRows
from deepvanet.auditing.reading import EPOCHS
from deepvanet.cells import read_numbers

LEAST_FITS = 5
"""Fewer cannot meet by less than a hundredth of a chance: five in one order of 120."""
N_PERMUTATIONS = 2000
SAME_LOSS = 1e-5
LEAST_CORRELATION = 0.5
"""Of watched and test losses over the folds of a scope, that no permutation reaches. An
honest one is about 0, and below it where few trials are in both."""
LOWEST_SCORE = 1e-7
"""Scores are moved this far from 0 and 1 before a logarithm is taken."""

NAME = "choice of epoch"
_TOLD = f"{NAME} (as stated)"


def look_at_choice(audited: AuditPart) -> Look:
    """Look for test rows that chose the epoch, openly or not."""
    told = audited.epoch_chosen_on.split("+")
    if "test" in told:
        return Look(NAME, leak="the test rows chose the epoch")
    met = _compare_epochs(audited)
    if met:
        return Look(NAME, leak=met)
    if "unknown" in told:
        missing = "what chose the epoch (no column epoch_chosen_on)"
        return Look(NAME, missing=missing)
    if "validation" not in told:
        return Look(_TOLD)
    if not any(fit.validates in (True, None) for fit in audited.fits):
        doubt = (
            "validation rows are said to have chosen the epoch, but no row validated"
        )
        return Look(NAME, doubt=doubt)
    if audited.watched is not None:
        return Look(NAME, leak=_compare_losses(audited, audited.watched))
    checked = set(EPOCHS) <= set(audited.rows.columns)
    return Look(NAME if checked else _TOLD)


def _compare_epochs(audited: AuditPart) -> str:
    """Say that the chosen epochs are those that the test rows would have chosen."""
    rows = audited.rows
    if not set(EPOCHS) <= set(rows.columns):
        return ""
    pairs = [_read_epochs(rows, fit) for fit in audited.fits]
    epochs = np.array([pair for pair in pairs if pair is not None])
    if len(epochs) < LEAST_FITS:
        return ""
    chosen, best = epochs.T
    n_met = int((chosen == best).sum())
    rng = np.random.default_rng(0)
    by_chance = [
        int((chosen == rng.permutation(best)).sum()) for _ in range(N_PERMUTATIONS)
    ]
    p_value = (1 + sum(n >= n_met for n in by_chance)) / (1 + N_PERMUTATIONS)
    if n_met <= len(epochs) / 2 or not p_value < CERTAIN:
        return ""
    return (
        f"in {n_met} of {len(epochs)} folds the epoch is the one that is best on the "
        f"test rows, where folds that had nothing to do with each other would agree in "
        f"{np.mean(by_chance):.1f}: test rows chose it"
    )


def _read_epochs(rows: pd.DataFrame, fit: FitRows) -> tuple[float, float] | None:
    held = rows.loc[fit.test, list(EPOCHS)].dropna().drop_duplicates()
    if len(held) != 1:
        return None  # a fold is one model: what differs within it is no epoch of it
    chosen, best = read_numbers(held.iloc[0]).astype(float)
    return None if np.isnan([chosen, best]).any() else (float(chosen), float(best))


def _compare_losses(audited: AuditPart, watched: pd.DataFrame) -> str:
    """Say that the loss that chose is the loss of the test rows, or goes with it."""
    losses = watched.set_index(["scope", "fold"])["watched_loss"].to_dict()
    compared = pd.DataFrame(
        [
            (
                fit.scope,
                losses[fit.scope, fit.number],
                *_measure_losses(audited, tested),
            )
            for fit in audited.fits
            if (fit.scope, fit.number) in losses
            and (tested := audited.rows[fit.test])["score"].notna().any()
        ],
        columns=["scope", "watched", "by_segment", "by_trial"],
    ).dropna()
    tests = compared[["by_segment", "by_trial"]]
    same = tests.sub(compared["watched"], axis=0).abs() < SAME_LOSS
    n_same = int(same.any(axis=1).sum())
    if n_same > max(1, len(compared) / 2):
        return (
            f"in {n_same} of {len(compared)} folds the loss that chose the epoch is, "
            "to five digits, that of the test rows: test rows chose it"
        )
    correlation = _correlate(compared)
    if not correlation > LEAST_CORRELATION:
        return ""
    return (
        "the loss that chose the epoch goes with that of the test rows from fold to "
        f"fold (correlation {correlation:.2f}), as it cannot if other rows chose it"
    )


def _correlate(compared: pd.DataFrame) -> float:
    """Return how watched and test losses go together, or 0 where that may be chance."""
    losses = compared[["watched", "by_trial"]]
    apart = losses - losses.groupby(compared["scope"]).transform("mean")
    watched, tested = apart.to_numpy(dtype=float).T
    size = float(np.sqrt((watched**2).sum() * (tested**2).sum()))
    if len(compared) < LEAST_FITS or not size > 0:
        return 0.0
    folds = list(compared.groupby("scope").indices.values())
    rng = np.random.default_rng(0)
    together = float(watched @ tested)
    for _ in range(N_PERMUTATIONS):
        order = np.arange(len(watched))
        for mine in folds:
            order[mine] = rng.permutation(mine)
        if watched @ tested[order] >= together:
            return 0.0
    return together / size


def _measure_losses(audited: AuditPart, tested: pd.DataFrame) -> tuple[float, float]:
    """Return the loss as the mean over segments, and as that over trials.

    It is the log loss, or of ratings the squared error.
    """
    held = tested[tested["score"].notna()]
    label = held["label"].to_numpy(dtype=float)
    loss: Float[np.ndarray, " row"]
    if audited.form.is_rating:
        loss = (held["score"].to_numpy(dtype=float) - label) ** 2
    else:
        values = audited.form.read_values(held).reshape(len(held), -1)
        if values.shape[1] == 1:
            values = np.concatenate([1 - values, values], axis=1)
        right = values[np.arange(len(held)), label.astype(int)]
        loss = -np.log(np.clip(right, LOWEST_SCORE, 1 - LOWEST_SCORE))
    by_trial = pd.Series(loss).groupby(
        [held["subject"].to_numpy(), held["trial"].to_numpy()]
    )
    return float(loss.mean()), float(by_trial.mean().mean())
