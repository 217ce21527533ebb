"""Many people at the page at once: what they wait, and what they are told."""

import http.client
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from material import write_noise_store
from measuring import Row

from deepvanet.bundle import train_bundle
from deepvanet.config import Execution, NetworkSettings, TrainSettings
from deepvanet.datasets.deap.reader import CHANNELS, SFREQ
from deepvanet.schema import BIO

BOUNDARY = "a-line-that-no-file-has"


def measure_page(
    folder: Path, *, repeats: int = 5, n_people: int = 50, seconds: int = 60
) -> list[Row]:
    """Let people ask how a recording is, then let them all send one."""
    form = _write_form(_write_signals(seconds))
    waited, rates, told = [], [], Counter[int]()
    with _serve(_train(folder)) as port, ThreadPoolExecutor(n_people) as people:
        for _ in range(repeats):
            start = time.perf_counter()
            asked = list(people.map(lambda _: _ask(port), range(20 * n_people)))
            rates.append(len(asked) / (time.perf_counter() - start))
            waited.append(1000 * float(np.quantile([s for _, s in asked], 0.95)))
        sent = list(people.map(lambda _: _ask(port, form), range(n_people)))
        told.update(status for status, _ in sent)
        busy = list(people.map(lambda _: _ask(port), range(20 * n_people)))
    refused = [1000 * s for status, s in sent if status == 503]
    quantile = 1000 * float(np.quantile([s for _, s in busy], 0.95))
    return [
        Row(f"page: {n_people} people at once, how it is", rates, "answers/s"),
        Row(
            "the same, p95",
            waited,
            "ms",
            beside=f"{quantile:.0f} ms while a recording is worked on",
        ),
        Row(
            f"page: {n_people} recordings of {seconds} s at once, told to come again",
            refused,
            "ms",
            beside=f"{told[202]} taken, {told[503]} told so, "
            f"{n_people - told[202] - told[503]} neither",
        ),
    ]


def _train(folder: Path) -> Path:
    store = write_noise_store(folder / "visited", n_trials=4, n_segments=4, streams=BIO)
    settings = TrainSettings(
        streams=("bio",), cross_validate=False, network=NetworkSettings(epochs=1)
    )
    model = folder / "visited-model"
    train_bundle(store.path, model, settings=settings, execution=Execution())
    return model


@contextmanager
def _serve(model: Path) -> Iterator[int]:
    """Serve a bundle by the command, and return its port."""
    command = [sys.executable, "-m", "deepvanet", "serve", str(model), "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        yield int(server.stdout.readline().rpartition(":")[2].split()[0])
    finally:
        server.terminate()
        server.communicate()


def _ask(port: int, form: bytes | None = None) -> tuple[int, float]:
    """Ask how the page is, or send a recording; return the answer and its seconds."""
    start = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        if form is None:
            connection.request("GET", "/health")
        else:
            kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
            connection.request("POST", "/api/jobs", form, kind)
        answer = connection.getresponse()
        json.loads(answer.read())
        return answer.status, time.perf_counter() - start
    finally:
        connection.close()


def _write_signals(seconds: int) -> bytes:
    rng = np.random.default_rng(0)
    times = np.arange(round(seconds * SFREQ)) / SFREQ
    noise = {c.name: rng.normal(0, 10, len(times)).round(3) for c in CHANNELS}
    return pd.DataFrame({"time": times, **noise}).to_csv(index=False).encode()


def _write_form(table: bytes) -> bytes:
    head = 'Content-Disposition: form-data; name="bio"; filename="noise.csv"'
    start, end = f"--{BOUNDARY}\r\n{head}\r\n\r\n", f"\r\n--{BOUNDARY}--\r\n"
    return start.encode() + table + end.encode()
