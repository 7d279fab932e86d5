"""Names that are legal where they are used, and never collide."""

from typing import TYPE_CHECKING

from ..._core.lazy import lazy_names

if TYPE_CHECKING:
    from .legal_name import job_name as job_name
    from .legal_name import suffixed_name as suffixed_name
    from .plan import NamePlan as NamePlan
    from .prefixes import shortest_prefixes as shortest_prefixes
    from .target import DOCKER_REPOSITORY as DOCKER_REPOSITORY
    from .target import DOCKER_TAG as DOCKER_TAG
    from .target import PYTHON_MODULE as PYTHON_MODULE
    from .target import S3_KEY as S3_KEY
    from .target import SAGEMAKER_JOB as SAGEMAKER_JOB
    from .target import TARGETS as TARGETS
    from .target import Target as Target
    from .value_code import decode as decode
    from .value_code import encode as encode

__all__ = [
    "DOCKER_REPOSITORY",
    "DOCKER_TAG",
    "PYTHON_MODULE",
    "S3_KEY",
    "SAGEMAKER_JOB",
    "TARGETS",
    "NamePlan",
    "Target",
    "decode",
    "encode",
    "job_name",
    "shortest_prefixes",
    "suffixed_name",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "DOCKER_REPOSITORY": ".target",
        "DOCKER_TAG": ".target",
        "NamePlan": ".plan",
        "PYTHON_MODULE": ".target",
        "S3_KEY": ".target",
        "SAGEMAKER_JOB": ".target",
        "TARGETS": ".target",
        "Target": ".target",
        "decode": ".value_code",
        "encode": ".value_code",
        "job_name": ".legal_name",
        "shortest_prefixes": ".prefixes",
        "suffixed_name": ".legal_name",
    },
)
