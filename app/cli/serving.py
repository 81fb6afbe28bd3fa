"""`proofboard serve`: the web server on a socket that is taken first."""

import errno
import signal
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress

import typer
import uvicorn

from app import asgi
from app.errors import AppError
from app.settings import Settings


class PortTaken(AppError):
    """Something else listens on this port. Choose another one with --port."""

    code = "port-taken"


def serve(settings: Settings, beside: AbstractContextManager[None] | None = None) -> None:
    """Answers until SIGTERM or Ctrl-C, with `beside` entered once the port is ours. Raises `PortTaken`."""
    try:
        application = asgi.build(settings)
    except asgi.UnprotectedAddress as error:
        raise typer.BadParameter(str(error), param_hint="--host") from error
    with listening(settings) as listener, beside or nullcontext():
        config = uvicorn.Config(application, log_level="warning", access_log=False, timeout_graceful_shutdown=3)
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        print(f"Proofboard: http://{host}:{listener.getsockname()[1]}  (Ctrl-C stops it)", flush=True)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with suppress(KeyboardInterrupt):  # uvicorn has shut down by then and only passes the signal on
            uvicorn.Server(config).run(sockets=[listener])


@contextmanager
def listening(settings: Settings) -> Iterator[socket.socket]:
    """The server's socket, taken first: a port in use is the commonest trouble. Raises `PortTaken`."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.host.strip("[]"), settings.port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise AppError(f"Cannot listen on {settings.host}, port {settings.port}: {error.strerror}.") from error
            raise PortTaken(
                f"Port {settings.port} is in use, perhaps by another Proofboard. Choose another one with --port, "
                "or --port 0 for any that is free."
            ) from error
        listener.listen(128)
        yield listener
