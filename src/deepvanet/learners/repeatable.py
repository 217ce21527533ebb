"""What the numbers of a fit depend on beside its inputs: a seed and the machine."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace

import torch
from threadpoolctl import threadpool_limits

from deepvanet.config import NetworkSettings, Precision
from deepvanet.schema import UserError

NATIVE_BFLOAT16 = ("amx_bf16", "avx512_bf16")
"""What a processor has that multiplies bfloat16 faster than float32."""


def settle_machine(settings: NetworkSettings) -> NetworkSettings:
    """Return the settings with the precision that this machine is given by ``auto``.

    Raises
    ------
    UserError
        When there is no such device on this machine.
    """
    if settings.device == "cuda" and not torch.cuda.is_available():
        raise UserError(
            "torch finds no CUDA device on this machine, got cuda", field="device"
        )
    return replace(settings, precision=name_precision(settings))


def name_precision(settings: NetworkSettings) -> Precision:
    """Return ``float32`` or ``bfloat16``."""
    if settings.precision != "auto":
        return settings.precision
    if settings.device == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    has: Mapping[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return "bfloat16" if any(map(has.get, NATIVE_BFLOAT16)) else "float32"


@contextmanager
def use_threads(count: int) -> Iterator[None]:
    """Let torch use some threads, then as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def sample_from(seed: int) -> Iterator[None]:
    """Sample first weights and dropout by a seed, and leave the generator as it was."""
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        yield


@contextmanager
def use_one_thread() -> Iterator[None]:
    """Let linear algebra use one thread: sums then do not change with the machine.

    Within another one nothing is done: to find the libraries takes as long as a fit.
    """
    if _holds_threads.get():
        yield
        return
    with threadpool_limits(limits=1):
        token = _holds_threads.set(True)
        try:
            yield
        finally:
            _holds_threads.reset(token)


_holds_threads = ContextVar("holds_threads", default=False)
