"""The gaze of a session of MAHNOB-HCI: Tobii Studio's export, a row a sample.

A few lines about the recording, then a head that begins with ``Timestamp``, then
samples at 60 Hz and events between them. ``MovieStart`` is the onset of the stimulus.
-1 is what was not seen; validity is a code from 0 to 4. Lines may be broken.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float, Float32

from deepvanet.schema import Channel, ChannelType, UserError
from deepvanet.signal_io.lost_gaze import drop_lost, read_validity

GAZE_CHANNELS = (
    Channel("Gaze x", ChannelType.GAZE_POSITION, "px"),
    Channel("Gaze y", ChannelType.GAZE_POSITION, "px"),
    Channel("Pupil left", ChannelType.PUPIL, "mm"),
    Channel("Pupil right", ChannelType.PUPIL, "mm"),
    Channel("Gaze validity", ChannelType.GAZE_VALIDITY, "a.u."),
)
"""Where on the screen, how wide the pupils, and the share of eyes that was seen."""

COLUMNS = ("GazePointX", "GazePointY", "PupilLeft", "PupilRight")
"""Of the first channels; the last one is the mean of ``VALIDITY``."""
VALIDITY = ("ValidityLeft", "ValidityRight")
TIME, EVENT = "Timestamp", "Event"
ONSET = "MovieStart"
LONGEST_HEAD = 200
"""Lines that may stand before the head."""
LONGEST_GAP_S = 0.05
"""Between two samples; what lies further from both is missing."""


@dataclass(frozen=True)
class GazeFile:
    """The samples of a file.

    Attributes
    ----------
    time_s : array, shape (time,)
        Since the onset of the stimulus.
    values : array, shape (channel, time)
        Of ``GAZE_CHANNELS``; what was not seen is NaN.
    notes : tuple of str
        What had to be assumed, a sentence each.
    """

    time_s: Float[np.ndarray, " time"]
    values: Float[np.ndarray, "channel time"]
    notes: tuple[str, ...] = ()

    def place(
        self, onset_s: float, n_samples: int, sfreq: float
    ) -> Float32[np.ndarray, "channel sample"]:
        """Return the channels on the clock of the signals; NaN where none was seen.

        Parameters
        ----------
        onset_s : float
            Second of the signals at which the stimulus begins.
        n_samples : int
            Length of the signals.
        sfreq : float
            Samples a second of the signals, in Hz.
        """
        wanted = np.arange(n_samples) / sfreq - onset_s
        after = np.searchsorted(self.time_s, wanted).clip(1, len(self.time_s) - 1)
        is_later = wanted - self.time_s[after - 1] > self.time_s[after] - wanted
        nearest = np.where(is_later, after, after - 1)
        is_far = np.abs(self.time_s[nearest] - wanted) > LONGEST_GAP_S / 2
        placed = np.full((len(self.values), n_samples), np.nan, np.float32)
        for row, values in enumerate(self.values):
            known = np.isfinite(values)
            if known.any():
                placed[row] = np.interp(wanted, self.time_s[known], values[known])
            placed[row, is_far | ~known[nearest]] = np.nan
        return placed


def read_gaze(path: Path) -> GazeFile:
    """Read a file of gaze.

    Raises
    ------
    UserError
        When it is not such a file, or has no samples.
    """
    table = _read_table(path)
    numbers = table.drop(columns=EVENT).apply(pd.to_numeric, errors="coerce")
    is_sample = numbers[list(VALIDITY)].notna().all(axis=1)
    is_sample &= numbers[TIME].diff().fillna(1) >= 0
    starts = numbers.loc[table[EVENT] == ONSET, TIME].dropna()
    seen = numbers[is_sample & numbers[TIME].notna()].drop_duplicates(TIME)
    if len(seen) < 2:
        raise UserError(
            f"{path}: holds no samples of gaze: download it again, or remove it"
        )
    notes: tuple[str, ...] = ()
    if not len(starts):
        notes = (f"no {ONSET} in the gaze, so its first sample is at the onset",)
    onset = float(starts.iloc[0] if len(starts) else seen[TIME].iloc[0])
    return GazeFile(
        (seen[TIME].to_numpy(float) - onset) / 1000, _name_channels(seen), notes
    )


def _name_channels(seen: pd.DataFrame) -> Float[np.ndarray, "channel time"]:
    codes = seen[list(VALIDITY)].to_numpy(float).T
    share = read_validity(codes, np.array([4.0])).mean(axis=0)
    values = np.vstack([seen[list(COLUMNS)].to_numpy(float).T, share])
    return drop_lost(values, [channel.type for channel in GAZE_CHANNELS])


def _read_table(path: Path) -> pd.DataFrame:
    """Return the columns that are used, all as text; broken lines are passed over."""
    wanted = (TIME, *COLUMNS, *VALIDITY, EVENT)
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            heads = (line for line, _ in zip(file, range(LONGEST_HEAD), strict=False))
            places = [k for k, line in enumerate(heads) if line.startswith(f"{TIME}\t")]
        if not places:
            raise UserError(
                f"{path}: is no gaze file of MAHNOB-HCI, it has no head with {TIME}"
            )
        table = pd.read_csv(
            path,
            sep="\t",
            skiprows=places[0],
            encoding="utf-8-sig",
            encoding_errors="replace",
            on_bad_lines="skip",
            quoting=3,
            dtype=str,
            skip_blank_lines=False,
        )
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read: {error}") from None
    table = table.rename(columns=lambda name: str(name).strip())
    lacking = [name for name in wanted if name not in table]
    if lacking:
        raise UserError(
            f"{path}: is no gaze file of MAHNOB-HCI, it has no column {lacking[0]}"
        )
    return table[list(wanted)]
