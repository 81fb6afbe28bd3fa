"""What a child process does for a request, by name: whoever starts it loads nothing numerical and stays small."""

from worker.limits import Report
from worker.messages import Request

PRELOAD = ("worker.answers", "worker.preload")
"""What the fork server loads for it, once."""


def answer(request: Request, report: Report) -> bytes:
    """The result, or the results, as `worker.messages` writes them; a shard's, as `worker.shards` does."""
    from worker.answers import answer_to

    return answer_to(request, report)
