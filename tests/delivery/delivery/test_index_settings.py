"""What a user would lose: libraries of another index than the one that was configured."""

from __future__ import annotations

import pytest

from tg.common._core.errors import CommandError
from tg.common._core.process import run
from tg.common.delivery.delivery.index_settings import uv_settings
from tg.common.delivery.delivery.uv_binary import find_uv


def test_uv_is_told_where_pip_looks(tmp_path):
    config = tmp_path / "pip.conf"
    config.write_text(
        "[global]\nindex-url = https://a.example/simple\nno_index = false\n"
        "extra-index-url =\n    https://b.example/simple\n    https://c.example/simple\n"
        "[install]\nfind-links = /wheels /more\n"
    )
    environ = {"HOME": str(tmp_path), "XDG_CONFIG_DIRS": str(tmp_path)}
    settings = uv_settings({**environ, "PIP_CONFIG_FILE": str(config)}, tmp_path / "prefix")
    assert (
        settings.items()
        >= {
            "UV_DEFAULT_INDEX": "https://a.example/simple",
            "UV_INDEX": "https://b.example/simple https://c.example/simple",
            "UV_INDEX_STRATEGY": "unsafe-best-match",
            "UV_FIND_LINKS": "/wheels,/more",
        }.items()
    )
    assert "UV_NO_INDEX" not in settings


def test_a_variable_wins_over_pips_file_and_uvs_own_settings_over_both(tmp_path):
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = https://file.example\ncert=/ca.pem\n")
    environ = {"HOME": str(tmp_path), "XDG_CONFIG_DIRS": str(tmp_path)}
    environ["PIP_CONFIG_FILE"] = str(tmp_path / "pip.conf")
    environ["PIP_INDEX_URL"] = "https://variable.example"
    settings = uv_settings(environ, tmp_path)
    assert settings["UV_DEFAULT_INDEX"] == "https://variable.example"
    assert settings["SSL_CERT_FILE"] == "/ca.pem"
    assert uv_settings({**environ, "UV_INDEX_URL": "https://uv.example"}, tmp_path) == {}
    (tmp_path / ".config" / "uv").mkdir(parents=True)
    (tmp_path / ".config" / "uv" / "uv.toml").write_text("")
    assert uv_settings(environ, tmp_path) == {}


def test_a_damaged_pip_file_is_left_to_pip(tmp_path):
    (tmp_path / "pip.conf").write_text("no section\n")
    assert "UV_DEFAULT_INDEX" not in uv_settings({"HOME": str(tmp_path)}, tmp_path)


def test_the_way_to_the_index_is_pips_as_well(tmp_path):
    environ = {
        "HOME": str(tmp_path),
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_PROXY": "http://me:pass@proxy.example:3128",
        "PIP_CLIENT_CERT": "/client.pem",
        "PIP_DEFAULT_TIMEOUT": "180",
    }
    assert uv_settings(environ, tmp_path) == {
        "HTTP_PROXY": "http://me:pass@proxy.example:3128",
        "HTTPS_PROXY": "http://me:pass@proxy.example:3128",
        "SSL_CLIENT_CERT": "/client.pem",
        "UV_HTTP_TIMEOUT": "180",
    }
    own = {"https_proxy": "http://own", "SSL_CLIENT_CERT": "/own.pem", "UV_HTTP_TIMEOUT": "5"}
    assert uv_settings({**environ, **own}, tmp_path) == {}


def test_no_index_keeps_uv_from_the_public_one(tmp_path):
    environ = {
        "HOME": str(tmp_path),
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_NO_INDEX": "1",
        "PIP_EXTRA_INDEX_URL": "https://unused.example",
        "PIP_FIND_LINKS": str(tmp_path),
    }
    settings = uv_settings(environ, tmp_path)
    assert "UV_INDEX" not in settings
    target = ["--target", str(tmp_path / "target"), "--cache-dir", str(tmp_path / "cache")]
    with pytest.raises(CommandError, match=r"no version of six|six was not found"):
        run([find_uv(), "pip", "install", *target, "six==1.16.0"], env=settings)
