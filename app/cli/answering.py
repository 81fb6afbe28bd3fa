"""What the processes of a request say: one process, or several at once for a long proof in shards."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from threading import Event, Lock

from app.storage.records import Verdict
from proofs import splitting
from proofs.task import MaxOfK
from worker import limits
from worker.limits import End, Limits
from worker.messages import Request, Result, is_final, read_all
from worker.work import answer

Report = Callable[[int, int], None]
Watch = Callable[[tuple[int, int] | None], bool]


class Unanswered(Exception):
    """Why a process ended without a result."""

    def __init__(self, verdict: Verdict, message: str) -> None:
        super().__init__(message)
        self.verdict = verdict


def answers(request: Request, most: Limits, report: Report) -> list[Result]:
    """What the process of a request said. Raises `Unanswered`; Ctrl-C stops it."""

    def watch(progress: tuple[int, int] | None) -> bool:
        if progress is not None:
            report(*progress)
        return True

    return read_all(_said(request, most, watch))


def answers_of_several(request: Request, most: Limits, report: Report, *, task: MaxOfK, processes: int) -> list[Result]:
    """The same from so many processes at once, if the proof is long enough. What ends one of them ends all."""
    of = 1 if request.together else splitting.shards(request.strategy, task)
    if of == 1 or processes == 1:
        return answers(request, most, report)
    stop, progress = Event(), _Sum(report, task.d_vocab)

    def check(shard: int) -> bytes:
        def watch(reported: tuple[int, int] | None) -> bool:
            if reported is not None:
                progress.add(shard, reported[0])
            return not stop.is_set()

        return _said(replace(request, shard=(shard, of)), most, watch)

    said: dict[int, str] = {}
    with ThreadPoolExecutor(processes) as pool:
        shards = {pool.submit(check, shard): shard for shard in range(of)}
        try:
            for done in as_completed(shards):
                if is_final(done.result()):
                    return read_all(done.result())
                said[shards[done]] = done.result().decode()
        finally:  # all are done, one ended without a result, or Ctrl-C
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
    return answers(replace(request, results=tuple(said[shard] for shard in range(of))), most, report)


class _Sum:
    """Reports how many queries all shards have checked."""

    def __init__(self, report: Report, queries: int) -> None:
        self._report, self._queries = report, queries
        self._checked: dict[int, int] = {}
        self._lock = Lock()

    def add(self, shard: int, checked: int) -> None:
        with self._lock:
            self._checked[shard] = checked
            self._report(sum(self._checked.values()), self._queries)


def _said(request: Request, most: Limits, watch: Watch) -> bytes:
    ending = limits.run(answer, request, most, watch=watch)
    match ending.end:
        case End.RESULT:
            return ending.content
        case End.TIMEOUT:
            raise Unanswered(Verdict.TIMEOUT, f"Not done after {most.seconds:g} s: raise --timeout.")
        case End.OUT_OF_MEMORY:
            raise Unanswered(Verdict.OUT_OF_MEMORY, "This machine has too little memory for the proof.")
        case End.UNWANTED:
            raise Unanswered(Verdict.CANCELLED, "Stopped with the other shards.")
        case _:
            raise Unanswered(Verdict.ERROR, ending.content.decode("utf-8", "replace").strip())
