"""Where dynamic programmes run: compiled for the processor (`proofs.counting`), or in torch on a device (`proofs.batched`).

The one place that chooses. The result does not depend on it: the integers are the same. By default torch is not even
imported, which takes seconds and 200 MB. A process that forks after a CUDA device was used cannot use it again: choose in
the process that computes.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from importlib import import_module
from typing import TypeVar, cast

Kernel = TypeVar("Kernel", bound=Callable[..., object])

COMPILED = "compiled"
NAMES = r"compiled|cpu|cuda(:\d+)?"
"""What a device may be called, as a regular expression."""
_chosen: ContextVar[str] = ContextVar("device", default=COMPILED)


def trouble(device: str) -> str:
    """Why nothing can be computed there; empty if it can. It uses the device: ask in the process that computes."""
    if device != COMPILED:
        torch = import_module("torch")
        try:
            torch.ones(1, dtype=torch.float64, device=device).sum().item()
        except (RuntimeError, AssertionError) as error:  # torch raises the second where it was built without CUDA
            return str(error).partition("\n")[0]
    return ""


def best() -> str:
    """A CUDA device where torch finds one, else the compiled programmes, which beat torch on processors."""
    torch = import_module("torch")
    return "cuda" if torch.cuda.is_available() else COMPILED


@contextmanager
def counting_on(device: str) -> Iterator[None]:
    """`COMPILED`, or a torch device such as `cpu`, `cuda` or `cuda:1`, for what is computed within."""
    token = _chosen.set(device)
    try:
        yield
    finally:
        _chosen.reset(token)


def on_device(kernel: Kernel) -> Kernel:
    """The kernel of `proofs.counting` itself, or its twin on the chosen device."""
    device = _chosen.get()
    if device == COMPILED:
        return kernel
    return cast(Kernel, partial(getattr(import_module("proofs.batched"), kernel.__name__), device=device))
