"""Read what a check of DEAP's raw recordings needs to know of one subject.

A recording is an hour of signals; one is in memory at a time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deepvanet.datasets.channel_facts import ChannelLevel
from deepvanet.datasets.deap import reader as deap
from deepvanet.datasets.deap.facts import TrialVideo, examine_videos
from deepvanet.datasets.deap_original import reader as deap_original
from deepvanet.datasets.deap_original.events import (
    CODE_BITS,
    SFREQ,
    Events,
    Status,
    find_end,
    find_events,
    place_trials,
)
from deepvanet.datasets.findings import keep_findings
from deepvanet.datasets.geneva import GENEVA_EEG
from deepvanet.datasets.source_facts import SignalFacts
from deepvanet.findings import Finding, attempt
from deepvanet.preprocessing.bio import find_silence
from deepvanet.signal_io.raw_files import RawFile, open_raw

BLANK = "blank"
"""How a channel without a label is called."""
OTHER_ORDER = "another"
_ORDERS = {"Twente": deap_original.TWENTE_EEG, "Geneva": GENEVA_EEG}


@dataclass(frozen=True)
class HeaderFacts:
    """What the header of a recording says.

    Attributes
    ----------
    order : str
        The laboratory whose order the electrodes are in, "another" if of neither.
    status : tuple of str
        Labels of the status channels; the last one carries the codes.
    """

    sfreq: float
    seconds: float
    n_channels: int
    order: str
    status: tuple[str, ...]


@dataclass(frozen=True)
class RawSignalFacts:
    """What was seen in a recording whose channels are as documented.

    Attributes
    ----------
    above : int
        What stands above most codes.
    stimuli_s : tuple of float
        Length of each stimulus.
    ohm : float
        The skin's resistance, the median; not a number where there is no skin.
    skinless : float
        Share of the recording in which the electrodes touch no skin.
    flat : tuple of str
        Channels that never change.
    file : SignalFacts
        What the table of signals says.
    levels : mapping
        Where the numbers of each channel lie, by its name.
    """

    above: int
    events: Events
    stimuli_s: tuple[float, ...]
    ohm: float
    skinless: float
    flat: tuple[str, ...]
    file: SignalFacts
    levels: Mapping[str, ChannelLevel]


@dataclass(frozen=True)
class OriginalFacts:
    """What was seen of one subject.

    Attributes
    ----------
    header, signals : HeaderFacts | None, RawSignalFacts | None
        None where the recording cannot be opened, or not be used.
    rows, videos : tuple or None
        As in ``Viewer``.
    onsets_s : mapping
        Second of each stimulus whose trial is whole, baseline and all, by trial.
    notes : tuple of str
        Why other trials would be left out.
    findings : tuple of Finding
        What was reported while its files were read.
    """

    subject: str
    header: HeaderFacts | None
    signals: RawSignalFacts | None
    rows: tuple[deap.RatingsRow, ...] | None
    videos: tuple[TrialVideo, ...] | None
    onsets_s: Mapping[int, float]
    notes: tuple[str, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def stimulus_s(self) -> float | None:
        """Seconds of most stimuli; None where none was found."""
        if self.signals is None or not self.signals.stimuli_s:
            return None
        return float(np.median(self.signals.stimuli_s))


@keep_findings
def examine_subject(root: Path, subject: str) -> OriginalFacts:
    """Read all files of one subject; what cannot be used becomes a finding."""
    path = deap_original.signals_file(root, subject)
    file = attempt(lambda: open_raw(path), source=path)
    header = None if file is None else _examine_header(file)
    signals = None
    if file is not None:
        opened = file
        signals = attempt(lambda: _examine_signals(opened, subject), source=path)
    rows = attempt(lambda: deap_original.select_ratings(root, subject))
    placed = None
    if signals is not None and rows is not None:
        events, rated = signals.events, rows
        placed = attempt(lambda: place_trials(path, events, rated, {}), source=path)
    spans, notes = placed or ((), ())
    return OriginalFacts(
        subject=subject,
        header=header,
        signals=signals,
        rows=None if rows is None else tuple(rows),
        videos=examine_videos(root, subject),
        onsets_s={int(span.trial): span.onset_s for span in spans},
        notes=notes,
    )


def _examine_header(file: RawFile) -> HeaderFacts:
    eeg = tuple(label for label in file.labels if label in GENEVA_EEG)
    orders = [name for name, order in _ORDERS.items() if order == eeg]
    known = {*GENEVA_EEG, *deap_original.OTHERS}
    return HeaderFacts(
        sfreq=file.sfreq,
        seconds=file.n_samples / file.sfreq,
        n_channels=len(file.labels),
        order=orders[0] if orders else OTHER_ORDER,
        # MNE numbers channels of the same name, so two blanks are "-0" and "-1"
        status=tuple(
            label.strip("-01") or BLANK for label in file.labels if label not in known
        ),
    )


def _examine_signals(file: RawFile, subject: str) -> RawSignalFacts:
    deap_original.check_signals(file)
    status = file.read_codes(len(file.labels) - 1)
    events = find_events(status)
    onsets = events.find(Status.STIMULUS)
    in_siemens = subject in deap_original.TWENTE
    bio, levels = deap_original.read_bio(file, in_siemens=in_siemens)
    skin = bio[deap_original.GSR]
    touches = np.isfinite(skin)
    _, flat = find_silence(bio)
    above, n_found = np.unique(status & ~CODE_BITS, return_counts=True)
    return RawSignalFacts(
        above=int(above[n_found.argmax()]),
        events=events,
        stimuli_s=tuple((find_end(events, onset) - onset) / SFREQ for onset in onsets),
        ohm=float(np.median(skin[touches])) if touches.any() else float("nan"),
        skinless=1 - float(touches.mean()),
        flat=tuple(
            channel.name
            for channel, still in zip(deap_original.CHANNELS, flat, strict=True)
            if still
        ),
        file=SignalFacts(
            path=file.path,
            timing=file.timing,
            sfreq=file.sfreq,
            span=(0.0, file.n_samples / file.sfreq),
            shared_s=None,
            filmed_s=None,
            missing=float(1 - np.isfinite(bio).mean()) if bio.size else 0.0,
        ),
        levels=levels,
    )
