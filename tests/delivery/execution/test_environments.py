"""What a user would lose: a run in the wrong libraries, a broken environment reused for ever.

These tests install small libraries from the package index; without one they fail.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tg.common._core.errors import CommandError, ConfigError, EnvironmentSetupError
from tg.common._core.process import run
from tg.common.delivery.delivery.uv_binary import find_uv
from tg.common.delivery.execution.environments import EnvironmentCache

ROOT = Path(__file__).parents[3]
SIX = "six==1.16.0"  # not the version that anything else here would bring


def installed(python: Path) -> dict[str, str]:
    code = (
        "import importlib.metadata as m;"
        "print(*[f'{d.name}=={d.version}' for d in m.distributions()], sep='\\n')"
    )
    lines = run([str(python), "-I", "-c", code]).output.split()
    return dict(line.split("==") for line in lines)


@pytest.fixture
def without_uv(monkeypatch, tmp_path):
    """A machine without uv: neither on PATH nor beside this Python."""
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.setitem(sys.modules, "uv", None)
    real = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda n: None if n == "uv" else real(n))
    assert find_uv() is None


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One environment that several tests only look at."""
    said: list[str] = []
    cache = EnvironmentCache(tmp_path_factory.mktemp("environments"), on_line=said.append)
    return cache, cache.get([SIX, "iniconfig==2.0.0"]), said


def test_an_environment_holds_the_lock_and_nothing_else(shared):
    _, environment, _ = shared
    assert environment.lock == ("iniconfig==2.0.0", SIX)
    assert installed(environment.python) == {"six": "1.16.0", "iniconfig": "2.0.0"}


def test_the_environment_runs_modules_with_this_minor_python(shared):
    _, environment, _ = shared
    shown = run([str(environment.python), "-m", "platform"]).output
    version = run([str(environment.python), "--version"]).output.split()[1]
    assert version.rsplit(".", 1)[0] == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert shown
    prefix = run([str(environment.python), "-c", "import sys; print(sys.prefix)"]).output.strip()
    assert Path(prefix) == environment.path


def test_the_first_import_compiles_nothing(shared):
    _, environment, _ = shared
    (site,) = environment.path.glob("lib/python*/site-packages")
    assert list(site.glob("__pycache__/six.*.pyc"))


def test_progress_is_told(shared):
    _, _, said = shared
    assert "2 libraries with" in said[0]
    assert "ready after" in said[-1]


def test_the_second_time_nothing_is_installed(shared):
    cache, environment, _ = shared

    def refuse(argv, **_):
        raise AssertionError(f"{argv} was run")

    again = EnvironmentCache(cache.root, refuse).get(["six==1.16.0", "iniconfig==2.0.0", SIX])
    assert again == environment
    assert cache.find(environment.lock) == environment


def test_other_locks_are_other_environments(shared):
    cache, environment, _ = shared
    assert cache.find([SIX]) is None
    assert cache.find(environment.lock, resolve=True) is None


def test_an_empty_lock_gives_an_empty_environment(tmp_path):
    environment = EnvironmentCache(tmp_path).get([])
    assert not installed(environment.python).keys() - {"pip", "setuptools"}


def test_what_is_no_full_lock_can_be_resolved(tmp_path):
    environment = EnvironmentCache(tmp_path).get(["python-dateutil==2.8.2"], resolve=True)
    assert installed(environment.python).keys() >= {"python-dateutil", "six"}


