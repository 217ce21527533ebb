"""Units of signals: how files spell them, and how to get from one to another."""

import re
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
"""Numbers that have no unit, or none that is known."""
UNSTATED = ""
LONGEST_UNIT = 20
"""Characters of an unknown unit that a sentence repeats."""

_FAMILIES: Mapping[str, Mapping[str, float]] = {
    "uV": {"V": 1e6, "mV": 1e3, "uV": 1.0, "nV": 1e-3},
    "uS": {"S": 1e6, "mS": 1e3, "uS": 1.0, "nS": 1e-3},
    "Ohm": {"Ohm": 1.0, "kOhm": 1e3, "MOhm": 1e6, "nOhm": 1e-9},
    "degC": {"degC": 1.0, "K": 1.0, "degF": 5 / 9},
    "%": {"%": 1.0},
    "mmHg": {"mmHg": 1.0},
    "Pa": {"Pa": 1.0, "hPa": 1e2, "kPa": 1e3},
    "N": {"N": 1.0},
    "l": {"l": 1.0, "ml": 1e-3},
    "mm": {"mm": 1.0, "cm": 10.0},
    "px": {"px": 1.0},
    "bpm": {"bpm": 1.0},
    "dB": {"dB": 1.0},
}
"""Units by the one they are kept in, and what turns their numbers into its.

The last of them are of belts, clips, eye trackers and derived signals, whose numbers
have no scale to be held to.
"""

_OFFSETS = {"K": -273.15, "degF": -32 * 5 / 9}
"""What is added to numbers after they were turned into degC."""

_FAMILY_SI = {"uV": 1e-6, "uS": 1e-6}
"""What the unit that others are kept in is worth in V or S; else 1."""

_MICRO = re.compile("\u00b5|\u03bc|\x83\xca|\u00c2\u00b5")
_OHM = re.compile("\u2126|\u03a9")
_DEGREE = re.compile("\u00b0|\u00ba|\\bdeg(?:rees?)?\\b[ .]*|\\bo(?=[CF]$)")
_PREFIXES = (
    *(("nano", "n"), ("micro", "u"), ("mic", "u"), ("mc", "u"), ("milli", "m")),
    *(("kilo", "k"), ("mega", "M"), ("meg", "M")),
)
_NAMES = (
    *(("volts", "V"), ("volt", "V"), ("siemens", "S"), ("mhos", "S"), ("mho", "S")),
    *(("ohms", "Ohm"), ("ohm", "Ohm")),
)
_SPELLINGS = {
    "c": "degC",
    "\u2103": "degC",
    "cel": "degC",
    "degc": "degC",
    "celsius": "degC",
    "centigrade": "degC",
    "f": "degF",
    "degf": "degF",
    "\u2109": "degF",
    "fahrenheit": "degF",
    "kelvin": "K",
    "percent": "%",
    "newton": "N",
    "liter": "l",
    "litre": "l",
    "beats/min": "bpm",
    "1/min": "bpm",
    "pixel": "px",
    "pixels": "px",
    "adcspx": "px",
    "mcspx": "px",
    "millimeter": "mm",
    "millimetre": "mm",
}
_NOTHING = frozenset(
    {
        *("", "-", "--", "?", ".", "n/a", "na", "nan", "none", "null"),
        *("unknown", "undefined"),
    }
)
_ARBITRARY = frozenset(
    {
        *("a.u.", "a.u", "au", "aru", "arb", "arb.", "arbitrary", "arbitrary unit"),
        *("arbitrary units", "dimensionless", "unitless", "no unit", "no units"),
        *("no_units", "1"),
    }
)


def spell_unit(text: str) -> str:
    """Return a unit as it is spelled here.

    Where none is stated it is empty; one that is not known stays as it was written,
    so that it can be reported (see ``is_known``).

    Examples
    --------
    >>> [spell_unit(text) for text in ("µV", "microvolts", "kΩ", "°C", "umho", "n/a")]
    ['uV', 'uV', 'kOhm', 'degC', 'uS', '']
    >>> spell_unit("umho/x"), spell_unit("arbitrary")
    ('umho/x', 'a.u.')
    """
    written = "".join(c for c in " ".join(text.split()) if c.isprintable())
    if written.lower() in _NOTHING:
        return UNSTATED
    if written.lower() in _ARBITRARY:
        return UNKNOWN
    plain = _MICRO.sub("u", " ".join(text.split()))
    plain = _DEGREE.sub("", _OHM.sub("Ohm", plain)).strip()
    for unit in (plain, _SPELLINGS.get(plain.lower(), plain), _abbreviate(plain)):
        if any(unit in family for family in _FAMILIES.values()):
            return unit
    # MV and US are no units of a sensor
    known = {unit.lower(): unit for family in _FAMILIES.values() for unit in family}
    for unit in (plain, _abbreviate(plain)):
        if unit.lower() in known:
            return known[unit.lower()]
    return written[:LONGEST_UNIT]


def is_known(unit: str) -> bool:
    """Return whether a unit is one of those here, or none is stated.

    Examples
    --------
    >>> is_known("uV"), is_known("a.u."), is_known("umho/x")
    (True, True, False)
    """
    return unit in (UNSTATED, UNKNOWN) or keep_in(unit) != UNKNOWN


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
    return _FAMILIES[family][unit] * _FAMILY_SI.get(family, 1.0)


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
    >>> convert(np.array([310.15]), "K", to="degC").round(6).tolist()
    [37.0]
    """
    family = keep_in(unit)
    if family == UNKNOWN or to == UNKNOWN:
        return np.asarray(values, np.float64) if family == to else None
    plain = np.asarray(values, np.float64) * _FAMILIES[family][unit]
    plain = plain + _OFFSETS.get(unit, 0.0)
    if family == keep_in(to):
        return (plain - _OFFSETS.get(to, 0.0)) / _FAMILIES[family][to]
    if {family, keep_in(to)} != {"uS", "Ohm"}:
        return None
    inverse = 1e6 / np.where(plain > 0, plain, np.nan)
    return np.asarray(inverse / _FAMILIES[keep_in(to)][to])


def _abbreviate(text: str) -> str:
    """Return a unit that is written out, or half of it, as ``uVolts``, by letters."""
    for name, letter in _NAMES:
        if text.lower().endswith(name):
            start = text[: -len(name)].strip(" -")
            prefix = next((p for word, p in _PREFIXES if start.lower() == word), start)
            return prefix + letter
    for word, prefix in _PREFIXES:
        if text.lower().startswith(word):
            return prefix + text[len(word) :].strip(" -")
    return text
