"""Which of the faces in a video is the subject's, from all faces in all its images.

From image to image a face is the same where place and size say so. Such a track is
cut where its look changes at once, or where it was lost for long; parts that look
alike, and are never in one image, are one person. The subject is the person who is
there longest, or whom a choice names.

Boxes, looks and crops are kept of a block of images, never the images.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise

import numpy as np
from jaxtyping import Float, UInt8

from deepvanet.preprocessing.face_backends import FaceBackend
from deepvanet.preprocessing.face_crop import Face, align_face
from deepvanet.preprocessing.face_look import (
    OTHER_LOOK,
    FaceLook,
    average,
    compare_looks,
    is_other_face,
    is_partly_covered,
    look_at,
)
from deepvanet.preprocessing.video import Frame
from deepvanet.schema import UserError

FORGET_S = 5.0
"""After this long without its face a track ends."""
JUMP, JUMP_PER_S = 0.5, 0.5
"""How far a face may move between two frames, in its own extents: at once, and
more for each second between them."""
MAX_GROWTH = 1.6
"""By what factor its extent may change between two frames."""
LOST_S = 1.0
"""After this long a face is compared with what it looked like before."""
LEAST_S = 0.5
"""A face that is there for less is not called a person."""
KNOWN_S = 10.0
"""Once the subject was there for so long, later blocks do not change who it is."""
MAX_FACES = 8
"""Largest faces of an image that are followed."""
MAX_BOXES = 3000
"""Boxes of a person that are kept, however long it is there."""
TAIL = 5
"""Images of a track that are kept for the next block, and compared at a cut."""
LIPS_REACH = (0.1, 0.8)
"""Eyes to lips, as a fraction of the face's extent: outside, it is no face. On
real clips it is 0.35 to 0.45."""
CHOICES = ("left", "right", "largest")

Crop = UInt8[np.ndarray, "size size 3"]
Box = Float[np.ndarray, "4"]


@dataclass
class Person:
    """Someone whose face was seen.

    Attributes
    ----------
    looks : list of FaceLook
        Of each part of a track that is this person's.
    indexes : set of int
        Images of the present block with the face.
    times_s, covered_s : list
        When there is an image with the face, and one where a part of it is covered.
    boxes : list of array
        Where it is in the first of these images.
    """

    looks: list[FaceLook] = field(default_factory=list)
    indexes: set[int] = field(default_factory=set)
    times_s: list[float] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    covered_s: list[float] = field(default_factory=list)

    @property
    def box(self) -> Box:
        """Where the face is most of the time: left, top, width, height."""
        return np.asarray(np.median(self.boxes, axis=0))

    def find_spans(self, step_s: float) -> list[tuple[float, float]]:
        """Return the seconds from when to when it is there, shorter gaps bridged."""
        return merge_times(self.times_s, step_s)


@dataclass(eq=False)
class Sighting:
    """A face in one image."""

    index: int
    time_s: float
    face: Face
    look: FaceLook
    crop: Crop
    person: Person | None = None


Part = list[Sighting]


def parse_choice(text: str) -> str | Box | None:
    """Read which face is the subject's: ``left``, ``right``, ``largest``, a box.

    Raises
    ------
    UserError
        When it is none of these; a box is ``x,y,width,height`` in pixels, or in
        shares of the picture where none is above 1.
    """
    text = text.strip()
    if not text or text in CHOICES:
        return text or None
    try:
        box = np.array([float(part) for part in text.split(",")])
    except ValueError:
        box = np.empty(0)
    if len(box) != 4 or not np.isfinite(box).all() or (box[2:] <= 0).any():
        raise UserError(
            f"must be {', '.join(CHOICES)} or a box x,y,width,height in pixels, "
            f"got {text!r}",
            field="face_choice",
        )
    return box


def merge_times(times_s: Sequence[float], step_s: float) -> list[tuple[float, float]]:
    """Return spans of times that are a second or less apart."""
    spans: list[tuple[float, float]] = []
    for time_s in sorted(times_s):
        if spans and time_s - spans[-1][1] <= LOST_S + 1e-6:
            spans[-1] = (spans[-1][0], time_s + step_s)
        else:
            spans.append((time_s, time_s + step_s))
    return spans


class TrackBuilder:
    """Follow every face from image to image by its place and size.

    Parameters
    ----------
    backend : FaceBackend
        Finds the faces.
    size : int
        Side of a crop in pixels.
    """

    def __init__(self, backend: FaceBackend, size: int) -> None:
        self.backend, self.size = backend, size
        self.tracks: list[Part] = []
        self._open: list[Part] = []

    def add(self, frame: Frame) -> None:
        """Find the faces of the next image."""
        found = self.backend.detect(frame.rgb)
        found = sorted(found, key=lambda face: face.extent, reverse=True)[:MAX_FACES]
        self._open = [
            track
            for track in self._open
            if frame.target_s - track[-1].time_s <= FORGET_S
        ]
        matched = _match(found, self._open, frame.target_s)
        for number, face in enumerate(found):
            seen = self._see(frame, face)
            if seen is None:
                continue
            if number not in matched:
                self.tracks.append([])
                self._open.append(self.tracks[-1])
            matched.get(number, self._open[-1]).append(seen)

    def end_block(self) -> None:
        """Forget all but the last images of the tracks that may go on."""
        for track in self._open:
            del track[:-TAIL]
        self.tracks = list(self._open)

    def _see(self, frame: Frame, face: Face) -> Sighting | None:
        refined = self.backend.refine(frame.rgb, face)
        if refined is None or not is_face(refined):
            return None
        crop = align_face(frame.rgb, refined, size=self.size)
        look = look_at(frame.rgb, refined, crop)
        return Sighting(frame.index, frame.target_s, refined, look, crop)


class PersonFollower:
    """Find the subject's face in the images of a video, block by block.

    Parameters
    ----------
    backend : FaceBackend
        Finds the faces.
    size : int
        Side of a crop in pixels.
    fps : float
        Images a second.
    face_choice : str
        As ``parse_choice`` reads it.
    block_s : float | None
        Seconds of a block; None takes the whole video for one.
    """

    def __init__(
        self,
        backend: FaceBackend,
        *,
        size: int,
        fps: float,
        face_choice: str = "",
        block_s: float | None = None,
    ) -> None:
        self.fps = fps
        self.choice = parse_choice(face_choice)
        self.block = None if block_s is None else max(1, round(block_s * fps))
        self.people: list[Person] = []
        self.subject: Person | None = None
        self.n_images = 0
        self._picture = (1, 1)
        self._builder = TrackBuilder(backend, size)

    @property
    def picture(self) -> tuple[int, int]:
        """Width and height of an image, in pixels."""
        return self._picture

    @property
    def others(self) -> list[Person]:
        """Who else is there for long enough, the first one first."""
        least = max(1, round(LEAST_S * self.fps))
        return sorted(
            (
                person
                for person in self.people
                if person is not self.subject and len(person.times_s) >= least
            ),
            key=lambda person: person.times_s[0],
        )

    def follow(
        self, frames: Iterable[Frame], at_end: Callable[["PersonFollower"], None]
    ) -> Iterator[tuple[int, Sighting | None]]:
        """Yield of each image its number and where the subject was seen, or None.

        Parameters
        ----------
        frames : iterable of Frame
            In order.
        at_end : callable
            Is called when all images were looked at, before the last are yielded.

        Yields
        ------
        tuple of int, Sighting | None
            A block at a time.
        """
        source, is_over = iter(frames), False
        while not is_over:
            indexes = []
            for frame in islice(source, self.block):
                self._builder.add(frame)
                self._picture = frame.rgb.shape[1], frame.rgb.shape[0]
                indexes.append(frame.index)
            is_over = self.block is None or len(indexes) < self.block
            self.n_images += len(indexes)
            found = self._settle()
            if is_over:
                at_end(self)
            for index in indexes:
                yield index, found.get(index)

    def _settle(self) -> Mapping[int, Sighting]:
        """Say whose the faces of a block are; return the subject's by image."""
        parts = [part for track in self._builder.tracks for part in self._cut(track)]
        for part in sorted(parts, key=_rank):
            self._assign(part)
        if self.subject is None or len(self.subject.times_s) < KNOWN_S * self.fps:
            self.subject = self._choose()
        mine = [
            seen
            for part in parts
            for seen in part
            if seen.person is not None and seen.person is self.subject
        ]
        self._mark_covered(mine)
        self._builder.end_block()
        for person in self.people:
            person.indexes.clear()
        return {seen.index: seen for seen in mine}

    def _cut(self, track: Part) -> list[Part]:
        """Cut a track where another person may have taken the place."""
        parts: list[Part] = [[track[0]]]
        for before, after in pairwise(track):
            is_late = after.time_s - before.time_s > LOST_S + 1e-6
            if is_late or is_other_face(before.look, after.look):
                parts.append([])
            parts[-1].append(after)
        joined: list[Part] = [parts[0]]
        for part in parts[1:]:
            if self._is_one_person(joined[-1], part):
                joined[-1] = joined[-1] + part
            else:
                joined.append(part)
        return joined

    def _is_one_person(self, one: Part, other: Part) -> bool:
        """Compare parts of one track that follow each other."""
        is_late = other[0].time_s - one[-1].time_s > LOST_S + 1e-6
        before, after = _describe(one), _describe(other)
        if min(len(one), len(other)) < self.fps * LOST_S and not is_late:
            return True  # too short to say
        near = _describe(one[-TAIL:]), _describe(other[:TAIL])
        if not (is_other_face(before, after) and is_other_face(*near)):
            return True
        return not is_late and is_partly_covered(after, before)

    def _assign(self, part: Part) -> None:
        known = [seen.person for seen in part if seen.person is not None]
        look = _describe(part)
        person = known[-1] if known else self._recognise(part, look)
        person.looks.append(look)
        for seen in part:
            if seen.person is None:
                seen.person = person
                person.indexes.add(seen.index)
                person.times_s.append(seen.time_s)
                person.boxes += [seen.face.box] * (len(person.boxes) < MAX_BOXES)

    def _recognise(self, part: Part, look: FaceLook) -> Person:
        """Return who looks like this and is not in these images, or a new person."""
        indexes = {seen.index for seen in part}
        nearest, least = None, OTHER_LOOK
        for person in self.people:
            differs = min(compare_looks(look, known) for known in person.looks)
            if differs <= least and indexes.isdisjoint(person.indexes):
                nearest, least = person, differs
        if nearest is None:
            nearest = Person()
            self.people.append(nearest)
        return nearest

    def _choose(self) -> Person | None:
        """Return the person that is chosen, of those who are there for a second."""
        if not self.people:
            return None
        most = max(len(person.times_s) for person in self.people)
        least = min(most, round(LOST_S * self.fps))
        people = [person for person in self.people if len(person.times_s) >= least]
        if isinstance(self.choice, str):
            return max(people, key=_RANKS[self.choice])
        if self.choice is not None:
            is_share = self.choice.max() <= 1
            box = self.choice * (np.tile(self._picture, 2) if is_share else 1)
            near = max(people, key=lambda person: measure_overlap(person.box, box))
            return near if measure_overlap(near.box, box) > 0 else None
        return max(people, key=lambda p: (len(p.times_s), _measure_extent(p.box)))

    def _mark_covered(self, mine: Part) -> None:
        if self.subject is None or not mine:
            return
        usual = _describe(mine)
        self.subject.covered_s += [
            seen.time_s for seen in mine if is_partly_covered(seen.look, usual)
        ]


