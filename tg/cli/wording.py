"""What the library advises, in the words of the command line."""

from __future__ import annotations

import re

__all__ = ["WORDS", "in_commands"]

# what a program would call, and what is typed instead; the longer phrases first
WORDS: tuple[tuple[str, str], ...] = (
    (
        r"Watch it with Sweep\.open\('([^']+)'\)\.table\(\); or end that process, then run\(\)",
        r"Watch it: tg sweep status \1 --follow; or end that process, and do this again",
    ),
    (
        r"Make the same OptunaSweep again, with name='[^']+', and call run\(\)",
        r"Go on with it: tg sweep run SWEEP, where SWEEP names its OptunaSweep, such as file.py",
    ),
    (r"Sweep\.open\('([^']+)'\)\.run\(\)", r"tg sweep resume \1 --only-left"),
    (r"Sweep\.open\('([^']+)'\) goes on", r"tg sweep resume \1 goes on"),
    (r"with Sweep\.open\('([^']+)'\)", r"with tg sweep status \1"),
    (r"Then Sweep\.open goes on", r"Then tg sweep resume goes on"),
    (r"run\.wait\(\)\.result\(\)", r"tg logs shows its log until it ends"),
    (r"what Packaging\.make_package\(\) wrote", r"a package; tg packages list has them"),
    (r"Pass region='([^']+)' or another one, set AWS_REGION", r"Set AWS_REGION=\1 or another one"),
    (r"pass the name of a profile, or set AWS_PROFILE", r"or set AWS_PROFILE"),
    (
        r"Allow more max_runtime_seconds and submit it again",
        r"Run it again with more, tg run --max-runtime SECONDS",
    ),
    (
        r"Submit it again later, or with another instance_type",
        r"Run it again later, or with another type, tg run --instance-type TYPE",
    ),
    (
        r"Take an instance_type with more memory",
        r"Take a type with more memory, tg run --instance-type TYPE",
    ),
    (r"Submit it again", r"Run it again"),
    (r"or None for always, until clear\(\)", r"or times=always"),
)


def in_commands(text: str) -> str:
    """Say in commands what an error of the library says in Python.

    Parameters
    ----------
    text
        What failed, or what to do.

    Returns
    -------
    str
        The same, where there is no command for it.

    Example
    -------
    >>> in_commands("Sweep.open('evening') goes on with that one. Or choose another name.")
    'tg sweep resume evening goes on with that one. Or choose another name.'
    """
    for said, typed in WORDS:
        text = re.sub(said, typed, text)
    return text
