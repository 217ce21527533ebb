"""A made-up recording, for those who have none at hand."""

import shutil
from pathlib import Path

from deepvanet.app.uploads import Sent
from deepvanet.bundle import Bundle
from deepvanet.config import Execution
from deepvanet.datasets import synthetic
from deepvanet.schema import UserError

SECONDS = 20
TRIAL = "1"


def make_example(folder: Path, bundle: Bundle) -> Sent:
    """Write a synthetic face video and, if the bundle reads DEAP's, its signals.

    Raises
    ------
    UserError
        When the bundle can read neither, or the ``synth`` extra is missing.
    """
    from deepvanet.datasets.deap import CHANNELS

    reads_signals = not bundle.is_raw and set(bundle.channels) <= set(CHANNELS)
    if not reads_signals and "face" not in bundle.stream_sets:
        raise UserError("the example: this model reads neither its face nor its signals")
    root = folder / "example"
    try:
        synthetic.write_deap(
            root,
            n_subjects=1,
            n_trials=1,
            seconds=SECONDS,
            knobs=synthetic.Knobs(effect=1.0),
            execution=Execution(),
        )
    except ImportError:
        raise UserError("the example: needs deepvanet[synth]") from None
    video = root / "face_video" / "s01" / "s01_trial01.avi"
    bio = root / "data_preprocessed_python" / "s01.dat"
    sent = Sent(
        Path(shutil.move(video, folder / "video.avi")),
        Path(shutil.move(bio, folder / "bio.dat")) if reads_signals else None,
    )
    shutil.rmtree(root)
    return sent
