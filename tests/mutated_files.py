"""Run commands on files that were changed at random, in a process of its own.

``python mutated_files.py FOLDER`` reads ``FOLDER/cases.json``: a list of cases, each
the ``arguments`` of a command, the ``file`` to change, and a ``seed``. It writes a line
of JSON for each mutation before it starts and one when it has ended, so that who
started it knows where it was when it hung.
"""

import json
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np

MEMORY = 3 * 2**30
"""Bytes that a command may take beside what its libraries take."""
SECONDS = 20
"""Time that a mutation may take."""
HEADER = 1024

Change = Callable[[bytearray, np.random.Generator], bytes]


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


def cut(content: bytearray, rng: np.random.Generator) -> bytes:
    """Keep the beginning only."""
    return bytes(content[: rng.integers(0, len(content))])


def repeat_block(content: bytearray, rng: np.random.Generator) -> bytes:
    """Write a part of it twice."""
    start, end = sorted(rng.integers(0, len(content), 2))
    return bytes(content[:end] + content[start:end] + content[end:])


def claim_much(content: bytearray, rng: np.random.Generator) -> bytes:
    """Make a number in the beginning a large one: digits to nines, or bytes to 0xff."""
    digits = [k for k in range(min(len(content), HEADER)) if chr(content[k]).isdigit()]
    if digits and rng.random() < 0.7:
        start = digits[rng.integers(len(digits))]
        for place in range(start, start + 12):
            if place in digits:
                content[place] = ord("9")
        return bytes(content)
    place = int(rng.integers(0, min(len(content), HEADER)))
    content[place : place + 4] = b"\xff\xff\xff\x7f"
    return bytes(content)


def control_terminal(content: bytearray, rng: np.random.Generator) -> bytes:
    """Put what controls a terminal somewhere."""
    place = int(rng.integers(0, len(content)))
    content[place:place] = b"\x1b[2J\x00\xff"
    return bytes(content)


CHANGES: tuple[Change, ...] = (
    flip_bytes,
    flip_header,
    cut,
    repeat_block,
    claim_much,
    control_terminal,
)


def run_case(arguments: list[str]) -> int:
    """Run a command, or load a bundle."""
    from deepvanet.bundle import load_bundle
    from deepvanet.cli import main
    from deepvanet.schema import UserError, make_printable

    if arguments[0] != "load":
        return main(arguments)
    try:
        bundle = load_bundle(Path(arguments[1]))
        for target, streams in bundle.networks:
            bundle.load(target, streams)
    except UserError as error:
        sys.stderr.write(f"deepvanet: {make_printable(str(error))}\n")
        return 2
    return 0


def stop(_number: int, _frame: object) -> None:
    """End what takes too long, where it is."""
    raise TimeoutError(f"took more than {SECONDS} s")


def limit_memory() -> None:
    """Let this process have so much more than it has."""
    import deepvanet.bundle
    import deepvanet.cli
    import deepvanet.inference  # noqa: F401

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def main(folder: Path) -> None:
    """Run all cases of a folder."""
    limit_memory()
    signal.signal(signal.SIGALRM, stop)
    out = (folder / "outcomes.jsonl").open("w", buffering=1)
    for case in json.loads((folder / "cases.json").read_text()):
        file = Path(case["file"])
        sound = file.read_bytes()
        for number in range(case["n"] + 1):
            rng = np.random.default_rng([case["seed"], number])
            change = CHANGES[number % len(CHANGES)]
            name = f"{file.name} {number} {change.__name__}" if number else file.name
            if number:
                file.write_bytes(change(bytearray(sound), rng))
            out.write(json.dumps({"began": name}) + "\n")
            signal.alarm(SECONDS)
            began, error = time.monotonic(), ""
            try:
                status = run_case(case["arguments"])
            except BaseException:  # noqa: BLE001 - whatever it is, it is told
                status, error = -1, traceback.format_exc()[-1500:]
            signal.alarm(0)
            took = time.monotonic() - began
            out.write(
                json.dumps(
                    {"ended": name, "status": status, "took": took, "error": error}
                )
                + "\n"
            )
        file.write_bytes(sound)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
