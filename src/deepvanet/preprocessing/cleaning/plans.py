"""Decide what to do to an EEG, before anything is done to it.

A plan is made of operators, see ``electrodes``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from jaxtyping import Bool

from deepvanet.preprocessing.cleaning import electrodes, unmixing
from deepvanet.preprocessing.cleaning.bad_channels import find_dead, find_outliers
from deepvanet.preprocessing.cleaning.copies import (
    Copy,
    check_band,
    choose_rate,
    copy_eeg,
)
from deepvanet.preprocessing.cleaning.electrodes import Operator
from deepvanet.schema import Recording, Stream, UserError

_FEWEST_ELECTRODES = 4  # a sphere through fewer says nothing


@dataclass(frozen=True)
class Plan:
    """What to multiply an EEG with.

    Attributes
    ----------
    reference : array, shape (channel, channel)
        Takes the mean of good channels from all.
    filter_only, clean : array, shape (channel, channel)
        Without and with what ICA removes, else alike.
    is_whole : bool
        Whether they draw bad channels anew.
    """

    is_good: Bool[np.ndarray, " channel"]
    reference: Operator
    filter_only: Operator
    clean: Operator
    is_whole: bool = False
    n_components: int = 0
    removed: Mapping[str, int] = field(default_factory=dict)
    note: str = ""


def plan_reference(recording: Recording, is_eeg: Bool[np.ndarray, " all"]) -> Plan:
    """Plan an average reference; dead channels stay as they are."""
    return refer_to(~find_dead([recording.bio[row] for row in np.flatnonzero(is_eeg)]))


def refer_to(is_good: Bool[np.ndarray, " channel"]) -> Plan:
    """Plan the reference to the average of good channels; others stay as they are.

    Of few electrodes the average is what they record, so they keep their own.
    """
    if len(is_good) < _FEWEST_ELECTRODES:
        as_is = np.eye(len(is_good))
        return Plan(is_good, as_is, filter_only=as_is, clean=as_is)
    reference = electrodes.reference_to(is_good)
    reference[~is_good] = np.eye(len(is_good))[~is_good]
    return Plan(is_good, reference, filter_only=reference, clean=reference)


def plan_cleaning(
    recording: Recording,
    is_eeg: Bool[np.ndarray, " all"],
    *,
    probability: float,
    seed: int,
) -> Plan:
    """Plan the removal of artefacts, as far as the recording allows it."""
    name = f"{recording.subject}/{recording.name}"
    if not recording.is_raw:
        raise UserError(
            f"--artefacts icalabel: needs raw EEG, got {name}, which was cleaned before"
        )
    if not is_eeg.any():
        return plan_reference(recording, is_eeg)
    eeg, sfreq = [recording.bio[row] for row in np.flatnonzero(is_eeg)], recording.sfreq
    names = [c.name for c in recording.channels if c.stream is Stream.EEG]
    info = electrodes.describe(names, sfreq=choose_rate(sfreq))
    copy = copy_eeg(eeg, sfreq=sfreq)
    check_band(copy, sfreq=sfreq, name=name)
    is_alive = ~find_dead(eeg)
    is_good = is_alive
    if is_alive.sum() >= _FEWEST_ELECTRODES:
        is_good = is_alive & ~find_outliers(copy, info, is_alive)
    if is_good.sum() < _FEWEST_ELECTRODES:
        few = f"not cleaned: {is_good.sum()} of {len(eeg)} EEG channels are good"
        return replace(plan_reference(recording, is_eeg), is_good=is_good, note=few)
    return _plan_unmixing(
        copy, info, is_good, sfreq=sfreq, probability=probability, seed=seed
    )


def _plan_unmixing(
    copy: Copy,
    info: Any,
    is_good: Bool[np.ndarray, " channel"],
    *,
    sfreq: float,
    probability: float,
    seed: int,
) -> Plan:
    plan = _plan_filter_only(info, is_good)
    referenced = plan.reference @ copy
    n_components = unmixing.estimate_rank(referenced[is_good])
    shortage = _describe_shortage(copy, choose_rate(sfreq), n_components)
    if shortage:
        return replace(plan, note=shortage)
    unmixed = unmixing.unmix(
        _make_raw(referenced, info, is_good), n_components=n_components, seed=seed
    )
    return _leave_out(plan, unmixed, probability)


def _plan_filter_only(info: Any, is_good: Bool[np.ndarray, " channel"]) -> Plan:
    first = electrodes.reference_to(is_good)
    again = electrodes.reference_to(np.ones_like(is_good))
    whole = again @ electrodes.interpolate(info, is_good) @ first
    return Plan(is_good, first, whole, whole, is_whole=True)


def _describe_shortage(copy: Copy, rate: float, n_components: int) -> str:
    """Say what a recording lacks to be unmixed, or nothing."""
    needed = unmixing.count_needed(n_components)
    if copy.shape[1] >= needed:
        return ""
    return (
        f"not unmixed: {n_components} components need {needed / rate:.0f} s, got "
        f"{copy.shape[1] / rate:.0f} s"
    )


def _leave_out(plan: Plan, unmixed: unmixing.Unmixing, probability: float) -> Plan:
    """Add to a plan that artefacts are left out."""
    is_artefact = unmixing.find_artefacts(unmixed.probabilities, above=probability)
    removal = np.eye(len(plan.is_good))
    removal[np.ix_(plan.is_good, plan.is_good)] = unmixed.remove(is_artefact)
    return replace(
        plan,
        # what is removed was measured on good channels, so before the others are drawn
        clean=plan.filter_only @ removal @ plan.reference,
        n_components=unmixed.mixing.shape[1],
        removed=unmixing.count_classes(unmixed.probabilities[is_artefact]),
        note="" if unmixed.has_converged else "the ICA did not converge",
    )


def _make_raw(copy: Copy, info: Any, is_good: Bool[np.ndarray, " channel"]) -> Any:
    import mne

    picked = mne.pick_info(info, np.flatnonzero(is_good))
    # MNE counts in volts
    return mne.io.RawArray(copy[is_good] * 1e-6, picked, verbose="ERROR")