def is_face(face: Face) -> bool:
    """Say whether the lips are about as far below the eyes as lips are."""
    low, high = LIPS_REACH
    return low * face.extent < face.eyes_to_lips <= high * face.extent


def measure_overlap(one: Box, other: Box) -> float:
    """Return how much of two boxes is in both, 0 to 1."""
    low = np.maximum(one[:2], other[:2])
    high = np.minimum(one[:2] + one[2:], other[:2] + other[2:])
    both = float(np.prod(np.maximum(high - low, 0)))
    return both / float(np.prod(one[2:]) + np.prod(other[2:]) - both)


def _match(
    found: Sequence[Face], tracks: Sequence[Part], now: float
) -> dict[int, Part]:
    """Return the track of each face that goes on from one, the nearest pairs first."""
    pairs = []
    for number, face in enumerate(found):
        for place, track in enumerate(tracks):
            last = track[-1]
            away = _distance(face, last.face)
            reach = last.face.extent * (JUMP + JUMP_PER_S * (now - last.time_s))
            growth = face.extent / last.face.extent
            if away <= reach and 1 / MAX_GROWTH <= growth <= MAX_GROWTH:
                pairs.append((away, number, place))
    matched: dict[int, Part] = {}
    taken: set[int] = set()
    for _, number, place in sorted(pairs):
        if number not in matched and place not in taken:
            matched[number] = tracks[place]
            taken.add(place)
    return matched


def _distance(one: Face, other: Face) -> float:
    return float(np.hypot(*(one.centre - other.centre)))


def _describe(part: Part) -> FaceLook:
    return average([seen.look for seen in part])


def _rank(part: Part) -> tuple[bool, int, int]:
    """Put parts of known people first, then the longest, then the earliest."""
    is_new = all(seen.person is None for seen in part)
    return is_new, -len(part), part[0].index


def _measure_extent(box: Box) -> float:
    return math.sqrt(box[2] * box[3])


_RANKS: Mapping[str, Callable[[Person], float]] = {
    "left": lambda person: -float(person.box[0] + person.box[2] / 2),
    "right": lambda person: float(person.box[0] + person.box[2] / 2),
    "largest": lambda person: _measure_extent(person.box),
}
