"""Labels, units and scales of a file that MNE opened, as the file itself has them.

What MNE does to numbers is asked of MNE. What it does not keep, the spelling of a
unit that it does not know and labels that occur twice, is read in the header.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepvanet.findings import refuse
from deepvanet.schema import ChannelType
from deepvanet.signal_io.channel_names import guess_type
from deepvanet.signal_io.edf_records import EdfHeader
from deepvanet.signal_io.units import (
    UNKNOWN,
    UNSTATED,
    VOLTAGES,
    find_si_factor,
    spell_unit,
)

_CHANNEL = re.compile(r"^\s*Ch(\d+)\s*=\s*(.*)$", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class RawChannel:
    """A channel as its file has it.

    Attributes
    ----------
    label : str
        Not made unique.
    unit : str
        Of the file's own numbers, as ``spell_unit`` spells it.
    scale : float
        What MNE multiplies those numbers with.
    rate : float
        Samples a second that the file has of it, in Hz.
    fault : str
        Why its numbers cannot be known, or empty.
    """

    label: str
    unit: str
    scale: float
    rate: float
    fault: str = ""


def describe_channels(
    path: Path, raw: Any, header: EdfHeader | None
) -> tuple[RawChannel, ...]:
    """Return the channels of what MNE opened, in its order.

    Parameters
    ----------
    path : Path
        The file.
    raw : mne.io.BaseRaw
        What MNE opened.
    header : EdfHeader | None
        That of EDF and BDF.
    """
    extras = raw._raw_extras[0] if raw._raw_extras else None
    suffix = path.suffix.lower()
    if isinstance(extras, dict) and {"units", "physical_min"} <= extras.keys():
        channels = _describe_edf(raw, extras, header)
    elif suffix in (".vhdr", ".ahdr"):
        channels = _describe_brainvision(path, raw)
    elif suffix == ".set":
        channels = [_describe_eeglab(raw, chan) for chan in raw.info["chs"]]
    else:
        channels = [_describe_fiff(raw, chan) for chan in raw.info["chs"]]
    return tuple(channels)


def check_labels(path: Path) -> None:
    """Refuse a header that MNE cannot read, since labels in it occur twice.

    Raises
    ------
    FindingError
        When it is of BrainVision, and names two channels alike.
    """
    if path.suffix.lower() not in (".vhdr", ".ahdr"):
        return
    labels = [label for label, _ in _read_brainvision_header(path).values()]
    twice = list(dict.fromkeys(k for k in labels if labels.count(k) > 1))
    if twice:
        raise refuse(
            "C02",
            f"two channels are called {', '.join(twice)}",
            source=path,
            place="[Channel Infos]",
        )


def _describe_edf(
    raw: Any, extras: Mapping[str, Any], header: EdfHeader | None
) -> list[RawChannel]:
    """Describe channels of EDF, BDF and GDF."""
    written = list(zip(header.labels, header.units, strict=True)) if header else []
    places = extras["sel"] if written else range(len(raw.ch_names))
    lengths = extras.get("n_samps")
    seconds = float(extras["record_length"][0] / extras["record_length"][1])
    channels = []
    for row, place in enumerate(places):
        name = raw.ch_names[row]
        label, unit = (
            written[place] if written else (name, raw._orig_units.get(name, ""))
        )
        scale = float(extras["units"][row])
        if not written and not unit and scale != 1:  # GDF has numbers for its units
            unit = "uV" if scale == find_si_factor("uV") else "mV"
        channels.append(
            RawChannel(
                label=label if [w[0] for w in written].count(label) > 1 else name,
                unit=spell_unit(unit),
                scale=scale,
                rate=(
                    raw.info["sfreq"]
                    if lengths is None
                    else float(lengths[place] / seconds)
                ),
                fault=_find_fault(extras, row),
            )
        )
    return channels


def _find_fault(extras: Mapping[str, Any], row: int) -> str:
    """Say which range of an EDF header is empty."""
    for kind in ("physical", "digital"):
        low, high = (float(extras[f"{kind}_{end}"][row]) for end in ("min", "max"))
        if low == high:
            return f"{kind} minimum and maximum are both {low:g}"
    return ""


def _describe_brainvision(path: Path, raw: Any) -> list[RawChannel]:
    written = _read_brainvision_header(path)
    labels = [label for label, _ in written.values()]
    channels = []
    for place, channel in enumerate(raw.info["chs"]):
        name = channel["ch_name"]
        label, unit = written.get(place + 1, (name, ""))
        unit = unit or raw._orig_units.get(name, "")  # microvolts, unless written
        channels.append(
            RawChannel(
                label=label if labels.count(label) > 1 else name,
                unit=spell_unit(unit),
                scale=float(channel["range"]),
                rate=float(raw.info["sfreq"]),
            )
        )
    return channels


def _read_brainvision_header(path: Path) -> dict[int, tuple[str, str]]:
    """Return label and unit by the number of a channel."""
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    section = re.split(r"(?im)^\[channel infos\]", text)[-1].partition("\n[")[0]
    found = {}
    for number, fields in _CHANNEL.findall(section):
        label, *rest = fields.strip().split(",")
        unit = rest[2] if len(rest) > 2 else ""
        found[int(number)] = (label.replace("\\1", ",").strip(), unit.strip())
    return found


def _describe_eeglab(raw: Any, channel: Mapping[str, Any]) -> RawChannel:
    """Describe a channel of EEGLAB, whose voltages are microvolts by convention."""
    label = channel["ch_name"]
    kind = guess_type(label) or ChannelType.EEG
    return RawChannel(
        label=label,
        unit="uV" if kind in VOLTAGES else UNSTATED,
        scale=find_si_factor("uV"),
        rate=float(raw.info["sfreq"]),
    )


def _describe_fiff(raw: Any, channel: Mapping[str, Any]) -> RawChannel:
    """Describe a channel that has a unit by MNE's codes, which is what MNE returns."""
    return RawChannel(
        label=channel["ch_name"],
        unit=_name_unit(channel["unit"], channel["unit_mul"]),
        scale=1.0,
        rate=float(raw.info["sfreq"]),
    )


