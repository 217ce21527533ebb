"""Decide what to do to an EEG, before anything is done to it.

A plan is made of operators, see ``electrodes``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Bool

from deepvanet.preprocessing.cleaning.bad_channels import find_dead, find_good
from deepvanet.preprocessing.cleaning.copies import check_band, choose_rate, copy_eeg
from deepvanet.preprocessing.cleaning.electrodes import (
    FEWEST_ELECTRODES,
    Operator,
    describe,
    interpolate,
    reference_to,
)
from deepvanet.preprocessing.cleaning.ica import (
    Components,
    count_classes,
    describe_shortage,
    estimate_rank,
    find_artefacts,
    fit_ica,
)
from deepvanet.schema import Recording, Stream, UserError


@dataclass(frozen=True)
class CleaningPlan:
    """What to multiply an EEG with.

    Attributes
    ----------
    reference : array, shape (channel, channel)
        Takes the mean of good channels from all.
    filter_only, clean : array, shape (channel, channel)
        Without and with what ICA removes, else alike.
    interpolates : bool
        Whether they interpolate bad channels.
    n_components : int
        That ICA found; 0 where there was no ICA.
    removed : mapping of str to int
        Components that are removed, by class.
    note : str
        Why less is done than was asked for, or empty.
    """

    is_good: Bool[np.ndarray, " channel"]
    reference: Operator
    filter_only: Operator
    clean: Operator
    interpolates: bool = False
    n_components: int = 0
    removed: Mapping[str, int] = field(default_factory=dict)
    note: str = ""


def plan_reference(is_good: Bool[np.ndarray, " channel"]) -> CleaningPlan:
    """Plan the reference to the average of good channels; others stay as they are.

    Of few electrodes the average is what they record, so they keep their own.
    """
    if len(is_good) < FEWEST_ELECTRODES:
        as_is = np.eye(len(is_good))
        return CleaningPlan(is_good, as_is, filter_only=as_is, clean=as_is)
    reference = reference_to(is_good)
    reference[~is_good] = np.eye(len(is_good))[~is_good]
    return CleaningPlan(is_good, reference, filter_only=reference, clean=reference)


def plan_cleaning(
    recording: Recording,
    is_eeg: Bool[np.ndarray, " all"],
    *,
    probability: float,
    seed: int,
) -> CleaningPlan:
    """Plan the removal of artefacts, as far as the recording allows it.

    Parameters
    ----------
    recording : Recording
        Raw, as one subject's session was recorded.
    is_eeg : array, shape (all,)
        Which channels of the recording are EEG.
    probability : float
        Above which a component is an artefact.
    seed : int
        Of the ICA's first guess.

    Returns
    -------
    CleaningPlan
        What to multiply the EEG with, and a note where less is done.

    Raises
    ------
    UserError
        When the recording was filtered before, or an electrode's name says nothing of
        its place.
    """
    name = f"{recording.subject}/{recording.name}"
    if not recording.is_raw:
        raise UserError(
            f"icalabel needs raw EEG, got {name}, which was cleaned before",
            field="artefacts",
        )
    eeg, sfreq = [recording.bio[row] for row in np.flatnonzero(is_eeg)], recording.sfreq
    if not eeg:
        return plan_reference(~find_dead(eeg))
    names = [c.name for c in recording.channels if c.stream is Stream.EEG]
    info = describe(names, sfreq=choose_rate(sfreq))
    copy = copy_eeg(eeg, sfreq=sfreq)
    check_band(copy, sfreq=sfreq, name=name)
    is_good = find_good(eeg, copy, info)
    if is_good.sum() < FEWEST_ELECTRODES:
        few = f"not cleaned: {is_good.sum()} of {len(eeg)} EEG channels are good"
        return replace(plan_reference(~find_dead(eeg)), is_good=is_good, note=few)
    reference = reference_to(is_good)
    again = reference_to(np.ones_like(is_good))
    whole = again @ interpolate(info, is_good) @ reference
    plan = CleaningPlan(is_good, reference, whole, whole, interpolates=True)
    referenced = reference @ copy
    n_components = estimate_rank(referenced[is_good])
    shortage = describe_shortage(copy.shape[1], n_components, sfreq=choose_rate(sfreq))
    if shortage:
        return replace(plan, note=shortage)
    components = fit_ica(
        referenced, info, is_good, n_components=n_components, seed=seed
    )
    return _remove_artefacts(plan, components, probability)


def _remove_artefacts(
    plan: CleaningPlan, components: Components, probability: float
) -> CleaningPlan:
    """Add to a plan that artefacts are removed."""
    is_artefact = find_artefacts(components.probabilities, above=probability)
    removal = np.eye(len(plan.is_good))
    removal[np.ix_(plan.is_good, plan.is_good)] = components.remove(is_artefact)
    return replace(
        plan,
        # ICA knows good channels only, so it comes before the others are interpolated
        clean=plan.filter_only @ removal @ plan.reference,
        n_components=components.mixing.shape[1],
        removed=count_classes(components.probabilities[is_artefact]),
        note="" if components.has_converged else "the ICA did not converge",
    )
