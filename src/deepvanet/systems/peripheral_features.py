"""One set of features of peripheral signals over a trial, and who used which of them.

Every sensor is measured by its table: :mod:`~deepvanet.systems.skin_features`,
:mod:`~deepvanet.systems.heart_features`, :mod:`~deepvanet.systems.breath_features`,
:mod:`~deepvanet.systems.other_features` and :mod:`~deepvanet.systems.moments`. A
feature has the name of its channel before its own. Leads of an ECG, and any others that
follow one heart, are one sensor: each of its features is the median over those of them
that give it.

``koelstra2012``
    What is listed of it: 69 features of DEAP's eight channels, of the 106 that were
    used.
``soleymani2012``
    The set of TEAP, a toolbox by some of the same authors, in place of about 102
    features that are not listed.
``after-wiem2017``
    Both of these, with moments of each sensor and of its changes: 167 features of one
    sensor of each kind, where the authors have 169 that are not listed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from deepvanet.learners.trial_signals import TrialSignals
from deepvanet.schema import Channel, ChannelType
from deepvanet.systems import breath_features as breath
from deepvanet.systems import heart_features as heart
from deepvanet.systems import other_features as other
from deepvanet.systems import skin_features as skin
from deepvanet.systems.moments import STATISTICS, Changes
from deepvanet.systems.stretches import Features, Stretch, find_longest, measure

KOELSTRA, SOLEYMANI, WIEM = "koelstra2012", "soleymani2012", "after-wiem2017"


@dataclass(frozen=True)
class Sensor:
    """What is measured of a kind of channel.

    Attributes
    ----------
    types : tuple of ChannelType
        Its channels.
    features : mapping
        All of them by name.
    open_reading : callable
        From a stretch of signal to what the features take.
    subsets : mapping
        Names of the features that each learner takes; none of one that is missing.
    has_moments : bool
        Whether there are moments of it and of its changes, for ``after-wiem2017``.
    joined_as : str
        The name of all of its channels as one; empty: each is on its own.
    """

    types: tuple[ChannelType, ...]
    features: Features
    open_reading: Callable[[Stretch], Any]
    subsets: Mapping[str, Sequence[str]]
    has_moments: bool = True
    joined_as: str = ""

    def measure(self, joined: TrialSignals, place: int) -> dict[str, float]:
        """Return the features of a channel, by their own names."""
        stretch = find_longest(joined, place)
        found = measure(self.features, self.open_reading, stretch)
        if self.has_moments:
            is_fast = bool(self.joined_as)
            found |= measure(STATISTICS, lambda s: Changes(s, is_fast), stretch)
        return found

    def list_names(self, learner: str) -> list[str]:
        """Return the own names of the features that a learner takes."""
        names = list(self.subsets.get(learner, ()))
        if learner == WIEM and self.has_moments:
            names += [n for n in STATISTICS if n not in _SAME_AS.get(self.types[0], ())]
        return names


def _share(features: Features, koelstra: Sequence[str], teap: Sequence[str]) -> Any:
    both = [name for name in features if name in {*koelstra, *teap}]
    return {KOELSTRA: koelstra, SOLEYMANI: teap, WIEM: both}


_SAME_AS: Mapping[ChannelType, tuple[str, ...]] = {
    ChannelType.GSR: ("signal: mean", "signal: SD", "first difference: mean"),
    ChannelType.RESPIRATION: (
        *(f"signal: {name}" for name in ("mean", "SD", "skewness", "kurtosis")),
        "first difference: mean",
    ),
    ChannelType.TEMPERATURE: (
        *(f"signal: {name}" for name in ("mean", "SD", "skewness", "kurtosis")),
        "first difference: mean",
    ),
}
"""Moments that are features of the sensor anyhow."""

SENSORS = (
    Sensor(
        (ChannelType.GSR,),
        skin.SKIN,
        skin.Skin,
        _share(skin.SKIN, skin.KOELSTRA, skin.TEAP),
    ),
    Sensor(
        (ChannelType.PLETHYSMOGRAPH, ChannelType.ECG),
        heart.HEART,
        heart.Heart,
        _share(heart.HEART, heart.KOELSTRA, heart.TEAP),
        joined_as="heart",
    ),
    Sensor(
        (ChannelType.RESPIRATION,),
        breath.BREATH,
        breath.Breath,
        _share(breath.BREATH, breath.KOELSTRA, breath.TEAP),
    ),
    Sensor(
        (ChannelType.TEMPERATURE,),
        other.TEMPERATURE,
        other.Plain,
        _share(other.TEMPERATURE, other.KOELSTRA_TEMPERATURE, other.TEAP_TEMPERATURE),
    ),
    Sensor(
        (ChannelType.EMG,),
        other.MUSCLE,
        other.Plain,
        {KOELSTRA: tuple(other.MUSCLE)},
        has_moments=False,
    ),
)
SIDEWAYS = Sensor(
    (ChannelType.EOG,),
    other.MUSCLE,
    other.Plain,
    {KOELSTRA: tuple(other.MUSCLE)},
    has_moments=False,
)
UP_AND_DOWN = Sensor(
    (ChannelType.EOG,),
    other.VERTICAL_EOG,
    other.Plain,
    {KOELSTRA: tuple(other.VERTICAL_EOG)},
    has_moments=False,
)


def find_sensor(channel: Channel) -> Sensor | None:
    """Return what is measured of a channel; None: nothing."""
    if channel.type is ChannelType.EOG:
        return UP_AND_DOWN if other.is_vertical(channel) else SIDEWAYS
    return next((one for one in SENSORS if channel.type in one.types), None)


def measure_peripherals(joined: TrialSignals) -> dict[str, float]:
    """Return all features of a trial's peripheral signals, by name.

    Parameters
    ----------
    joined : TrialSignals
        The peripheral stream of a trial.

    Returns
    -------
    dict
        A number for each feature of each sensor; NaN where it cannot be measured.
    """
    found: dict[str, float] = {}
    alike: dict[str, list[dict[str, float]]] = {}
    for place, channel in enumerate(joined.channels):
        sensor = find_sensor(channel)
        if sensor is None:
            continue
        measured = sensor.measure(joined, place)
        if sensor.joined_as:
            alike.setdefault(sensor.joined_as, []).append(measured)
        else:
            found |= {f"{channel.name} {name}": v for name, v in measured.items()}
    for joint, several in alike.items():
        for name in several[0]:
            values = np.array([one[name] for one in several])
            known = values[np.isfinite(values)]
            found[f"{joint} {name}"] = float(np.median(known)) if len(known) else np.nan
    return found


def list_features(channels: Sequence[Channel], learner: str) -> list[str]:
    """Return the names of the features that a learner takes of some channels.

    Parameters
    ----------
    channels : sequence of Channel
        Of the peripheral stream.
    learner : str
        ``koelstra2012``, ``soleymani2012`` or ``after-wiem2017``.

    Returns
    -------
    list of str
        As ``measure_peripherals`` names them, each once.
    """
    names: dict[str, None] = {}
    for channel in channels:
        sensor = find_sensor(channel)
        if sensor is not None:
            of = sensor.joined_as or channel.name
            names |= dict.fromkeys(f"{of} {n}" for n in sensor.list_names(learner))
    return list(names)
