"""What a page takes at most, so that no visitor can fill or stall the machine."""

from dataclasses import dataclass

MIB = 1024**2


@dataclass(frozen=True)
class Limits:
    """Bounds, checked before anything is decoded.

    Attributes
    ----------
    video_bytes, bio_bytes : int
        Of the files sent; a table of features may have as many as signals.
    upload_s : float
        Within which all of a request must have arrived.
    least_bytes_s, pace_s : float
        Of a request must arrive in each second, on average over this many seconds
        of waiting for it.
    duration_s : float
        Of a video, and of signals whose header says how long they are.
    pixels : int
        Of a picture of a video.
    job_s : float
        Of work on one recording; then its process is killed.
    memory_bytes : int, optional
        That this process may take; default: ``memory_share`` of what is free on the
        machine when it starts.
    memory_share : float
        For all processes that work side by side.
    running, waiting : int
        Recordings worked on side by side, and those that wait for it.
    keep_s : float
        For which a finished recording stays after it was last asked for.
    kept : int
        Finished recordings that stay at once; the oldest goes first.
    """

    video_bytes: int = 1024 * MIB
    bio_bytes: int = 512 * MIB
    upload_s: float = 600.0
    least_bytes_s: float = 16 * 1024.0
    pace_s: float = 10.0
    duration_s: float = 2 * 3600.0
    pixels: int = 4096 * 2304
    job_s: float = 3600.0
    memory_bytes: int | None = None
    memory_share: float = 0.8
    running: int = 1
    waiting: int = 4
    keep_s: float = 1800.0
    kept: int = 20
