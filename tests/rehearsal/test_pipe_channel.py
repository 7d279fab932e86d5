"""In pipe mode data flow: all objects in each epoch, in the form that was asked for."""

from __future__ import annotations

import gzip
import io
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tg.rehearsal import Rehearsal
from tg.rehearsal.pipe_channel import PipeChannel

Feed = Callable[..., PipeChannel]


@pytest.fixture
def feed(tmp_path: Path) -> Iterator[Feed]:
    made: list[PipeChannel] = []

    def start(*objects: bytes, **settings: str) -> PipeChannel:
        channel = {"ChannelName": "training", **settings}
        made.append(PipeChannel(tmp_path, channel, lambda: map(io.BytesIO, objects)))
        return made[-1]

    yield start
    for channel in made:
        channel.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("pipe-")]


def test_each_epoch_has_a_pipe_with_all_objects(tmp_path: Path, feed: Feed) -> None:
    feed(b"1,2\n", b"3,4\n" * 100_000)
    for epoch in range(3):
        assert (tmp_path / f"training_{epoch}").read_bytes() == b"1,2\n" + b"3,4\n" * 100_000


def test_objects_are_unpacked_and_wrapped_if_asked_for(tmp_path: Path, feed: Feed) -> None:
    feed(gzip.compress(b"12345"), CompressionType="Gzip", RecordWrapperType="RecordIO")
    found = (tmp_path / "training_0").read_bytes()
    assert found.hex() == "0a23d7ce" + "05000000" + b"12345\0\0\0".hex()


def test_a_reader_that_has_had_enough_ends_its_epoch(tmp_path: Path, feed: Feed) -> None:
    feed(b"x" * 5_000_000)
    with (tmp_path / "training_0").open("rb") as pipe:
        assert pipe.read(10) == b"x" * 10
    assert len((tmp_path / "training_1").read_bytes()) == 5_000_000


def test_what_nobody_reads_ends_with_the_job(feed: Feed) -> None:
    feed(b"1").close()


PROGRAM = """#!/usr/bin/env python3
import json, pathlib
base = pathlib.Path("/opt/ml")
found = [(base / f"input/data/training_{epoch}").read_text() for epoch in range(2)]
there = (base / "input/data/training").exists()
mode = json.loads((base / "input/config/inputdataconfig.json").read_text())
(base / "model/found.json").write_text(json.dumps({"epochs": found, "mode": mode, "there": there}))
"""


@pytest.mark.docker
@pytest.mark.rehearsal
def test_a_container_reads_a_channel_as_it_flows(
    cloud: Rehearsal,
    client: Callable[[str], Any],
    asked: Callable[..., dict[str, Any]],
    ended: Callable[[str], dict[str, Any]],
    members: Callable[[str], dict[str, bytes]],
    image: str,
) -> None:
    for key in ("a", "b"):
        client("s3").put_object(Bucket=cloud.bucket, Key=f"pipe/{key}", Body=key.encode() * 3)
    client("s3").put_object(Bucket=cloud.bucket, Key="code/read.py", Body=PROGRAM.encode())
    channels = [
        {
            "ChannelName": name,
            "InputMode": mode,
            "DataSource": {
                "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{cloud.bucket}/{place}/"}
            },
        }
        for name, mode, place in (("training", "Pipe", "pipe"), ("code", "File", "code"))
    ]
    request = asked(image, InputDataConfig=channels)
    entry = ["python3", "/opt/ml/input/data/code/read.py"]
    request["AlgorithmSpecification"]["ContainerEntrypoint"] = entry
    client("sagemaker").create_training_job(**request)
    job = ended(request["TrainingJobName"])
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    found = json.loads(members(job["ModelArtifacts"]["S3ModelArtifacts"])["found.json"])
    assert found["epochs"] == ["aaabbb", "aaabbb"]
    assert found["mode"]["training"]["TrainingInputMode"] == "Pipe"
    assert not found["there"]
