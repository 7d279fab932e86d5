"""Clients for what the cloud does itself."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

from .operation_name import OWN_KEY

__all__ = ["OwnClients"]


class OwnClients:
    """Makes a client for each service and region; what they ask for is not counted as a user's.

    Parameters
    ----------
    url
        Where the services are.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str], Any] = {}
        self._exits = contextlib.ExitStack()

    def client(self, service: str, region: str) -> Any:
        """Give the client of a service in a region."""
        with self._lock:
            key = service, region
            if key not in self._clients:
                self._clients[key] = self._made(service, region)
            return self._clients[key]

    def close(self) -> None:
        """Close all of them."""
        self._exits.close()

    def _made(self, service: str, region: str) -> Any:
        import boto3  # noqa: PLC0415 an optional library
        from botocore.config import Config  # noqa: PLC0415

        client = boto3.session.Session().client(
            service,
            region_name=region,
            endpoint_url=self._url,
            aws_access_key_id=OWN_KEY,
            aws_secret_access_key="service",  # noqa: S106 nobody checks it
            config=Config(proxies={}, max_pool_connections=50),
        )
        self._exits.callback(client.close)
        return client
