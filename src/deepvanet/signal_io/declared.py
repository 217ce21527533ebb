"""``recordings.toml``: what the files of a recording do not say.

Every key may be left out::

    name = "ours"                 what results call the data set
    eeg = ["Fp1", "Fp2"]          labels of all EEG channels, [] for none
    reference = ["A1", "A2"]      channels whose mean is taken from the EEG
    line_hz = 50                  mains noise, removed from other voltages
    baseline_s = 3                baseline before each stimulus
    rating_range = [1, 5]         is mapped to 1 to 9
    label_rule = ">=5"            a note for the evaluation

    [ratings]                     further columns of ratings, and their scales
    stress = [1, 7]               is mapped to 1 to 9
    [peripherals]                 all others, and what they measure
    "EXG1" = "ecg"
    [units]                       of channels, or of a type, in place of the file's
    "eeg" = "V"
    [tables]
    time = "t"                    column of CSV and Parquet
    [xdf]
    streams = ["EEG", "Shimmer"]  by type or name
    markers = "Markers"
    video = "Webcam"              its first stamp is the video's first frame
"""

import difflib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deepvanet.config import read_toml
from deepvanet.findings import refuse, report
from deepvanet.schema import (
    HIGHEST_RATING,
    LOWEST_RATING,
    ChannelType,
    Target,
    UserError,
    say_nearest,
)
from deepvanet.signal_io.channel_names import read_type
from deepvanet.signal_io.units import UNKNOWN, keep_in, spell_unit

FILE_NAME = "recordings.toml"
NEAR = 0.8
"""Share of letters in common from which on a file's name is a mistake in this one."""

_KEYS = (
    *("name", "eeg", "reference", "line_hz", "baseline_s", "rating_range"),
    *("label_rule", "ratings", "peripherals", "units", "tables", "xdf"),
)
_SYNONYMS = {
    "eeg": ("eeg_channels", "channels", "electrodes", "montage"),
    "reference": ("ref", "references", "reference_channels", "eeg_reference"),
    "line_hz": ("line_freq", "line_frequency", "powerline", "mains_hz", "notch_hz"),
    "baseline_s": ("baseline", "baseline_ms", "rest_s", "baseline_seconds"),
    "rating_range": ("rating_scale", "scale", "range", "rating_ranges"),
    "label_rule": ("rule", "labels", "threshold", "label", "label_rules"),
    "ratings": ("rating", "rating_columns", "targets"),
    "peripherals": ("peripheral", "types", "channel_types"),
    "units": ("unit",),
    "tables": ("table", "csv"),
    "time": ("time_column", "timestamp", "timestamps", "time_s"),
    "streams": ("stream",),
    "markers": ("marker", "marker_stream"),
    "video": ("video_stream", "webcam"),
}
"""How else people call a key, in lower case, words joined by ``_``."""
_MOST_QUOTED = 60
_TWO_RATINGS = "must be the lowest and the highest rating, for example [1, 5]"
_SECTIONS = {"tables": ("time",), "xdf": ("streams", "markers", "video")}


