"""Find the independent components of an EEG (ICA), name them, remove artefacts.

Picard [1]_ finds what extended infomax finds, in a fraction of the time. ICLabel
[2]_ gives each component the probability of each class; it was trained on such
components of EEG between 1 and 100 Hz, referenced to the average.

References
----------
.. [1] Ablin, Cardoso, Gramfort (2018). Faster independent component analysis by
   preconditioning with Hessian approximations. IEEE Transactions on Signal
   Processing 66, 4040-4049.
.. [2] Pion-Tonachini, Kreutz-Delgado, Makeig (2019). ICLabel: an automated
   electroencephalographic independent component classifier, dataset, and website.
   NeuroImage 198, 181-197.
"""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from deepvanet.preprocessing.weight_files import find_weights

CLASSES = ("brain", "muscle", "eye", "heart", "line", "channel", "other")
"""The classes of ICLabel, in its order."""
ARTEFACT_CLASSES = ("muscle", "eye", "heart", "line", "channel")
SAMPLES_PER_WEIGHT = 20
"""How many samples ICA needs for each of its weights (EEGLAB's rule of thumb)."""

_TOLERANCE, _MOST_STEPS = 1e-4, 500  # of the gradient: less changes nothing
_FASTICA_STEPS = 10  # first: the same end in a fifth of the time
_LEAST_VARIANCE = 1e-6  # of the strongest direction: below it MNE's inverse is unsure


@dataclass(frozen=True)
class Components:
    """An EEG as a sum of components.

    Attributes
    ----------
    mixing, weights : array
        From components to channels, and back.
    probabilities : array, shape (component, class)
        In the order of ``CLASSES``.
    has_converged : bool
        Whether the ICA came to an end.
    """

    mixing: Float[np.ndarray, "channel component"]
    weights: Float[np.ndarray, "component channel"]
    probabilities: Float[np.ndarray, "component 7"]
    has_converged: bool

    def remove(
        self, is_artefact: Bool[np.ndarray, " component"]
    ) -> Float[np.ndarray, "channel channel"]:
        """Return the operator that leaves components out."""
        kept = np.eye(len(self.mixing))
        return np.asarray(
            kept - self.mixing[:, is_artefact] @ self.weights[is_artefact]
        )


def estimate_rank(referenced: Float[np.ndarray, "channel time"]) -> int:
    """Return how many components signals hold, one less than channels at most."""
    variances = np.linalg.eigvalsh(np.cov(referenced))
    return int(np.sum(variances > 2 * _LEAST_VARIANCE * variances[-1]))


def describe_shortage(n_samples: int, n_components: int, *, sfreq: float) -> str:
    """Say what a recording lacks for an ICA to be trusted, or nothing."""
    needed = SAMPLES_PER_WEIGHT * n_components**2
    if n_samples >= needed:
        return ""
    return (
        f"no ICA: {n_components} components need {needed / sfreq:.0f} s, got "
        f"{n_samples / sfreq:.0f} s"
    )


def fit_ica(
    referenced: Float[np.ndarray, "channel time"],
    info: Any,
    is_good: Bool[np.ndarray, " channel"],
    *,
    n_components: int,
    seed: int,
) -> Components:
    """Fit an ICA to the good channels of an EEG, and name its components.

    Parameters
    ----------
    referenced : array, shape (channel, time)
        All channels in microvolts, from 1 to 100 Hz, without the mean of good ones.
    info : mne.Info
        Where the channels are, and the rate of ``referenced``.
    is_good : array, shape (channel,)
        Channels that the ICA is fitted to.
    n_components : int
        Number of components, at most the rank of the good channels.
    seed : int
        Of the first guess.

    Returns
    -------
    Components
        Of the good channels only.
    """
    from mne.preprocessing import ICA

    copy = _make_raw(referenced[is_good], info, is_good)
    ica = ICA(
        n_components,
        method="picard",
        fit_params={
            "ortho": False,
            "extended": True,
            "fastica_it": _FASTICA_STEPS,
            "tol": _TOLERANCE,
        },
        max_iter=_MOST_STEPS,
        random_state=seed,
        verbose="ERROR",
    )
    with _in_silence():
        ica.fit(copy, verbose="ERROR")
    return Components(
        mixing=ica.get_components(),
        weights=ica.unmixing_matrix_ @ ica.pca_components_[:n_components],
        probabilities=_label(copy, ica),
        has_converged=bool(ica.n_iter_ < _MOST_STEPS),
    )


def find_artefacts(
    probabilities: Float[np.ndarray, "component 7"], *, above: float
) -> Bool[np.ndarray, " component"]:
    """Return which components are an artefact of one class or another."""
    columns = [CLASSES.index(name) for name in ARTEFACT_CLASSES]
    return np.asarray(probabilities[:, columns].sum(axis=1) > above)


def count_classes(
    probabilities: Float[np.ndarray, "component 7"],
) -> Mapping[str, int]:
    """Count artefacts by their likeliest class, in the order of the classes."""
    columns = [CLASSES.index(name) for name in ARTEFACT_CLASSES]
    likeliest = probabilities[:, columns].argmax(axis=1)
    counts = np.bincount(likeliest, minlength=len(columns))
    return {
        name: int(count)
        for name, count in zip(ARTEFACT_CLASSES, counts, strict=True)
        if count
    }


def _make_raw(
    good: Float[np.ndarray, "good time"], info: Any, is_good: Bool[np.ndarray, " all"]
) -> Any:
    import mne

    picked = mne.pick_info(info, np.flatnonzero(is_good))
    # MNE counts in volts
    return mne.io.RawArray(good * 1e-6, picked, verbose="ERROR")


def _label(copy: Any, ica: Any) -> Float[np.ndarray, "component 7"]:
    from mne_icalabel.iclabel import iclabel_label_components

    find_weights("iclabel")
    with _in_silence(), _torch_on_one_thread():
        found = iclabel_label_components(copy, ica, inplace=False, backend="torch")
    return np.asarray(found, dtype=float)


@contextmanager
def _in_silence() -> Iterator[None]:
    from mne.utils import use_log_level

    with warnings.catch_warnings(), use_log_level("ERROR"):
        # of an end that was not reached, and of a reference and a band that MNE
        # does not know: the result reports the first, the others are there
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _torch_on_one_thread() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
