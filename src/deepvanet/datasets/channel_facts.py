"""Signs that a channel has another unit than it is said to have, or no sensor."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from deepvanet.findings import Finding, list_some, make_finding, report, say_count
from deepvanet.schema import Channel, ChannelType

PLAUSIBLE_SPREAD_UV: Mapping[ChannelType, tuple[float, float]] = {
    ChannelType.EEG: (0.2, 1000.0),
    ChannelType.EOG: (0.2, 5000.0),
    ChannelType.EMG: (0.1, 5000.0),
    ChannelType.ECG: (1.0, 1e4),
}
"""The interquartile range within a second, most of the time, in microvolts.

A thousandth of what an amplifier records is below its own noise of about 1 uV, a
thousand times as much is beyond what it can hold.
"""
PLAUSIBLE_LEVEL: Mapping[tuple[ChannelType, str], tuple[float, float]] = {
    (ChannelType.GSR, "uS"): (0.01, 200.0),
    (ChannelType.GSR, "Ohm"): (1e3, 1e8),
    (ChannelType.TEMPERATURE, "degC"): (5.0, 45.0),
    (ChannelType.GAZE_POSITION, "px"): (-2000.0, 10_000.0),
    (ChannelType.PUPIL, "mm"): (1.0, 10.0),
}
"""The median of channels that have one."""

OPEN_US = 0.02
"""Conductance of a sensor that touches no skin; of Empatica's, a bad contact."""
MOST_OPEN = 0.05
MOST_AT_END = 0.05
"""Share of samples at one end of the range, beyond which a channel is clipped."""
FEWEST_LEVELS = 50
"""Of a signal that can be clipped; one of few levels is at each of them often."""
OFTENER = 4.0
"""The peaks of a sine that is held in few levels are twice as often as the next one."""
MOST_SAMPLES = 10_000
"""Evenly spread, that median and interquartile range are measured of."""
MOST_WINDOWS = 60
"""Seconds, evenly spread, that the spread within a second is measured in."""


@dataclass(frozen=True)
class ChannelLevel:
    """Where the numbers of a channel lie, in its unit.

    Attributes
    ----------
    median, spread : float
        And the interquartile range; NaN without any number.
    local_spread : float
        The interquartile range within a second, the median of some seconds.
    lowest, highest : float
        Of all its numbers.
    """

    median: float
    spread: float
    local_spread: float
    lowest: float
    highest: float


