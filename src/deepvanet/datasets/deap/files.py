"""Files of DEAP that are short, broken, absent, or not part of it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from deepvanet.datasets.deap import reader as deap
from deepvanet.datasets.deap.facts import DeapFacts, TrialVideo, Viewer
from deepvanet.datasets.source_facts import PlacedVideo, place_video
from deepvanet.datasets.unused_files import find_unused
from deepvanet.findings import Finding, list_some, make_finding

Locate = Callable[[Path, str], Path]

VIDEO_PART = 59.05 / 60  # how much of a trial its video shows, by the documentation
LENGTH_TOLERANCE = 0.01  # of the expected frames, and one frame more
ORIGINAL_SIZE = 40, 8064  # trials a subject, and samples a trial
OTHER_FILES = {
    "raw signals": r"data_original/s\d\d\.bdf",
    "preprocessed signals": r"data_preprocessed_python/s\d\d\.dat",
    "preprocessed signals for MATLAB": r"data_preprocessed_matlab/s\d\d\.mat",
    "face videos of subjects that are not looked at": (
        r"face_video/s(\d\d)/s\1_trial_?\d+\.avi"
    ),
    "questionnaires and other tables": (
        r"metadata_(?:csv|xls|ods)/(?:participant_ratings|participant_questionnaire"
        r"|video_list|online_ratings)\.\w+"
    ),
}
"""What a full copy has besides the files of one data set, as regular expressions."""
ODD = {
    "are shorter than documented": "V03",
    "are longer than their trial": "T10",
    "cannot be decoded at their start": "V05",
    "are of no rated trial": "V13",
}
"""What is odd with a video, and the code of each."""


def find_odd_videos(facts: Sequence[Viewer]) -> Iterator[Finding]:
    """Name videos that are short, long, begin badly or have no trial."""
    for subject in facts:
        rated = list_rated(subject)
        named: dict[str, list[str]] = {}
        for video in subject.videos or ():
            name = f"trial {video.trial:02d}"
            length = f"{name} {video.n_frames / deap.VIDEO_FPS:.2f} s"
            if is_short(subject, video):
                named.setdefault("are shorter than documented", []).append(length)
            if _is_long(subject, video):
                named.setdefault("are longer than their trial", []).append(length)
            if not video.starts:
                named.setdefault("cannot be decoded at their start", []).append(name)
            if rated and video.trial not in rated:
                named.setdefault("are of no rated trial", []).append(name)
        for what, videos in named.items():
            n_all = len(subject.videos or ())
            text = f"{len(videos)} of {n_all} videos {what}: {list_some(videos)}"
            yield make_finding(ODD[what], text, source=f"s{subject.subject}")


def find_other_rates(facts: Sequence[Viewer]) -> Iterator[Finding]:
    """Say which rates the containers declare, if not the documented one."""
    declared = [round(v.fps, 2) for f in facts for v in f.videos or () if v.fps]
    other = sorted({fps for fps in declared if fps != deap.VIDEO_FPS})
    if other:
        yield make_finding(
            "V11",
            f"the containers of {sum(fps in other for fps in declared)} of "
            f"{len(declared)} videos say another rate than {deap.VIDEO_FPS:g} frames a "
            f"second: {list_some([f'{r:g}' for r in other])}",
            assumed=f"they are read at {deap.VIDEO_FPS:g} frames a second",
        )


def is_short(subject: Viewer, video: TrialVideo) -> bool:
    """Say whether a video ends before the documentation says it does."""
    if not video.is_readable or subject.stimulus_s is None:
        return False
    nominal = subject.stimulus_s * VIDEO_PART * deap.VIDEO_FPS
    return video.n_frames < nominal * (1 - LENGTH_TOLERANCE) - 1


def _is_long(subject: Viewer, video: TrialVideo) -> bool:
    if not video.is_readable or subject.stimulus_s is None:
        return False
    whole = subject.stimulus_s * deap.VIDEO_FPS
    return video.n_frames > whole * (1 + LENGTH_TOLERANCE) + 1


def list_rated(subject: Viewer) -> list[int]:
    """Return the trial numbers that the ratings table has of a subject."""
    return [row.number("Trial") for row in subject.rows or ()]


def list_expected(subject: Viewer) -> list[int]:
    """Return the trials whose video the original has."""
    lost = deap.MISSING_VIDEOS.get(subject.subject, ())
    is_filmed = subject.subject in deap.FILMED
    return [t for t in list_rated(subject) if is_filmed and t not in lost]


def find_absent_videos(root: Path, facts: Sequence[Viewer]) -> Iterator[Finding]:
    """Name the videos that are not there, apart from those never published."""
    if not (root / "face_video").is_dir():
        yield make_finding("V10", "no folder face_video: no face stream at all")
        return
    for subject in facts:
        if subject.videos is None:
            continue
        found = [video.trial for video in subject.videos]
        lost = [
            f"{trial:02d}"
            for trial in deap.MISSING_VIDEOS.get(subject.subject, ())
            if trial in list_rated(subject) and trial not in found
        ]
        if lost:
            yield make_finding(
                "V10",
                f"no video of trial {list_some(lost)}, as in the original",
                source=f"s{subject.subject}",
            )
        absent = [f"{t:02d}" for t in list_expected(subject) if t not in found]
        if absent:
            yield make_finding(
                "V09",
                f"{len(absent)} of {len(list_expected(subject))} videos are absent: "
                f"trial {list_some(absent)}",
                source=f"s{subject.subject}",
            )


def find_absent_subjects(
    root: Path, facts: Sequence[Viewer], locate: Locate
) -> Iterator[Finding]:
    """Name the published subjects who have no signals."""
    absent = [s for s in deap.SUBJECTS if s not in [f.subject for f in facts]]
    if absent:
        suffix = locate(root, absent[0]).suffix
        text = f"{len(absent)} of {len(deap.SUBJECTS)} subjects have no {suffix}"
        yield make_finding("F03", f"{text}: {list_some(absent)}")


def find_other_size(facts: Sequence[DeapFacts]) -> Iterator[Finding]:
    """Say where there are fewer trials or seconds than published."""
    sizes = [
        f"s{f.subject} {f.signals.n_trials} trials of {f.signals.n_samples}"
        for f in facts
        if f.signals and (f.signals.n_trials, f.signals.n_samples) != ORIGINAL_SIZE
    ]
    if sizes:
        yield make_finding(
            "F03",
            f"published DEAP has {ORIGINAL_SIZE[0]} trials of {ORIGINAL_SIZE[1]} "
            f"samples for each subject; {len(sizes)} of {len(facts)} subjects have "
            f"another size: {list_some(sizes)}",
        )


def find_ignored_files(
    root: Path, facts: Sequence[Viewer], locate: Locate
) -> Iterator[Finding]:
    """Name the files that nothing reads.

    Parameters
    ----------
    locate : callable
        Where a subject's signals lie, by root and subject.
    """
    used = [locate(root, subject.subject) for subject in facts]
    used += [video.path for subject in facts for video in subject.videos or ()]
    used.append(deap.ratings_file(root))
    yield from find_unused(root, "DEAP", used, OTHER_FILES)


def place_videos(
    subject: Viewer, onsets_s: Mapping[int, float] | None = None
) -> list[PlacedVideo]:
    """Say where a subject's videos lie; each begins with its stimulus.

    Parameters
    ----------
    subject : Viewer
        Whose videos were looked at.
    onsets_s : mapping
        Where the stimulus of each trial begins; if not given, behind its baseline, as
        in the preprocessed files.
    """
    return [
        place_video(
            video.path,
            video.shown,
            deap.BASELINE_S if onsets_s is None else onsets_s[video.trial],
            fps=deap.VIDEO_FPS,
        )
        for video in subject.videos or ()
        if video.shown and (onsets_s is None or video.trial in onsets_s)
    ]