@dataclass(frozen=True)
class Declaration:
    """What is said of recordings beside their files; empty where nothing is.

    Attributes
    ----------
    eeg, peripherals : tuple of str | None, mapping | None
        All there are; None leaves it to the labels.
    units : mapping
        By label or type, in lower case.
    time : str
        The column of tables that holds seconds.
    streams, markers, video : tuple of str, str, str
        Of XDF, by type or name.
    ratings : mapping
        The scale of each further column of ratings: its lowest and highest number.
    """

    name: str = ""
    eeg: tuple[str, ...] | None = None
    reference: tuple[str, ...] = ()
    line_hz: float | None = None
    baseline_s: float = 0.0
    rating_range: tuple[float, float] = (LOWEST_RATING, HIGHEST_RATING)
    label_rule: str = ""
    peripherals: Mapping[str, ChannelType] | None = None
    units: Mapping[str, str] = field(default_factory=dict)
    time: str = ""
    streams: tuple[str, ...] = ()
    markers: str = ""
    video: str = ""
    ratings: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def find_range(self, column: str) -> tuple[float, float]:
        """Return the scale on which a column's ratings were given."""
        return self.ratings.get(column, self.rating_range)

    def rescale(self, rating: float, column: str = "") -> float:
        """Return a rating on the scale from 1 to 9.

        Parameters
        ----------
        rating : float
            As it was given.
        column : str
            Which further column it stands in; empty: valence or arousal.

        Examples
        --------
        >>> Declaration(rating_range=(1.0, 5.0)).rescale(4.0)
        7.0
        """
        low, high = self.find_range(column)
        share = (rating - low) / (high - low)
        return LOWEST_RATING + share * (HIGHEST_RATING - LOWEST_RATING)


def read_declared(folder: Path) -> Declaration:
    """Read a folder's ``recordings.toml``; without one nothing is declared.

    Raises
    ------
    UserError
        When it cannot be read, or says what is not understood.
    """
    path = folder / FILE_NAME
    _report_similar_files(folder)
    if not path.is_file():
        return Declaration()
    values = read_toml(path)
    _report_unknown_keys(path, values)
    xdf = _read_section(path, values, "xdf")
    return Declaration(
        name=_read_text(path, values, "name"),
        eeg=_read_texts(path, values, "eeg") if "eeg" in values else None,
        reference=_read_texts(path, values, "reference"),
        line_hz=_read_number(path, values, "line_hz"),
        baseline_s=_read_number(path, values, "baseline_s") or 0.0,
        rating_range=_read_range(path, values),
        label_rule=_read_text(path, values, "label_rule"),
        peripherals=_read_types(path, values),
        units=_read_units(path, values),
        time=_read_text(path, _read_section(path, values, "tables"), "time"),
        streams=_read_texts(path, xdf, "streams"),
        markers=_read_text(path, xdf, "markers"),
        video=_read_text(path, xdf, "video"),
        ratings=_read_scales(path, values),
    )


def _report_similar_files(folder: Path) -> None:
    """Report files that are called nearly as the one that is read."""
    try:
        names = [file.name for file in folder.iterdir()]
    except OSError:
        return
    for name in names:
        stem = name.lower().removesuffix(".txt")
        is_near = difflib.SequenceMatcher(None, stem, FILE_NAME).ratio() > NEAR
        if name != FILE_NAME and stem.endswith(".toml") and is_near:
            report(
                "F38",
                f"is not read, since it is not called {FILE_NAME}",
                source=folder / name,
                assumed="nothing that it says is used",
                cure=f"rename it to {FILE_NAME}",
            )


def _report_unknown_keys(path: Path, values: Mapping[str, Any]) -> None:
    for key in values:
        if key not in _KEYS:
            _report_key(path, "key", key, _KEYS)
    for section, keys in _SECTIONS.items():
        for key in _read_section(path, values, section):
            if key not in keys:
                _report_key(path, f"key of [{section}]", key, keys)
    of = {"peripherals": "channel", "units": "channel", "ratings": "column"}
    for section, what in of.items():
        for key in _read_section(path, values, section):
            if key in _KEYS and key != "eeg":  # which is a type of channel too
                _report_key(path, f"{what} of [{section}]", key, ())


def _report_key(path: Path, kind: str, key: str, known: tuple[str, ...]) -> None:
    near = _find_home(key, known)
    report(
        "R15",
        f"unknown {kind} {key[:_MOST_QUOTED]!r}{near or say_nearest(key, known)}",
        source=path,
        place=f"key {key[:_MOST_QUOTED]}",
        assumed="what it states is not used",
    )


