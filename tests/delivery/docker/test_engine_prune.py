"""What goes and what stays: a wrong decision here loses an image that somebody needs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_images import TinyImages

from tg.common._core.errors import EngineUnavailableError
from tg.common._core.retention import Retention
from tg.common.delivery.docker.engine import DockerEngine
from tg.common.delivery.docker.holdings import (
    HeldContainer,
    HeldImage,
    Holdings,
    read_holdings,
)
from tg.common.delivery.docker.images import ImageRecord
from tg.common.delivery.docker.inspection import parse_time
from tg.common.delivery.docker.prune import (
    PruneOutcome,
    PruneRules,
    freed_bytes,
    plan_prune,
    prune,
)

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def held(
    name: str,
    *,
    kind: str = "image",
    version: str = "1",
    key: str = "",
    tags: tuple[str, ...] | None = None,
    layers: str = "",
    size: int = 10,
    base: int = 0,
    days: float = 1,
    users: tuple[str, ...] = (),
    built_as: str | None = None,
) -> HeldImage:
    repository = "localhost/training-grounds/dependencies" if kind == "dependencies" else name
    own = f"{repository}:{key if kind == 'dependencies' else version}"
    labels = {
        "training-grounds.kind": kind,
        "training-grounds.name": name,
        "training-grounds.version": version,
        "training-grounds.reference": own if built_as is None else built_as,
        "training-grounds.dependencies": key,
    }
    record = ImageRecord(
        id=f"sha256:{name}-{version}",
        tags=(own,) if tags is None else tags,
        labels=labels,
        size_bytes=size,
        created_at=(NOW - timedelta(days=days)).isoformat(),
        platform="linux/amd64",
    )
    return HeldImage(record=record, layers=tuple(layers), base_bytes=base, users=users)


def gone(holdings: Holdings, rules: PruneRules | None = None) -> set[str]:
    plan = plan_prune(holdings, rules or PruneRules(), NOW)
    return {image.record.id.removeprefix("sha256:") for image in plan.images}


def test_a_lock_stays_for_the_image_that_stands_on_it_and_goes_with_it() -> None:
    lock = held("base", kind="dependencies", key="k", layers="ab")
    image = held("tea", key="k", layers="abc", users=("run-1",))
    other = held("base", kind="dependencies", version="2", key="l", layers="ax")
    assert gone(Holdings(images=(image, lock, other))) == {"base-2"}
    unused = replace(image, users=())
    plan = plan_prune(Holdings(images=(lock, unused)), PruneRules(), NOW)
    assert [i.record.id for i in plan.images] == ["sha256:tea-1", "sha256:base-1"]


def test_a_lock_stays_for_an_image_that_stays_for_another() -> None:
    lock = held("base", kind="dependencies", key="k", layers="ab")
    lower = held("tea", key="k", layers="a")
    upper = held("cup", layers="ac", users=("run-1",))
    assert gone(Holdings(images=(lock, lower, upper))) == set()


def test_what_a_user_built_on_ours_keeps_ours() -> None:
    image = held("tea", layers="abc")
    holdings = Holdings(images=(image,), others={"sha256:theirs": tuple("abcd")})
    plan = plan_prune(holdings, PruneRules(with_named=True), NOW)
    assert not plan.images
    assert "stands on it" in plan.kept[image.record.id]


def test_a_name_that_a_user_gave_keeps_the_image_unless_all_is_asked_for() -> None:
    shipped = held("tea", tags=("tea:1", "registry.example.org/prod:7"))
    pinned = held("cup", tags=("cup:1", "cup:good"))
    by_hand = held("pot", tags=("pot:mine",), built_as="pot:mine")  # Containering("pot", "mine")
    dangling = held("can", tags=())
    holdings = Holdings(images=(shipped, pinned, by_hand, dangling))
    assert gone(holdings) == {"pot-1", "can-1"}
    assert gone(holdings, PruneRules(with_named=True)) == {"tea-1", "cup-1", "pot-1", "can-1"}
    assert shipped.foreign_tags == ("registry.example.org/prod:7",)


def test_what_a_build_makes_right_now_is_not_taken_from_it() -> None:
    lock = held("base", kind="dependencies", key="k", days=0.001)
    container = HeldContainer(
        id="c1",
        name="training-grounds-build-1",
        kind="build",
        run_id="",
        exit_code=0,
        image_id="sha256:x",
        ended_at=NOW - timedelta(minutes=1),
    )
    holdings = Holdings(images=(lock,), containers=(container,))
    plan = plan_prune(holdings, PruneRules(), NOW)
    assert not plan.images
    assert not plan.containers
    later = plan_prune(holdings, PruneRules(), NOW + timedelta(hours=1))
    assert later.images == (lock,)
    assert later.containers == (container,)


def test_the_ending_of_a_run_goes_only_if_asked_for_and_then_its_image_may_go() -> None:
    image = held("tea", users=("run-1",))
    container = HeldContainer(
        id="c1",
        name="run-1",
        kind="run",
        run_id="run-1",
        exit_code=3,
        image_id=image.record.id,
        ended_at=NOW - timedelta(days=1),
    )
    holdings = Holdings(images=(image,), containers=(container,))
    plan = plan_prune(holdings, PruneRules(), NOW)
    assert not plan.images
    assert not plan.containers
    assert "ending of a run" in plan.kept["c1"]
    plan = plan_prune(holdings, PruneRules(with_runs=True), NOW)
    assert plan.containers == (container,)
    assert plan.images == (image,)
    young = PruneRules(with_runs=True, retention=Retention(older_than_days=5))
    assert not plan_prune(holdings, young, NOW).containers


def test_freed_space_counts_what_is_shared_once_and_what_stays_not_at_all() -> None:
    lock = held("base", kind="dependencies", key="k", layers="ab", size=100, base=60)
    one = held("tea", key="k", layers="abc", size=110, base=100)
    two = held("cup", key="k", layers="abd", size=105, base=100)
    same = held("pot", key="k", layers="abd", size=105, base=100)
    holdings = Holdings(images=(one, two, same, lock), others={"sha256:base": tuple("a")})
    assert freed_bytes([one, two, same, lock], holdings) == 10 + 5 + 40
    assert freed_bytes([one, two], holdings) == 10


@st.composite
def engines(draw: st.DrawFn) -> Holdings:
    chains = st.text("ab", min_size=1, max_size=4)
    images = []
    for index in range(draw(st.integers(0, 6))):
        kind = draw(st.sampled_from(["image", "image", "dependencies", "build"]))
        images.append(
            held(
                draw(st.sampled_from(["tea", "cup"])),
                kind=kind,
                version=str(index),
                key=draw(st.sampled_from("kl")),
                layers=draw(chains),
                days=draw(st.integers(0, 9)),
                users=draw(st.sampled_from([(), (), ("c",)])),
                tags=draw(st.sampled_from([None, None, (), ("other:1",), ("x:1", "y:2")])),
            )
        )
    others = {f"sha256:o{i}": tuple(c) for i, c in enumerate(draw(st.lists(chains, max_size=2)))}
    return Holdings(images=tuple(images), others=others)


@given(
    engines(),
    st.integers(0, 2),
    st.integers(0, 5),
    st.booleans(),
    st.sampled_from([(), ("tea",), ("cup:*", "t?a")]),
)
def test_whatever_the_engine_holds_nothing_that_is_needed_goes(
    holdings: Holdings, keep: int, days: int, take_all: bool, names: tuple[str, ...]
) -> None:
    rules = PruneRules(
        names=names,
        retention=Retention(keep=keep, older_than_days=days),
        with_named=take_all,
    )
    plan = plan_prune(holdings, rules, NOW)
    ids = [image.record.id for image in plan.images]
    staying = [i for i in holdings.images if i.record.id not in ids]
    assert not set(ids) & set(plan.kept)
    for place, image in enumerate(plan.images):
        assert not image.users
        assert take_all or not image.foreign_tags
        assert not days or NOW - image.made_at > timedelta(days=days)
        assert rules.match(image.name, *image.record.tags)
        upper = [i.layers for i in [*staying, *plan.images[place + 1 :]]]
        for layers in [*upper, *holdings.others.values()]:
            # nothing that stays, or goes later, stands on it
            assert layers == image.layers or layers[: len(image.layers)] != image.layers
        if image.kind == "dependencies":
            assert all(i.dependencies_key != image.version for i in staying if i.kind == "image")
    for name in {i.name for i in holdings.images if rules.match(i.name, *i.record.tags)}:
        mine = [i for i in holdings.images if i.name == name and i.kind == "image"]
        mine = [i for i in mine if rules.match(i.name, *i.record.tags)]
        left = [i for i in mine if i.record.id not in ids]
        assert len(left) >= min(keep, len(mine))
    assert freed_bytes(plan.images, holdings) >= 0


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00Z", "2026-11-21T09:43:05.421915394Z"])
def test_times_of_an_engine_are_read(text: str) -> None:
    assert parse_time(text).tzinfo is not None


def pruned(tiny: TinyImages, **values: object) -> list[PruneOutcome]:
    rules = PruneRules(names=(tiny.pattern,), **values)
    plan = plan_prune(read_holdings(tiny.engine), rules, datetime.now(UTC))
    return list(prune(tiny.engine, plan))


@pytest.mark.docker
def test_in_an_engine_ours_go_and_foreign_ones_stay(tiny: TinyImages) -> None:
    tiny.foreign("theirs")
    tiny.image("tea", "1")
    tiny.image("tea", "2")
    assert all(outcome.removed for outcome in pruned(tiny))
    assert tiny.tags() == {"theirs:1"}


@pytest.mark.docker
def test_in_an_engine_a_lock_is_shared_and_goes_last(tiny: TinyImages) -> None:
    key = tiny.prefix[-10:]
    lock = tiny.dependencies(key)
    tiny.image("tea", "1", base=lock, key=key)
    tiny.image("cup", "1", base=lock, key=key)
    used = tiny.container("user", f"{tiny.prefix}-cup:1", "/none", start=False)
    by_name = {image.name: image for image in read_holdings(tiny.engine).images}
    base = by_name[f"{tiny.prefix}-base"]
    assert base.shared_bytes == base.record.size_bytes == 1_000
    tea, cup = by_name[f"{tiny.prefix}-tea"], by_name[f"{tiny.prefix}-cup"]
    assert (tea.record.size_bytes, tea.shared_bytes) == (2_000, 1_000)
    assert cup.users == (used,)
    assert [outcome.thing.name for outcome in pruned(tiny, with_named=True)] == [tea.name]
    tiny.engine.call(["rm", used])
    names = [outcome.thing.name for outcome in pruned(tiny, with_named=True)]
    assert names == [cup.name, base.name]
    assert not tiny.images()


@pytest.mark.docker
def test_in_an_engine_another_name_saves_an_image_and_all_takes_each_name(
    tiny: TinyImages,
) -> None:
    image = tiny.image("tea", "1")
    tiny.engine.call(["tag", image, f"{tiny.prefix}-registry/prod:1"])
    assert not pruned(tiny)
    assert tiny.tags() == {"tea:1", "registry/prod:1"}
    assert [outcome.removed for outcome in pruned(tiny, with_named=True)] == [True]
    assert not tiny.images()


@pytest.mark.docker
def test_in_an_engine_what_is_built_on_ours_saves_it(tiny: TinyImages) -> None:
    tiny.image("tea", "1")
    tiny.derived("theirs", f"{tiny.prefix}-tea:1")
    assert not pruned(tiny)
    assert tiny.tags() == {"tea:1", "theirs:1"}


@pytest.mark.docker
def test_what_changes_after_the_plan_is_seen(tiny: TinyImages) -> None:
    for name in ("gone", "used", "named", "moved"):
        tiny.image(name, "1")
    plan = plan_prune(
        read_holdings(tiny.engine), PruneRules(names=(tiny.pattern,)), datetime.now(UTC)
    )
    assert len(plan.images) == 4
    tiny.engine.call(["image", "rm", f"{tiny.prefix}-gone:1"])
    tiny.container("user", f"{tiny.prefix}-used:1", "/none", start=False)
    tiny.engine.call(["tag", f"{tiny.prefix}-named:1", f"{tiny.prefix}-prod:1"])
    tiny.image("moved", "1")  # built again: the name is the new one's
    outcomes = {o.thing.name.rpartition("-")[2]: o for o in prune(tiny.engine, plan)}
    assert outcomes["gone"].removed
    assert outcomes["moved"].removed
    assert not outcomes["used"].removed
    assert "being used" in outcomes["used"].reason
    assert "prod" in outcomes["named"].reason
    assert tiny.tags() == {"used:1", "named:1", "prod:1", "moved:1"}


@pytest.mark.docker
def test_running_containers_and_those_of_others_stay(tiny: TinyImages) -> None:
    image = tiny.runnable("tea")
    running = tiny.container("running", image, "sleep", "3600", kind="run", start=True)
    ended = tiny.container("ended", image, "false", kind="run", start=True)
    tiny.engine.call(["wait", ended])
    left = tiny.container("left", image, "true", kind="build", start=False)
    theirs = tiny.container("theirs", image, "true", start=False)
    held_now = [c for c in read_holdings(tiny.engine).containers if c.name.startswith(tiny.prefix)]
    assert {c.name: (c.run_id, c.exit_code) for c in held_now} == {
        ended: (ended, 1),
        left: ("", 0),
    }
    assert not pruned(tiny)
    outcomes = pruned(tiny, with_runs=True, with_named=True)
    assert {o.thing.name for o in outcomes if o.removed} == {ended, left}
    assert tiny.has(running)
    assert tiny.has(theirs)
    assert tiny.tags() == {"tea:1"}


@pytest.mark.docker
def test_a_container_that_was_started_again_stays(tiny: TinyImages) -> None:
    image = tiny.runnable("tea")
    name = tiny.container("run", image, "sleep", "3600", kind="run", start=False)
    rules = PruneRules(names=(tiny.pattern,), with_runs=True)
    plan = plan_prune(read_holdings(tiny.engine), rules, datetime.now(UTC))
    tiny.engine.call(["start", name])
    outcomes = list(prune(tiny.engine, plan))
    assert [outcome.removed for outcome in outcomes] == [False, False]
    assert tiny.has(name)


def test_without_an_engine_the_error_says_so() -> None:
    with pytest.raises(EngineUnavailableError, match="process executor"):
        read_holdings(DockerEngine("/nowhere/docker"))
