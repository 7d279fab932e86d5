"""The template of the SageMaker image, as a name to import."""

from __future__ import annotations

from ..._core.templates import read_template

__all__ = ["DOCKERFILE_TEMPLATE"]

DOCKERFILE_TEMPLATE: str


def __getattr__(name: str) -> str:
    # read when it is asked for: importing does no I/O
    if name == "DOCKERFILE_TEMPLATE":
        return read_template("sagemaker/Dockerfile")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
