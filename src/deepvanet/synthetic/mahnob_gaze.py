"""The gaze of a session of the synthetic MAHNOB-HCI, as Tobii Studio exports it."""

import numpy as np
from jaxtyping import Float

from deepvanet.synthetic.behaviour import Behaviour, wander
from deepvanet.synthetic.knobs import Purpose, TraitValues
from deepvanet.synthetic.mahnob_plan import MahnobPlan, SessionPlan

GAZE_HZ = 60.0
"""Of the Tobii X120."""
SCREEN = 1280, 1024
BEFORE_S = 0.4
"""Of samples before the onset of the stimulus."""
PUPIL_MM = 3.4
CLOSED = 0.4
"""Lids further down than this hide the eye."""
AWAY_S = 1.5
"""Once in a session the tracker loses both eyes for so long."""
N_PREAMBLE = 23
UNSEEN = -1
_EYE = ("GazePointX", "GazePointY", "CamX", "CamY", "Distance", "Pupil", "Validity")
HEAD = (
    *("Timestamp", "MicroSecondTimestamp", "AbsoluteMicroSecondTimestamp"),
    *("DateTimeStamp", "DateTimeStampStartOffset", "Number"),
    *(f"{name}{side}" for side in ("Left", "Right") for name in _EYE),
    *("GazePointX", "GazePointY", "FixationIndex", "FixationDuration"),
    *("Event", "EventKey", "Data1", "Data2", "Descriptor", "StimuliName"),
)


def spell_gaze(
    plan: MahnobPlan, session: SessionPlan, state: TraitValues, behaviour: Behaviour
) -> str:
    """Return the text of a file of gaze.

    Parameters
    ----------
    plan : MahnobPlan
        Random numbers follow from it.
    session : SessionPlan
        Which session, and how long it is.
    state : TraitValues
        Read for the width of the pupil.
    behaviour : Behaviour
        Read for gaze and blinks.

    Returns
    -------
    str
        Lines about the recording, the head, samples and events between them.
    """
    rng = plan.generator(Purpose.GAZE, session.subject, session.offset)
    n_samples = round((BEFORE_S + session.section_s) * GAZE_HZ)
    time = np.arange(n_samples) / GAZE_HZ - BEFORE_S
    start_ms = int(rng.integers(1_000, 60_000))
    position, pupils = _look(state, behaviour, time, rng)
    away_s = float(rng.uniform(0, max(0.1, session.seconds - AWAY_S)))
    is_lost = np.interp(time, behaviour.time, behaviour.blink) > CLOSED
    is_lost |= (time >= away_s) & (time < away_s + AWAY_S)
    lines = [f"System Properties {k}:\t" for k in range(N_PREAMBLE)]
    lines.append("\t".join(HEAD))
    onset = round(BEFORE_S * GAZE_HZ)
    for k, at_s in enumerate(time):
        stamp = start_ms + round((at_s + BEFORE_S) * 1000)
        if k == onset:
            lines.append(_spell_event(stamp, "MovieStart", session.media))
        lines.append(_spell_sample(k, stamp, position[:, k], pupils[:, k], is_lost[k]))
        if k == onset + round(session.seconds * GAZE_HZ):
            lines.append(_spell_event(stamp, "MovieEnd", session.media))
    if session.trial % 3 == 0:  # broken lines, as real files have
        lines[len(lines) // 2 : len(lines) // 2] = ["12\t\t3", "\t".join("?" * 60)]
    return "\ufeff" + "\r\n".join(lines) + "\r\n"


def _look(
    state: TraitValues,
    behaviour: Behaviour,
    time: Float[np.ndarray, " time"],
    rng: np.random.Generator,
) -> tuple[Float[np.ndarray, "2 time"], Float[np.ndarray, "2 time"]]:
    """Return where on the screen both eyes look, and how wide each pupil is."""
    n = len(time)
    across = SCREEN[0] * (0.5 + 0.4 * np.interp(time, behaviour.time, behaviour.gaze))
    down = SCREEN[1] * (0.5 + 0.12 * wander(rng, n, hertz=0.5, sfreq=GAZE_HZ))
    position = np.stack([across, down]) + 6 * rng.standard_normal((2, n))
    slow = 0.04 * wander(rng, n, hertz=0.3, sfreq=GAZE_HZ)
    width = PUPIL_MM * np.exp(state.follow("pupil", time) + slow)
    return position, width + 0.02 * rng.standard_normal((2, n)) + [[0.03], [-0.03]]


def _spell_sample(
    number: int,
    stamp: int,
    position: Float[np.ndarray, " 2"],
    pupils: Float[np.ndarray, " 2"],
    is_lost: bool,
) -> str:
    where = [f"{at:.0f}" for at in position]
    cells = [str(stamp), str(stamp * 1000), "", "", "", str(number)]
    for pupil in pupils:
        seen = [*where, "0.5", "0.5", "640.2", f"{pupil:.3f}", "0"]
        cells += [str(UNSEEN)] * 6 + ["4"] if is_lost else seen
    cells += [str(UNSEEN)] * 2 if is_lost else where
    return "\t".join([*cells, *[""] * (len(HEAD) - len(cells))])


def _spell_event(stamp: int, event: str, media: str) -> str:
    cells = dict.fromkeys(HEAD, "") | {"Timestamp": str(stamp), "Event": event}
    return "\t".join({**cells, "Descriptor": media}.values())
