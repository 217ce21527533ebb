"""Units of signals: how files spell them, and how to get from one to another."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from deepvanet.schema import ChannelType

VOLTAGES = frozenset(
    {ChannelType.EEG, ChannelType.EOG, ChannelType.EMG, ChannelType.ECG}
)
"""What is measured in volts, and kept in microvolts."""
UNKNOWN = "a.u."

_FAMILIES: Mapping[str, Mapping[str, float]] = {
    "uV": {"V": 1e6, "mV": 1e3, "uV": 1.0, "nV": 1e-3},
    "uS": {"S": 1e6, "mS": 1e3, "uS": 1.0, "nS": 1e-3},
    "Ohm": {"Ohm": 1.0, "kOhm": 1e3, "MOhm": 1e6},
    "degC": {"degC": 1.0},
}
"""Units by the one they are kept in, and what turns their numbers into its."""

_FAMILY_SI = {"uV": 1e-6, "uS": 1e-6, "Ohm": 1.0, "degC": 1.0}
"""What the unit that others are kept in is worth in V, S, Ohm or degC."""

_SPELLINGS = {
    "volt": "V",
    "volts": "V",
    "millivolt": "mV",
    "millivolts": "mV",
    "microvolt": "uV",
    "microvolts": "uV",
    "microsiemens": "uS",
    "siemens": "S",
    "ohms": "Ohm",
    "kiloohm": "kOhm",
    "kohms": "kOhm",
    "c": "degC",
    "celsius": "degC",
}


def spell_unit(text: str) -> str:
    """Return a unit as it is spelled here; what is not known is ``a.u.``.

    Examples
    --------
    >>> [spell_unit(text) for text in ("µV", "microvolts", "kΩ", "°C", "n/a")]
    ['uV', 'uV', 'kOhm', 'degC', 'a.u.']
    """
    plain = text.strip().replace("\u00b5", "u").replace("\u03bc", "u")
    plain = plain.replace("\u2126", "Ohm").replace("\u03a9", "Ohm")
    plain = plain.replace("\u00b0", "")
    known = {unit.lower(): unit for family in _FAMILIES.values() for unit in family}
    for unit in (plain, _SPELLINGS.get(plain.lower(), plain)):
        for family in _FAMILIES.values():
            if unit in family:
                return unit
    # MV and US are no units of a sensor
    return known.get(plain.lower(), UNKNOWN)


def keep_in(unit: str) -> str:
    """Return the unit that numbers of ``unit`` are kept in.

    Examples
    --------
    >>> keep_in("mV"), keep_in("kOhm"), keep_in("a.u.")
    ('uV', 'Ohm', 'a.u.')
    """
    return next((to for to, known in _FAMILIES.items() if unit in known), UNKNOWN)


def find_si_factor(unit: str) -> float:
    """Return what turns numbers of a known unit into V, S, Ohm or degC.

    Examples
    --------
    >>> find_si_factor("uV"), find_si_factor("mV"), find_si_factor("kOhm")
    (1e-06, 0.001, 1000.0)
    """
    family = keep_in(unit)
    return _FAMILIES[family][unit] * _FAMILY_SI[family]


def convert(
    values: Float[np.ndarray, " time"], unit: str, *, to: str
) -> NDArray[np.float64] | None:
    """Return numbers in another unit, or None where there is no way.

    The skin's conductance and its resistance are each the inverse of the other;
    where one is not above zero the other is not a number.

    Examples
    --------
    >>> convert(np.array([2.0, 0.0]), "kOhm", to="uS").tolist()
    [500.0, nan]
    """
    family = keep_in(unit)
    if family == UNKNOWN or to == UNKNOWN:
        return np.asarray(values, np.float64) if family == to else None
    plain = np.asarray(values, np.float64) * _FAMILIES[family][unit]
    if family == keep_in(to):
        return plain / _FAMILIES[family][to]
    if {family, keep_in(to)} != {"uS", "Ohm"}:
        return None
    inverse = 1e6 / np.where(plain > 0, plain, np.nan)
    return np.asarray(inverse / _FAMILIES[keep_in(to)][to])
