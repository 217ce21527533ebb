"""The addresses of the page and of its JSON interface."""

import asyncio
import html
import logging
import signal
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from deepvanet import __version__
from deepvanet.app.example import find_example_obstacle
from deepvanet.app.folder import open_folder
from deepvanet.app.form import (
    CHOICES,
    FILES,
    OPTIONS,
    FormError,
    list_files,
    read_seconds,
    watch_end,
)
from deepvanet.app.guard import BodyTooLargeError, BodyTooSlowError, Guard
from deepvanet.app.jobs import Job, Jobs
from deepvanet.app.limits import Limits
from deepvanet.app.needs import describe_needs
from deepvanet.app.questions import say_heading
from deepvanet.app.uploads import SIGNATURES, clean_name, keep_upload
from deepvanet.app.worker import DISK_ERRORS, FULL_DISK, WorkOrder
from deepvanet.bundle import Bundle, list_standings, load_bundle
from deepvanet.bundle.standing import fold_standings
from deepvanet.datasets.recordings.input_files import InputFile
from deepvanet.datasets.recordings.trial_columns import PERIPHERALS
from deepvanet.inference import RecordingInput, gather_files
from deepvanet.schema import Stream, UserError

HOST = "127.0.0.1"
RETRY_S = 15
_TICK_S = 0.1
_STOPPED_S = 10.0  # without a tick, in which nothing that waits is begun
_ENDING_S = 3  # for requests that go on when the server ends
_FORM_BYTES = 64 * 1024
_STATIC = {
    "index.html": ("index.html", "text/html"),
    "page.css": ("page.css", "text/css"),
    "page.js": ("page.js", "text/javascript"),
    "charts.js": ("charts.js", "text/javascript"),
    "result.js": ("result.js", "text/javascript"),
    "uplot.js": ("vendor/uplot/uPlot.iife.min.js", "text/javascript"),
    "uplot.css": ("vendor/uplot/uPlot.min.css", "text/css"),
}
"""What the page is made of: the file, and of which kind it is, by address."""
_MEDIA = {".mp4": "video/mp4", ".m4v": "video/mp4", ".webm": "video/webm"}


_log = logging.getLogger(__name__)


