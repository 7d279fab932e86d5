"""What places answer a sweep, and what it makes of that."""

from __future__ import annotations

from ..._core.errors import SweepPausedError
from .gate import Gate
from .ledger import Ledger
from .refusal import Refusal

__all__ = ["Answers"]


class Answers:
    """Understands what was answered, tells the gate, and pauses the sweep where it cannot go on.

    Parameters
    ----------
    ledger
        What is noted before the sweep is paused.
    gate
        Is told whether places answer at all.
    patience_seconds
        How long a place may not answer before the sweep is paused.
    """

    def __init__(self, ledger: Ledger, gate: Gate, patience_seconds: float) -> None:
        self._ledger = ledger
        self._gate = gate
        self._patience_seconds = patience_seconds

    def take(self, error: BaseException | None) -> None:
        """Take note of what a look at the runs was answered.

        Raises
        ------
        SweepPausedError
            The sweep cannot go on.
        """
        if error is None:
            self._gate.was_answered()
        elif self.understood(error) is Refusal.TASK:
            raise self._paused(error)

    def understood(self, error: BaseException) -> Refusal:
        """Tell what an error means.

        Raises
        ------
        SweepPausedError
            The sweep cannot go on.
        """
        refusal = Refusal.of(error)
        if refusal is Refusal.SILENCE:
            self._gate.met_silence()
            if self._gate.silent_seconds > self._patience_seconds:
                refusal = Refusal.PAUSE
        if refusal is Refusal.PAUSE:
            raise self._paused(error)
        return refusal

    def _paused(self, error: BaseException) -> SweepPausedError:
        self._ledger.commit()
        name = self._ledger.journal.name
        paused = SweepPausedError(
            f"the sweep {name} cannot go on: {error}",
            hint=f"What runs goes on, and nothing is lost. Then: Sweep.open({name!r}).run().",
        )
        paused.__cause__ = error
        return paused
