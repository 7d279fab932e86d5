"""What SageMaker refuses at once, and in which words."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from .account import ACCOUNT, account_of
from .bucket_rules import BucketRules
from .permissions import decision
from .policy import ALLOWED
from .s3_uri import split_s3_uri
from .service_error import ServiceError

__all__ = ["check_account", "check_request", "check_rules"]

_SERVICE = "sagemaker.amazonaws.com"
_REQUIRED_PARTS = ("RoleArn", "OutputDataConfig", "ResourceConfig", "StoppingCondition")


def check_request(operation: str, request: Mapping[str, Any]) -> None:
    """Hold a request against the constraints of the service's own model.

    Raises
    ------
    ServiceError
        ``ValidationException``; each constraint that is broken is named, as the service does.
    """
    faults = list(_faults(_model().operation_model(operation).input_shape, request, ""))
    if faults:
        plural = "error" if len(faults) == 1 else "errors"
        raise _invalid(f"{len(faults)} validation {plural} detected: {'; '.join(faults)}")


def check_rules(request: Mapping[str, Any]) -> None:
    """Check what belongs together in ``CreateTrainingJob``.

    Raises
    ------
    ServiceError
        ``ValidationException``.
    """
    for key in _REQUIRED_PARTS:
        if key not in request:
            raise _invalid(f"{key} is required for a training job.")
    algorithm = request.get("AlgorithmSpecification", {})
    if not algorithm.get("TrainingImage"):
        raise _invalid("You must specify either AlgorithmName or TrainingImage, but not both.")
    stopping = request["StoppingCondition"]
    waits, runs = stopping.get("MaxWaitTimeInSeconds"), stopping.get("MaxRuntimeInSeconds", 86_400)
    if request.get("EnableManagedSpotTraining"):
        if waits is None or waits < runs:
            raise _invalid(
                "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to "
                "MaxRuntimeInSeconds"
            )
    elif waits:
        raise _invalid(
            "Invalid MaxWaitTimeInSeconds. It must not be set if EnableManagedSpotTraining is false"
        )
    names = [channel["ChannelName"] for channel in request.get("InputDataConfig", [])]
    if len(names) != len(set(names)):
        raise _invalid("Channel names must be unique.")
    for definition in algorithm.get("MetricDefinitions", []):
        try:
            re.compile(definition["Regex"])
        except re.error as exc:
            raise _invalid(f"Invalid regex '{definition['Regex']}': {exc}") from exc


def check_account(request: Mapping[str, Any], region: str, rules: BucketRules) -> None:
    """Check that role, buckets and data of a request are there, and may be used.

    Parameters
    ----------
    request
        The request.
    region
        The region of the job.
    rules
        Whose buckets are whose.

    Raises
    ------
    ServiceError
        ``ValidationException``.
    """
    role = request["RoleArn"]
    if account_of(role) != ACCOUNT:
        raise _invalid("RoleArn: Cross-account pass role is not allowed.")
    if not _trusts_service(role):
        raise _invalid(
            f"Could not assume role {role}. Please ensure that the role exists and allows "
            f"principal '{_SERVICE}' to assume the role."
        )
    outputs = [request["OutputDataConfig"]["S3OutputPath"]]
    outputs += [request["CheckpointConfig"]["S3Uri"]] if "CheckpointConfig" in request else []
    buckets = _buckets()
    for uri in outputs:
        bucket = _split(uri)[0]
        if bucket not in buckets and bucket not in rules.foreign:
            raise _invalid(f"The specified bucket does not exist: {bucket}")
    for channel in request.get("InputDataConfig", []):
        source = channel["DataSource"].get("S3DataSource")
        if source is None:
            raise _invalid("The rehearsal reads channels from S3 only.")
        bucket, prefix = _split(source["S3Uri"])
        is_readable = rules.is_readable(bucket, region) and _may_list(role, bucket)
        keys = list(buckets[bucket].keys) if is_readable else []  # others may be uploading
        if not any(key.startswith(prefix) for key in keys):
            raise _invalid(
                f'No S3 objects found under S3 URL "{source["S3Uri"]}" given in input data '
                f"source. Please ensure that the bucket exists in the selected region ({region}), "
                f'that objects exist under that S3 prefix, and that the role "{role}" has '
                f'"s3:ListBucket" permissions on bucket "{bucket}".'
            )


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)


def _split(uri: str) -> tuple[str, str]:
    bucket, key = split_s3_uri(uri)
    if not uri.startswith("s3://") or not bucket:
        raise _invalid(f"The S3 URI is not valid: {uri}")
    return bucket, key


@functools.cache
def _model() -> Any:
    """Give botocore's description of the service: with its patterns, limits and enumerations."""
    from botocore.session import get_session  # noqa: PLC0415 an optional library

    return get_session().get_service_model("sagemaker")


