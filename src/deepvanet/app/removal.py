"""Removes a folder once the process that started this one has ended.

It is run by its path, and imports nothing that takes time or memory.
"""

import shutil
import sys
import time
from pathlib import Path

_TRIES, _PAUSE_S = 600, 0.1


def remove_later(folder: Path) -> None:
    """Wait for the end of the standard input, then remove a folder.

    A worker that is still about to end may write meanwhile, hence the tries.
    """
    sys.stdin.buffer.read()
    for _ in range(_TRIES):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(_PAUSE_S)


if __name__ == "__main__":
    remove_later(Path(sys.argv[1]))
