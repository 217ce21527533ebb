"""The table of properties that recordings have, and what must hold of each."""

from field.of_channels import CHANNELS
from field.of_data_sets import PUBLIC
from field.of_files import FILES
from field.of_times import TIMES
from field.of_trials import TRIALS
from field.of_videos import VIDEOS
from field.recordings import ALL
from field.records import DEVICES, Cell, Property

SOUND = (Property("sound", "S", "Nothing is odd.", (*ALL, *DEVICES)),)
PROPERTIES = (*SOUND, *TIMES, *CHANNELS, *TRIALS, *FILES, *VIDEOS, *PUBLIC)
CELLS = [Cell(owner, name) for owner in PROPERTIES for name in owner.formats]


def choose_some() -> list[Cell]:
    """Return a cell of each property; formats that are read fast take turns."""
    chosen = []
    for number, owner in enumerate(PROPERTIES):
        fast = [name for name in owner.formats if name != "xdf"] or owner.formats
        chosen.append(Cell(owner, fast[number % len(fast)]))
    return chosen
