"""`uvicorn app.asgi:app`: settings in, application out. The only place of the web process that reads the environment."""

import ipaddress

from fastapi import FastAPI

from app.settings import Settings
from app.storage import engine, queue
from app.storage.blobs import BlobStore
from app.web.main import create_app


class UnprotectedAddress(ValueError):
    """There is no login yet, so the server listens on this machine only."""


def build(settings: Settings) -> FastAPI:
    """Raises `UnprotectedAddress` for an address that other machines can reach."""
    if not settings.trusted_network:
        require_loopback(settings.host)
    database = engine.connect(settings.database_url)
    return create_app(
        settings=settings,
        database=database,
        queue_port=queue.connect(database),
        blobs=BlobStore(settings.blob_dir),
    )


def require_loopback(host: str) -> None:
    try:
        is_loopback = ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        is_loopback = host == "localhost"
    if not is_loopback:
        raise UnprotectedAddress(
            f"Refusing to listen on {host!r}: there is no login yet, so whoever reaches the port could change everything. "
            "Listen on 127.0.0.1, or set PROOFBOARD_TRUSTED_NETWORK=true if a proxy with authentication guards the port."
        )


def __getattr__(name: str) -> FastAPI:
    """`app` is made when it is asked for, so that importing this module needs no environment."""
    if name == "app":
        return build(Settings())
    raise AttributeError(name)
