"""What stands before every request: who asks, how much comes, what a browser may do."""

import asyncio
import logging
from contextlib import suppress
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deepvanet.app.limits import MIB, Limits

LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
_DISCARD_S = 30.0
_BUG = "The page's server made a mistake; what it was stands where it was started."

_log = logging.getLogger(__name__)


class BodyTooLargeError(Exception):
    """More came than may."""


class BodyTooSlowError(Exception):
    """It did not come in time."""


class Guard:
    """Refuse what another site or name sends; bound what comes.

    A name that leads to this machine through another's name server is not one of
    ``LOCAL``, and a page elsewhere that sends a form says so in ``Origin``.
    """

    def __init__(self, app: ASGIApp, *, limits: Limits) -> None:
        self._app, self._limits = app, limits
        self._most_bytes = find_most_bytes(limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request or hand it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers, has_answered = Headers(scope=scope), False
        body = _Body(receive, self._limits)

        async def send_guarded(message: Message) -> None:
            nonlocal has_answered
            if message["type"] == "http.response.start":
                has_answered = True
                if message["status"] >= 400 and ("expect" not in headers or body.came):
                    await body.discard()
                answered = MutableHeaders(scope=message)
                if body.is_given_up:
                    answered["connection"] = "close"
                for name, value in _HEADERS.items():
                    answered.setdefault(name, value)
            await send(message)

        status, refusal = self._refuse(scope, headers)
        if refusal:
            body.is_given_up = True  # what was refused is not waited for
            answer = JSONResponse({"error": refusal}, status_code=status)
            await answer(scope, receive, send_guarded)
            return
        try:
            await self._app(scope, body.receive, send_guarded)
        except Exception:
            _log.exception("%s %s", scope["method"], scope["path"])
            if has_answered:
                raise
            answer = JSONResponse({"error": _BUG}, status_code=500)
            await answer(scope, receive, send_guarded)

    def _refuse(self, scope: Scope, headers: Headers) -> tuple[int, str]:
        host = headers.get("host", "")
        if _name_host(host) not in LOCAL:
            return 421, "This page answers on this machine only, by 127.0.0.1."
        origin = headers.get("origin")
        if scope["method"] not in ("GET", "HEAD") and not _is_same(origin, host):
            return 403, "Another site may not send to this page."
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._most_bytes:
            return 413, f"At most {self._most_bytes // MIB} MiB are taken."
        return 200, ""


class _Body:
    """What of a request's body came, and how fast."""

    def __init__(self, receive: Receive, limits: Limits) -> None:
        self._receive, self._limits = receive, limits
        self._end = asyncio.get_running_loop().time() + limits.upload_s
        self.came = self._came_lately = 0
        self._waited_s = 0.0
        self._is_whole = self.is_given_up = False

    async def receive(self) -> Message:
        """Return what comes next.

        Raises
        ------
        BodyTooLargeError, BodyTooSlowError
            When more came than may, or too little in time.
        """
        if self._is_whole or self.is_given_up:
            return await self._receive()
        message = await self._wait()
        self.came += len(message.get("body", b""))
        if self.came > find_most_bytes(self._limits):
            raise BodyTooLargeError
        return message

    async def discard(self) -> None:
        """Read what still comes: who sends it reads no answer before."""
        with suppress(BodyTooSlowError, TimeoutError):
            async with asyncio.timeout(_DISCARD_S):
                while not (self._is_whole or self.is_given_up):
                    await self._wait()

    async def _wait(self) -> Message:
        """Wait for a piece; only time in which nothing came counts against it."""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            turn = began + self._limits.pace_s - self._waited_s
            try:
                async with asyncio.timeout_at(min(self._end, turn)):
                    message = await self._receive()
            except TimeoutError:
                self._judge(loop.time())
                continue
            self._waited_s += loop.time() - began
            self._came_lately += len(message.get("body", b""))
            self._is_whole = not message.get("more_body")
            return message

    def _judge(self, now: float) -> None:
        least = self._limits.least_bytes_s * self._limits.pace_s
        if now >= self._end or self._came_lately < least:
            self.is_given_up = True
            raise BodyTooSlowError
        self._waited_s, self._came_lately = 0.0, 0


def find_most_bytes(limits: Limits) -> int:
    """Return the most bytes of a request: two files, and the rest of a form."""
    return limits.video_bytes + 2 * limits.bio_bytes + MIB


def _name_host(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_same(origin: str | None, host: str) -> bool:
    """Say whether a request comes from this page, or from a program."""
    return origin is None or origin == f"http://{host}"
