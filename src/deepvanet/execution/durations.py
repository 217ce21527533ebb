"""Say how long work takes."""

from deepvanet.config import Execution


def say_hours(hours: float) -> str:
    """Write a length of time in the unit that suits it.

    Examples
    --------
    >>> say_hours(1.5), say_hours(0.25), say_hours(0.001)
    ('1.5 h', '15.0 min', '4 s')
    """
    if hours >= 1:
        return f"{hours:,.1f} h"
    return f"{60 * hours:.1f} min" if hours >= 1 / 60 else f"{3600 * hours:.0f} s"


def say_work(hours: float, execution: Execution) -> str:
    """Say what work takes of one process, and of as many as are asked for.

    Examples
    --------
    >>> say_work(3, Execution(jobs=2))
    '3.0 h of one process (1.5 h of 2 side by side)'
    """
    jobs = execution.jobs
    beside = f"({say_hours(hours / jobs)} of {jobs} side by side)"
    return f"{say_hours(hours)} of one process {beside}"
