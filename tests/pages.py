"""Pages that are served for a test, and programs that ask them."""

import http.client
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn

from deepvanet.app.limits import Limits
from deepvanet.app.server import make_app
from long_recordings import write_long_bdf
from portraits import film_portrait

DEADLINE_S = 120
BOUNDARY = "a-line-that-no-file-has"


@dataclass(frozen=True)
class Answer:
    """What a page answered."""

    status: int
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def read(self) -> Any:
        """Return JSON as values."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Page:
    """A page that is served on this machine."""

    port: int

    @property
    def address(self) -> str:
        """Where a browser finds it."""
        return f"http://127.0.0.1:{self.port}"

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send a request, and return what is answered."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, names, answer.read())
        finally:
            connection.close()

    def get(self, path: str) -> Answer:
        """Ask for a path."""
        return self.ask("GET", path)

    def send(self, *, named: dict[str, str] | None = None, **parts: Any) -> Answer:
        """Send a form of files (paths or bytes) and texts."""
        body = write_form(parts, named or {})
        kind = f"multipart/form-data; boundary={BOUNDARY}"
        return self.ask("POST", "/api/jobs", body, headers={"Content-Type": kind})

    def wait(self, sent: Answer) -> dict[str, Any]:
        """Return what is said of a recording once it is done or failed."""
        assert sent.status == 202, sent.body
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            said = self.get(sent.headers["location"]).read()
            if said["state"] in ("done", "failed"):
                return said
            time.sleep(0.05)
        raise AssertionError(f"waited in vain: {said}")


def write_form(parts: dict[str, Any], named: dict[str, str]) -> bytes:
    """Return a form as browsers send it; ``named`` gives files other names."""
    lines = []
    for name, value in parts.items():
        said = f'form-data; name="{name}"'
        if isinstance(value, Path):
            said += f'; filename="{named.get(name, value.name)}"'
            value = value.read_bytes()
        elif isinstance(value, bytes):
            said += f'; filename="{named[name]}"'
        else:
            value = str(value).encode()
        lines.append(
            f"--{BOUNDARY}\r\nContent-Disposition: {said}\r\n\r\n".encode()
            + value
            + b"\r\n"
        )
    return b"".join(lines) + f"--{BOUNDARY}--\r\n".encode()


@contextmanager
def open_page(model: Path, limits: Limits | None = None) -> Iterator[Page]:
    """Serve a bundle in a thread of this process."""
    app = make_app(model, limits=limits)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            end = time.monotonic() + DEADLINE_S
            while not server.started and time.monotonic() < end:
                time.sleep(0.01)
            yield Page(listening.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def serve_page(model: Path) -> Iterator[tuple[Page, subprocess.Popen]]:
    """Serve a bundle by the command, in a process of its own."""
    command = [sys.executable, "-m", "deepvanet", "serve", str(model), "--port", "0"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        said = process.stdout.readline()
        yield Page(int(said.partition("127.0.0.1:")[2].split()[0])), process
    finally:
        process.terminate()
        process.communicate(timeout=DEADLINE_S)


def write_recording(
    folder: Path, *, seconds: int = 6, seed: int = 0
) -> dict[str, Path]:
    """Write the video and the signals of a person, of DEAP's channels."""
    folder.mkdir(parents=True, exist_ok=True)
    bio = write_long_bdf(folder / "signals.bdf", minutes=seconds / 60, seed=seed)
    return {
        "video": film_portrait(folder / "face.mp4", n_frames=10 * seconds, fps=10),
        "bio": bio,
    }
