from __future__ import annotations

import json
from typing import Any

import pytest

from tg.common import errors
from tg.common.contract.manifest import MetricsManifest, PackageManifest, ResultManifest

PACKAGE = PackageManifest(
    name="Tea",
    version="1.2",
    module_name="Tea__1_2",
    content_hash="0a" * 32,
    python="3.11",
    travellers=("shop", "tg"),
    requirements=("pandas==3",),
    lock=("pandas==3",),
    lock_is_complete=True,
    by_value=False,
    payload_keys=("job",),
)


def test_a_manifest_comes_back_as_it_was() -> None:
    assert PackageManifest.from_json(PACKAGE.to_json(), where="x") == PACKAGE
    metrics = MetricsManifest(metrics={"b": 1.0, "a": 2.0})
    assert list(MetricsManifest.from_json(metrics.to_json(), where="x").metrics) == ["b", "a"]


@pytest.mark.parametrize(
    "change",
    [
        {"module_name": "../../evil"},
        {"module_name": "os"},
        {"module_name": 7},
        {"version": None},
        {"travellers": 5},
        {"travellers": "abc"},
        {"travellers": ["a.b"]},
        {"payload_keys": 7},
        {"lock": [1]},
        {"content_hash": "../x"},
        {"content_hash": None},
        {"python": 3.11},
    ],
)
def test_a_hostile_package_manifest_is_refused(change: dict[str, Any]) -> None:
    values = {**json.loads(PACKAGE.to_json()), **change}
    with pytest.raises(errors.FormatError, match="the archive"):
        PackageManifest.from_json(json.dumps(values), where="the archive")


@pytest.mark.parametrize("protocol", [True, 2, "1", None, 1.5])
def test_only_the_known_protocol_is_read(protocol: Any) -> None:
    values = {**json.loads(PACKAGE.to_json()), "protocol": protocol}
    with pytest.raises(errors.ProtocolError):
        PackageManifest.from_json(json.dumps(values), where="x")


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "{", "[1]", '{"protocol": 1}', '{"protocol": 1, "metrics": [1]}']
)
def test_damaged_json_is_a_format_error(text: str) -> None:
    for cls in (MetricsManifest, ResultManifest):
        with pytest.raises(errors.FormatError):
            cls.from_json(text, where="x")


@pytest.mark.parametrize("value", ["x", None, True, [1.0]])
def test_metrics_are_numbers(value: Any) -> None:
    text = json.dumps({"protocol": 1, "metrics": {"auc": value}})
    with pytest.raises(errors.FormatError):
        MetricsManifest.from_json(text, where="x")
