"""What is odd about the faces in a video, as findings."""

from collections.abc import Sequence
from dataclasses import dataclass

from deepvanet.findings import report
from deepvanet.preprocessing.face_tracks import (
    LOST_S,
    Person,
    PersonFollower,
    merge_times,
)

LEAST_PIXELS = 40
"""Below this width an expression is hardly seen."""
MOST_WITHOUT = 0.2
"""Share of images without the subject's face that is no finding."""
COVERED_S = 1.5
"""A part of the face that is covered for less is a gesture."""


@dataclass(frozen=True)
class SeenPerson:
    """A person whose face was seen.

    Attributes
    ----------
    spans_s : tuple of (float, float)
        Seconds of the video from when to when.
    n_images : int
        Images with the face.
    width : float
        Of the face, in pixels, in most images.
    """

    spans_s: tuple[tuple[float, float], ...]
    n_images: int
    width: float
    is_subject: bool


def list_people(follower: PersonFollower) -> tuple[SeenPerson, ...]:
    """Return who was seen, the subject first."""
    subject = [] if follower.subject is None else [follower.subject]
    return tuple(
        SeenPerson(
            spans_s=tuple(person.find_spans(1 / follower.fps)),
            n_images=len(person.times_s),
            width=float(person.box[2]),
            is_subject=person is follower.subject,
        )
        for person in (*subject, *follower.others)
    )


def report_people(follower: PersonFollower, *, source: object, place: str = "") -> None:
    """Report who else is seen, and where the subject's face is not seen well.

    Parameters
    ----------
    follower : PersonFollower
        After all images.
    source : object
        The video.
    place : str
        What part of it was looked at, such as a trial.
    """
    subject = follower.subject
    for person in follower.others:
        _report_other(follower, person, source, place)
    if subject is None:
        if follower.people and follower.choice is not None:
            report(
                "V22",
                "face_choice names a box in which there is no face",
                source=source,
                place=place,
                assumed="no face is the subject's",
            )
        _report_share(0, follower.n_images, source, place)
        return
    _report_share(len(subject.times_s), follower.n_images, source, place)
    report_width(float(subject.box[2]), source=source, place=place)
    spans = merge_times(subject.covered_s, 1 / follower.fps)
    long = [span for span in spans if span[1] - span[0] >= COVERED_S]
    if long:
        report(
            "V08",
            "a part of the face is covered",
            source=source,
            place=_join(place, name_spans(long)),
            assumed="its images are used",
        )


def report_width(width: float, *, source: object, place: str = "") -> None:
    """Report a face of too few pixels."""
    if width < LEAST_PIXELS:
        report(
            "V07",
            f"the face is {width:.0f} pixels wide (the median), at least "
            f"{LEAST_PIXELS} are needed",
            source=source,
            place=place,
        )


def name_spans(spans: Sequence[tuple[float, float]]) -> str:
    """Return spans in words."""
    return ", ".join(f"{start:.1f} s to {end:.1f} s" for start, end in spans)


def _report_other(
    follower: PersonFollower, person: Person, source: object, place: str
) -> None:
    step_s, subject = 1 / follower.fps, follower.subject
    chosen = "is there longest"
    if follower.choice is not None:
        chosen = "face_choice names"
    spans = person.find_spans(step_s)
    where = "the picture" if subject is None else _name_side(person, subject)
    report(
        "V04",
        f"another face, {person.box[2]:.0f} pixels wide, {where}",
        source=source,
        place=_join(place, name_spans(spans)),
        assumed=f"the subject is the face that {chosen}",
    )
    if subject is None:
        return
    together = set(subject.times_s).intersection(person.times_s)
    is_for_long = len(person.times_s) >= LOST_S * follower.fps
    if is_for_long and 2 * len(together) < len(person.times_s):
        is_first = person.times_s[0] < min(subject.times_s)
        report(
            "V06",
            f"from here on the face is of another person than the subject, who is "
            f"seen {'later' if is_first else 'before'}",
            source=source,
            place=_join(place, f"{person.times_s[0]:.1f} s"),
            assumed="its images are not used",
        )


def _name_side(person: Person, subject: Person) -> str:
    """Say where a person is, seen from the subject."""
    away = person.box[:2] + person.box[2:] / 2 - subject.box[:2] - subject.box[2:] / 2
    if abs(away[0]) < subject.box[2] / 2:
        return "in the place of the subject's"
    return f"to the {'left' if away[0] < 0 else 'right'} of the subject's"


def _report_share(n_found: int, n_images: int, source: object, place: str) -> None:
    if n_images and n_found < (1 - MOST_WITHOUT) * n_images:
        report(
            "V05",
            f"the subject's face is not found in {1 - n_found / n_images:.0%} of "
            f"{n_images} images",
            source=source,
            place=place,
            assumed="for a second or less the nearest image with it is used, for "
            "longer there is no face stream",
        )


def _join(place: str, seconds: str) -> str:
    return f"{place}, {seconds}" if place else seconds
