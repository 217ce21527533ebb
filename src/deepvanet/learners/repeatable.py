"""What the numbers of a fit depend on beside its inputs: threads and a seed."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from threadpoolctl import threadpool_limits


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
def draw_from(seed: int) -> Iterator[None]:
    """Seed first weights and dropout, and leave the generator as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


@contextmanager
def use_one_thread() -> Iterator[None]:
    """Let linear algebra use one thread: sums then do not change with the machine."""
    with threadpool_limits(limits=1):
        yield
