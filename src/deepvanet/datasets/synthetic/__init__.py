"""Recordings that nobody made, written in the formats of those that were.

Signals come from neurokit2's simulators and an EEG of our own, faces from a
photograph in the public domain that is warped to move. Both follow the same
made-up behaviour: a blink in the video is a blink in the EOG.
"""

from importlib.util import find_spec
from pathlib import Path

from deepvanet.config import Execution
from deepvanet.schema import UserError, pick

for _needed in ("neurokit2", "skimage", "edfio"):
    if find_spec(_needed) is None:
        raise UserError(
            f"synth: needs {_needed}, which is not installed: "
            "pip install 'deepvanet[synth]'"
        )

from deepvanet.datasets.synthetic.afew_va import FPS, write_afew_va  # noqa: E402
from deepvanet.datasets.synthetic.amigos import write_amigos  # noqa: E402
from deepvanet.datasets.synthetic.deap import write_deap  # noqa: E402
from deepvanet.datasets.synthetic.deap_original import (  # noqa: E402
    write_deap_original,
)
from deepvanet.datasets.synthetic.difficulty import (  # noqa: E402
    describe_chance,
    describe_difficulty,
)
from deepvanet.datasets.synthetic.knobs import Knobs  # noqa: E402
from deepvanet.datasets.synthetic.mahnob import write_mahnob  # noqa: E402
from deepvanet.datasets.synthetic.own import write_own  # noqa: E402

__all__ = [
    "Knobs",
    "write",
    "write_afew_va",
    "write_amigos",
    "write_deap",
    "write_deap_original",
    "write_mahnob",
    "write_own",
]

_WRITERS = {
    "deap": write_deap,
    "deap-original": write_deap_original,
    "mahnob": write_mahnob,
    "recordings": write_own,
    "amigos": write_amigos,
}
USUAL_SECONDS, USUAL_CLIP_SECONDS = 60, 2


def write(
    layout: str,
    root: Path,
    *,
    n_subjects: int,
    n_trials: int,
    seconds: int | None,
    knobs: Knobs,
    nested: bool,
    n_filmed: int | None,
    seed: int,
    execution: Execution,
) -> str:
    """Write a synthetic data set; say what it holds, and how hard it is.

    Parameters
    ----------
    n_subjects, n_trials : int
        Of AFEW-VA: actors, and the clips of each.
    seconds : int, optional
        Of a trial or a clip.
    nested : bool
        Whether AFEW-VA's clips lie in a folder for each zip.
    n_filmed : int, optional
        Subjects of DEAP who have videos.

    Raises
    ------
    UserError
        When the layout is unknown, or a number does not fit it.
    """
    pick("layout", layout, [*_WRITERS, "afew-va"])
    further = {} if n_filmed is None else {"n_filmed": n_filmed}
    if further and not layout.startswith("deap"):
        raise UserError(f"--filmed: is for deap, got {layout}")
    if layout == "afew-va":
        n_frames = round(FPS * (USUAL_CLIP_SECONDS if seconds is None else seconds))
        write_afew_va(
            root,
            n_actors=n_subjects,
            n_clips=n_trials,
            n_frames=n_frames,
            nested=nested,
            effect=knobs.effect,
            seed=seed,
            execution=execution,
        )
        return f"{n_subjects} actors, {n_trials} clips each, {n_frames} frames a clip"
    if nested:
        raise UserError(f"--nested: is for afew-va, got {layout}")
    seconds = USUAL_SECONDS if seconds is None else seconds
    _WRITERS[layout](
        root,
        n_subjects=n_subjects,
        n_trials=n_trials,
        seconds=seconds,
        knobs=knobs,
        seed=seed,
        execution=execution,
        **further,
    )
    return (
        f"{n_subjects} subjects, {n_trials} trials each, {seconds} s a trial\n"
        f"{describe_difficulty(layout, knobs, seconds=float(seconds))}\n"
        f"{describe_chance(n_subjects, n_trials)}"
    )
