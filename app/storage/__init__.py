"""Where models, proofs and blobs are kept. Only this package imports SQLAlchemy; only frozen records leave it.

    engine     database URL -> sessions (SQLite in WAL, Postgres)
    schema     upgrades a database: our tables and the queue's
    tables     the schema, private
    records    what leaves
    models     add, find, page, annotate; the true accuracy as far as it is proved
    proofs     request, cancel; page, front, what changed
    attempts   the worker's side of proofs: start, report, finish, hand on
    workers    heartbeats: who is alive
    queue      the port to DBOS: enqueue in the caller's transaction
    blobs      content-addressed files: sha256[:2]/sha256

Callers own the transaction; nothing here commits.
"""
