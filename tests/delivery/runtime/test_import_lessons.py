"""What a user would lose: each training imports anew, or none starts any more."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tg.common.delivery.runtime.import_lessons import ImportLessons

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")

# a process that forks trainings, each of which imports what it is told
SERVER = """
    import os, select, sys
    from pathlib import Path
    from tg.common.delivery.runtime.import_lessons import ImportLessons

    lessons = ImportLessons("root", Path(sys.argv[1]))
    lessons.recall()
    for word in sys.argv[2:]:
        tell = lessons.pipe()
        if os.fork() == 0:
            lessons.tell_at_end(tell)
            __import__(word)
            sys.exit()
        if tell is not None:
            tell.close()
        os.wait()
        while lessons.handles:
            lessons.learn(select.select(lessons.handles, [], [])[0][0])
    print(*sorted({"colorsys", "chunk", "wave", "falls"} & sys.modules.keys()))
"""


def serve(file: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SERVER), file, *words],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(file.parent), *sys.path])},
    )


def test_what_the_first_trainings_import_is_there_for_the_next_process(tmp_path: Path) -> None:
    file = tmp_path / "imports.txt"
    assert serve(file, "colorsys").stdout == "colorsys\n"
    assert serve(file).stdout == "colorsys\n"
    assert "colorsys" in serve(file, "wave").stdout
    assert {"colorsys", "wave"} <= {*serve(file).stdout.split()}


def test_only_the_first_trainings_are_asked(tmp_path: Path) -> None:
    assert serve(tmp_path / "imports.txt", "json", "json", "colorsys").stdout == "\n"


def test_an_import_that_ends_the_process_ends_one_only(tmp_path: Path) -> None:
    file = tmp_path / "imports.txt"
    (tmp_path / "falls.py").write_text("import os; os._exit(7)")
    file.write_text("colorsys\nfalls")
    assert serve(file).returncode == 7
    again = serve(file)
    assert (again.returncode, again.stdout) == (0, "\n")


@pytest.mark.parametrize("content", [b"no.such.module\ncolorsys", b"1 / ; colorsys \n\n"])
def test_what_cannot_be_imported_is_passed_over(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "imports.txt"
    file.write_bytes(content)
    assert serve(file).stdout == "colorsys\n"
    assert "colorsys" in file.read_text()
    assert "no.such" not in file.read_text()


def test_a_damaged_file_or_one_that_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    file = tmp_path / "imports.txt"
    file.write_bytes(b"\xff\xfe")
    assert serve(file, "colorsys").stdout == "colorsys\n"
    file.unlink()
    file.mkdir()
    assert serve(file, "colorsys").stdout == "colorsys\n"
    ImportLessons("root", file).forget()
    assert file.is_dir()


def test_what_was_cleared_away_is_not_made_again(tmp_path: Path) -> None:
    # else the folder of a package is there without the package
    assert serve(tmp_path / "gone" / "imports.txt", "colorsys").stdout == "colorsys\n"
    assert not (tmp_path / "gone").exists()
