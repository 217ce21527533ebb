"""Write the raw recordings of a synthetic DEAP, as the real ones are downloaded.

::

    data_original/s01.bdf                 512 Hz, in order of *trial*
    metadata_csv/participant_ratings.csv  ratings; experiment <-> trial
    face_video/s01/s01_trial01.avi        in order of *trial*; subjects 1-22

Subjects, ratings, behaviour and videos are those of ``write_deap``. The two
laboratories differ as they did: in the order of the electrodes, in the unit of
the skin's conductance or resistance, in what the status channel is called and
in what stands above its codes. The breaks between trials are shorter.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32, Int

from deepvanet.config import Execution
from deepvanet.datasets.deap import reader as deap
from deepvanet.datasets.deap_original import reader as deap_original
from deepvanet.datasets.deap_original.events import SFREQ, Status
from deepvanet.datasets.deap_original.reader import OTHERS
from deepvanet.datasets.geneva import GENEVA_EEG
from deepvanet.synthetic.bdf import write_bdf
from deepvanet.synthetic.behaviour import (
    BASELINE_S,
    Behaviour,
    sample_behaviour,
)
from deepvanet.synthetic.deap import (
    N_WITH_VIDEO,
    SubjectsPlan,
    TrialPlan,
    make_clean_folder,
    view,
    write_subjects,
    write_videos,
)
from deepvanet.synthetic.knobs import Knobs, Purpose, generator
from deepvanet.synthetic.ratings import sample_order
from deepvanet.synthetic.scalp import Scalp, sample_scalp, simulate_raw
from deepvanet.synthetic.signals import simulate_eog, simulate_peripherals

START_S = 8.0
"""Before the first trial, most of it rest; two minutes of it in DEAP."""
SYNC_S, FIXATION_S, AFTER_S = 2.0, 5.0, 3.0
RATING_S = 3.0, 6.0
"""Least and most that a rating takes; about half a minute in DEAP."""
STOP_S = 2.0
"""After the last rating, until the recording is stopped."""
PULSE_S = 0.1
"""How long a code stands in the status channel."""
FADE_S = 1.0
"""Over which the signals of a trial pass into those of the next."""
TURN_S = 0.2
"""Over which movements pass into those that the video shows."""

OFFSET_FROM = 24
"""The subject from whom on something stands above the codes, and no label."""
TWO_STATUS_FROM = 29
ABOVE_CODES = 0x18FF00, 0x19FF00
BAD_KINDS = "noisy", "flat"
BAD_SHARE = 0.4  # of subjects, who have one bad electrode
FACE_MICROVOLTS = 3000.0  # of the electrodes on the face, as their offset
FINGER_CELSIUS = 30.0

_GSR = len(GENEVA_EEG) + OTHERS.index("GSR1")
_MOVEMENTS = ("smile", "brows", "blink", "gaze", "turn", "nod", "roll")


@dataclass(frozen=True)
class TrialInterval:
    """One trial and all that is recorded before the next one, in samples.

    Attributes
    ----------
    start, onset : int
        The part's first sample, and that of its stimulus.
    rated : int
        When the subject has rated the stimulus.
    end : int
        The next part's first sample, or how many there are.
    """

    viewing: TrialPlan
    start: int
    onset: int
    rated: int
    end: int

    @property
    def after(self) -> int:
        """The first sample after the stimulus."""
        return self.onset + round(self.viewing.plan.seconds * SFREQ)

    def list_codes(self) -> list[tuple[int, Status]]:
        """Return what the stimulus program says of this trial, and when."""
        return [
            (self.onset - round((FIXATION_S + SYNC_S) * SFREQ), Status.SYNC),
            (self.onset - round(FIXATION_S * SFREQ), Status.FIXATION),
            (self.onset, Status.STIMULUS),
            (self.after, Status.AFTER),
            (self.after + round(AFTER_S * SFREQ), Status.RATING),
        ]


@dataclass(frozen=True)
class Body:
    """One subject's electrodes.

    Attributes
    ----------
    bad : mapping
        Kind of fault by EEG channel.
    offsets : array, shape (electrode,)
        Of the eight on face and neck, in microvolts.
    """

    scalp: Scalp
    bad: Mapping[str, str]
    offsets: Float[np.ndarray, " electrode"]


def write_deap_original(
    root: Path,
    *,
    n_subjects: int = 4,
    n_trials: int = 8,
    seconds: int = 60,
    knobs: Knobs | None = None,
    seed: int = 0,
    n_with_video: int = N_WITH_VIDEO,
    execution: Execution | None = None,
) -> None:
    """Write a synthetic DEAP as it was recorded, one task a subject.

    A subject's recording is in memory as a whole.

    Parameters
    ----------
    root : Path
        Gets the data set; what ``synth`` wrote there before by the same names is
        replaced.
    n_subjects, n_trials : int
        At most 32 and 40, as in DEAP. Only with 40 trials are videos missing.
    seconds : int
        Of each stimulus; 60 in DEAP.
    knobs : Knobs, optional
        How strongly ratings show; as the defaults of ``Knobs`` if not given.
    seed : int
        Same seed, same files.
    n_with_video : int
        Subjects who have videos; 22 in DEAP.
    execution : Execution, optional
        Where and how subjects are written; one after another if not given.

    Raises
    ------
    UserError
        As ``write_deap``.
    """
    write_subjects(
        write_subject,
        root,
        n_subjects=n_subjects,
        n_trials=n_trials,
        seconds=seconds,
        knobs=knobs or Knobs(),
        seed=seed,
        n_with_video=n_with_video,
        execution=execution or Execution(),
    )


def write_subject(plan: SubjectsPlan, subject: int) -> None:
    """Write the recording and the videos of one subject."""
    name = deap.SUBJECTS[subject - 1]
    parts = plan_session(plan, subject)
    bio = _join(parts, sample_body(plan, subject))
    order = deap_original.list_eeg(name)
    bio[: len(order)] = bio[[GENEVA_EEG.index(channel) for channel in order]]
    is_twente = name in deap_original.TWENTE
    if is_twente:
        bio[_GSR] = 1e9 / bio[_GSR]
    path = deap_original.signals_file(plan.root, name)
    make_clean_folder(path.parent)
    write_bdf(
        path,
        bio,
        labels=(*order, *OTHERS),
        units=("uV",) * len(order) + _list_units("nS" if is_twente else "Ohm"),
        sfreq=SFREQ,
        status=make_status(parts, subject),
        status_labels=label_status(subject),
    )
    write_videos(plan, subject)


def plan_session(plan: SubjectsPlan, subject: int) -> tuple[TrialInterval, ...]:
    """Return the parts of a recording, which meet without a gap."""
    order = sample_order(subject=subject, n_trials=plan.n_trials, seed=plan.seed)
    rng = generator(plan.seed, Purpose.GAPS, subject)
    parts: list[TrialInterval] = []
    for stimulus in order:
        start = parts[-1].end if parts else 0
        before_s = (0.0 if parts else START_S) + SYNC_S + FIXATION_S
        rating_s = rng.uniform(*RATING_S)
        onset = start + round(before_s * SFREQ)
        rated = onset + round((plan.seconds + AFTER_S + rating_s) * SFREQ)
        parts.append(
            TrialInterval(
                view(plan, subject, int(stimulus)), start, onset, rated, rated
            )
        )
    # records of a BDF are whole seconds
    last_s = np.ceil(parts[-1].rated / SFREQ + STOP_S)
    return (*parts[:-1], replace(parts[-1], end=round(last_s * SFREQ)))


def sample_body(plan: SubjectsPlan, subject: int) -> Body:
    """Sample how one subject's head and electrodes conduct."""
    rng = generator(plan.seed, Purpose.SCALP, subject)
    scalp = sample_scalp(GENEVA_EEG, rng)
    channel, kind = str(rng.choice(GENEVA_EEG)), str(rng.choice(BAD_KINDS))
    has_bad = rng.random() < BAD_SHARE
    return Body(
        scalp=scalp,
        bad={channel: kind} if has_bad else {},
        offsets=FACE_MICROVOLTS * rng.standard_normal(8),
    )


