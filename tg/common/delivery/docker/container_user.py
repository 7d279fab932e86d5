"""Whom the files belong to that a container writes into mounted folders."""

from __future__ import annotations

import os

from .engine import DockerEngine

__all__ = ["user_options"]


def user_options(engine: DockerEngine) -> tuple[str, ...]:
    """Give the options of ``docker run`` by which files belong to whoever runs it.

    An engine that runs as the user does so by itself. One that gives containers users of their
    own is asked not to: its users could not write to the user's folders.

    Parameters
    ----------
    engine
        Where the container will be.

    Returns
    -------
    tuple of str
        Empty if none are needed.
    """
    if not hasattr(os, "getuid") or "rootless" in engine.security_options:
        return ()
    user = ("--user", f"{os.getuid()}:{os.getgid()}")
    return (*user, "--userns", "host") if "userns" in engine.security_options else user
