"""Which sessions a synthetic MAHNOB-HCI has, how long they last, and what some lack.

The gaps are those of the real one: subject 26 saw no clips, 12 has neither ratings
nor signals, 15 no signals, 3, 9 and 16 stopped early. With 20 trials a subject they
are exact; with fewer they are in proportion, and everybody else has one session more
that cannot be used.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deepvanet.datasets.mahnob.reader import MEDIA_S, REST_S, SFREQ
from deepvanet.datasets.mahnob.sessions import CLIPS, SESSIONS_A_SUBJECT
from deepvanet.schema import Target
from deepvanet.synthetic.knobs import (
    Knobs,
    Purpose,
    State,
    generator,
    sample_state,
)
from deepvanet.synthetic.ratings import sample_order, sample_ratings

N_SUBJECTS, N_TRIALS = 30, len(MEDIA_S)
MEDIAN_S = float(np.median(list(MEDIA_S.values())))
"""Of the real clips, 87 s."""
SHORTEST_S = 2.0
"""However short the others are."""

STOPPED_AFTER = {3: 17, 9: 14, 15: 17, 16: 16}
"""Trials of 20, by subject."""
NO_CLIPS = 26
NO_FELT = 12
NO_SIGNALS = (12, 15)
NO_GAZE = 4
"""Each fourth clip of a subject was shown without the eye tracker."""
BROKEN = 16
"""Whose last session, of all 20, has neither signals nor video nor clip."""

NEUTRAL = ("colorbars_Final", "seagulls_Final", "sticks_Final", "waves_Final")
NEUTRAL_SHARE = 0.06, 0.25
"""Least and most that a neutral clip lasts, of the median of the others."""
NEUTRAL_RATING = 5
TAGGING, TAGGING_OFFSET = "image tagging 1", 42
FILMED_SHARE = 1.14, 1.34
"""Least and most that the camera records, of a stimulus; up to 3.25 in MAHNOB-HCI."""
BAD_SHARE = 0.2  # of sessions, in which one electrode is bad
BAD_KINDS = "noisy", "flat", "popping"
OTHER_PEOPLE = 1 << 40
"""Added to the seed, so that no subject is also one of the synthetic DEAP."""


@dataclass(frozen=True)
class MahnobPlan:
    """What is written; every number of the data set follows from it."""

    root: Path
    n_trials: int
    seconds: int
    knobs: Knobs
    seed: int

    def generator(self, purpose: Purpose, *which: int) -> np.random.Generator:
        """Return the random numbers of one purpose."""
        return generator(self.seed + OTHER_PEOPLE, purpose, *which)


@dataclass(frozen=True)
class SessionPlan:
    """One session: what is shown to whom, and what is written of it.

    Attributes
    ----------
    offset : int
        Of the subject's sessions, from 1.
    media : str
        The clip; neutral ones are no stimuli.
    stimulus : int
        The clip's number; neutral ones go on after the others.
    ratings : tuple of int
        Valence, arousal, control and predictability.
    seconds, section_s : float
        Of the stimulus, and of the video, which goes on.
    """

    subject: int
    offset: int
    kind: str
    media: str
    stimulus: int
    ratings: tuple[int, ...]
    seconds: float
    section_s: float
    has_felt: bool = True
    has_signals: bool = True
    has_video: bool = True
    has_gaze: bool = True

    @property
    def number(self) -> int:
        """What the folder is called."""
        return SESSIONS_A_SUBJECT * (self.subject - 1) + self.offset

    @property
    def trial(self) -> int:
        """The place in the order of viewing; a neutral clip has that of the next."""
        return (self.offset + 1) // 2

    @property
    def is_clip(self) -> bool:
        """Whether a clip is shown, and not images to be tagged."""
        return self.kind == CLIPS

    @property
    def is_emotional(self) -> bool:
        """Whether it can be a trial."""
        return self.is_clip and self.offset % 2 == 0

    @property
    def has_whole_video(self) -> bool:
        """Whether the video is complete: the others are cut short."""
        return self.is_emotional and self.has_felt and self.has_signals


def plan_sessions(plan: MahnobPlan, subject: int) -> list[SessionPlan]:
    """Return a subject's sessions, in their order."""
    sessions = list(_plan_clips(plan, subject)) if subject != NO_CLIPS else []
    task = SessionPlan(
        subject=subject,
        offset=TAGGING_OFFSET,
        kind=TAGGING,
        media="",
        stimulus=0,
        ratings=(),
        seconds=0.0,
        section_s=0.0,
        has_felt=False,
        has_signals=False,
        has_video=False,
    )
    return [*sessions, task]


def count_trials(subject: int, n_trials: int) -> int:
    """Return how many emotional clips a subject saw, of so many.

    Examples
    --------
    >>> count_trials(1, 8), count_trials(9, 8), count_trials(9, 20)
    (8, 6, 14)
    """
    return max(1, round(n_trials * STOPPED_AFTER.get(subject, N_TRIALS) / N_TRIALS))


