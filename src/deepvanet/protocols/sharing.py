"""Check what training and test share, from the rows of a fold and not from a name."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from deepvanet.protocols.dealing import number_units
from deepvanet.protocols.folds import Fold
from deepvanet.protocols.forward import measure_gap
from deepvanet.protocols.known import LEAKS, SHARES, Protocol
from deepvanet.protocols.units import UNITS

UnitNumbers = Int[np.ndarray, " row"]

_CLOCK_DIGITS = 6  # times nearer than a microsecond are the same instant
_LEAK_SENTENCES = {
    "subject": "each subject has one label over all its trials, so a recognised "
    "person is known to be high or low",
    "epoch": "test rows chose the epoch",
    "fit": "something was fitted on test labels",
    "unlabelled": "test signals, without their labels, had a part in training or in "
    "scoring each other",
}


class ProtocolViolation(RuntimeError):  # noqa: N818 - it names what happened
    """A run is not what its protocol's name says."""


@dataclass(frozen=True)
class Sharing:
    """What the test part of a fold has in common with training and validation.

    Attributes
    ----------
    shared_segments, shared_trials, shared_subjects, shared_stimuli : int
        Units of the test part that also train or validate.
    shared_recordings : int
        Recordings that hold rows of the test part and rows that train or validate.
    overlapping_samples_s : float
        Seconds of signal that are in both.
    n_train, n_first, n_validation, n_test, n_discarded : int
        Rows of each part of the fold; see :class:`deepvanet.protocols.Fold`.
    overlapping_segments : int
        Test segments that hold samples of a segment that trains or validates.
    gap_s : float | None
        Where trials are divided in time: the least time from what trains or validates
        to what tests, in a trial that does both. None where none does.
    shared_sessions : int | None
        None where the table does not state sessions.
    """

    shared_segments: int
    shared_trials: int
    shared_subjects: int
    shared_stimuli: int
    shared_recordings: int
    overlapping_samples_s: float
    n_train: int
    n_first: int
    n_validation: int
    n_test: int
    n_discarded: int
    shared_sessions: int | None = None
    overlapping_segments: int = 0
    gap_s: float | None = None

    @property
    def is_divided_in_time(self) -> bool:
        """Whether all that trains ends before what tests of its trial starts."""
        return not self.shared_trials or (self.gap_s is not None and self.gap_s >= 0)


def number_all_units(table: pd.DataFrame) -> Mapping[str, UnitNumbers]:
    """Return each row's number of every unit that a table states, for all folds."""
    return {
        name: number_units(table, name)
        for name, unit in UNITS.items()
        if not unit.stated_by or set(unit.columns) <= set(table)
    }


def check_sharing(
    table: pd.DataFrame,
    fold: Fold,
    numbers: Mapping[str, UnitNumbers] | None = None,
    *,
    is_forward: bool = False,
) -> Sharing:
    """Count what the test part of a fold shares, from the rows themselves.

    Parameters
    ----------
    table : DataFrame
        The table that the fold's row numbers belong to; columns subject, trial,
        stimulus, recording, segment, start_s, duration_s; session may be absent.
    fold : Fold
        Row numbers of the table.
    numbers : mapping of str to array, shape (row,), optional
        What ``number_all_units`` returns for the table, where several folds of it
        are checked.
    is_forward : bool
        Whether the past of trials trains and their future tests.

    Returns
    -------
    Sharing
        What is on both sides.
    """
    numbers = number_all_units(table) if numbers is None else numbers
    seen = np.union1d(fold.train, np.union1d(fold.first, fold.validation))
    shared = {
        name_count(unit): len(np.intersect1d(number[seen], number[fold.test]))
        for unit, number in numbers.items()
    }
    return Sharing(
        **shared,
        overlapping_samples_s=_measure_overlap(table, numbers["trial"], seen, fold),
        n_train=len(fold.train),
        n_first=len(fold.first),
        n_validation=len(fold.validation),
        n_test=len(fold.test),
        n_discarded=len(fold.discarded),
        overlapping_segments=_count_overlapping(table, numbers["trial"], seen, fold),
        gap_s=_measure_gap(table, numbers["trial"], seen, fold) if is_forward else None,
    )