def make_status(
    parts: Sequence[TrialInterval], subject: int
) -> Int[np.ndarray, " time"]:
    """Return the bits of the status channel."""
    above = ABOVE_CODES[subject % 2] if subject >= OFFSET_FROM else 0
    status = np.full(parts[-1].end, above)
    for sample, code in _list_codes(parts):
        status[sample : sample + round(PULSE_S * SFREQ)] |= code
    return status


def label_status(subject: int) -> tuple[str, ...]:
    """Return what the status channel, or both of them, are called.

    Examples
    --------
    >>> label_status(23), label_status(28), label_status(29)
    (('Status',), ('',), ('', ''))
    """
    if subject < OFFSET_FROM:
        return ("Status",)
    return ("",) if subject < TWO_STATUS_FROM else ("", "")


def _list_codes(parts: Sequence[TrialInterval]) -> Iterator[tuple[int, Status]]:
    yield round(0.5 * SFREQ), Status.RATING
    yield round(1.5 * SFREQ), Status.RATING
    for part in parts:
        yield from part.list_codes()
    yield parts[-1].rated, Status.END


def _list_units(gsr: str) -> tuple[str, ...]:
    known = {"GSR1": gsr, "GSR2": gsr, "Temp": "degC"}
    return tuple(known.get(label, "uV") for label in OTHERS)


