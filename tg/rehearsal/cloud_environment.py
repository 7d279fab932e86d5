"""The variables by which clients find the rehearsal instead of the cloud."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

__all__ = ["cloud_environment", "enter_environment", "restore_environment"]

_KEY = {"AWS_ACCESS_KEY_ID": "rehearsal", "AWS_SECRET_ACCESS_KEY": "rehearsal"}
# settings of the real cloud that would lead past the rehearsal
_HIDDEN = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")
_HIDDEN_PREFIX = "AWS_ENDPOINT_URL_"
_LOOPBACK = "127.0.0.1,localhost"


def cloud_environment(
    endpoint_url: str, region: str, *, role_arn: str, bucket: str, folder: Path
) -> dict[str, str]:
    """Give the variables that lead to a rehearsal.

    After the AWS SDKs and Tools reference guide, Environment variables.

    Parameters
    ----------
    endpoint_url, region
        Of the rehearsal.
    role_arn, bucket
        What a training takes whose routine names none.
    folder
        A folder for an empty file, which stands for the user's settings.
    """
    empty = folder / "none"
    empty.touch()
    # a proxy of the environment does not reach this machine's loopback interface
    direct = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    no_proxy = f"{direct},{_LOOPBACK}" if direct else _LOOPBACK
    return {
        **_KEY,
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_ROLE": role_arn,
        "TG_BUCKET": bucket,
        "AWS_CONFIG_FILE": str(empty),
        "AWS_SHARED_CREDENTIALS_FILE": str(empty),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
    }


def enter_environment(variables: Mapping[str, str]) -> dict[str, str | None]:
    """Set variables, hide what would lead past them, and give what was before."""
    hidden = [key for key in os.environ if key in _HIDDEN or key.startswith(_HIDDEN_PREFIX)]
    before = {key: os.environ.get(key) for key in (*variables, *hidden)}
    for key in hidden:
        del os.environ[key]
    os.environ.update(variables)
    return before


def restore_environment(before: Mapping[str, str | None]) -> None:
    """Set variables to what they were."""
    for key, value in before.items():
        if value is None:
            os.environ.pop(key, None)
        else:
            os.environ[key] = value
