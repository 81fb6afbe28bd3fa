"""What a child process does for a request, by name: whoever starts it loads nothing numerical and stays small."""

from app.errors import AppError
from proofs.devices import COMPILED
from worker import limits
from worker.limits import End, Limits, Report
from worker.messages import Request

PRELOAD = ("worker.answers", "worker.preload")
"""What the fork server loads for it, once."""

TRIAL_S, TRIAL_MB = 120.0, 4096
"""For the first use of a device, which may compile its driver's code."""


class NoSuchDevice(AppError):
    """This machine has no such device, or torch cannot use it. Choose `compiled`."""

    code = "no-such-device"


def answer(request: Request, report: Report) -> bytes:
    """The result, or the results, as `worker.messages` writes them; a shard's, as `worker.shards` does."""
    from worker.answers import answer_to

    return answer_to(request, report)


def prepare(device: str = COMPILED) -> None:
    """Starts the fork server, and tries the device in a child. Call it from the main thread. Raises `NoSuchDevice`."""
    if device == COMPILED:
        limits.prepare(PRELOAD)
        return
    limits.prepare([*PRELOAD, "proofs.batched"])  # with torch; no child could use a device that the server has used
    ending = limits.run(_try, device, limits_on(device, TRIAL_S, TRIAL_MB), watch=lambda _: True)
    if ending.end is not End.RESULT or ending.content:
        why = ending.content.decode("utf-8", "replace").strip().rpartition("\n")[2] or f"The trial ended: {ending.end}."
        raise NoSuchDevice(f"Nothing can be computed on the device {device} ({why.rstrip('.')}). Choose `compiled`.")


def limits_on(device: str, seconds: float, memory_mb: int) -> Limits:
    """A child's limits. CUDA reserves more addresses than there is memory, which a limit of them would not let happen."""
    return Limits(seconds, None if device.startswith("cuda") else memory_mb)


def _try(device: str, report: Report) -> bytes:
    """Why nothing can be computed on it; empty if it can."""
    from proofs.devices import trouble

    return trouble(device).encode()
