"""Clean raw EEG of a continuous recording, as it was planned.

Electrodes are found by their names; bad ones are left out; the others are
referenced to their average; ICA is fitted to a copy between 1 and 100 Hz, and ICLabel
names its components; artefacts are removed; bad channels are interpolated from
their neighbours; all are referenced again, filtered from 4 to 45 Hz, and
resampled. Other channels are resampled only.
"""

from dataclasses import dataclass, replace
from typing import get_args

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from deepvanet.config import Artefacts
from deepvanet.preprocessing.cleaning.bad_channels import find_dead
from deepvanet.preprocessing.cleaning.facts import CleaningFacts, measure_facts
from deepvanet.preprocessing.cleaning.filters import (
    bridge_gaps,
    filter_eeg,
    resample,
    resample_with_gaps,
)
from deepvanet.preprocessing.cleaning.plan import (
    CleaningPlan,
    plan_cleaning,
    plan_reference,
)
from deepvanet.schema import Recording, Stream, pick

Bio = Float[np.ndarray, "channel time"]

ARTEFACTS: tuple[str, ...] = get_args(Artefacts)
"""Ways of cleaning raw EEG; ``none`` references, filters and resamples only."""


@dataclass(frozen=True)
class CleaningResult:
    """A recording that can be cut into trials, and what was done to it."""

    recording: Recording
    facts: CleaningFacts


def clean(
    recording: Recording,
    *,
    artefacts: str,
    probability: float,
    sfreq: float,
    seed: int,
) -> CleaningResult:
    """Clean a raw recording, or only reference, filter and resample it.

    Parameters
    ----------
    recording : Recording
        All channels of one subject, without a gap.
    artefacts : str
        A name of ``ARTEFACTS``.
    probability : float
        Above which a component is an artefact.
    sfreq : float
        What to resample to, in Hz.
    seed : int
        Of the ICA's first guess.

    Returns
    -------
    CleaningResult
        With the recording at ``sfreq``.

    Raises
    ------
    UserError
        When artefacts cannot be removed: the recording was filtered before, or
        its electrodes have names that say nothing of their places.
    """
    pick("way of removing artefacts", artefacts, ARTEFACTS)
    is_eeg = np.array([c.stream is Stream.EEG for c in recording.channels], bool)
    # more threads would add up in another order, and get in the way of other tasks
    with threadpool_limits(1):
        plan = _plan(recording, is_eeg, artefacts, probability=probability, seed=seed)
        bio = _resample(recording, to=sfreq)
        filtered = _filter(recording, is_eeg, to=sfreq, n_samples=bio.shape[1])
        facts = measure_facts(
            recording,
            plan,
            resampled=bio[is_eeg],
            filtered=filtered,
            artefacts=artefacts,
            sfreq=sfreq,
        )
        bio[is_eeg] = _restore_gaps(plan, plan.clean @ filtered, bio[is_eeg])
    cleaned = replace(recording, bio=bio, sfreq=sfreq, is_raw=False)
    return CleaningResult(recording=cleaned, facts=facts)


def _plan(
    recording: Recording,
    is_eeg: Bool[np.ndarray, " channel"],
    artefacts: str,
    *,
    probability: float,
    seed: int,
) -> CleaningPlan:
    if artefacts != "none":
        return plan_cleaning(recording, is_eeg, probability=probability, seed=seed)
    eeg = [recording.bio[row] for row in np.flatnonzero(is_eeg)]
    return plan_reference(~find_dead(eeg))


def _resample(recording: Recording, *, to: float) -> NDArray[np.float32]:
    """Resample all channels; what was not finite is not afterwards."""
    rows = []
    for signal in recording.bio:
        whole = resample_with_gaps(signal, sfreq=recording.sfreq, to=to)
        rows.append(whole.astype(np.float32))
    return np.stack(rows)


def _filter(
    recording: Recording,
    is_eeg: Bool[np.ndarray, " channel"],
    *,
    to: float,
    n_samples: int,
) -> Float[np.ndarray, "eeg time"]:
    """Filter the EEG and resample it, channel by channel."""
    rate = recording.sfreq
    filtered = np.empty((int(is_eeg.sum()), n_samples))
    for place, row in enumerate(np.flatnonzero(is_eeg)):
        whole = filter_eeg(bridge_gaps(recording.bio[row]), sfreq=rate)
        filtered[place] = resample(whole, sfreq=rate, to=to)
    return filtered


def _restore_gaps(
    plan: CleaningPlan, after: Bio, resampled: NDArray[np.float32]
) -> Bio:
    """Let a dead channel be dead where it was not interpolated."""
    if plan.interpolates:
        return after
    return np.where(np.isfinite(resampled), after, np.nan)
