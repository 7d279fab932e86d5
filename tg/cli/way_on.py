"""How a sweep goes on that nobody drives."""

from __future__ import annotations

from ..common.delivery.sweep.cause import Cause
from ..common.delivery.sweep.status import SweepStatus
from ..common.delivery.sweep.task_state import TaskState

__all__ = ["interrupted", "undriven", "way_on"]


def interrupted(status: SweepStatus) -> str:
    """Say what goes on after Ctrl-C has ended the driving, and how it is gone on with or ended.

    Example
    -------
    >>> print(interrupted(SweepStatus(name="tea", counts={TaskState.RUNNING: 2})))
    Interrupted: nobody drives the sweep tea, and 2 of its tasks are not done.
    Go on with it: tg sweep resume tea.
    2 are running and go on by themselves; tg sweep cancel tea ends them.
    """
    lines = [f"Interrupted: {undriven(status)}.", way_on(status)]
    if running := status[TaskState.RUNNING]:
        goes, them = ("is running and goes on by itself", "it")
        if running > 1:
            goes, them = ("are running and go on by themselves", "them")
        lines.append(f"{running} {goes}; tg sweep cancel {status.name} ends {them}.")
    return "\n".join(lines)


def undriven(status: SweepStatus) -> str:
    """Say that nothing will come of the rest by itself.

    Example
    -------
    >>> undriven(SweepStatus(name="tea", counts={TaskState.WAITING: 1}))
    'nobody drives the sweep tea, and 1 of its tasks is not done'
    """
    left = status.total - status.done
    are = "is" if left == 1 else "are"
    return f"nobody drives the sweep {status.name}, and {left} of its tasks {are} not done"


def way_on(status: SweepStatus) -> str:
    """Say what to type, as far as there is a command for it.

    Example
    -------
    >>> way_on(SweepStatus(name="tea", counts={TaskState.WAITING: 1}))
    'Go on with it: tg sweep resume tea.'
    >>> way_on(SweepStatus(name="search", counts={TaskState.COMPLETED: 4}, planned=9))
    'Go on with it: tg sweep run SWEEP, where SWEEP names its OptunaSweep, such as file.py.'
    """
    resume = f"tg sweep resume {status.name}"
    if status.ended_by == Cause.MAX_COST:
        return (
            f"Its max_cost does not allow more. Go on with a higher one: {resume} --max-cost USD."
        )
    if status.ended_by == Cause.DEADLINE:
        return (
            "Its deadline has passed. Go on with another one, in Python: "
            f"Sweep.open({status.name!r}, deadline=...).resume()."
        )
    if status.known < status.planned and status.ended_by != Cause.CANCEL:
        # a search, whose further tasks are built by the user's code
        return (
            "Go on with it: tg sweep run SWEEP, where SWEEP names its OptunaSweep, such as file.py."
        )
    if status[TaskState.FAILED] or status[TaskState.CANCELLED]:
        return (
            f"Go on with it: {resume}, which also tries again what failed or was cancelled; "
            "with --only-left it does not."
        )
    return f"Go on with it: {resume}."
