"""Raw EEG of a continuous recording, cleaned the way the field does it.

Electrodes are found by their names; bad ones are left out; the others are
referenced to their average; a copy between 1 and 100 Hz is taken apart by an ICA
whose components ICLabel names; artefacts are removed; bad channels are drawn anew
from their neighbours; all are referenced again, filtered from 4 to 45 Hz, and
resampled. Other channels are resampled only.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from deepvanet.preprocessing.cleaning.facts import (
    CleaningFacts,
    Excerpt,
    Spectra,
    cut_excerpt,
    measure_spectra,
    measure_variance_removed,
)
from deepvanet.preprocessing.cleaning.filters import (
    bridge_gaps,
    filter_eeg,
    mark_gaps,
    resample,
)
from deepvanet.preprocessing.cleaning.plans import (
    Plan,
    plan_cleaning,
    plan_reference,
)
from deepvanet.schema import Recording, Stream, pick

__all__ = [
    "ARTEFACTS",
    "Cleaned",
    "CleaningFacts",
    "Excerpt",
    "Spectra",
    "clean",
]

Bio = Float[np.ndarray, "channel time"]

ARTEFACTS = ("icalabel", "none")
"""Ways of cleaning raw EEG; ``none`` references, filters and resamples only."""


@dataclass(frozen=True)
class Cleaned:
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
) -> Cleaned:
    """Clean a raw recording, or only reference, filter and resample it.

    Parameters
    ----------
    artefacts : str
        A name of ``ARTEFACTS``.
    probability : float
        Above which a component is an artefact.
    sfreq : float
        What to resample to, in Hz.

    Raises
    ------
    UserError
        When artefacts cannot be removed: somebody has filtered the recording, or
        its electrodes have names that say nothing of their places.
    """
    pick("way of removing artefacts", artefacts, ARTEFACTS)
    is_eeg = np.array([c.stream is Stream.EEG for c in recording.channels], bool)
    # more threads would add up in another order, and get in the way of other tasks
    with threadpool_limits(1):
        plan = (
            plan_reference(recording, is_eeg)
            if artefacts == "none"
            else plan_cleaning(recording, is_eeg, probability=probability, seed=seed)
        )
        bio = _resample(recording, to=sfreq)
        filtered = _filter(recording, is_eeg, to=sfreq, n_samples=bio.shape[1])
        facts = _take_down(recording, plan, bio[is_eeg], filtered, artefacts, sfreq)
        bio[is_eeg] = _restore_gaps(plan, plan.clean @ filtered, bio[is_eeg])
    cleaned = replace(recording, bio=bio, sfreq=sfreq, is_raw=False)
    return Cleaned(recording=cleaned, facts=facts)


def _resample(recording: Recording, *, to: float) -> NDArray[np.float32]:
    """Resample all channels; what was not finite is not afterwards."""
    rows = []
    for signal in recording.bio:
        whole = resample(bridge_gaps(signal), sfreq=recording.sfreq, to=to)
        rows.append(mark_gaps(whole, signal).astype(np.float32))
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


def _restore_gaps(plan: Plan, after: Bio, resampled: NDArray[np.float32]) -> Bio:
    """Let a dead channel that was not drawn anew be dead."""
    if plan.is_whole:
        return after
    return np.where(np.isfinite(resampled), after, np.nan)


def _take_down(
    recording: Recording,
    plan: Plan,
    resampled: NDArray[np.float32],
    filtered: Bio,
    artefacts: str,
    sfreq: float,
) -> CleaningFacts:
    """Measure what a plan does to a recording."""
    names = [c.name for c in recording.channels if c.stream is Stream.EEG]
    good = resampled[plan.is_good]
    centred = good - good.sum(axis=0) / max(len(good), 1)
    filter_only, after = plan.filter_only @ filtered, plan.clean @ filtered
    before = np.where(plan.is_good[:, None], filter_only, plan.reference @ filtered)
    return CleaningFacts(
        n_trials=len(recording.spans),
        seconds=recording.bio.shape[1] / recording.sfreq,
        sfreq=recording.sfreq,
        artefacts=artefacts,
        is_unmixed=plan.n_components > 0,
        n_eeg=len(names),
        bad_channels=tuple(names[bad] for bad in np.flatnonzero(~plan.is_good)),
        n_components=plan.n_components,
        removed=plan.removed,
        variance_removed=(
            measure_variance_removed(filter_only, after)
            if plan.n_components
            else float("nan")
        ),
        note=plan.note,
        spectra=measure_spectra(centred, after, sfreq=sfreq),
        excerpt=cut_excerpt(before, after, channels=tuple(names), sfreq=sfreq),
    )
