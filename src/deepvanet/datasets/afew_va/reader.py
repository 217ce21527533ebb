"""AFEW-VA: 600 clips of movies, valence and arousal given frame by frame [1]_.

Read as downloaded, nothing renamed; a folder for each of the twelve archives may
lie between, as ``01/001``::

    001/001.json        actor, and 68 landmarks, valence, arousal of each frame
    001/00000.png       the frames, named as in the JSON file

The given numbers are whole, from -10 to 10. A file that contradicts this page is
the user's to put right; a frame that lacks something is left out and counted.

References
----------
.. [1] Kossaifi et al. (2017). AFEW-VA database for valence and arousal
   estimation in-the-wild. Image and Vision Computing 65, 23-36.
"""

import json
import re
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from deepvanet.datasets.synthetic_mark import name_copy
from deepvanet.schema import UserError

Losses = dict[str, list[str]]
"""Places, as "001" or "001/00000", by why they are left out."""

LOWEST, HIGHEST = -10, 10
N_LANDMARKS = 68
EYES_AND_LIPS = slice(36, N_LANDMARKS)
"""The landmarks that a crop needs; of the others some may be beyond the edge."""
FEWEST_ACTORS = 3
"""One to train on, one to choose the epoch by, one to test on."""
LARGEST_JSON = 16 * 2**20  # bytes; a clip of 145 frames needs half a megabyte
LARGEST_SIDE = 8192  # pixels
FARTHEST = 1e5  # pixels; beyond it a landmark is a mistake, or not finite

NO_JSON = "clips without a JSON file"
NO_ACTOR = "clips without an actor"
NO_FRAME = "clips without one usable frame"
NO_ENTRY = "images without an entry in the JSON file"
NO_IMAGE = "entries without an image"
NOT_ANNOTATED = "frames without annotation"
OUTSIDE = "frames with eyes or lips outside the image"
DROPPED = (NO_JSON, NO_ACTOR, NO_FRAME, NO_ENTRY, NO_IMAGE, NOT_ANNOTATED, OUTSIDE)
"""Why something is left out."""

_CLIP = re.compile(r"\d{3}")
_JUNK = re.compile(r"[._].*|\d{3}\D.*")
"""Folders that are not looked into: hidden ones, and copies of clips."""
_JSON_NAMES: Mapping[type, str] = {str: "a string", dict: "an object"}
_PNG_HEADER = struct.Struct(">8s4x4sII")


@dataclass(frozen=True)
class RatedFrame:
    """One annotated frame.

    Attributes
    ----------
    name : str
        Of the image and of its entry, as "00000".
    landmarks : array, shape (68, 2)
        The points of iBUG 300-W, x and y in pixels of the image; whole numbers
        are the middles of pixels.
    valence, arousal : int
        From -10 to 10.
    """

    name: str
    image: Path
    landmarks: Float[np.ndarray, "68 2"]
    valence: int
    arousal: int


@dataclass(frozen=True)
class Clip:
    """A piece of a movie that shows one actor.

    Attributes
    ----------
    name : str
        "001" to "600".
    actor : str
        In lower case, so that two spellings are one actor.
    video_id : str
        The movie, as the JSON file names it; may be empty.
    frames : tuple of RatedFrame
        Those that can be used, in order.
    """

    name: str
    actor: str
    video_id: str
    folder: Path
    frames: tuple[RatedFrame, ...]


@dataclass(frozen=True)
class Clips:
    """The clips of a folder, and what of it is left out.

    Attributes
    ----------
    clips : tuple of Clip
        By number; each has a frame.
    dropped : mapping of str to tuple of str
        Places, as "001" or "001/00000", by why they are left out; every reason
        of ``DROPPED`` is a key.
    ignored : tuple of Path
        Folders that are no part of the data set.
    """

    clips: tuple[Clip, ...]
    dropped: Mapping[str, tuple[str, ...]]
    ignored: tuple[Path, ...]

    @property
    def actors(self) -> tuple[str, ...]:
        """Everybody who is seen, by name."""
        return tuple(sorted({clip.actor for clip in self.clips}))

    @property
    def n_frames(self) -> int:
        """The frames of all clips."""
        return sum(len(clip.frames) for clip in self.clips)


def name_dataset(root: Path) -> str:
    """Return what results call this data set: real and synthetic ones differ."""
    return name_copy(root, "afew-va")