def _find_home(key: str, known: tuple[str, ...]) -> str:
    """Return where a key belongs, empty if it is none that is known elsewhere."""
    spelled = re.sub(r"[^a-z0-9]+", "_", key.casefold()).strip("_")
    meant = next((k for k, names in _SYNONYMS.items() if spelled in names), spelled)
    if meant in known:
        return f", did you mean {meant!r}?"
    if meant in _KEYS:
        return f", write {meant!r} above the first [section]"
    for section, keys in _SECTIONS.items():
        if meant in keys:
            return f", write {meant!r} under [{section}]"
    return ""


def _refuse(path: Path, sentence: str) -> UserError:
    return refuse("R26", sentence, source=path)


def _read_section(path: Path, values: Mapping[str, Any], key: str) -> dict[str, Any]:
    section = values.get(key, {})
    if not isinstance(section, dict):
        raise _refuse(path, f"{key} must be a table, as [{key}], got {section!r}")
    return section


def _read_text(path: Path, values: Mapping[str, Any], key: str) -> str:
    text = values.get(key, "")
    if not isinstance(text, str):
        raise _refuse(path, f"{key} must be a text, got {text!r}")
    return text


def _read_texts(path: Path, values: Mapping[str, Any], key: str) -> tuple[str, ...]:
    texts = values.get(key, [])
    if not isinstance(texts, list) or not all(isinstance(t, str) for t in texts):
        raise _refuse(path, f"{key} must be a list of names, got {texts!r}")
    return tuple(texts)


def _read_number(path: Path, values: Mapping[str, Any], key: str) -> float | None:
    number = values.get(key)
    if number is None:
        return None
    if isinstance(number, bool) or not isinstance(number, int | float) or number < 0:
        raise _refuse(path, f"{key} must be a number from 0, got {number!r}")
    return float(number)


def _read_range(path: Path, values: Mapping[str, Any]) -> tuple[float, float]:
    found = values.get("rating_range", [LOWEST_RATING, HIGHEST_RATING])
    return _read_pair(path, "rating_range", found)


def _read_scales(
    path: Path, values: Mapping[str, Any]
) -> dict[str, tuple[float, float]]:
    """Return the scales of [ratings], by column."""
    scales = {}
    for column, found in _read_section(path, values, "ratings").items():
        if column in list(Target):
            raise _refuse(
                path,
                f"the scale of {column} is rating_range, above the first [section]",
            )
        scales[column] = _read_pair(path, f"{column} of [ratings]", found)
    return scales


def _read_pair(path: Path, what: str, found: Any) -> tuple[float, float]:
    is_pair = isinstance(found, list) and len(found) == 2
    if not is_pair or not all(
        type(bound) in (int, float) and math.isfinite(bound) for bound in found
    ):
        raise _refuse(path, f"{what} {_TWO_RATINGS}, got {found!r}")
    low, high = float(found[0]), float(found[1])
    if low >= high:
        raise _refuse(path, f"{what} must rise, got {found!r}")
    return low, high


def _read_types(path: Path, values: Mapping[str, Any]) -> dict[str, ChannelType] | None:
    if "peripherals" not in values:
        return None
    types: dict[str, ChannelType] = {}
    for label, text in _read_section(path, values, "peripherals").items():
        kind = read_type(str(text))
        if kind is None or kind is ChannelType.EEG:
            known = ", ".join(k for k in ChannelType if k is not ChannelType.EEG)
            raise _refuse(
                path, f"peripheral {label} must be one of {known}, got {text!r}"
            )
        types[label] = kind
    return types


def _read_units(path: Path, values: Mapping[str, Any]) -> dict[str, str]:
    units = {}
    for label, text in _read_section(path, values, "units").items():
        units[label.lower()] = spell_unit(str(text))
        if keep_in(units[label.lower()]) == UNKNOWN and text != UNKNOWN:
            raise _refuse(
                path,
                f"unit of {label} must be as V, mV, uV, uS, Ohm, kOhm, degC or "
                f"{UNKNOWN}, got {text!r}",
            )
    return units
