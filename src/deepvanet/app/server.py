"""The addresses of the page and of its JSON interface."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from deepvanet import __version__
from deepvanet.app.guard import BodyTooLargeError, BodyTooSlowError, Guard
from deepvanet.app.jobs import Job, Jobs
from deepvanet.app.limits import MIB, Limits
from deepvanet.app.uploads import BIO_SIGNATURES, VIDEO_SIGNATURES, keep_upload
from deepvanet.app.worker import WorkOrder
from deepvanet.bundle import Bundle, load_bundle
from deepvanet.inference import RecordingInput
from deepvanet.schema import UserError

HOST = "127.0.0.1"
RETRY_S = 15
_TICK_S = 0.1
_FORM_BYTES = 64 * 1024
_MOST_OFFSET_S = 24 * 3600.0
_STATIC = {
    "index.html": "text/html",
    "page.css": "text/css",
    "page.js": "text/javascript",
    "charts.js": "text/javascript",
    "result.js": "text/javascript",
}
"""What the page is made of, and of which kind."""
_MEDIA = {".mp4": "video/mp4", ".m4v": "video/mp4", ".webm": "video/webm"}


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
        When the bundle cannot be read.
    """
    bounds = limits or Limits()
    page = _Page(model, load_bundle(model), bounds)
    most = bounds.video_bytes + bounds.bio_bytes + MIB
    guard = Middleware(Guard, most_bytes=most, most_s=bounds.upload_s)
    return Starlette(
        routes=page.routes(),
        middleware=[guard],
        lifespan=page.live,
        exception_handlers={
            RequestError: _answer_request_error,
            UserError: _answer_user_error,
            BodyTooLargeError: _answer_too_much,
            BodyTooSlowError: _answer_too_slow,
            404: _answer_missing,
            405: _answer_missing,
        },
    )


class _Page:
    """What the addresses answer."""

    def __init__(self, model: Path, bundle: Bundle, limits: Limits) -> None:
        self._model, self._bundle, self._limits = model, bundle, limits
        self._jobs: Jobs
        root = files("deepvanet.app") / "static"
        self._static = {
            name: ((root / name).read_bytes(), kind) for name, kind in _STATIC.items()
        }

    @asynccontextmanager
    async def live(self, _app: Starlette) -> AsyncIterator[None]:
        """Keep a temporary folder while the server runs."""
        with tempfile.TemporaryDirectory(prefix="deepvanet-page-") as folder:
            self._jobs = Jobs(Path(folder), self._limits)
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
            self._jobs.tick()
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
        jobs = self._jobs
        return JSONResponse(
            {
                "status": "full" if jobs.is_full else "ok",
                "running": jobs.count("running"),
                "waiting": jobs.count("arriving", "waiting"),
                "room": self._limits.running + self._limits.waiting,
            }
        )

    async def version(self, _request: Request) -> Response:
        bundle, limits = self._bundle, self._limits
        return JSONResponse(
            {
                "deepvanet": __version__,
                "model": self._model.resolve().name,
                "dataset": bundle.dataset,
                "targets": bundle.targets,
                "streams": bundle.stream_sets,
                "video": list(VIDEO_SIGNATURES),
                "bio": list(BIO_SIGNATURES),
                "video_bytes": limits.video_bytes,
                "bio_bytes": limits.bio_bytes,
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
            async with request.form(
                max_files=2, max_fields=8, max_part_size=_FORM_BYTES
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
        for kind in ("video", "bio"):
            sent = form.get(kind)
            if isinstance(sent, UploadFile) and sent.filename:
                kept[kind] = await run_in_threadpool(
                    keep_upload,
                    kind,
                    sent.file,
                    sent.filename,
                    job.folder,
                    limits=self._limits,
                )
        is_example = form.get("example") == "1"
        if not kept and not is_example:
            raise RequestError(400, "Send a video, a signal file or both.")
        return WorkOrder(
            model=self._model.resolve(),
            folder=job.folder,
            recording=RecordingInput(
                video=kept.get("video"),
                bio=kept.get("bio"),
                video_offset_s=_read_seconds(form, "video_offset_s"),
                baseline_s=(
                    _read_seconds(form, "baseline_start_s"),
                    _read_seconds(form, "baseline_end_s"),
                ),
            ),
            is_example=is_example,
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


def _read_seconds(form: FormData, name: str) -> float | None:
    text = form.get(name)
    if not isinstance(text, str) or not text.strip():
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = float("nan")
    if not abs(seconds) <= _MOST_OFFSET_S:
        raise RequestError(400, f"{name} must be a number of seconds.")
    return seconds


async def _answer_request_error(_request: Request, error: Exception) -> Response:
    status = error.status if isinstance(error, RequestError) else 400
    return JSONResponse({"error": str(error)}, status_code=status)


async def _answer_user_error(_request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, status_code=422)


async def _answer_too_much(_request: Request, _error: Exception) -> Response:
    return JSONResponse({"error": "The files are too large."}, status_code=413)


async def _answer_too_slow(_request: Request, _error: Exception) -> Response:
    return JSONResponse({"error": "The files took too long."}, status_code=408)


async def _answer_missing(_request: Request, _error: Exception) -> Response:
    return JSONResponse({"error": "There is no such page."}, status_code=404)


def serve(model: Path, *, port: int, say: Callable[[str], None]) -> None:
    """Serve the page of a bundle on this machine until interrupted.

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
        app, log_level="warning", access_log=False, server_header=False
    )
    with suppress(KeyboardInterrupt), listening:
        uvicorn.Server(config).run(sockets=[listening])