def find_clips(root: Path) -> Clips:
    """Read the annotation of every clip, at any depth.

    Of the images only the headers are read.

    Raises
    ------
    UserError
        When there is no clip that can be used, a clip is there twice, or a file
        is not as documented.
    """
    folders, ignored = list_folders(root)
    read = [read_clip(folder) for folder in folders]
    clips = tuple(clip for clip, _ in read if clip is not None)
    dropped = {
        reason: tuple(place for _, lost in read for place in lost[reason])
        for reason in DROPPED
    }
    if not clips:
        why = next(reason for reason, places in dropped.items() if places)
        raise UserError(f"{root}: no clip can be used, got {len(dropped[why])} {why}")
    return Clips(clips, dropped, tuple(ignored))


def read_clip(folder: Path) -> tuple[Clip | None, Losses]:
    """Read the annotation of one clip, and what of it is left out.

    Raises
    ------
    UserError
        When a file is not as documented.
    """
    losses: Losses = {reason: [] for reason in DROPPED}
    return _read_clip(folder, losses), losses


def check_actors(root: Path, clips: Iterable[Clip]) -> None:
    """Refuse too few actors to train on some and to test on others.

    Raises
    ------
    UserError
        When there are fewer than ``FEWEST_ACTORS``.
    """
    n_actors = len({clip.actor for clip in clips})
    if n_actors < FEWEST_ACTORS:
        raise UserError(
            f"{root}: {FEWEST_ACTORS} actors are needed, to train, to choose the "
            f"epoch and to test on different people, got {n_actors}"
        )


def read_picture(
    frame: RatedFrame, *, aspect: float = 1.0
) -> tuple[UInt8[np.ndarray, "height width 3"], Float[np.ndarray, "68 2"]]:
    """Read a frame in RGB, with its landmarks in pixels of what is returned.

    Parameters
    ----------
    aspect : float
        How wide a pixel is; image and landmarks are stretched by it. 1.333 makes
        960 x 576 of the 720 x 576 of a movie stored in narrow pixels.

    Raises
    ------
    UserError
        When the image cannot be read.
    """
    bgr = cv2.imdecode(np.frombuffer(_read(frame.image), np.uint8), cv2.IMREAD_COLOR)
    if bgr is None:
        raise UserError(f"{frame.image}: cannot be decoded, expected a PNG image")
    height, width = bgr.shape[:2]
    stretched = max(1, round(aspect * width))
    if stretched != width:
        bgr = cv2.resize(bgr, (stretched, height), interpolation=cv2.INTER_LINEAR)
    scale = np.array([stretched / width, 1.0])
    rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
    return rgb, (frame.landmarks + 0.5) * scale - 0.5


def list_folders(root: Path) -> tuple[list[Path], list[Path]]:
    """Return the folders named like clips, by number, and those to be ignored.

    Raises
    ------
    UserError
        When there is no such folder, no clip in it, or two of one number.
    """
    if not root.is_dir():
        raise UserError(f"{root}: no such folder")
    ignored: list[Path] = []
    folders = sorted(_walk(root, ignored, {root.resolve()}), key=lambda f: f.name)
    if not folders:
        n_archives = sum(path.suffix.lower() == ".zip" for path in root.iterdir())
        got = f"{n_archives} archives to unpack" if n_archives else "none"
        raise UserError(f"{root}: no clip, expected folders as 001, got {got}")
    for first, second in pairwise(folders):
        if first.name == second.name:
            raise UserError(f"{second}: a second clip {second.name}, got {first} too")
    return folders, sorted(ignored)


def _walk(folder: Path, ignored: list[Path], seen: set[Path]) -> Iterator[Path]:
    """Yield the clips below a folder, and note the folders without one."""
    for path in sorted(folder.iterdir()):
        if not path.is_dir():
            continue
        target = path.resolve()
        if target in seen or _JUNK.fullmatch(path.name):
            ignored.append(path)
        elif _CLIP.fullmatch(path.name):
            yield path
        else:
            below: list[Path] = []
            within = list(_walk(path, below, seen | {target}))
            ignored.extend(below if within else [path])
            yield from within


def _read_clip(folder: Path, losses: Losses) -> Clip | None:
    name = folder.name
    path = folder / f"{name}.json"
    if not path.is_file():
        losses[NO_JSON].append(name)
        return None
    content = _load_json(path)
    actor = " ".join(_take(content, "actor", path, str).split()).lower()
    entries = _take(content, "frames", path, dict)
    if not actor:
        losses[NO_ACTOR].append(name)
        return None
    frames = tuple(_read_frames(folder, entries, losses))
    if not frames:
        losses[NO_FRAME].append(name)
        return None
    video_id = _take(content, "video_id", path, str)
    return Clip(name, actor, video_id, folder, frames)


