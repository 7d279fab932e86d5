from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tg.common._core.errors import ConfigError
from tg.common._core.retention import Retention

NOW = datetime(2026, 6, 1, tzinfo=UTC)
things = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 100).map(lambda d: NOW - timedelta(days=d)))
)


@given(things, st.integers(0, 4), st.integers(0, 100))
def test_what_is_young_or_among_the_newest_survives_and_nothing_else(
    things: list[tuple[str, datetime]], keep: int, days: int
) -> None:
    reasons = Retention(older_than_days=days, keep=keep).reasons(things, NOW)
    for name in {name for name, _ in things}:
        own = [(t, reason) for (n, t), reason in zip(things, reasons, strict=True) if n == name]
        gone = [t for t, reason in own if not reason]
        stayed = [t for t, reason in own if reason]
        assert len(stayed) >= min(keep, len(own))
        assert not days or all(NOW - t > timedelta(days=days) for t in gone)
        # whatever stays without being young is newer than all that goes
        old = [t for t in stayed if not days or NOW - t > timedelta(days=days)]
        assert len(old) <= keep
        assert not old or not gone or min(old) >= max(gone)


@pytest.mark.parametrize("values", [{"keep": -1}, {"older_than_days": -0.5}])
def test_a_negative_number_keeps_nothing_by_mistake(values: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="0 or more"):
        Retention(**values)
    with pytest.raises(ConfigError):
        Retention(older_than_days=float("nan"))


def test_an_age_beyond_all_times_keeps_everything() -> None:
    assert Retention(older_than_days=1e12).reasons([("a", NOW)], NOW)[0]
