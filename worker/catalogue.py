"""Published strategies that are proved as one piece of work, inside a child process: what they share is computed once."""

from time import perf_counter

from proofs.catalogue import prove_catalogue
from proofs.certificate import certificate_of
from proofs.errors import NotApplicable
from proofs.strategies import SUBCUBIC, Variant
from proofs.subcubic.pieces import SearchTables
from worker.limits import Report
from worker.messages import Request, Result, write_all
from worker.run import figures, model_of, not_applicable


def prove_together(request: Request, report: Report) -> bytes:
    """A result for each strategy in `request.together`, each named; its time is an equal share of the catalogue's."""
    model, variant = model_of(request), Variant(request.variant)
    tables = SearchTables(str(request.parameters.get("search", SearchTables.UNCENTRED)))
    wanted = set(request.together)
    results: list[Result] = []
    started = perf_counter()
    try:
        for claim in prove_catalogue(model, variant, tables=tables, report=report):
            if claim.strategy in wanted:
                results.append((figures(claim) | {"strategy": claim.strategy}, certificate_of(claim)))
    except NotApplicable as reason:
        said, nothing = not_applicable(reason, perf_counter() - started)
        return write_all([({**said, "strategy": strategy}, nothing) for strategy in request.together])
    share = (perf_counter() - started) / len(SUBCUBIC)
    return write_all([({**said, "seconds": share}, proof) for said, proof in results])