class RequestError(Exception):
    """A request that ends in a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def make_app(model: Path, *, limits: Limits | None = None) -> Starlette:
    """Return the page of a bundle as an ASGI application.

    Parameters
    ----------
    model : Path
        Folder that ``train`` wrote.

    Raises
    ------
    UserError
        When the bundle cannot be read, or reads whole trials.
    """
    bounds, bundle = limits or Limits(), load_bundle(model)
    _refuse_whole_trials(bundle)
    page = _Page(model, bundle, bounds)
    return Starlette(
        routes=page.routes(),
        middleware=[Middleware(Guard, limits=bounds)],
        lifespan=page.live,
        exception_handlers=_ANSWERS,
    )


def _refuse_whole_trials(bundle: Bundle) -> None:
    """Refuse what has no place on the axes: the page goes on with a recording."""
    if bundle.grid.is_whole:
        raise UserError(
            f"{bundle.path}: the page follows a recording as it goes on, and this "
            "bundle reads whole trials; deepvanet predict writes what it predicts"
        )


class _Page:
    """What the addresses answer."""

    def __init__(self, model: Path, bundle: Bundle, limits: Limits) -> None:
        self._model, self._bundle, self._limits = model, bundle, limits
        self._jobs: Jobs
        self._ticked = 0.0
        root = files("deepvanet.app") / "static"
        self._static = {
            name: ((root / file).read_bytes(), kind)
            for name, (file, kind) in _STATIC.items()
        }
        index, kind = self._static["index.html"]
        heading = html.escape(say_heading(bundle)).encode()
        self._static["index.html"] = index.replace(b"{{ heading }}", heading), kind

    @asynccontextmanager
    async def live(self, _app: Starlette) -> AsyncIterator[None]:
        """Keep a temporary folder while the server runs."""
        with open_folder() as folder:
            self._jobs = Jobs(folder, self._limits)
            ticking = asyncio.create_task(self._tick())
            try:
                yield
            finally:
                ticking.cancel()
                with suppress(asyncio.CancelledError):
                    await ticking
                self._jobs.close()

    async def _tick(self) -> None:
        while True:
            try:
                self._jobs.tick()
                self._ticked = time.monotonic()
            except Exception:  # noqa: BLE001  the clock goes on
                _log.exception("the queue could not be gone on with")
            await asyncio.sleep(_TICK_S)

    def routes(self) -> list[Route]:
        """Return all addresses."""
        job = "/api/jobs/{job}"
        return [
            Route("/", self.show_file),
            Route("/static/{name}", self.show_file),
            Route("/health", self.health),
            Route("/version", self.version),
            Route("/api/jobs", self.submit, methods=["POST"]),
            Route(job, self.remove, methods=["DELETE"]),
            Route(job, self.status),
            Route(f"{job}/result", self._serve("result.json", "application/json")),
            Route(f"{job}/timeline.csv", self._serve("timeline.csv", "text/csv")),
            Route(f"{job}/report.html", self._serve("report.html", "text/html")),
            Route(f"{job}/video", self.video),
        ]

    async def show_file(self, request: Request) -> Response:
        name = request.path_params.get("name", "index.html")
        if name not in self._static:
            raise RequestError(404, "There is no such page.")
        body, kind = self._static[name]
        return Response(body, media_type=kind)

    async def health(self, _request: Request) -> Response:
        jobs, error = self._jobs, self._jobs.start_error
        if time.monotonic() - self._ticked > _STOPPED_S:
            error = "The queue stands still: start the page again."
        is_full = "full" if jobs.is_full else "ok"
        said: dict[str, Any] = {
            "status": "failing" if error else is_full,
            "running": jobs.count("running"),
            "workers": jobs.n_workers,
            "waiting": jobs.count("arriving", "waiting"),
            "room": self._limits.running + self._limits.waiting,
        }
        if error:
            said["error"] = error
        return JSONResponse(said, status_code=503 if error else 200)

    async def version(self, _request: Request) -> Response:
        bundle, limits = self._bundle, self._limits
        return JSONResponse(
            {
                "deepvanet": __version__,
                "model": self._model.resolve().name,
                "dataset": bundle.dataset,
                "task": bundle.task,
                "targets": bundle.targets,
                "streams": bundle.stream_sets,
                **{kind: list(known) for kind, known in SIGNATURES.items()},
                "video_bytes": limits.video_bytes,
                "bio_bytes": limits.bio_bytes,
                "features_bytes": limits.bio_bytes,
                "peripherals": list(PERIPHERALS),
                "reads_features": Stream.FACE_FEATURES in bundle.streams,
                "needs": describe_needs(bundle),
                "standings": fold_standings(list_standings(bundle)),
                "example": not find_example_obstacle(bundle),
                "duration_s": limits.duration_s,
            }
        )

    async def submit(self, request: Request) -> Response:
        """Take a recording."""
        if self._jobs.is_full:
            busy = self._jobs.count("arriving", "waiting")
            return JSONResponse(
                {"error": f"Busy, {busy} waiting: try again in a moment."},
                status_code=503,
                headers={"Retry-After": str(RETRY_S)},
            )
        job = self._jobs.open()
        try:
            async with watch_end(request).form(
                max_files=len(FILES),
                max_fields=len(OPTIONS) + len(CHOICES),
                max_part_size=_FORM_BYTES,
            ) as form:
                order = await self._read_form(form, job)
        except BaseException:
            self._jobs.remove(job)
            raise
        self._jobs.submit(job, order)
        where = f"/api/jobs/{job.id}"
        return JSONResponse(
            self._jobs.describe(job), status_code=202, headers={"Location": where}
        )

    async def _read_form(self, form: FormData, job: Job) -> WorkOrder:
        kept: dict[str, Path] = {}
        names = {}
        for kind, sent in list_files(form).items():
            names[kind] = clean_name(sent.filename or kind)
            kept[kind] = await run_in_threadpool(
                keep_upload,
                kind,
                sent.file,
                sent.filename or "",
                job.folder,
                limits=self._limits,
            )
        return WorkOrder(
            model=self._model.resolve(),
            folder=job.folder,
            recording=RecordingInput(
                **gather_files(
                    _name_inputs(form, kept),
                    video_offset_s=read_seconds(form, "video_offset_s"),
                ),
                baseline_s=(
                    read_seconds(form, "baseline_start_s"),
                    read_seconds(form, "baseline_end_s"),
                ),
            ),
            is_example="example" in form,
            names=names,
            blurs_faces="blur_faces" in form,
        )

    async def status(self, request: Request) -> Response:
        return JSONResponse(self._jobs.describe(self._find(request)))

    async def remove(self, request: Request) -> Response:
        self._jobs.remove(self._find(request))
        return Response(status_code=204)

    async def video(self, request: Request) -> Response:
        job = self._find(request)
        for name in ("preview.mp4", *(f"video{ending}" for ending in _MEDIA)):
            path = job.folder / name
            if job.state == "done" and path.is_file():
                return FileResponse(path, media_type=_MEDIA[path.suffix])
        raise RequestError(404, "There is no video.")

    def _serve(self, name: str, kind: str) -> Callable[[Request], Any]:
        async def serve(request: Request) -> Response:
            job = self._find(request)
            if job.state != "done":
                raise RequestError(409, "There is no result yet.")
            is_data = kind == "application/json"
            return FileResponse(
                job.folder / name,
                media_type=kind,
                filename=None if is_data else f"deepvanet-{name}",
            )

        return serve

    def _find(self, request: Request) -> Job:
        job = self._jobs.find(request.path_params["job"])
        if job is None:
            raise RequestError(404, "There is no such recording, or it was removed.")
        return job


def _name_inputs(form: FormData, kept: dict[str, Path]) -> list[InputFile]:
    return [
        InputFile(
            "face_features" if kind == "features" else kind,
            str(path),
            read_seconds(form, f"{kind}_offset_s") if kind in PERIPHERALS else None,
        )
        for kind, path in kept.items()
    ]


async def _answer_request_error(_request: Request, error: Exception) -> Response:
    status = error.status if isinstance(error, RequestError) else 400
    return JSONResponse({"error": str(error)}, status_code=status)


async def _answer_os_error(request: Request, error: Exception) -> Response:
    number = error.errno if isinstance(error, OSError) else None
    if number in DISK_ERRORS:
        return JSONResponse({"error": FULL_DISK}, status_code=507)
    _log.error("%s %s", request.method, request.url.path, exc_info=error)
    said = getattr(error, "strerror", None) or "it does not say why"
    sentence = f"This machine cannot keep or read the files: {said}."
    return JSONResponse({"error": sentence}, status_code=500)


def _say(status: int, sentence: str | None = None) -> Callable[..., Any]:
    """Return what answers an error with a sentence, by default its own."""

    async def answer(_request: Request, error: Exception) -> Response:
        return JSONResponse({"error": sentence or str(error)}, status_code=status)

    return answer


_ANSWERS: Mapping[Any, Callable[..., Any]] = {
    RequestError: _answer_request_error,
    FormError: _say(400),
    HTTPException: _say(
        400,
        "The form cannot be read: send multipart/form-data of at most a video, a "
        "signal file, features of a face and the options.",
    ),
    ClientDisconnect: _say(400, "Sending ended before all had come."),
    UserError: _say(422),
    BodyTooLargeError: _say(413, "The files are too large."),
    BodyTooSlowError: _say(408, "The files came too slowly."),
    OSError: _answer_os_error,
    404: _say(404, "There is no such page."),
    405: _say(404, "There is no such page."),
}
"""What is answered to errors, and to addresses that are not there."""


def serve(model: Path, *, port: int, say: Callable[[str], None]) -> None:
    """Serve the page of a bundle on this machine until interrupted.

    The end of its terminal ends it too, unless it was started with ``nohup``.

    Parameters
    ----------
    say : callable
        Is called with the address of the page, once it can be reached.

    Raises
    ------
    UserError
        When the bundle cannot be read, or the port is taken.
    """
    import socket

    import uvicorn

    app = make_app(model)
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except OSError:
        listening.close()
        raise UserError(f"{port} is taken or not allowed", field="port") from None
    listening.listen()
    at = listening.getsockname()[1]
    say(f"page: http://{HOST}:{at} (Ctrl+C ends it)")
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_ENDING_S,
    )
    server = uvicorn.Server(config)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, server.handle_exit)
    with suppress(KeyboardInterrupt), listening:
        server.run(sockets=[listening])
