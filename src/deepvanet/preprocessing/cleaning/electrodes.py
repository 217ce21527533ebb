"""Where the electrodes of an EEG sit, and what can be done with that alone.

What is done across channels is a matrix here, to be multiplied with signals from
the left. A matrix acts on every sample alike and a filter on every channel alike,
so the order of the two does not matter: the signals are filtered once, for what
is compared as for what is kept.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from deepvanet.schema import UserError

FEWEST_ELECTRODES = 4
"""A sphere through fewer says nothing."""
_CENTRE_M = (0.0, 0.015, 0.045)  # of the sphere that fits the 10-05 electrodes best

Operator = Float[np.ndarray, "channel channel"]


def describe(names: Sequence[str], *, sfreq: float) -> Any:
    """Return MNE's description of EEG channels that are found by their names.

    Parameters
    ----------
    names : sequence of str
        Of the 10-05 system, in upper or lower case.

    Raises
    ------
    UserError
        When a name has no place in that system.
    """
    import mne

    montage = load_montage()
    known = {name.lower() for name in montage.ch_names}
    unknown = [name for name in names if name.lower() not in known]
    if unknown:
        raise UserError(
            "icalabel needs electrodes that are named after the 10-05 system, got "
            f"{', '.join(unknown)}",
            field="artefacts",
        )
    info = mne.create_info(list(names), sfreq, "eeg", verbose="ERROR")
    info.set_montage(montage, match_case=False, verbose="ERROR")
    return info


def reference_to(is_good: Bool[np.ndarray, " channel"]) -> Operator:
    """Return the operator that takes the mean of good channels from all."""
    weights = is_good / max(int(is_good.sum()), 1)
    return np.asarray(np.eye(len(is_good)) - weights[None, :])


def interpolate(info: Any, is_good: Bool[np.ndarray, " channel"]) -> Operator:
    """Return the operator that interpolates bad channels, by spherical splines [1]_.

    References
    ----------
    .. [1] Perrin et al. (1989). Spherical splines for scalp potential and current
       density mapping. Electroencephalography and Clinical Neurophysiology 72,
       184-187.
    """
    import mne

    if is_good.all():
        return np.eye(len(is_good))
    # each channel alone: what comes out is what it adds to every other
    raw = mne.io.RawArray(np.eye(len(is_good)), info.copy(), verbose="ERROR")
    raw.info["bads"] = [raw.ch_names[bad] for bad in np.flatnonzero(~is_good)]
    raw.interpolate_bads(origin=_CENTRE_M, verbose="ERROR")
    return np.asarray(raw.get_data())


@cache
def load_montage() -> Any:
    """Return positions of the 10-05 system on a template of a head."""
    from mne.channels import get_builtin_montages, make_standard_montage

    # one set of positions; MNE 1.13 named it after its head, and drops the old name
    named = "colin27_1005" in get_builtin_montages()
    return make_standard_montage("colin27_1005" if named else "standard_1005")
