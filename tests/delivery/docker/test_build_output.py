"""From what a builder prints: the step that failed, its own words, and progress worth reading."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tg.common.delivery.docker.build_output import BuildOutput

BUILDKIT_20 = """\
#1 [internal] load build definition from Dockerfile
#1 sha256:69294ee97fc9757d85f0fa540a97f02cac0517f1969afd459611de25943e3396
#1 transferring dockerfile: 508B done
#1 DONE 0.0s

#4 [dependencies 1/3] FROM docker.io/library/base:1
#4 CACHED

#5 [dependencies 2/3] RUN echo fine
#5 0.263 fine
#5 DONE 0.3s

#6 [dependencies 3/3] RUN --mount=type=secret,id=a --mount=type=cache,target=/c make tea
#6 0.300 water
#6 0.412 no leaves
#6 ERROR: executor failed running [/bin/sh -c make tea]: exit code: 2
------
 > [dependencies 3/3] RUN --mount=type=secret,id=a --mount=type=cache,target=/c make tea:
#6 0.300 water
#6 0.412 no leaves
------
executor failed running [/bin/sh -c make tea]: exit code: 2
"""
BUILDX = """\
#0 building with "default" instance using docker driver

#1 [internal] load build definition from Dockerfile
#1 transferring dockerfile: 82B done
#1 DONE 0.0s

#4 [1/2] FROM docker.io/library/base:1
#4 CACHED

#5 [2/2] RUN make tea
#5 0.122 water
#5 0.143 no leaves
#5 ERROR: process "/bin/sh -c make tea" did not complete successfully: exit code: 2
------
 > [2/2] RUN make tea:
0.122 water
0.143 no leaves
------
Dockerfile:2
--------------------
   2 | >>> RUN make tea
--------------------
ERROR: failed to solve: process "/bin/sh -c make tea" did not complete successfully: exit code: 2
"""
CLASSIC = """\
DEPRECATED: The legacy builder is deprecated and will be removed in a future release.

Sending build context to Docker daemon  2.048kB

Step 1/3 : FROM base:1
 ---> f27551be8811
Step 2/3 : RUN echo fine
 ---> Running in a3577c0c5371
fine
Removing intermediate container a3577c0c5371
 ---> 1401651641cd
Step 3/3 : RUN make tea
 ---> Running in f60c39881112
water
\x1b[91mno leaves
\x1b[0mRemoving intermediate container f60c39881112
The command '/bin/sh -c make tea' returned a non-zero code: 2
"""
ABSENT_BASE = """\
#2 [internal] load metadata for docker.io/library/absent:1
#2 ERROR: docker.io/library/absent:1: not found
------
 > [internal] load metadata for docker.io/library/absent:1:
------
"""


def followed(text: str) -> tuple[BuildOutput, list[str]]:
    output = BuildOutput()
    shown = [output.add(line) for line in text.splitlines()]
    return output, [line for line in shown if line is not None]


def test_buildkit_of_a_20_10_client() -> None:
    output, shown = followed(BUILDKIT_20)
    assert output.step.endswith("make tea")
    assert output.tail == "water\nno leaves"
    assert shown == [
        "FROM docker.io/library/base:1",
        "RUN echo fine",
        "  fine",
        "RUN make tea",
        "  water",
        "  no leaves",
    ]


def test_buildkit_of_the_plugin() -> None:
    output, shown = followed(BUILDX)
    assert output.step == "RUN make tea"
    assert output.tail == "water\nno leaves"
    assert shown[-3:] == ["RUN make tea", "  water", "  no leaves"]


def test_the_classic_builder() -> None:
    output, shown = followed(CLASSIC)
    assert output.step == "RUN make tea"
    assert output.tail.splitlines()[:2] == ["water", "no leaves"]
    assert "non-zero code: 2" in output.tail
    assert shown[:3] == ["FROM base:1", "RUN echo fine", "  fine"]
    assert not [line for line in shown if "--->" in line or "Removing" in line]


def test_a_step_that_prints_nothing_gives_the_builders_own_words() -> None:
    output, _ = followed(ABSENT_BASE)
    assert "absent:1" in output.step
    assert "not found" in output.tail


def test_steps_that_print_at_once_are_kept_apart() -> None:
    begun = "#5 [a 1/2] RUN a\n#6 [b 1/2] RUN b\n"
    output, _ = followed(f"{begun}#5 0.1 of a\n#6 0.1 of b\n#5 0.2 more of a\n#6 ERROR: b")
    assert (output.step, output.tail) == ("RUN b", "of b")


def test_the_end_of_a_long_output_is_kept() -> None:
    lines = "\n".join(f"#5 {i}.0 line {i}" for i in range(10_000))
    output, _ = followed(f"#5 [1/1] RUN all\n{lines}\n#5 ERROR: x")
    assert output.tail.splitlines()[-1] == "line 9999"
    assert len(output.tail.splitlines()) == 60


@given(st.lists(st.text() | st.from_regex(r"#\d+ .*|Step 1/1 : .*|-{6}|#1 ERROR: .*")))
def test_whatever_is_printed_does_not_end_a_build(lines: list[str]) -> None:
    output = BuildOutput()
    for line in lines:
        output.add(line)
    assert isinstance(output.step + output.tail, str)
