"""What stands before every request: who asks, how much comes, what a browser may do."""

import asyncio
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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


class BodyTooLargeError(Exception):
    """More came than may."""


class BodyTooSlowError(Exception):
    """It did not come in time."""


class Guard:
    """Refuse what another site or name sends; bound what comes.

    A name that leads to this machine through another's name server is not one of
    ``LOCAL``, and a page elsewhere that sends a form says so in ``Origin``.

    Parameters
    ----------
    most_bytes, most_s : int, float
        Of the body of a request.
    """

    def __init__(self, app: ASGIApp, *, most_bytes: int, most_s: float) -> None:
        self._app, self._most_bytes, self._most_s = app, most_bytes, most_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request or hand it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        status, refusal = self._refuse(scope, Headers(scope=scope))
        if refusal:
            answer = JSONResponse({"error": refusal}, status_code=status)
            await answer(scope, receive, send_guarded)
            return
        await self._app(scope, self._bound(receive), send_guarded)

    def _refuse(self, scope: Scope, headers: Headers) -> tuple[int, str]:
        host = headers.get("host", "")
        if _name_host(host) not in LOCAL:
            return 421, "This page answers on this machine only, by 127.0.0.1."
        origin = headers.get("origin")
        if scope["method"] not in ("GET", "HEAD") and not _is_same(origin, host):
            return 403, "Another site may not send to this page."
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._most_bytes:
            return 413, f"At most {self._most_bytes // 1024**2} MiB are taken."
        return 200, ""

    def _bound(self, receive: Receive) -> Receive:
        came, is_whole, loop = 0, False, asyncio.get_running_loop()
        end = loop.time() + self._most_s

        async def bounded() -> Message:
            nonlocal came, is_whole
            try:
                async with asyncio.timeout_at(None if is_whole else end):
                    message = await receive()
            except TimeoutError:
                raise BodyTooSlowError from None
            came += len(message.get("body", b""))
            if came > self._most_bytes:
                raise BodyTooLargeError
            if message["type"] == "http.request" and not message.get("more_body"):
                is_whole = True
            return message

        return bounded


def _name_host(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_same(origin: str | None, host: str) -> bool:
    """Say whether a request comes from this page, or from a program."""
    return origin is None or origin == f"http://{host}"