def _measure_gap(
    table: pd.DataFrame, trial: UnitNumbers, seen: Int[np.ndarray, " seen"], fold: Fold
) -> float | None:
    """Return the least time from training to test within a trial, None of no trial."""
    start = table["start_s"].to_numpy(dtype=float)
    end = start + table["duration_s"].to_numpy(dtype=float)
    gap_s = measure_gap(trial, start, end, seen=seen, test=fold.test)
    return round(gap_s, _CLOCK_DIGITS) if np.isfinite(gap_s) else None


def name_count(unit: str) -> str:
    """Name the field of ``Sharing`` that counts the shared ones of a unit.

    Examples
    --------
    >>> name_count("stimulus")
    'shared_stimuli'
    """
    return f"shared_{UNITS[unit].plural}"


def belong_to_people(labelled: pd.DataFrame) -> bool:
    """Return whether each subject has one label in all trials, but not all the same.

    A model that recognises such a subject needs no signal of the trial.

    Parameters
    ----------
    labelled : DataFrame
        Columns subject, trial and label, which is never NaN.

    Examples
    --------
    >>> trials = {"subject": list("aabb"), "trial": list("1212"), "label": [0, 0, 1, 1]}
    >>> belong_to_people(pd.DataFrame(trials))
    True
    >>> belong_to_people(pd.DataFrame(trials | {"label": [0, 1, 1, 1]}))
    False
    """
    labels = labelled.groupby("subject", observed=True)["label"]
    if len(labels) < 2 or (labels.min() != labels.max()).any():
        return False
    trials = labelled.groupby("subject", observed=True)["trial"].nunique()
    return bool((trials > 1).any() and labels.min().nunique() > 1)


def find_leaks(
    sharing: Sharing,
    *,
    epoch_chosen_on: str,
    labels_are_personal: bool = False,
    fitted_on_test_labels: bool = False,
    unlabelled_test_signals: bool = False,
) -> tuple[str, ...]:
    """Name what makes a fold's score too good, in the order of ``LEAKS``.

    Parameters
    ----------
    sharing : Sharing
        What ``check_sharing`` counted for the fold.
    epoch_chosen_on : str
        What really chose it: ``last``, ``validation``, ``test``, or ``none`` for
        a learner without epochs.
    labels_are_personal : bool
        Whether each subject has one label over all its trials
        (``labels.are_personal``).
    fitted_on_test_labels : bool
        Whether labels of the test rows had a part in a fit.
    unlabelled_test_signals : bool
        Whether signals of the test rows, without labels, had a part in training or in
        the scores of other test rows.

    Returns
    -------
    tuple of str
        The names of the leaks; empty if there are none.
    """
    found = {
        "trial": sharing.shared_trials > 0 and not sharing.is_divided_in_time,
        "subject": labels_are_personal and sharing.shared_subjects > 0,
        "epoch": epoch_chosen_on == "test",
        "fit": fitted_on_test_labels,
        "unlabelled": unlabelled_test_signals,
    }
    return tuple(leak for leak in LEAKS if found[leak])


def find_shares(sharing: Sharing) -> tuple[str, ...]:
    """Name what training and test have in common, in the order of ``SHARES``."""
    return tuple(share for share in SHARES if getattr(sharing, name_count(share)))


def verify(
    protocol: Protocol,
    sharing: Sharing,
    leaks: Collection[str],
    shares: Collection[str],
    *,
    declared: Collection[str] = (),
) -> None:
    """Stop a run that is not what its protocol's name says.

    Leaking or sharing less than the name admits is allowed: trials of one segment
    cannot leak, and a subject may see one stimulus twice.

    Parameters
    ----------
    protocol : Protocol
        What the run says that it is.
    sharing : Sharing
        What ``check_sharing`` counted for a fold.
    leaks, shares : collection of str
        What ``find_leaks`` and ``find_shares`` named for the fold.
    declared : collection of str
        Leaks that the name of the learner or of the preparation admits.

    Raises
    ------
    ProtocolViolation
        When there is a leak that no name admits, or a unit was split.
    """
    if protocol.is_forward and not sharing.is_divided_in_time:
        raise ProtocolViolation(
            f"protocol {protocol.name} trains on the past of trials, but this fold has "
            f"training after the start of its test: {sharing}"
        )
    hidden = [leak for leak in leaks if leak not in (*protocol.leaks, *declared)]
    kept = dict.fromkeys((*protocol.units, "segment"))
    split = [u for u in kept if u in shares or getattr(sharing, name_count(u))]
    if hidden or split:
        raise ProtocolViolation(
            f"protocol {protocol.name} admits the leaks {join(protocol.leaks)} and "
            f"splits no {protocol.unit}, but this fold leaks {join(leaks)} and "
            f"splits {join(split)}: {sharing}"
        )