def _join(
    parts: Sequence[TrialInterval], body: Body
) -> Float32[np.ndarray, "channel time"]:
    """Simulate part after part, each passing into the next."""
    n_fade = round(FADE_S * SFREQ)
    rising = np.linspace(0.0, 1.0, n_fade)
    n_channels = len(GENEVA_EEG) + len(OTHERS)
    joined = np.zeros((n_channels, parts[-1].end), np.float32)
    for part in parts:
        bio = _simulate(part, body)
        if part is not parts[0]:
            bio[:, :n_fade] *= rising
            joined[:, part.start : part.start + n_fade] *= 1 - rising
        stop = part.end if part is parts[-1] else part.end + n_fade
        joined[:, part.start : stop] += bio[:, : stop - part.start]
    return joined


def _simulate(part: TrialInterval, body: Body) -> Float[np.ndarray, "channel time"]:
    """Return a part's signals, and a little more than ``FADE_S`` after its end."""
    viewing = part.viewing
    rng = viewing.generator(Purpose.RAW)
    behaviour = _extend(
        viewing,
        before_s=(part.onset - part.start) / SFREQ,
        after_s=(part.end - part.after) / SFREQ + FADE_S + TURN_S,
    )
    raw = simulate_raw(
        body.scalp,
        state=viewing.state,
        behaviour=behaviour,
        sfreq=SFREQ,
        rng=rng,
        bad=body.bad,
    )
    eeg = raw.recorded
    time = behaviour.time[0] + np.arange(eeg.shape[1]) / SFREQ
    eog = simulate_eog(behaviour, time, rng, sfreq=SFREQ)
    muscles, others = np.split(
        simulate_peripherals(viewing.state, behaviour, time, rng, sfreq=SFREQ), [2]
    )
    gsr, belt, pulse, millikelvin = others
    face = np.repeat(np.concatenate([eog, muscles]), 2, axis=0) / 2
    face[1::2] *= -1
    face += raw.noise.mean(axis=0) + body.offsets[:, None]
    unused = 0.5 * rng.standard_normal((3, len(time)))
    warmth = FINGER_CELSIUS + millikelvin / 1000
    return np.concatenate([eeg, face, gsr[None], unused, [belt, pulse, warmth]])


def _extend(viewing: TrialPlan, *, before_s: float, after_s: float) -> Behaviour:
    """Let a subject move before and after the video, and in between as in the video."""
    seconds, shown = viewing.plan.seconds, viewing.behaviour
    around = sample_behaviour(
        viewing.state,
        seconds=seconds + after_s,
        before_s=before_s,
        rng=viewing.generator(Purpose.GAPS),
    )
    begin, end = -BASELINE_S, float(seconds)
    edges = [begin - TURN_S, begin, end, end + TURN_S]
    weight = np.interp(around.time, edges, [0.0, 1.0, 1.0, 0.0])
    courses = {
        name: (1 - weight) * getattr(around, name)
        + weight * np.interp(around.time, shown.time, getattr(shown, name))
        for name in _MOVEMENTS
    }
    return replace(around, blink_times=shown.blink_times, **courses)
