"""Look at a copy of AFEW-VA: what was found in three tables, and what is odd.

Every image is decoded, a clip at a time. What a file holds that cannot be used
hides none of the others.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np

from deepvanet.config import Execution
from deepvanet.datasets.afew_va import reader as afew_va
from deepvanet.datasets.findings import (
    NOTHING,
    CheckResult,
    Table,
    fold_rows,
    keep_findings,
    make_result,
)
from deepvanet.datasets.subjects import examine_each
from deepvanet.datasets.synthetic_mark import find_mark
from deepvanet.datasets.unused_files import KNOWN, find_unused
from deepvanet.findings import Finding, attempt, list_some, make_finding, say_count
from deepvanet.preprocessing.face import is_face
from deepvanet.preprocessing.landmarks import reduce_landmarks
from deepvanet.schema import Target, UserError

N_CLIPS = 600
N_FRAMES, LEAST_SHARE = 30_000, 0.98
"""About as many frames are published, the counts that are quoted differ; below
this share of them some are missing."""
CLIPS_AN_ARCHIVE = 50
OF_CLIPS = {KNOWN: r"(?:.*/)?(\d{3})/(?:\1\.json|[^/.]+\.png)"}
SIZES_SHOWN = 6
ONE = {afew_va.NO_IMAGE: "entry without an image"}
"""Of what is left out, where the plural has more than an ``s``."""
FACELESS = "frames whose landmarks make no face"


@dataclass(frozen=True)
class FrameFacts:
    """What was seen in one frame.

    Attributes
    ----------
    size : tuple of int
        Width and height of the image.
    eyes_to_lips : float | None
        In pixels; None where the landmarks make no face.
    is_beyond : bool
        Whether some landmark, but no eye or lip, is outside the image.
    """

    name: str
    size: tuple[int, int]
    eyes_to_lips: float | None
    is_beyond: bool


@dataclass(frozen=True)
class ClipFacts:
    """What was seen in one clip.

    Attributes
    ----------
    clip : Clip | None
        None where it cannot be used.
    dropped : mapping of str to sequence of str
        Places by why they are left out.
    frames : tuple of FrameFacts
        Those whose image can be decoded.
    findings : tuple of Finding
        What was reported while its files were read.
    """

    clip: afew_va.Clip | None
    dropped: Mapping[str, Sequence[str]]
    frames: tuple[FrameFacts, ...] = ()
    findings: tuple[Finding, ...] = ()


def check_afew_va(
    root: Path, *, exclude: Sequence[str] = (), execution: Execution | None = None
) -> CheckResult:
    """Look at every file of a copy of AFEW-VA, one clip at a time.

    Raises
    ------
    UserError
        When there is no folder, no clip in it, or subjects are to be left out.
    """
    if exclude:
        raise UserError(
            "AFEW-VA has actors, and pretrain takes all of them, got "
            f"{','.join(exclude)}",
            field="exclude",
        )
    folders, ignored = afew_va.list_folders(root)
    facts = examine_each(examine_clip, folders, execution)
    tables = (
        _tabulate_contents(facts),
        _tabulate_levels(facts),
        _tabulate_losses(facts),
        _tabulate_clips(facts),
    )
    return make_result(tables, _find_all(root, facts, ignored))


@keep_findings
def examine_clip(folder: Path) -> ClipFacts:
    """Read one clip with its images; what cannot be used becomes a finding."""
    read = attempt(lambda: afew_va.read_clip(folder), source=folder)
    clip, dropped = read or (None, {})
    examined = [
        attempt(partial(_examine_frame, frame), source=folder)
        for frame in (clip.frames if clip else ())
    ]
    frames = tuple(frame for frame in examined if frame)
    faceless = [f"{folder.name}/{f.name}" for f in frames if f.eyes_to_lips is None]
    return ClipFacts(clip, {**dropped, FACELESS: faceless}, frames)


def _examine_frame(frame: afew_va.RatedFrame) -> FrameFacts:
    rgb, landmarks = afew_va.read_picture(frame)
    size = rgb.shape[1], rgb.shape[0]
    face = reduce_landmarks(landmarks)
    is_inside = (landmarks >= -0.5) & (landmarks <= np.array(size) - 0.5)
    return FrameFacts(
        name=frame.name,
        size=size,
        eyes_to_lips=face.eyes_to_lips if is_face(face) else None,
        is_beyond=not is_inside.all(),
    )


def _tabulate_contents(clips: Sequence[ClipFacts]) -> Table:
    used = [facts.clip for facts in clips if facts.clip]
    frames = [frame for facts in clips for frame in facts.frames]
    sizes = Counter(f"{width} x {height}" for width, height in (f.size for f in frames))
    heights = [f.eyes_to_lips for f in frames if f.eyes_to_lips is not None]
    of_actors = Counter(clip.actor for clip in used)
    rows = (
        ("clips", len(used)),
        ("actors", len(of_actors)),
        ("clips of an actor", _describe([float(n) for n in of_actors.values()])),
        ("frames", len(frames)),
        ("frames of a clip", _describe([float(len(clip.frames)) for clip in used])),
        ("pixels from eyes to lips", _describe(heights)),
        ("images, width x height", ", ".join(_list_counts(sizes)) or NOTHING),
    )
    return Table("What can be used", ("what", "lowest - median - highest"), rows)


def _describe(values: Sequence[float]) -> str:
    if not values:
        return NOTHING
    return " - ".join(f"{level:.4g}" for level in np.percentile(values, [0, 50, 100]))


def _list_counts(counts: Counter[str]) -> list[str]:
    return [f"{name} ({n})" for name, n in counts.most_common(SIZES_SHOWN)]


def _tabulate_levels(clips: Sequence[ClipFacts]) -> Table:
    frames = [frame for facts in clips if facts.clip for frame in facts.clip.frames]
    rows = []
    for target in Target if frames else ():
        levels = np.array([getattr(frame, target) for frame in frames], dtype=float)
        within = [
            np.std([getattr(frame, target) for frame in facts.clip.frames])
            for facts in clips
            if facts.clip
        ]
        cells = (
            *np.percentile(levels, [0, 50, 100]),
            *(levels.mean(), levels.std(), np.mean(within)),
        )
        rows.append((target.value, *(f"{cell:.3g}" for cell in cells)))
    return Table(
        title="Annotation, from -10 to 10",
        columns=(
            *("target", "lowest", "median", "highest", "mean", "sd"),
            "sd within a clip",
        ),
        rows=tuple(rows),
    )


def _tabulate_clips(clips: Sequence[ClipFacts]) -> Table:
    """List the clips, in print those of an archive in one row."""
    used = [(facts, facts.clip) for facts in clips if facts.clip]
    rows = tuple(_tabulate_clip(facts, clip) for facts, clip in used)
    archives = [f"archive {_number_archive(clip.name):02d}" for _, clip in used]
    return Table(
        title="Clips",
        columns=(
            *("clip", "frames", "not in a row", "width", "height"),
            *("face in %", "px eyes to lips"),
        ),
        rows=rows,
        folded=fold_rows(rows, archives),
    )


def _number_archive(clip: str) -> int:
    return max(0, int(clip) - 1) // CLIPS_AN_ARCHIVE + 1


def _tabulate_clip(facts: ClipFacts, clip: afew_va.Clip) -> tuple[str | int, ...]:
    numbers = [int(f.name) for f in clip.frames if f.name.isdecimal()]
    heights = [f.eyes_to_lips for f in facts.frames if f.eyes_to_lips is not None]
    n_seen = len(facts.frames)
    size = np.median([f.size for f in facts.frames] or [(0, 0)], axis=0)
    return (
        clip.name,
        len(clip.frames),
        sum(later - number > 1 for number, later in pairwise(sorted(numbers))),
        *(f"{side:.0f}" if n_seen else NOTHING for side in size),
        f"{100 * len(heights) / n_seen:.0f}" if n_seen else NOTHING,
        f"{np.median(heights):.0f}" if heights else NOTHING,
    )


def _tabulate_losses(clips: Sequence[ClipFacts]) -> Table:
    lost = _gather_losses(clips)
    rows = tuple((why, len(places), list_some(places)) for why, places in lost.items())
    return Table("Left out", ("what", "how many", "which"), rows)


def _gather_losses(clips: Sequence[ClipFacts]) -> dict[str, list[str]]:
    return {
        why: [place for facts in clips for place in facts.dropped.get(why, ())]
        for why in (*afew_va.DROPPED, FACELESS)
    }


def _find_all(
    root: Path, clips: Sequence[ClipFacts], ignored: Sequence[Path]
) -> Iterator[Finding]:
    yield from _find_errors(root, clips)
    for why, places in _gather_losses(clips).items():
        if places:
            one = ONE.get(why) or why.replace("s", "", 1)  # clip, frame or image
            lost = say_count(len(places), f"{one} is", f"{why} are")
            yield make_finding("V15", f"{lost} left out: {list_some(places)}")
    yield from _find_odd_frames(clips)
    yield from _find_other_size(clips)
    yield from find_unused(root, "AFEW-VA", (), OF_CLIPS, passed=ignored)
    yield from find_mark(root)


def _find_errors(root: Path, clips: Sequence[ClipFacts]) -> Iterator[Finding]:
    for facts in clips:
        yield from facts.findings
    try:
        afew_va.check_actors(root, [facts.clip for facts in clips if facts.clip])
    except UserError as error:
        said = "no network can be trained on it"
        yield make_finding("F01", str(error), assumed=said)


def _find_odd_frames(clips: Sequence[ClipFacts]) -> Iterator[Finding]:
    """Name clips whose frames are unlike the documented ones."""
    odd: dict[str, list[str]] = {}
    for facts in clips:
        if facts.clip is None:
            continue
        name, names = facts.clip.name, [frame.name for frame in facts.clip.frames]
        if any(len(number) != 5 or not number.isdecimal() for number in names):
            odd.setdefault("have frames that are not named by five digits", []).append(
                name
            )
        if len({frame.size for frame in facts.frames}) > 1:
            odd.setdefault("have images of several sizes", []).append(name)
        if any(frame.is_beyond for frame in facts.frames):
            odd.setdefault(
                "have landmarks outside the image that no crop needs", []
            ).append(name)
    for what, names in odd.items():
        yield make_finding(
            "F10",
            f"{len(names)} of {len(clips)} clips {what}: {list_some(names)}",
        )


def _find_other_size(clips: Sequence[ClipFacts]) -> Iterator[Finding]:
    """Say where there is less than published."""
    n_frames = sum(len(facts.frames) for facts in clips)
    if len(clips) != N_CLIPS or n_frames < LEAST_SHARE * N_FRAMES:
        yield make_finding(
            "F03",
            f"{say_count(len(clips), 'clip')} of AFEW-VA with "
            f"{say_count(n_frames, 'frame')} that can be used; a full copy has "
            f"{N_CLIPS} clips with about {N_FRAMES} frames",
        )
