"""What cleaning a recording found and did: numbers, spectra, and ten seconds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.signal import welch

from deepvanet.preprocessing.cleaning.plan import CleaningPlan
from deepvanet.schema import Recording, Stream

Bio = Float[np.ndarray, "channel time"]

EXCERPT_S = 10.0
EXCERPT_CHANNELS = 8
HIGHEST_HZ = 60


@dataclass(frozen=True)
class Spectra:
    """Power density over frequency, the median over EEG channels, in dB of uV^2/Hz.

    Attributes
    ----------
    before_db : array
        Of the recording as it came, referenced.
    after_db : array
        Of what was kept.
    """

    frequency_hz: Float[np.ndarray, " frequency"]
    before_db: Float[np.ndarray, " frequency"]
    after_db: Float[np.ndarray, " frequency"]


@dataclass(frozen=True)
class Excerpt:
    """The seconds and the EEG channels that changed most, in microvolts.

    Attributes
    ----------
    before, after : array, shape (channel, time)
        Referenced and filtered only, and cleaned.
    start_s : float
        Since the recording's first sample.
    """

    before: Float[np.ndarray, "channel time"]
    after: Float[np.ndarray, "channel time"]
    channels: tuple[str, ...]
    sfreq: float
    start_s: float


@dataclass(frozen=True)
class CleaningFacts:
    """What was done to one recording.

    Attributes
    ----------
    sfreq : float
        The rate it was recorded at, in Hz.
    bad_channels : tuple of str
        Found to be bad, and interpolated where the EEG was cleaned.
    n_components : int
        That ICA found, 0 where there was no ICA.
    removed : mapping of str to int
        How many components of each class were removed.
    variance_removed : float
        Share of the EEG's variance that went with them, NaN where there was no ICA.
    note : str
        Why less was done than was asked for, or empty.
    """

    n_trials: int
    seconds: float
    sfreq: float
    artefacts: str
    is_unmixed: bool
    n_eeg: int
    bad_channels: tuple[str, ...]
    n_components: int
    removed: Mapping[str, int]
    variance_removed: float
    note: str
    spectra: Spectra
    excerpt: Excerpt

    def row(self) -> Mapping[str, Any]:
        """Return the row of a table of recordings."""
        removed = (f"{name}:{count}" for name, count in self.removed.items())
        return {
            "n_trials": self.n_trials,
            "seconds": self.seconds,
            "sfreq": self.sfreq,
            "artefacts": self.artefacts,
            "is_unmixed": int(self.is_unmixed),
            "n_eeg": self.n_eeg,
            "bad_channels": "+".join(self.bad_channels),
            "n_components": self.n_components,
            "n_removed": sum(self.removed.values()),
            "removed": "+".join(removed),
            "variance_removed": self.variance_removed,
            "note": self.note,
        }


def measure_facts(
    recording: Recording,
    plan: CleaningPlan,
    *,
    resampled: Float[np.ndarray, "eeg time"],
    filtered: Float[np.ndarray, "eeg time"],
    artefacts: str,
    sfreq: float,
) -> CleaningFacts:
    """Measure what a plan does to a recording.

    Parameters
    ----------
    recording : Recording
        As recorded, at its own rate.
    plan : CleaningPlan
        What is done to its EEG.
    resampled, filtered : array, shape (eeg, time)
        Its EEG at ``sfreq``, as recorded and from 4 to 45 Hz.
    artefacts : str
        The way of cleaning that was asked for.
    sfreq : float
        Rate of ``resampled`` and ``filtered``, in Hz.

    Returns
    -------
    CleaningFacts
        Counts, spectra, and the excerpt that changed most.
    """
    names = [c.name for c in recording.channels if c.stream is Stream.EEG]
    good = resampled[plan.is_good]
    centred = good - good.sum(axis=0) / max(len(good), 1)
    filter_only, after = plan.filter_only @ filtered, plan.clean @ filtered
    before = np.where(plan.is_good[:, None], filter_only, plan.reference @ filtered)
    has_ica = plan.n_components > 0
    share = measure_variance_removed(filter_only, after) if has_ica else float("nan")
    return CleaningFacts(
        n_trials=len(recording.spans),
        seconds=recording.bio.shape[1] / recording.sfreq,
        sfreq=recording.sfreq,
        artefacts=artefacts,
        is_unmixed=has_ica,
        n_eeg=len(names),
        bad_channels=tuple(names[bad] for bad in np.flatnonzero(~plan.is_good)),
        n_components=plan.n_components,
        removed=plan.removed,
        variance_removed=share,
        note=plan.note,
        spectra=measure_spectra(centred, after, sfreq=sfreq),
        excerpt=cut_excerpt(before, after, channels=tuple(names), sfreq=sfreq),
    )


def measure_spectra(
    raw: Float[np.ndarray, "good time"], cleaned: Bio, *, sfreq: float
) -> Spectra:
    """Compare signals at the same rate, in steps of 1 Hz."""
    frequency, before = _measure_density(raw, sfreq)
    after = _measure_density(cleaned, sfreq)[1]
    return Spectra(frequency_hz=frequency, before_db=before, after_db=after)


def measure_variance_removed(before: Bio, after: Bio) -> float:
    """Return the share of the variance that is in what was removed."""
    return float(np.sum((before - after) ** 2) / np.sum(before**2))


def cut_excerpt(
    before: Bio, after: Bio, *, channels: tuple[str, ...], sfreq: float
) -> Excerpt:
    """Cut out where most was removed, and the channels that it was removed from.

    Parameters
    ----------
    before, after : array, shape (channel, time)
        EEG in microvolts, filtered only, and cleaned.
    channels : tuple of str
        Names of the channels.
    sfreq : float
        Rate of both, in Hz.

    Returns
    -------
    Excerpt
        At most ``EXCERPT_S`` seconds of ``EXCERPT_CHANNELS`` channels.
    """
    change = (before - after) ** 2
    length = min(round(EXCERPT_S * sfreq), change.shape[1])
    running = np.concatenate([[0.0], np.cumsum(change.sum(axis=0))])
    start = int(np.argmax(running[length:] - running[:-length]))
    window = slice(start, start + length)
    most = np.argsort(-change[:, window].sum(axis=1), kind="stable")
    picked = np.sort(most[:EXCERPT_CHANNELS])
    return Excerpt(
        before=before[picked, window].astype(np.float32),
        after=after[picked, window].astype(np.float32),
        channels=tuple(channels[index] for index in picked),
        sfreq=sfreq,
        start_s=start / sfreq,
    )


def _measure_density(
    signals: Bio, sfreq: float
) -> tuple[Float[np.ndarray, " frequency"], Float[np.ndarray, " frequency"]]:
    length = round(sfreq)
    frequency = np.fft.rfftfreq(length, 1 / sfreq)
    shown = (frequency > 0) & (frequency <= HIGHEST_HZ)
    level = np.full(int(shown.sum()), np.nan)
    if len(signals):
        n_samples = min(length, signals.shape[1])
        _, density = welch(signals, sfreq, nperseg=n_samples, nfft=length)
        middle = np.median(density[:, shown], axis=0)
        # where there is no power there is no level
        np.log10(middle, out=level, where=middle > 0)
    return frequency[shown], 10 * level
