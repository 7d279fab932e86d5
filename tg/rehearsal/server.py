"""The server of the simulated services, in a thread of this process."""

from __future__ import annotations

import threading
from typing import Any

from ..common._core.errors import MissingDependencyError
from .gateway import Application

__all__ = ["CloudServer", "forget_everything", "simulated_services"]

_LOOPBACK = "127.0.0.1"
_INSTALL = 'Install it: pip install "training-grounds[rehearsal]".'


def simulated_services() -> Application:
    """Make moto's application, which tells services apart by the requests' signatures.

    Raises
    ------
    MissingDependencyError
        moto is not installed.
    """
    try:
        from moto.moto_server.werkzeug_app import (  # noqa: PLC0415 an optional library
            DomainDispatcherApplication,
            create_backend_app,
        )
    except ImportError as exc:
        raise MissingDependencyError(f"a rehearsal needs moto: {exc}", hint=_INSTALL) from exc
    application: Application = DomainDispatcherApplication(create_backend_app)
    return application


def forget_everything() -> None:
    """Empty all simulated services of this process; files that they hold open are closed."""
    from moto.moto_api._internal.models import (  # noqa: PLC0415 an optional library
        moto_api_backend,
    )

    moto_api_backend.reset()


class CloudServer:
    """Serves an application on a free port of the loopback interface.

    Parameters
    ----------
    application
        What it serves.
    """

    def __init__(self, application: Application) -> None:
        from moto.moto_server.werkzeug_app import (  # noqa: PLC0415 an optional library
            MotoRequestHandler,
        )
        from werkzeug.serving import make_server  # noqa: PLC0415

        # the library may be missing when types are checked: no class can be written with its base
        quiet = {"log_request": _say_nothing, "log": _say_nothing}
        handler = type("QuietHandler", (MotoRequestHandler,), quiet)
        self._server = make_server(
            _LOOPBACK, 0, application, threaded=True, request_handler=handler
        )
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.05},
            name="rehearsal-server",
            daemon=True,
        )

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.server_port)

    @property
    def url(self) -> str:
        """Where it is reached."""
        return f"http://{_LOOPBACK}:{self.port}"

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self) -> None:
        """Serve no more, and free the port."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


def _say_nothing(_handler: object, *_: Any) -> None:
    """Write no line for a request, nor for one that is none, as an engine's first try by TLS."""
