"""A warning that the next fold of a run would only repeat."""

import logging
from functools import lru_cache

_log = logging.getLogger(__name__)


@lru_cache(maxsize=256)
def warn_once(line: str) -> None:
    """Warn of something, once a process."""
    _log.warning("%s", line)