def _read_frames(
    folder: Path, entries: Mapping[str, Any], losses: Losses
) -> Iterator[RatedFrame]:
    images = {
        path.stem: path
        for path in sorted(folder.iterdir())
        if path.suffix.lower() == ".png" and not path.name.startswith(".")
    }
    clip = folder.name
    losses[NO_ENTRY] += [f"{clip}/{stem}" for stem in images if stem not in entries]
    for stem in sorted(entries):
        place, where = f"{clip}/{stem}", f"{folder / clip}.json: frame {stem}"
        if stem not in images:
            losses[NO_IMAGE].append(place)
        elif not _is_annotated(entries[stem]):
            losses[NOT_ANNOTATED].append(place)
        else:
            frame = _make_frame(images[stem], entries[stem], where)
            if _is_inside(frame):
                yield frame
            else:
                losses[OUTSIDE].append(place)


def _is_annotated(entry: Any) -> bool:
    """Say whether an entry has all three, be they right or wrong."""
    return isinstance(entry, dict) and all(
        entry.get(key) not in (None, []) for key in ("landmarks", "valence", "arousal")
    )


def _make_frame(image: Path, entry: Mapping[str, Any], where: str) -> RatedFrame:
    return RatedFrame(
        name=image.stem,
        image=image,
        landmarks=_take_landmarks(entry["landmarks"], where),
        valence=_take_level(entry, "valence", where),
        arousal=_take_level(entry, "arousal", where),
    )


def _take_landmarks(value: Any, where: str) -> Float[np.ndarray, "68 2"]:
    shape = (N_LANDMARKS, 2)
    try:
        landmarks = np.array(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise UserError(
            f"{where}: landmarks must be numbers of shape {shape}, got something else"
        ) from None
    if landmarks.shape != shape:
        raise UserError(
            f"{where}: landmarks must be of shape {shape}, got {landmarks.shape}"
        )
    odd = landmarks[~(np.abs(landmarks) < FARTHEST)]
    if odd.size:
        raise UserError(f"{where}: landmarks must be places in pixels, got {odd[0]:g}")
    return landmarks


def _take_level(entry: Mapping[str, Any], key: str, where: str) -> int:
    level = entry[key]
    is_number = isinstance(level, int | float) and not isinstance(level, bool)
    if not is_number or not LOWEST <= level <= HIGHEST or level != int(level):
        raise UserError(
            f"{where}: {key} must be a whole number from {LOWEST} to {HIGHEST}, "
            f"got {str(level)[:40]!r}"
        )
    return int(level)


def _is_inside(frame: RatedFrame) -> bool:
    """Say whether the points that a crop needs lie in the image."""
    needed = frame.landmarks[EYES_AND_LIPS]
    size = np.array(read_size(frame.image))
    return bool(((needed >= -0.5) & (needed <= size - 0.5)).all())


def read_size(image: Path) -> tuple[int, int]:
    """Read width and height from the header of a PNG file.

    Raises
    ------
    UserError
        When it is none, or too large.
    """
    header = _read(image, _PNG_HEADER.size)
    if len(header) < _PNG_HEADER.size:
        raise UserError(f"{image}: not a PNG image, got {len(header)} bytes")
    magic, first, width, height = _PNG_HEADER.unpack(header)
    if magic != b"\x89PNG\r\n\x1a\n" or first != b"IHDR":
        raise UserError(f"{image}: not a PNG image, got {magic!r}")
    if not 0 < width <= LARGEST_SIDE or not 0 < height <= LARGEST_SIDE:
        raise UserError(
            f"{image}: must have 1 to {LARGEST_SIDE} pixels a side, "
            f"got {width} x {height}"
        )
    return width, height


def _load_json(path: Path) -> dict[str, Any]:
    size = path.stat().st_size
    if size > LARGEST_JSON:
        raise UserError(
            f"{path}: must have at most {LARGEST_JSON} bytes, got {size}, "
            "which is no annotation of a clip"
        )
    try:
        content = json.loads(_read(path).decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: not a JSON file: {error}") from None
    if not isinstance(content, dict):
        raise UserError(
            f"{path}: must hold an object with actor and frames, "
            f"got {type(content).__name__}"
        )
    return content


def _take(content: Mapping[str, Any], key: str, path: Path, kind: type) -> Any:
    """Return what stands under a key, or nothing of its kind where nothing does."""
    value = content.get(key)
    if value is not None and not isinstance(value, kind):
        raise UserError(
            f"{path}: {key} must be {_JSON_NAMES[kind]}, got {type(value).__name__}"
        )
    return kind() if value is None else value


def _read(path: Path, n_bytes: int = -1) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(n_bytes)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
