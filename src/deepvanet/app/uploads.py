"""What was sent: recognised by its first bytes, kept under a name of our own.

The name a file had is shown, and never used but for its ending; a sensor's file of
Empatica E4, which only its name says, is kept under the one of E4's names that
it has. What is not one whole file (BrainVision, EEGLAB with its ``.fdt``) is refused:
its header names another file, and a hostile one would name any file of this machine.
Play lists that FFmpeg would follow are no video by their first bytes.
"""

import math
from pathlib import Path, PurePosixPath
from typing import IO

from deepvanet.app.limits import Limits
from deepvanet.datasets.recordings.trial_columns import PERIPHERALS
from deepvanet.schema import UserError
from deepvanet.signal_io.exports.empatica import SENSORS

_PIECE = 1024**2
MOST_SHOWN = 100
"""Letters of a file's name."""
_EBML = b"\x1a\x45\xdf\xa3"
_MP4 = ((4, b"ftyp"), (4, b"moov"), (4, b"mdat"), (4, b"wide"), (4, b"free"))

VIDEO_SIGNATURES: dict[str, tuple[tuple[int, bytes], ...]] = {
    ".mp4": _MP4,
    ".m4v": _MP4,
    ".mov": _MP4,
    ".webm": ((0, _EBML),),
    ".mkv": ((0, _EBML),),
    ".avi": ((8, b"AVI "),),
    ".mpg": ((0, b"\x00\x00\x01\xba"),),
    ".wmv": ((0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),),
}
BIO_SIGNATURES: dict[str, tuple[tuple[int, bytes], ...]] = {
    ".bdf": ((0, b"\xffBIOSEMI"),),
    ".edf": ((0, b"0       "),),
    ".gdf": ((0, b"GDF "),),
    ".fif": ((0, b"\x00\x00\x00\x64"),),
    ".xdf": ((0, b"XDF:"),),
    ".parquet": ((0, b"PAR1"),),
    ".csv": ((0, b""),),
    ".tsv": ((0, b""),),
    ".txt": ((0, b""),),
}
TEXTS = (".csv", ".tsv", ".txt")
"""A table in text begins as it likes; what else it must be says ``_check_head``."""
SIGNAL_KINDS = ("bio", *PERIPHERALS)
SIGNATURES = {
    "video": VIDEO_SIGNATURES,
    "bio": BIO_SIGNATURES,
    "features": {".csv": BIO_SIGNATURES[".csv"]},
    **dict.fromkeys(PERIPHERALS, BIO_SIGNATURES),
}
"""By field of the form."""


def keep_upload(
    kind: str, source: IO[bytes], sent_as: str, folder: Path, *, limits: Limits
) -> Path:
    """Copy what was sent into a folder, if it is of a known type.

    Parameters
    ----------
    kind : str
        ``video``, ``bio``, ``features``, ``peripheral`` ...
    source : binary file
        What was sent; it is read to its end.
    sent_as : str
        The file's name as it was sent, of which only the ending is used.
    folder : Path
        Where the copy goes.
    limits : Limits
        Most bytes of a file, and how long signals may last.

    Returns
    -------
    Path
        The copy: ``kind`` with the ending that was sent, or a sensor's file of E4 in a
        folder of its own.

    Raises
    ------
    UserError
        When its ending, its first bytes or its length will not do.
    """
    is_video = kind == "video"
    suffix = pick_suffix(kind, sent_as)
    most = limits.video_bytes if is_video else limits.bio_bytes
    head = source.read(512)
    _check_head(kind, suffix, head, limits)
    path = folder / f"{kind}{suffix}"
    sensor = next((name for name in SENSORS if name == clean_name(sent_as)), None)
    if sensor is not None and kind in SIGNAL_KINDS:
        path = folder / kind / sensor
        path.parent.mkdir()
    size = len(head)
    with path.open("wb") as out:
        out.write(head)
        while piece := source.read(_PIECE):
            size += len(piece)
            if size > most:
                raise UserError(f"{kind}: is larger than {most // 1024**2} MiB")
            out.write(piece)
    return path


def clean_name(sent_as: str) -> str:
    """Return a file's name as it was sent, to be shown: without folders, and short.

    Examples
    --------
    >>> clean_name("home/me/face.mp4")
    'face.mp4'
    """
    name = PurePosixPath(sent_as.replace("\\", "/")).name
    shown = "".join(letter for letter in name if letter.isprintable())
    return shown if len(shown) <= MOST_SHOWN else f"...{shown[3 - MOST_SHOWN :]}"


def pick_suffix(kind: str, sent_as: str) -> str:
    """Return the ending of a file's name, one of those known.

    Raises
    ------
    UserError
        When it is unknown.
    """
    known = SIGNATURES[kind]
    suffix = PurePosixPath(sent_as.replace("\\", "/")).suffix.lower()
    if suffix not in known:
        raise UserError(
            f"{kind}: must be one of {', '.join(known)}, got {suffix!r:.20}"
        )
    return suffix


def _check_head(kind: str, suffix: str, head: bytes, limits: Limits) -> None:
    known = SIGNATURES[kind]
    if not head:
        raise UserError(f"{kind}: the file is empty")
    if not any(head[at : at + len(mark)] == mark for at, mark in known[suffix]):
        raise UserError(f"{kind}: is not what its ending {suffix} says")
    if suffix in TEXTS and b"\0" in head:
        raise UserError(f"{kind}: is not text, as its ending {suffix} says")
    if suffix in (".bdf", ".edf"):
        _check_length(kind, head, limits)


def _check_length(kind: str, head: bytes, limits: Limits) -> None:
    """Refuse signals whose header promises more than is bounded."""
    try:
        n_records, record_s = int(head[236:244]), float(head[244:252])
    except ValueError:
        raise UserError(f"{kind}: its header does not say how long it lasts") from None
    lasts_s = n_records * record_s
    if not math.isfinite(lasts_s) or lasts_s > limits.duration_s:
        raise UserError(f"{kind}: lasts more than {limits.duration_s / 60:g} minutes")
