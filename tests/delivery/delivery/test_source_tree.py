from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tg.common._core.errors import SourceError
from tg.common.delivery.delivery.source_tree import SourceTree, TravelRules, read_source_tree

Write = Callable[[dict[str, str]], None]


def read(project: Path, *include: str, exclude: tuple[str, ...] = ()) -> SourceTree:
    return read_source_tree(
        "shop", [project / "shop"], TravelRules(include=include, exclude=exclude)
    )


def test_code_and_data_travel_and_noise_does_not(project: Path, write_files: Write) -> None:
    write_files(
        {
            "shop/__init__.py": "",
            "shop/data/table.csv": "a,b",
            "shop/__pycache__/x.cpython-311.pyc": "",
            "shop/.git/config": "",
            "shop/deep/er/mod.py": "",
        }
    )
    assert list(read(project).files) == [
        "shop/__init__.py",
        "shop/data/table.csv",
        "shop/deep/er/mod.py",
    ]


SECRETS = [
    ".env",
    ".env.production",
    "environment.env",
    "id_rsa",
    "server.pem",
    "tls.key",
    "credentials",
    "credentials.json",
    "my-credentials.yaml",
    "service_account_prod.json",
    ".aws/config",
    ".netrc",
    "secrets.yml",
    "client_secret_1.json",
]


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_stays_at_home_unless_it_is_called_by_its_name(
    project: Path, write_files: Write, name: str
) -> None:
    write_files({"shop/__init__.py": "", f"shop/{name}": "hush"})
    path = f"shop/{name}"
    tree = read(project)
    assert path not in tree.files
    assert any(path.startswith(item.path) and "secret" in item.reason for item in tree.left_out)
    assert path not in read(project, "shop/*", "*", "shop/").files
    assert path in read(project, path).files


@pytest.mark.parametrize("name", ["secrets.py", "credentials.py", "keys.py", "token_table.csv"])
def test_code_about_secrets_is_no_secret(project: Path, write_files: Write, name: str) -> None:
    write_files({f"shop/{name}": ""})
    assert f"shop/{name}" in read(project).files


def test_gitignore_is_honoured_as_git_does_it(project: Path, write_files: Write) -> None:
    files = {
        ".gitignore": "*.bin\n/shop/cache/\n!shop/keep.bin\n",
        "shop/.gitignore": "local_*\n!/local_settings.py\nbig/\n",
        "shop/__init__.py": "",
        "shop/model.bin": "",
        "shop/keep.bin": "",
        "shop/cache/one.py": "",
        "shop/sub/cache/two.py": "",
        "shop/local_notes.py": "",
        "shop/local_settings.py": "",
        "shop/sub/local_x.py": "",
        "shop/sub/big/three.py": "",
    }
    write_files(files)
    subprocess.run(["git", "init", "-q", project], check=True)
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "shop"],
        cwd=project,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert list(read(project).files) == sorted(listed)
    reasons = {item.path: item.reason for item in read(project).left_out}
    assert reasons["shop/model.bin"] == "ignored by .gitignore"


def test_what_gitignore_leaves_out_can_be_included_and_exclude_wins(
    project: Path, write_files: Write
) -> None:
    write_files({".gitignore": "*.bin\nbig/\n", "shop/a.bin": "", "shop/big/b.bin": ""})
    (project / ".git").mkdir()
    assert list(read(project).files) == []
    assert list(read(project, "*.bin").files) == ["shop/a.bin", "shop/big/b.bin"]
    assert list(read(project, "*.bin", exclude=("shop/big/",)).files) == ["shop/a.bin"]


def test_a_package_in_an_ignored_folder_travels(project: Path, write_files: Write) -> None:
    write_files({".gitignore": "shop/\n*.log\n", "shop/__init__.py": "", "shop/x.log": ""})
    (project / ".git").mkdir()
    assert "shop/__init__.py" in read(project).files


def test_links_that_lead_back_do_not_hang_and_linked_files_travel(
    project: Path, write_files: Write
) -> None:
    write_files({"shop/__init__.py": "", "elsewhere/real.py": "X = 1"})
    (project / "shop" / "again").symlink_to(project / "shop", target_is_directory=True)
    (project / "shop" / "linked.py").symlink_to(project / "elsewhere" / "real.py")
    (project / "shop" / "broken.py").symlink_to(project / "nowhere.py")
    tree = read(project)
    assert list(tree.files) == ["shop/__init__.py", "shop/linked.py"]
    assert "shop/broken.py" in {item.path for item in tree.left_out}


def test_compiled_modules_are_refused_or_left_out(project: Path, write_files: Write) -> None:
    write_files({"shop/__init__.py": "", "shop/fast.cpython-311-x86_64-linux-gnu.so": ""})
    assert list(read(project).files) == ["shop/__init__.py"]
    with pytest.raises(SourceError, match="out of reach"):
        read_source_tree("fast", [project / "shop" / "fast.cpython-311.so"], TravelRules())


def test_a_link_to_a_secret_stays_as_the_secret_would(project: Path, write_files: Write) -> None:
    write_files({"shop/__init__.py": "", "home/.ssh/id_rsa": "hush"})
    (project / "shop" / "settings.txt").symlink_to(project / "home" / ".ssh" / "id_rsa")
    tree = read(project)
    assert list(tree.files) == ["shop/__init__.py"]
    assert tree.left_out[0].reason == "leads to what looks like a secret"
    assert "shop/settings.txt" in read(project, "shop/settings.txt").files
