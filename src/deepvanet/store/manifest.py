"""What all subjects of a store have in common: ``manifest.json``."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeGuard

from deepvanet.config import PrepareSettings
from deepvanet.preprocessing.cleaning.filters import find_factor
from deepvanet.schema import (
    PAPER_STREAMS,
    STREAMS,
    Channel,
    ChannelType,
    Stream,
    TraceFormat,
    UserError,
    pick,
    quote,
)

FORMAT = "deepvanet-store-3"

_RATES = ("sfreq", "face_fps")
_SHARES = ("most_missing", "least_channels")


@dataclass(frozen=True)
class Manifest:
    """What all subjects of a store have in common.

    Attributes
    ----------
    dataset : str
        What results call the recordings, as ``deap`` or ``deap-synthetic``.
    is_raw : bool
        Whether the recordings were raw, and so were filtered here.
    settings : mapping
        The ``PrepareSettings`` as plain values, and ``digest``, their digest.
    channels : tuple of Channel
        Every stored channel; EEG first.
    versions : mapping
        The packages that made the store.
    traces : TraceFormat | None
        How ratings that move with time are kept; None where there are none.
    streams : tuple of Stream
        Those that its tables have columns of: the paper's, and those of its channels.
    """

    dataset: str
    is_raw: bool
    settings: Mapping[str, Any]
    digest: str
    channels: tuple[Channel, ...]
    versions: Mapping[str, str]
    traces: TraceFormat | None = None
    streams: tuple[Stream, ...] = PAPER_STREAMS

    @property
    def features(self) -> tuple[Channel, ...]:
        """Those of its channels that are features of faces."""
        return tuple(c for c in self.channels if c.stream is Stream.FACE_FEATURES)

    @property
    def signals(self) -> tuple[Stream, ...]:
        """Those of the streams that have channels."""
        return tuple(stream for stream in self.streams if not stream.is_images)

    def say_streams(self) -> str:
        """Name the streams, and how many channels each has."""
        counts = {s: sum(c.stream is s for c in self.channels) for s in self.streams}
        return ", ".join(f"{s} ({n})" if n else str(s) for s, n in counts.items())

    @property
    def factors(self) -> dict[Stream, int]:
        """Of streams that are kept at a lower rate: of how many samples one is kept."""
        kept, sfreq = (self.settings.get(n) for n in ("peripheral_rate", "sfreq"))
        factor = find_factor(float(sfreq), float(kept)) if kept and sfreq else 1
        return {Stream.PERIPHERAL: factor} if factor > 1 else {}

    def find_rate(self, name: str, path: Path) -> float:
        """Return ``sfreq`` or ``face_fps`` of the settings.

        Raises
        ------
        UserError
            When the settings do not state it.
        """
        if name not in self.settings:
            raise UserError(f"{path}: manifest.json does not say settings.{name}")
        return float(self.settings[name])

    def find(self, name: str) -> float:
        """Return ``most_missing`` or ``least_channels``, by default the usual one."""
        return float(self.settings.get(name, getattr(PrepareSettings, name)))

    def to_json(self) -> str:
        """Return the manifest as JSON text."""
        values = {"format": FORMAT, **asdict(self)}
        if self.traces is None:
            del values["traces"]
        return json.dumps(values, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Manifest":
        """Read what ``to_json`` wrote.

        Raises
        ------
        UserError
            When the manifest has another format.
        """
        values = json.loads(text)
        found = values.pop("format")
        if found != FORMAT:
            raise UserError(
                f"expected a store of the format {FORMAT}, got {found}; make it again: "
                "deepvanet prepare DATASET ROOT --out STORE"
            )
        channels = tuple(
            Channel(item["name"], ChannelType(item["type"]), item["unit"])
            for item in values.pop("channels")
        )
        held = values.pop("traces", None)
        traces = held and TraceFormat(held["rate"], tuple(held["targets"]))
        named = values.pop("streams", PAPER_STREAMS)  # which older ones do not say
        return cls(
            channels=channels,
            traces=traces,
            streams=tuple(STREAMS[pick("stream", name, STREAMS)] for name in named),
            **values,
        )


def read_manifest(path: Path) -> Manifest | None:
    """Return a store's manifest, or None where there is none.

    Raises
    ------
    UserError
        When the file cannot be read, or is not a manifest of this format.
    """
    file = path / "manifest.json"
    if not file.is_file():
        return None
    try:
        manifest = Manifest.from_json(file.read_text("utf-8"))
        _check(manifest)
    except UserError as error:
        raise UserError(f"{file}: {error}") from None
    except RecursionError:
        raise UserError(f"{file}: is nested too deeply") from None
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise UserError(f"{file}: not a manifest of a store: {error}") from None
    return manifest


def _check(manifest: Manifest) -> None:
    """Refuse values of other types than ``to_json`` writes.

    Raises
    ------
    ValueError
        Which names the value.
    """
    texts = [manifest.dataset, manifest.digest]
    texts += [text for c in manifest.channels for text in (c.name, c.unit)]
    if manifest.traces is not None:
        texts += manifest.traces.targets
        _check_rate("traces.rate", manifest.traces.rate)
    wrong = [text for text in texts if not isinstance(text, str)]
    if wrong:
        raise ValueError(f"expected a text, got {quote(str(wrong[0]))}")
    for name in _RATES:
        _check_rate(f"settings.{name}", manifest.settings.get(name, 1.0))
    kept = manifest.settings.get("peripheral_rate")
    if kept is not None:
        _check_rate("settings.peripheral_rate", kept)
    for name in _SHARES:
        value = manifest.settings.get(name, 1.0)
        if not (_is_number(value) and 0 <= value <= 1):
            raise ValueError(f"settings.{name} must be a share, got {_quote(value)}")


def _check_rate(name: str, value: object) -> None:
    if not (_is_number(value) and value > 0):
        raise ValueError(f"{name} must be a rate in Hz, got {_quote(value)}")


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _quote(value: object) -> str:
    return quote(str(value))
