"""Which files and channels a bundle needs, and which a recording lacks."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deepvanet.bundle import Bundle
from deepvanet.findings import list_some
from deepvanet.inference import RecordingInput
from deepvanet.schema import SIGNALS, Stream

_FILES = {Stream.FACE: "video", Stream.FACE_FEATURES: "features"}
_WHAT = {
    "video": "no face video",
    "features": "no table of features of the face",
    "bio": "no file of signals",
}


@dataclass(frozen=True)
class Need:
    """What a stream is read from.

    Attributes
    ----------
    file : str
        The field of the form.
    channels : tuple of str
        Names with their units, as the file must have them; none of a video.
    """

    stream: Stream
    title: str
    file: str
    channels: tuple[str, ...]


def list_needs(bundle: Bundle) -> list[Need]:
    """Return what each stream of a bundle is read from."""
    return [
        Need(
            stream,
            stream.spec.title,
            _FILES.get(stream, "bio"),
            tuple(
                f"{channel.name} ({channel.unit})" if channel.unit else channel.name
                for channel in bundle.channels_of(stream)
            ),
        )
        for stream in Stream
        if stream in bundle.streams
    ]


def describe_needs(bundle: Bundle) -> list[dict[str, Any]]:
    """Return ``list_needs`` as plain values."""
    return [asdict(need) | {"stream": str(need.stream)} for need in list_needs(bundle)]


def list_lacking(
    bundle: Bundle,
    recording: RecordingInput,
    found: Collection[str],
    names: Mapping[str, str],
) -> list[str]:
    """Say what a recording lacks of each stream, and which file lacks it.

    Parameters
    ----------
    bundle : Bundle
        What reads the recording.
    recording : RecordingInput
        Its files.
    found : collection of str
        Channels of the bundle that its files of signals have.
    names : mapping
        How the person calls each file, by field of the form.

    Returns
    -------
    list of str
        Sentences; none where all streams are there.
    """
    said = []
    for need in list_needs(bundle):
        stream = need.stream
        if stream not in SIGNALS:
            if getattr(recording, need.file) is None:
                said.append(f"{_WHAT[need.file]} was sent: no answer uses {need.title}")
        elif recording.signals is None:
            said.append(f"{_WHAT['bio']} was sent: no answer uses {need.title}")
    return said + list_missing(bundle, recording, found, names)


def list_missing(
    bundle: Bundle,
    recording: RecordingInput,
    found: Collection[str],
    names: Mapping[str, str],
) -> list[str]:
    """Say which channels a recording's files of signals lack.

    Parameters
    ----------
    bundle : Bundle
        What reads the recording.
    recording : RecordingInput
        Its files.
    found : collection of str
        Channels of the bundle that its files of signals have.
    names : mapping
        How the person calls each file, by field of the form.

    Returns
    -------
    list of str
        A sentence a stream; none without a file of signals.
    """
    if recording.signals is None:
        return []
    files, said = _join(_list_signals(recording, names)), []
    for need in list_needs(bundle):
        wanted = [channel.name for channel in bundle.channels_of(need.stream)]
        missing = [name for name in wanted if name not in found]
        if need.stream in SIGNALS and missing:
            said.append(
                f"{files}: {len(missing)} of {len(wanted)} {need.title} channels are "
                f"missing: {list_some(missing)}"
            )
    return said


def _list_signals(recording: RecordingInput, names: Mapping[str, str]) -> list[str]:
    """Return how a person calls the files of signals."""
    paths = [recording.signals, *(file.path for file in recording.beside)]
    return [name_file(Path(path), names) for path in paths if path is not None]


def name_file(path: Path, names: Mapping[str, str]) -> str:
    """Return how a person calls a file that was kept under its field's name."""
    return names.get(path.stem, path.name)


def _join(names: Sequence[str]) -> str:
    *some, last = names
    return f"{', '.join(some)} and {last}" if some else last
