"""Run commands on files that were changed at random, in a process of its own.

``Worker`` starts this file as a script, whose memory is bounded, and hands it cases: a
line of JSON each. The script answers with a line for each mutation, so that who started
it knows which one ended the process, or hung.
"""

import json
import os
import re
import resource
import selectors
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

MEMORY = 2 * 2**30
"""Bytes that commands may take beside what their libraries take."""
SECONDS = 20
"""Time that a mutation may take."""
HEADER = 1024
NUMBERS = (b"-1", b"0", b"nan", b"1e308", b"999999999999", b"1e3080000001", b"")
COUNTS = (b"\xff\xff\xff\x7f", b"\xff\xff\xff\xff", b"\0\0\0\0", b"\0\0\xf0\x7f")
VALUES = (None, [], {}, "x", "\x1b[2J", -1, 0, 10**9, 1e308, True, [[]], [None], 0.5)

Change = Callable[[bytearray, np.random.Generator], bytes]


@dataclass(frozen=True)
class Case:
    """A command, and the file that it reads and that is to be changed."""

    arguments: tuple[str, ...]
    file: str
    n: int = 0
    first: int = 0


def flip_bytes(content: bytearray, rng: np.random.Generator) -> bytes:
    """Change up to eight bytes anywhere."""
    for place in rng.integers(0, len(content), rng.integers(1, 9)):
        content[place] = rng.integers(0, 256)
    return bytes(content)


def flip_header(content: bytearray, rng: np.random.Generator) -> bytes:
    """Change up to four bytes of the beginning."""
    for place in rng.integers(0, min(len(content), HEADER), rng.integers(1, 5)):
        content[place] = rng.integers(0, 256)
    return bytes(content)


def flip_end(content: bytearray, rng: np.random.Generator) -> bytes:
    """Change up to four bytes of the end, where some formats keep their header."""
    for place in rng.integers(1, min(len(content), HEADER) + 1, rng.integers(1, 5)):
        content[-place] = rng.integers(0, 256)
    return bytes(content)


def cut(content: bytearray, rng: np.random.Generator) -> bytes:
    """Keep the beginning only."""
    return bytes(content[: rng.integers(0, len(content))])


def repeat_block(content: bytearray, rng: np.random.Generator) -> bytes:
    """Write a part of it twice."""
    start, end = sorted(rng.integers(0, len(content), 2))
    return bytes(content[:end] + content[start:end] + content[end:])


def replace_number(content: bytearray, rng: np.random.Generator) -> bytes:
    """Write another number in place of one of the beginning."""
    found = list(re.finditer(rb"\d+(?:\.\d*)?", content[:HEADER]))
    if not found:
        return claim_count(content, rng)
    place = found[rng.integers(len(found))]
    number = NUMBERS[rng.integers(len(NUMBERS))]
    if b"\0" in content:
        number = number.ljust(place.end() - place.start())
    return bytes(content[: place.start()] + number + content[place.end() :])


def claim_count(content: bytearray, rng: np.random.Generator) -> bytes:
    """Write a large number over four bytes of the beginning."""
    place = int(rng.integers(0, min(len(content), HEADER)))
    content[place : place + 4] = COUNTS[rng.integers(len(COUNTS))]
    return bytes(content)


def claim_digits(content: bytearray, rng: np.random.Generator) -> bytes:
    """Make all digits of a number of the beginning nines, in their places."""
    found = list(re.finditer(rb"\d+", content[:HEADER]))
    if not found:
        return claim_count(content, rng)
    place = found[rng.integers(len(found))]
    content[place.start() : place.end()] = b"9" * len(place[0])
    return bytes(content)


def drop_line(content: bytearray, rng: np.random.Generator) -> bytes:
    """Leave a line out."""
    lines = content.splitlines(keepends=True)
    del lines[rng.integers(len(lines))]
    return b"".join(lines)


def double_line(content: bytearray, rng: np.random.Generator) -> bytes:
    """Write a line twice."""
    lines = content.splitlines(keepends=True)
    place = int(rng.integers(len(lines)))
    return b"".join([*lines[:place], lines[place], *lines[place:]])


def exchange_character(content: bytearray, rng: np.random.Generator) -> bytes:
    """Write another character for all of one that parts what is written."""
    here = [c for c in b",;\t\n\"'{}[]()<>=:." if c in content]
    old, new = here[rng.integers(len(here))], b",;\t\n\"'{[<= x\0"[rng.integers(13)]
    return bytes(new if c == old else c for c in content)


def control_terminal(content: bytearray, rng: np.random.Generator) -> bytes:
    """Put what controls a terminal somewhere."""
    place = int(rng.integers(0, len(content)))
    content[place:place] = b"\x1b[2J\x00\xff"
    return bytes(content)


def replace_value(content: bytearray, rng: np.random.Generator) -> bytes:
    """Write another value in place of one of a JSON document."""
    document = json.loads(content)
    found = list(list_places(document))
    if not found:
        return cut(content, rng)
    holder, key = found[rng.integers(len(found))]
    holder[key] = VALUES[rng.integers(len(VALUES))]
    return json.dumps(document).encode()


def list_places(value: object) -> Iterator[tuple[dict | list, object]]:
    """Yield what holds each value of a JSON document, and by which key."""
    keys = value if isinstance(value, dict) else range(len(value))
    for key in keys:
        yield value, key
        if isinstance(value[key], dict | list):
            yield from list_places(value[key])