def last_s(media: str, seconds: int) -> float:
    """Return how long a clip lasts where the median of all lasts ``seconds``.

    Examples
    --------
    >>> last_s("53.avi", 87), round(last_s("53.avi", 10), 2)
    (104.0, 11.95)
    """
    seconds_s = max(SHORTEST_S, MEDIA_S[media] * seconds / MEDIAN_S)
    return round(seconds_s * SFREQ) / SFREQ


def feel(plan: MahnobPlan, session: SessionPlan) -> State:
    """Return how a subject is while it watches; by whole ratings."""
    valence, arousal = session.ratings[:2]
    return sample_state(
        {Target.VALENCE: float(valence), Target.AROUSAL: float(arousal)},
        subject=session.subject,
        stimulus=session.stimulus,
        knobs=plan.knobs,
        seed=plan.seed + OTHER_PEOPLE,
    )


def find_bad(
    plan: MahnobPlan, session: SessionPlan, channels: tuple[str, ...]
) -> dict[str, str]:
    """Return the kind of fault of the electrode that is bad, if one is."""
    rng = plan.generator(Purpose.SESSION, session.subject, session.offset, 1)
    is_bad = rng.random() < BAD_SHARE
    return {str(rng.choice(channels)): str(rng.choice(BAD_KINDS))} if is_bad else {}


def _plan_clips(plan: MahnobPlan, subject: int) -> Iterator[SessionPlan]:
    seed = plan.seed + OTHER_PEOPLE
    ratings = sample_ratings(
        subject=subject, n_trials=plan.n_trials, knobs=plan.knobs, seed=seed
    )
    order = sample_order(subject=subject, n_trials=plan.n_trials, seed=seed)
    n_trials = count_trials(subject, plan.n_trials)
    for trial, stimulus in enumerate(order[:n_trials], start=1):
        felt = tuple(int(rating) for rating in ratings[stimulus - 1])
        yield _plan_neutral(plan, subject, trial)
        yield _plan_clip(
            plan,
            subject,
            trial,
            int(stimulus),
            felt,
            has_felt=subject != NO_FELT,
            has_signals=subject not in NO_SIGNALS,
            has_video=not _loses_video(plan, subject, trial),
            has_gaze=trial % NO_GAZE != 0,
        )
    yield from _plan_one_more(plan, subject, n_trials + 1)


def _plan_one_more(plan: MahnobPlan, subject: int, trial: int) -> Iterator[SessionPlan]:
    """Plan a session that cannot be used, where there is place for one."""
    felt = plan.generator(Purpose.SESSION, subject).integers(1, 10, 4)
    ratings = tuple(int(rating) for rating in felt)
    if plan.n_trials == N_TRIALS:
        if subject == BROKEN:
            yield _plan_clip(
                plan, subject, trial, 0, ratings, has_signals=False, has_video=False
            )
    elif subject not in NO_SIGNALS:
        is_odd = subject % 2 == 1
        yield _plan_clip(
            plan,
            subject,
            trial,
            plan.n_trials + 1,
            ratings,
            has_felt=not is_odd,
            has_signals=is_odd,
        )


def _loses_video(plan: MahnobPlan, subject: int, trial: int) -> bool:
    is_last = trial == count_trials(subject, plan.n_trials)
    return is_last and subject % 2 == 0 and 2 < plan.n_trials < N_TRIALS


def _plan_clip(
    plan: MahnobPlan,
    subject: int,
    trial: int,
    stimulus: int,
    ratings: tuple[int, ...],
    *,
    has_felt: bool = True,
    has_signals: bool = True,
    has_video: bool = True,
    has_gaze: bool = True,
) -> SessionPlan:
    media = list(MEDIA_S)[stimulus - 1] if stimulus else ""
    seconds = last_s(media, plan.seconds) if media else REST_S
    return SessionPlan(
        subject=subject,
        offset=2 * trial,
        kind=CLIPS,
        media=media,
        stimulus=stimulus,
        ratings=ratings,
        seconds=seconds,
        section_s=_film_on(plan, subject, 2 * trial, seconds),
        has_felt=has_felt,
        has_signals=has_signals,
        has_video=has_video,
        has_gaze=has_gaze,
    )


def _plan_neutral(plan: MahnobPlan, subject: int, trial: int) -> SessionPlan:
    which = (trial - 1) % len(NEUTRAL)
    shares = np.linspace(*NEUTRAL_SHARE, len(NEUTRAL))
    seconds = float(max(1, round(shares[which] * plan.seconds)))
    offset = 2 * trial - 1
    return SessionPlan(
        subject=subject,
        offset=offset,
        kind=CLIPS,
        media=f"{NEUTRAL[which]}.avi",
        stimulus=N_TRIALS + 1 + which,
        ratings=(NEUTRAL_RATING,) * 4,
        seconds=seconds,
        section_s=_film_on(plan, subject, offset, seconds),
        has_felt=False,
        has_signals=subject not in NO_SIGNALS,
    )


def _film_on(plan: MahnobPlan, subject: int, offset: int, seconds: float) -> float:
    rng = plan.generator(Purpose.SESSION, subject, offset)
    return seconds * float(rng.uniform(*FILMED_SHARE))