def join(names: Iterable[str]) -> str:
    """Return names as tables carry them.

    Examples
    --------
    >>> join(["trial", "epoch"]), join([])
    ('trial+epoch', 'none')
    """
    return "+".join(names) or "none"


def describe_sharing(
    leaks: Collection[str], shares: Collection[str], *, gap_s: float | None = None
) -> str:
    """Say in a sentence what training and test share.

    Parameters
    ----------
    leaks, shares : collection of str
        Of ``LEAKS`` and ``SHARES``.
    gap_s : float, optional
        Where trials are divided in time: least seconds between training and test.

    Examples
    --------
    >>> describe_sharing((), ("subject",))
    'Training and test share subjects; no trial is on both sides.'
    >>> describe_sharing(("trial", "epoch"), ("subject", "stimulus"))
    'Training and test share trials, subjects and stimuli; test rows chose the epoch.'
    """
    is_divided = gap_s is not None
    common = ["trials"] if "trial" in leaks or is_divided else []
    common += [UNITS[share].plural for share in SHARES if share in shares]
    listed = " and ".join(filter(None, [", ".join(common[:-1]), *common[-1:]]))
    said = [f"Training and test share {listed or 'no trial, subject or stimulus'}"]
    if gap_s is not None:
        said.append(
            f"all that trains ends at least {gap_s:g} s before what tests of its trial "
            "starts"
        )
    elif common and "trial" not in leaks:
        said.append("no trial is on both sides")
    said += [_LEAK_SENTENCES[leak] for leak in LEAKS[1:] if leak in leaks]
    return "; ".join(said) + "."


def _measure_overlap(
    table: pd.DataFrame, trial: UnitNumbers, seen: Int[np.ndarray, " seen"], fold: Fold
) -> float:
    """Return how many seconds of signal lie in rows that were seen and in test rows.

    Intervals are swept in time within each trial: seconds count while at least
    one of each is open.
    """
    both = np.concatenate([seen, fold.test])
    start = table["start_s"].to_numpy(dtype=float)[both]
    end = start + table["duration_s"].to_numpy(dtype=float)[both]
    instant = np.concatenate([start, end]).round(_CLOCK_DIGITS)
    is_test = np.tile(np.arange(len(both)) >= len(seen), 2)
    step = np.repeat([1, -1], len(both))
    order = np.lexsort([instant, np.tile(trial[both], 2)])
    open_seen = np.cumsum(np.where(is_test, 0, step)[order])
    open_test = np.cumsum(np.where(is_test, step, 0)[order])
    # every trial closes what it opened, so nothing is open between two trials
    lasts: Float[np.ndarray, " gap"] = np.diff(instant[order], append=0.0)
    return float(lasts[(open_seen > 0) & (open_test > 0)].sum())


def _count_overlapping(
    table: pd.DataFrame, trial: UnitNumbers, seen: Int[np.ndarray, " seen"], fold: Fold
) -> int:
    """Count the test rows that overlap in time with a row of their trial that was seen.

    Of the rows that start before a test row ends, those that end before it starts do
    not overlap it.
    """
    start = table["start_s"].to_numpy(dtype=float)
    end = start + table["duration_s"].to_numpy(dtype=float)
    # trials one after the other on one clock
    longest = float(np.nanmax(end, initial=0.0)) + 1
    start, end = (
        (time + trial * longest).round(_CLOCK_DIGITS) for time in (start, end)
    )
    begun = np.searchsorted(np.sort(start[seen]), end[fold.test], side="left")
    over = np.searchsorted(np.sort(end[seen]), start[fold.test], side="right")
    return int(np.sum(begun > over))
