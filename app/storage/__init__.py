"""Where models, proofs and blobs are kept. Only this package imports SQLAlchemy; only frozen records leave it.

    engine     database URL -> engine and session factory (SQLite in WAL, Postgres)
    tables     the schema, private
    records    what leaves
    models     add, find, page, annotate; the true accuracy as far as it is proved
    proofs     request, start, report, finish, cancel; page, front, what changed
    queue      the port to DBOS: enqueue in the caller's transaction, cancel, counts, heartbeats
    blobs      content-addressed files: sha256[:2]/sha256

Callers own the transaction; nothing here commits.
"""
