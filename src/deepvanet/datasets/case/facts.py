"""What is documented of CASE: its videos, its channels, and what a volt was."""

from collections.abc import Mapping
from dataclasses import dataclass

from deepvanet.schema import Channel, ChannelType, Target

SFREQ = 1000.0  # Hz, of the physiology
TRACE_SFREQ = 20.0  # Hz, of the joystick
SCALE = 0.5, 9.5
"""Of the joystick, as published."""
N_SUBJECTS = 30

VIDEOS: Mapping[int, str] = {
    1: "amusing-1",
    2: "amusing-2",
    3: "boring-1",
    4: "boring-2",
    5: "relaxed-1",
    6: "relaxed-2",
    7: "scary-1",
    8: "scary-2",
}
"""The videos that are trials, by the number in the column ``video``."""
START, BLUE, END = 10, 11, 12
RESTS = (START, BLUE)
"""A calm video at the start, and a blue screen between videos: what may come before
a trial as its baseline."""
NUMBERS: Mapping[str, int] = {
    **{name: number for number, name in VIDEOS.items()},
    "startVid": START,
    "bluVid": BLUE,
    "endVid": END,
}
"""Of videos, by the names that the metadata has."""

BASELINE_S = 30.0
"""The last seconds of what comes before a trial: of two minutes of blue screen, those
that are farthest from the video before."""
SHORTEST_S = 2.0
"""Of a video that is a trial."""


@dataclass(frozen=True)
class Sensor:
    """A channel, its column, and what turns volts into the unit of the column.

    Attributes
    ----------
    channel : Channel
        As recordings have it.
    column : str
        Its name in the files.
    gain, offset : float
        What a volt is in the unit of the column, and what 0 V is.
    factor : float
        What the unit of the column is in that of ``channel``.
    """

    channel: Channel
    column: str
    gain: float
    offset: float
    factor: float = 1.0


SENSORS = (
    Sensor(
        Channel("ECG", ChannelType.ECG, "uV"),
        *("ecg", 1000 / 50, -2.8 * 1000 / 50),
        factor=1e3,
    ),
    Sensor(Channel("BVP", ChannelType.PLETHYSMOGRAPH, "%"), "bvp", 58.962, -115.09),
    Sensor(Channel("GSR", ChannelType.GSR, "uS"), "gsr", 24.0, -49.2),
    Sensor(
        Channel("Respiration", ChannelType.RESPIRATION, "%"), "rsp", 58.923, -115.01
    ),
    Sensor(
        Channel("Temperature", ChannelType.TEMPERATURE, "degC"),
        *("skt", 21.341, -32.085),
    ),
    *(
        Sensor(Channel(f"EMG {muscle}", ChannelType.EMG, "uV"), column, 250.0, -500.0)
        for muscle, column in (
            ("zygomaticus", "emg_zygo"),
            ("corrugator", "emg_coru"),
            ("trapezius", "emg_trap"),
        )
    ),
)
"""As the makers of the sensors state it; the EMG is a root mean square of 2 V on."""
CHANNELS = tuple(sensor.channel for sensor in SENSORS)

TARGETS = (Target.VALENCE, Target.AROUSAL)
"""The axes of the joystick, in the order of its columns."""
STEPS = 26225.0
"""Of the joystick to either side, as recorded."""