def _faults(shape: Any, value: Any, path: str) -> Iterator[str]:
    """Name each constraint that a value breaks (Smithy, constraint traits)."""
    kind = shape.type_name
    if kind == "structure":
        for name in shape.required_members:
            if name not in value:
                yield _fault("null", _join(path, name), "Member must not be null")
        for name, member in shape.members.items():
            if name in value:
                yield from _faults(member, value[name], _join(path, name))
        return
    if kind in ("boolean", "timestamp", "blob"):
        return
    yield from _size_faults(shape, value, path)
    if kind == "string":
        yield from _text_faults(shape, value, path)
    elif kind == "list":
        for number, item in enumerate(value, 1):
            yield from _faults(shape.member, item, f"{path}.{number}.member")
    elif kind == "map":
        for key, item in value.items():
            yield from _faults(shape.key, key, path)
            yield from _faults(shape.value, item, f"{path}.{key}")


def _size_faults(shape: Any, value: Any, path: str) -> Iterator[str]:
    is_number = shape.type_name in ("integer", "long", "float", "double")
    size, bound = (value, "value") if is_number else (len(value), "length")
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least:
        yield _fault(value, path, f"Member must have {bound} greater than or equal to {least}")
    if most is not None and size > most:
        yield _fault(value, path, f"Member must have {bound} less than or equal to {most}")


def _text_faults(shape: Any, value: str, path: str) -> Iterator[str]:
    pattern = shape.metadata.get("pattern")
    if pattern is not None and not _compiled(pattern).fullmatch(value):
        rule = f"Member must satisfy regular expression pattern: {pattern}"
        yield _fault(value, path, rule)
    if shape.enum and value not in shape.enum:
        listed = ", ".join(shape.enum)
        yield _fault(value, path, f"Member must satisfy enum value set: [{listed}]")


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    # character classes of Java that Python does not know
    return re.compile(re.sub(r"\\p\{[A-Za-z]+\}", r"\\w", pattern))


def _fault(value: Any, path: str, rule: str) -> str:
    shown = "null" if value == "null" else f"'{value}'"
    return f"Value {shown} at '{path}' failed to satisfy constraint: {rule}"


def _join(path: str, name: str) -> str:
    own = name[0].lower() + name[1:]
    return f"{path}.{own}" if path else own


def _may_list(role: str, bucket: str) -> bool:
    return decision(role, "s3:ListBucket", f"arn:aws:s3:::{bucket}") == ALLOWED


def _trusts_service(arn: str) -> bool:
    from moto.backends import get_backend  # noqa: PLC0415 an optional library

    for role in get_backend("iam")[ACCOUNT]["aws"].roles.values():
        if role.arn == arn:
            trust = role.assume_role_policy_document
            return _SERVICE in (trust if isinstance(trust, str) else json.dumps(trust))
    return False


def _buckets() -> Mapping[str, Any]:
    from moto.backends import get_backend  # noqa: PLC0415 an optional library

    buckets: Mapping[str, Any] = get_backend("s3")[ACCOUNT]["aws"].buckets
    return buckets
