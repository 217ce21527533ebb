"""What all subjects of a store have in common: ``manifest.json``."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deepvanet.schema import Channel, ChannelType, UserError, quote

FORMAT = "deepvanet-store-2"


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
    """

    dataset: str
    is_raw: bool
    settings: Mapping[str, Any]
    digest: str
    channels: tuple[Channel, ...]
    versions: Mapping[str, str]

    def to_json(self) -> str:
        """Return the manifest as JSON text."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=2) + "\n"

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
        return cls(channels=channels, **values)


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
    rate = manifest.settings.get("sfreq", 1.0)
    texts = [manifest.dataset, manifest.digest]
    texts += [text for c in manifest.channels for text in (c.name, c.unit)]
    wrong = [text for text in texts if not isinstance(text, str)]
    if wrong:
        raise ValueError(f"expected a text, got {quote(str(wrong[0]))}")
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not rate > 0:
        raise ValueError(f"settings.sfreq must be a rate in Hz, got {quote(str(rate))}")
