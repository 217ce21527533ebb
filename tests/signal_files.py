"""Signal files as laboratories have them, written from arrays in microvolts."""

from collections.abc import Sequence
from pathlib import Path

import mne
import numpy as np

from deepvanet.schema import Channel, ChannelType

MNE_TYPES = {
    ChannelType.EEG: "eeg",
    ChannelType.EOG: "eog",
    ChannelType.EMG: "emg",
    ChannelType.ECG: "ecg",
}
BRAINVISION = """\
Brain Vision Data Exchange Header File Version 1.0
[Common Infos]
Codepage=UTF-8
DataFile={data}
DataFormat=BINARY
DataOrientation=MULTIPLEXED
NumberOfChannels={n_channels}
SamplingInterval={interval_us:g}
[Binary Infos]
BinaryFormat=IEEE_FLOAT_32
[Channel Infos]
{channels}
"""


def write_fif(
    path: Path, bio: np.ndarray, channels: Sequence[Channel], *, sfreq: float = 128.0
) -> Path:
    """Write FIF, which holds volts."""
    types = [MNE_TYPES.get(channel.type, "misc") for channel in channels]
    scale = np.array([1.0 if kind == "misc" else 1e-6 for kind in types])
    info = mne.create_info([c.name for c in channels], sfreq, types)
    raw = mne.io.RawArray(bio * scale[:, None], info, verbose="ERROR")
    raw.save(path, fmt="double", verbose="ERROR")
    return path


def write_brainvision(
    path: Path, bio: np.ndarray, channels: Sequence[Channel], *, sfreq: float = 128.0
) -> Path:
    """Write BrainVision: a header in text, and numbers in the channels' units."""
    units = ["µV" if c.type in MNE_TYPES else "n/a" for c in channels]
    lines = [
        f"Ch{number}={channel.name},,1,{unit}"
        for number, (channel, unit) in enumerate(zip(channels, units, strict=True), 1)
    ]
    data = path.with_suffix(".eeg")
    data.write_bytes(bio.T.astype("<f4").tobytes())
    path.write_text(
        BRAINVISION.format(
            data=data.name,
            n_channels=len(channels),
            interval_us=1e6 / sfreq,
            channels="\n".join(lines),
        )
    )
    return path