def _name_unit(code: int, power: int) -> str:
    """Return the unit of a code of the FIFF standard, as MNE lists them."""
    from mne.io.constants import FIFF

    units = {
        int(FIFF.FIFF_UNIT_NONE): UNSTATED,
        int(FIFF.FIFF_UNIT_UNITLESS): UNKNOWN,
        int(FIFF.FIFF_UNIT_V): "V",
        int(FIFF.FIFF_UNIT_S): "S",
        int(FIFF.FIFF_UNIT_OHM): "Ohm",
        int(FIFF.FIFF_UNIT_CEL): "degC",
        int(FIFF.FIFF_UNIT_K): "K",
        int(FIFF.FIFF_UNIT_PA): "Pa",
        int(FIFF.FIFF_UNIT_N): "N",
    }
    prefixes = {
        int(FIFF.FIFF_UNITM_NONE): "",
        int(FIFF.FIFF_UNITM_N): "n",
        int(FIFF.FIFF_UNITM_MU): "u",
        int(FIFF.FIFF_UNITM_M): "m",
        int(FIFF.FIFF_UNITM_K): "k",
        int(FIFF.FIFF_UNITM_MEG): "M",
    }
    unit = units.get(int(code))
    if unit in (UNSTATED, UNKNOWN):
        return unit
    prefix = prefixes.get(int(power), f"10^{int(power)} ")
    return prefix + (unit or f"FIFF unit {int(code)}")


def list_bad(raw: Any) -> Sequence[int]:
    """Return which channels the file marks as bad."""
    bads = set(raw.info["bads"])
    return [place for place, name in enumerate(raw.ch_names) if name in bads]