COMMON = (flip_bytes, cut, replace_number, repeat_block)
BINARY: tuple[Change, ...] = (*COMMON, flip_header, claim_count, claim_digits, flip_end)
TEXT: tuple[Change, ...] = (
    *COMMON,
    *(drop_line, double_line, exchange_character, control_terminal),
)


JSON = (*TEXT, *[replace_value] * len(TEXT))


def change(content: bytes, name: str, number: int) -> tuple[str, bytes]:
    """Return the ``number``-th mutation of a file, and what it is called."""
    kinds = BINARY if b"\0" in content else JSON if name.endswith("json") else TEXT
    rng = np.random.default_rng([number, *name.encode()])
    made = kinds[rng.integers(len(kinds))]
    return f"{name} {number} {made.__name__}", made(bytearray(content), rng)


class Worker:
    """A process that runs commands on changed files; begins anew when it ends."""

    def __init__(self, folder: Path) -> None:
        self.said = folder / "said.txt"
        self.process: subprocess.Popen[str] | None = None

    def run(self, case: Case) -> Iterator[str]:
        """Yield what went wrong, a text each."""
        first = 0
        while first <= case.n:
            answer = self._ask(Case(**{**asdict(case), "first": first}))
            first = yield from self._follow(answer, case)

    def close(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None

    def _ask(self, case: Case) -> subprocess.Popen[str]:
        if self.process is None:
            self.process = subprocess.Popen(
                [sys.executable, __file__, str(self.said)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        self.process.stdin.write(json.dumps(asdict(case)) + "\n")
        self.process.stdin.flush()
        return self.process

    def _follow(self, process: subprocess.Popen[str], case: Case) -> Iterator[str]:
        """Yield what went wrong; return the mutation with which to go on."""
        waits = selectors.DefaultSelector()
        waits.register(process.stdout, selectors.EVENT_READ)
        name, number = "", case.first
        while waits.select(SECONDS + 30):
            line = process.stdout.readline()
            if not line:
                self.close()
                yield f"{name}: the process ended with {process.returncode}"
                return number + 1
            answer = json.loads(line)
            if "error" not in answer:
                name, number = answer["name"], answer["number"]
            elif answer["error"]:
                yield f"{name}: {answer['error']}"
            if answer.get("is_last"):
                return case.n + 1
        self.close()
        yield f"{name}: did not end"
        return number + 1


def run_case(arguments: list[str]) -> int:
    """Run a command, or load a bundle or a store."""
    from deepvanet.cli import main
    from deepvanet.schema import UserError, make_printable

    try:
        if arguments[0] == "load":
            load(Path(arguments[1]))
        elif arguments[0] == "take":
            take(Path(arguments[1]))
        else:
            return main(arguments)
    except UserError as error:
        sys.stderr.write(f"deepvanet: {make_printable(str(error))}\n")
        return 2
    return 0


def load(path: Path) -> None:
    """Load all learners of a bundle."""
    from deepvanet.bundle import load_bundle

    bundle = load_bundle(path)
    for target, streams in bundle.networks:
        bundle.load(target, streams)


def take(path: Path) -> None:
    """Read all signals of a store."""
    from deepvanet.schema import BIO
    from deepvanet.store import open_store, read_cleaning, read_trials

    store = open_store(path).cut()
    read_trials(path)
    read_cleaning(path)
    for stream in BIO:
        store.read(stream, store.rows_with((stream,)))


def stop(_number: int, _frame: object) -> None:
    """End what takes too long, where it is."""
    raise TimeoutError(f"took more than {SECONDS} s")


def limit_memory() -> None:
    """Let this process have so much more than it has."""
    import mne  # noqa: F401

    import deepvanet.auditing
    import deepvanet.bundle
    import deepvanet.cli
    import deepvanet.inference  # noqa: F401

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def try_once(case: Case, said: Path) -> str:
    """Run a command; return what is wrong with how it ended."""
    before = said.stat().st_size
    signal.alarm(SECONDS)
    try:
        status = run_case(list(case.arguments))
    except BaseException:  # noqa: BLE001 - whatever it is, it is told
        return traceback.format_exc()[-3000:]
    finally:
        signal.alarm(0)
    sys.stderr.flush()
    sys.stdout.flush()
    with said.open("rb") as file:
        file.seek(before)
        text = file.read()
    if b"\x1b" in text:
        return f"controls the terminal: {text[-300:]!r}"
    if b"allocate" in text or b"MemoryError" in text:
        return f"asks for much memory: {text[-500:]!r}"
    if status not in (0, 1, 2) or (status == 2 and not text.strip()):
        return f"ended with {status}: {text[-300:]!r}"
    return ""


def main(said: Path) -> None:
    """Run the cases that come, and answer."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    log = os.open(said, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    limit_memory()
    signal.signal(signal.SIGALRM, stop)
    for line in sys.stdin:
        case = Case(**json.loads(line))
        file = Path(case.file)
        name = f"{file.parent.name}/{file.name}"
        sound = file.read_bytes()
        for number in range(case.first, case.n + 1):
            called, content = change(sound, name, number) if number else (name, sound)
            answers.write(json.dumps({"name": called, "number": number}) + "\n")
            file.write_bytes(content)
            began = time.monotonic()
            try:
                error = try_once(case, said)
            finally:
                file.write_bytes(sound)
            took = time.monotonic() - began
            ended = {"error": error, "took": took, "is_last": number == case.n}
            os.write(2, f"# {called}: {took:.2f} s\n".encode())
            answers.write(json.dumps(ended) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
