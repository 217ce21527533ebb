"""What a channel measures, by what it is called."""

import re
from functools import cache

from deepvanet.schema import ChannelType

_WORDS = {
    ChannelType.EOG: r"[hv]?eog\d*",
    ChannelType.EMG: r"emg\d*|[a-z]emg",
    ChannelType.ECG: r"ecg\d*|ekg\d*",
    ChannelType.GSR: r"gsr\d*|eda\d*|scr?l?|skin",
    ChannelType.RESPIRATION: r"resp\d*|respiration|breath\w*|rsp",
    ChannelType.PLETHYSMOGRAPH: r"pleth\w*|ppg\d*|bvp|photo\w*",
    ChannelType.TEMPERATURE: r"temp\d*|temperature",
}
_KINDS = {
    **{kind.value: kind for kind in ChannelType},
    "ekg": ChannelType.ECG,
    "eda": ChannelType.GSR,
    "resp": ChannelType.RESPIRATION,
    "rsp": ChannelType.RESPIRATION,
    "ppg": ChannelType.PLETHYSMOGRAPH,
    "bvp": ChannelType.PLETHYSMOGRAPH,
    "pleth": ChannelType.PLETHYSMOGRAPH,
    "temp": ChannelType.TEMPERATURE,
    "heog": ChannelType.EOG,
    "veog": ChannelType.EOG,
}
"""How MNE, BIDS and LSL call types of channels."""

_PREFIX = re.compile(r"^(?:eeg|ecg|eog|emg)[ _]+(?=[a-z])", re.IGNORECASE)
_SUFFIX = re.compile(r"[-_ ](?:ref|le|avg|avr)$", re.IGNORECASE)
_REFERENCES = frozenset({"a1", "a2", "m1", "m2"})
_SPLIT = re.compile(r"[^a-z0-9]+")


def shorten_label(label: str) -> str:
    """Return a label without what EDF writes around it.

    Examples
    --------
    >>> shorten_label("EEG Fp1-REF"), shorten_label("ECG ECG"), shorten_label("ECG 2")
    ('Fp1', 'ECG', 'ECG 2')
    """
    return _SUFFIX.sub("", _PREFIX.sub("", label.strip())).strip()


def find_electrode(label: str) -> str | None:
    """Return an electrode's name in the 10-05 system, or None; ears are none.

    Examples
    --------
    >>> find_electrode("EEG FP1-REF"), find_electrode("A1"), find_electrode("GSR")
    ('Fp1', None, None)
    """
    name = shorten_label(label).lower()
    return None if name in _REFERENCES else _list_electrodes().get(name)


def guess_type(label: str) -> ChannelType | None:
    """Return what a peripheral channel measures, by its label, or None.

    Examples
    --------
    >>> guess_type("ECG 2").value, guess_type("EDA_left").value, guess_type("X")
    ('ecg', 'gsr', None)
    """
    words = list(filter(None, _SPLIT.split(label.lower())))
    for kind, pattern in _WORDS.items():
        if any(re.fullmatch(pattern, word) for word in words):
            return kind
    return None


def read_type(text: str) -> ChannelType | None:
    """Return the type that a file, or a person, calls by this word, or None.

    Examples
    --------
    >>> read_type("EDA").value, read_type("misc")
    ('gsr', None)
    """
    return _KINDS.get(text.strip().lower())


@cache
def _list_electrodes() -> dict[str, str]:
    from mne.channels import get_builtin_montages, make_standard_montage

    # one set of names; MNE 1.13 named it after its head, and drops the old name
    named = "colin27_1005" in get_builtin_montages()
    montage = make_standard_montage("colin27_1005" if named else "standard_1005")
    return {name.lower(): name for name in montage.ch_names}