def measure_level(values: Float[np.ndarray, " time"], sfreq: float) -> ChannelLevel:
    """Measure where the numbers of a channel lie; what is no number is passed over."""
    finite = _keep_finite(values)
    if not len(finite):
        return ChannelLevel(*[float("nan")] * 5)
    step = -(-len(finite) // MOST_SAMPLES)
    # an odd step, as even ones are more often those of a rhythm in the signal
    low, median, high = np.percentile(finite[:: step | 1], [25, 50, 75])
    return ChannelLevel(
        median=float(median),
        spread=float(high - low),
        local_spread=_measure_local(finite, sfreq),
        lowest=float(finite.min()),
        highest=float(finite.max()),
    )


def _keep_finite(values: NDArray[Any]) -> NDArray[Any]:
    is_finite = np.isfinite(values)
    return values if is_finite.all() else values[is_finite]


def report_levels(
    source: object,
    bio: Float[np.ndarray, "channel time"],
    channels: Sequence[Channel],
    *,
    sfreq: float,
    keeps_level: bool = True,
    names_flat: bool = True,
) -> dict[str, ChannelLevel]:
    """Report channels whose numbers cannot be right in the unit they are said to have.

    Parameters
    ----------
    source : object
        The file, or what results call the recording.
    bio : array, shape (channel, time)
        As recorded, in the units of ``channels``.
    channels : sequence of Channel
        What the rows measure.
    sfreq : float
        Samples a second, in Hz.
    keeps_level : bool
        Whether no filter removed the level of its channels; else nothing is said of
        medians, nor of sensors that are open.
    names_flat : bool
        Whether channels that never change are reported here.

    Returns
    -------
    dict
        Where the numbers of each channel lie, by its name.
    """
    levels: dict[str, ChannelLevel] = {}
    judged: dict[tuple[ChannelType, str], list[tuple[Channel, ChannelLevel]]] = {}
    for row, channel in zip(bio, channels, strict=True):
        finite = _keep_finite(row)
        level = levels[channel.name] = measure_level(finite, sfreq)
        is_flat = not level.lowest < level.highest
        if channel.type is ChannelType.GAZE_VALIDITY:
            continue  # a tracker may see the eyes throughout, or never
        if is_flat and names_flat:
            said = f"{level.median:g} {channel.unit}"
            said = "no number" if np.isnan(level.median) else said
            report(
                "Q02",
                f"{channel.name} is {said} throughout",
                source=source,
                place=channel.name,
                assumed="it has no samples to use" if np.isnan(level.median) else "",
            )
        elif not is_flat and not (
            keeps_level and _report_open(source, finite, channel)
        ):
            _report_clipped(source, finite, channel, level)
            judged.setdefault((channel.type, channel.unit), []).append((channel, level))
    for group in judged.values():
        if keeps_level or (group[0][0].type, group[0][0].unit) not in PLAUSIBLE_LEVEL:
            _report_implausible(
                source, [c for c, _ in group], [found for _, found in group]
            )
    return levels


def sample_seconds(
    recordings: Sequence[Float[np.ndarray, "channel time"]], sfreq: float
) -> Float[np.ndarray, "channel sample"]:
    """Return whole seconds of some recordings, evenly spread over all of them.

    A second in which a channel stands still has no numbers.

    Parameters
    ----------
    recordings : sequence of array, shape (channel, time)
        At least one second of each.
    sfreq : float
        Samples a second, in Hz.
    """
    length = max(2, round(sfreq))
    places = [
        (k, start)
        for k, bio in enumerate(recordings)
        for start in range(0, bio.shape[1] - length + 1, length)
    ]
    chosen = places[:: -(-len(places) // MOST_WINDOWS) or 1]
    with np.errstate(over="ignore"):
        pieces = [
            recordings[k][:, start : start + length].astype(np.float32)
            for k, start in chosen
        ]
    for piece in pieces:
        piece[(piece == piece[:, :1]).all(axis=1)] = np.nan
    return np.concatenate(pieces, axis=1)


def describe_plausible(channel: Channel, *, keeps_level: bool = True) -> str:
    """Return what the numbers of a channel usually are, empty where it is not known.

    Parameters
    ----------
    channel : Channel
        What is measured, and its unit.
    keeps_level : bool
        Whether no filter removed its level.
    """
    level = PLAUSIBLE_LEVEL.get((channel.type, channel.unit))
    if level and keeps_level:
        return f"{level[0]:g} to {level[1]:g}"
    spread = PLAUSIBLE_SPREAD_UV.get(channel.type)
    if spread and channel.unit == "uV":
        return f"IQR {spread[0]:g} to {spread[1]:g} in 1 s"
    return ""


def _report_open(
    source: object, finite: Float[np.ndarray, " time"], channel: Channel
) -> bool:
    """Report a sensor of the skin that touches none, for some of the time."""
    if channel.type is not ChannelType.GSR or channel.unit not in ("uS", "Ohm"):
        return False
    is_siemens = channel.unit == "uS"
    is_open = finite <= OPEN_US if is_siemens else finite >= 1e6 / OPEN_US
    share = float(np.mean(is_open | (finite <= 0)))
    if share < MOST_OPEN:
        return False
    bound = (
        f"{OPEN_US:g} uS or less" if is_siemens else f"{1e6 / OPEN_US:g} Ohm or more"
    )
    report(
        "C11",
        f"{bound} in {share:.0%} of the recording: an electrode is loose, or the unit "
        "is wrong",
        source=source,
        place=channel.name,
        assumed="it is used as it is",
    )
    return True


def _report_clipped(
    source: object,
    finite: Float[np.ndarray, " time"],
    channel: Channel,
    level: ChannelLevel,
) -> None:
    for end in (level.lowest, level.highest):
        with np.errstate(over="ignore"):
            share = float(np.mean(finite == np.float32(end)))
        if share < MOST_AT_END or not _is_clipped(finite, end == level.lowest):
            continue
        report(
            "C11",
            f"at the end of its range, {end:.4g} {channel.unit}, in {share:.0%} of the "
            "recording: the amplifier was at its limit, or an electrode was loose",
            source=source,
            place=channel.name,
        )


def _is_clipped(values: NDArray[Any], at_lowest: bool) -> bool:
    """Return whether the end of a range is held far oftener than what is next to it."""
    levels, counts = np.unique(values, return_counts=True)
    end, beside = (counts[0], counts[1]) if at_lowest else (counts[-1], counts[-2])
    return bool(len(levels) >= FEWEST_LEVELS and end > OFTENER * beside)


def _report_implausible(
    source: object, group: Sequence[Channel], levels: Sequence[ChannelLevel]
) -> None:
    """Report those channels of one type and unit whose numbers are not plausible."""
    kind, unit = group[0].type, group[0].unit
    odd = [k for k, level in enumerate(levels) if _describe_expected(kind, unit, level)]
    if not odd:
        return
    median, spread, local = (
        float(np.median([getattr(levels[k], name) for k in odd]))
        for name in ("median", "spread", "local_spread")
    )
    expected = _describe_expected(kind, unit, levels[odd[0]])
    within = f", within a second {local:.3g} {unit}" if unit == "uV" else ""
    other = _guess_unit(kind, unit, local)
    names = [group[k].name for k in odd]
    report(
        "C05",
        f"the median is {median:.3g} {unit}, the interquartile range {spread:.3g} "
        f"{unit}{within}; expected for {kind} is {expected}"
        + (f", so the numbers are probably in {other}" if other else ""),
        source=source,
        place=list_some(names),
        assumed=f"the numbers are used as they are, in {unit}",
        cure=f'if so, write "{names[0]}" = "{other}" under [units] in recordings.toml, '
        f'or "{kind}" = "{other}" for all of this kind'
        if other
        else "",
    )


def _guess_unit(kind: ChannelType, unit: str, local_spread: float) -> str:
    """Return the unit of volts in which a spread is plausible, empty if it is none."""
    low, high = PLAUSIBLE_SPREAD_UV.get(kind, (0.0, 0.0))
    scales = {"V": 1e6, "mV": 1e3} if unit == "uV" and local_spread < low else {}
    fits = (u for u, scale in scales.items() if low <= local_spread * scale <= high)
    return next(fits, "")


def _describe_expected(kind: ChannelType, unit: str, level: ChannelLevel) -> str:
    """Say what is expected of numbers that are not; empty of those that are."""
    spread = PLAUSIBLE_SPREAD_UV.get(kind) if unit == "uV" else None
    if spread and not spread[0] <= level.local_spread <= spread[1]:
        return f"{spread[0]:g} to {spread[1]:g} {unit} within a second"
    median = PLAUSIBLE_LEVEL.get((kind, unit))
    if median and not median[0] <= level.median <= median[1]:
        return f"a median of {median[0]:g} to {median[1]:g} {unit}"
    return ""


def _measure_local(finite: NDArray[Any], sfreq: float) -> float:
    length = min(max(2, round(sfreq)), len(finite))
    n_windows = len(finite) // length
    windows = finite[: n_windows * length].reshape(n_windows, length)
    windows = windows[:: -(-n_windows // MOST_WINDOWS)]
    low, high = np.percentile(windows, [25, 75], axis=1)
    return float(np.median(high - low))


@runtime_checkable
class SilenceFacts(Protocol):
    """How many channels of a trial hold no signal."""

    @property
    def name(self) -> str:
        """What findings call the trial."""

    @property
    def n_bad(self) -> int:
        """Channels with a number that is not finite."""

    @property
    def n_flat(self) -> int:
        """Channels that never change."""


def find_silent_channels(
    trials: Sequence[SilenceFacts], what: str
) -> Iterator[Finding]:
    """Name the trials in which channels are not finite or never change.

    Parameters
    ----------
    trials : sequence of SilenceFacts
        What was seen of each.
    what : str
        What the data set calls one of them, as ``viewing``.

    Yields
    ------
    Finding
        At most one for each of the two.
    """
    bad = [f"{trial.name} ({trial.n_bad})" for trial in trials if trial.n_bad]
    flat = [f"{trial.name} ({trial.n_flat})" for trial in trials if trial.n_flat]
    found = (
        ("Q01", "have samples that are no numbers", bad),
        ("Q02", "never change", flat),
    )
    for code, how, named in found:
        if named:
            has = say_count(len(named), f"{what} has", f"{what}s have")
            sentence = f"{has} channels that {how}: {list_some(named)}"
            yield make_finding(code, sentence)