@pytest.mark.slow
def test_without_uv_the_standard_library_and_pip_do_it(tmp_path, without_uv, monkeypatch):
    # settings for the user's own installations must not lead this one elsewhere
    monkeypatch.setenv("PIP_TARGET", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("PIP_USER", "1")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    said: list[str] = []
    environment = EnvironmentCache(tmp_path / "root", on_line=said.append).get([SIX])
    monkeypatch.delenv("PYTHONPATH")
    assert "with pip" in said[0]
    assert installed(environment.python)["six"] == "1.16.0"
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.slow
def test_pip_is_tried_where_uv_fails(tmp_path, monkeypatch):
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    said: list[str] = []
    environment = EnvironmentCache(tmp_path / "root", on_line=said.append).get([SIX])
    assert "uv failed" in said
    assert installed(environment.python)["six"] == "1.16.0"


@pytest.mark.slow
def test_a_library_that_does_not_exist_reports_what_both_installers_said(tmp_path):
    cache = EnvironmentCache(tmp_path)
    with pytest.raises(EnvironmentSetupError) as caught:
        cache.get(["six==0.0.1+cpu"])
    message = str(caught.value)
    assert "--- uv ---" in message
    assert "--- pip ---" in message
    assert message.count("six==0.0.1+cpu") >= 3
    assert "PIP_EXTRA_INDEX_URL" in message
    assert isinstance(caught.value.__cause__, CommandError)
    assert not list(tmp_path.glob("*/*")), "no half-made environment stays"


@pytest.mark.slow
def test_a_password_in_an_index_url_is_not_shown(tmp_path, monkeypatch):
    url = "http://me:s3cret@127.0.0.1:9/simple"
    for name in ("UV_DEFAULT_INDEX", "PIP_INDEX_URL"):
        monkeypatch.setenv(name, url)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_RETRIES", "0")
    said: list[str] = []
    with pytest.raises(EnvironmentSetupError) as caught:
        EnvironmentCache(tmp_path / "root", on_line=said.append).get([SIX])
    assert "s3cret" not in f"{caught.value} {said}"


def test_two_processes_make_one_environment(tmp_path):
    code = """
import sys
from pathlib import Path
from tg.common.delivery.execution.environments import EnvironmentCache
said = []
e = EnvironmentCache(Path(sys.argv[1]), on_line=said.append).get([sys.argv[2]])
print(e.path, len(said) > 0)
"""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, tmp_path, SIX], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    answers = [process.communicate(timeout=120)[0].split() for process in processes]
    assert answers[0][0] == answers[1][0]
    assert sorted(answer[1] for answer in answers) == ["False", "True"]


def test_kill_9_while_making_an_environment_is_no_obstacle(tmp_path):
    code = """
import os, signal, sys
from pathlib import Path
from tg.common.delivery.execution.environments import EnvironmentCache
from tg.common._core.process import run
def kill_when_half_done(argv, **options):
    done = run(argv, **options)
    if "venv" in argv:
        os.kill(os.getpid(), signal.SIGKILL)
    return done
EnvironmentCache(Path(sys.argv[1]), kill_when_half_done).get([sys.argv[2]])
"""
    killed = subprocess.run([sys.executable, "-c", code, tmp_path, SIX], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(list(tmp_path.glob("*/env-*"))) == 1
    environment = EnvironmentCache(tmp_path).get([SIX])
    assert installed(environment.python)["six"] == "1.16.0"
    assert len(list(tmp_path.glob("*/env-*"))) == 1, "what the killed one left is gone"


def test_an_environment_whose_python_is_gone_or_whose_record_is_damaged_is_made_anew(tmp_path):
    cache = EnvironmentCache(tmp_path)
    first = cache.get([])
    first.python.unlink()
    first.python.symlink_to("/no/such/python")
    second = cache.get([])
    assert second.path != first.path
    assert run([str(second.python), "-c", "pass"]).exit_code == 0
    (second.path.parent / "complete.json").write_text("{")
    assert cache.get([]).path != second.path


def test_a_root_that_cannot_be_written_is_a_typed_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentSetupError, match="TG_CACHE"):
        EnvironmentCache(tmp_path / "file" / "root").get([SIX])


def test_environments_are_shared_by_the_users_projects(tmp_path, monkeypatch):
    monkeypatch.setenv("TG_CACHE", str(tmp_path))
    assert EnvironmentCache().root == tmp_path / "environments"


def test_a_string_is_no_lock():
    with pytest.raises(ConfigError):
        EnvironmentCache().get(SIX)


def test_uv_is_here_so_that_these_tests_try_both_installers():
    assert find_uv() is not None
    assert shutil.which(find_uv())
