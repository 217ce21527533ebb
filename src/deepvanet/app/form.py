"""The form that a recording comes in: every field of it is used, or refused."""

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.types import Message

from deepvanet.datasets.recordings.trial_columns import PERIPHERALS

FILES = ("video", "bio", "features", *PERIPHERALS)
OPTIONS = (
    *("video_offset_s", "baseline_start_s", "baseline_end_s"),
    *(f"{column}_offset_s" for column in PERIPHERALS),
)
CHOICES = ("example", "blur_faces")
"""Fields that are there, as 1, or not."""
_MOST_OFFSET_S = 24 * 3600.0
_TAIL = 256


class FormError(Exception):
    """A form that ends in a sentence."""


def watch_end(request: Request) -> Request:
    """Return a request whose form is refused if it does not come to its end.

    A form that was cut off has the parts before the cut, and would be taken for a
    whole one. Reading it raises a ``FormError``.
    """
    kind = request.headers.get("content-type", "").lower()
    is_multipart, tail = kind.startswith("multipart/form-data"), b""

    async def receive() -> Message:
        nonlocal tail
        message = await request.receive()
        if message["type"] == "http.request":
            tail = (tail + message.get("body", b""))[-_TAIL:]
            is_last = not message.get("more_body")
            if is_multipart and is_last and not tail.rstrip().endswith(b"--"):
                raise FormError("The form was cut off: send it again.")
        return message

    return Request(request.scope, receive)


def list_files(form: FormData) -> dict[str, UploadFile]:
    """Return what a form holds of ``FILES``.

    Raises
    ------
    FormError
        When it holds none and asks for no example, or anything that is not used.
    """
    known = (*FILES, *OPTIONS, *CHOICES)
    for name, value in form.multi_items():
        if name not in known:
            raise FormError(f"{name!r:.40} is no field: they are {', '.join(known)}.")
        if len(form.getlist(name)) > 1:
            raise FormError(f"{name} was sent twice: send one.")
        if isinstance(value, UploadFile) != (name in FILES):
            wanted = "a file with a name" if name in FILES else "a text"
            raise FormError(f"{name} must be {wanted}.")
    sent = {name: form[name] for name in FILES if name in form}
    # a browser sends a field in which no file was chosen as a file without a name
    files = {name: file for name, file in sent.items() if _is_chosen(file)}
    _check_example(form, has_files=bool(files))
    return files  # type: ignore[return-value]


def _is_chosen(file: UploadFile | str) -> bool:
    return isinstance(file, UploadFile) and bool(file.filename or file.size)


def _check_example(form: FormData, *, has_files: bool) -> None:
    for name in CHOICES:
        if form.get(name) not in (None, "1"):
            raise FormError(f"{name} must be 1.")
    asked = form.get("example")
    if asked and has_files:
        raise FormError("Send files, or ask for the example: not both.")
    if not asked and not has_files:
        raise FormError("Send a video, a signal file, or features of a face.")


def read_seconds(form: FormData, name: str) -> float | None:
    """Return the seconds that a field says, or None if it says nothing.

    Raises
    ------
    FormError
        When it is no number, or more than a day.
    """
    text = form.get(name)
    if not isinstance(text, str) or not text.strip():
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = float("nan")
    if not abs(seconds) <= _MOST_OFFSET_S:
        raise FormError(f"{name} must be a number of seconds.")
    return seconds
