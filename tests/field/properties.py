"""The table of properties that recordings have, and what must hold of each."""

from field.of_channels import CHANNELS
from field.of_files import FILES
from field.of_times import TIMES
from field.of_trials import TRIALS
from field.records import DEVICES, Cell, Property
from field.recordings import ALL

SOUND = (Property("sound", "S", "Nothing is odd.", (*ALL, *DEVICES)),)
PROPERTIES = (*SOUND, *TIMES, *CHANNELS, *TRIALS, *FILES)
CELLS = [Cell(owner, name) for owner in PROPERTIES for name in owner.formats]
