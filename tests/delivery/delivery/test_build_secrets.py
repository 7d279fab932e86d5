"""What a user would lose: a private index that a build cannot reach, or a password in an image."""

from __future__ import annotations

import base64
import netrc
import os
import shlex
import shutil
import ssl
import subprocess
import sys
import threading
import tomllib
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tg.common._core.errors import CommandError, ConfigError
from tg.common._core.process import run
from tg.common.delivery.delivery.build_secrets import SECRETS_PLACE, BuildSecrets
from tg.common.delivery.delivery.index_credentials import find_credentials, netrc_of
from tg.common.delivery.delivery.uv_binary import find_uv, uv_for

PEM = "-----BEGIN CERTIFICATE-----\nMIIB{}\n-----END CERTIFICATE-----\n"


@pytest.fixture
def home(tmp_path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def gather(home, tmp_path):
    """Gather the secrets of a user with an empty home and the given variables."""

    def of(*lock: str, **environ: str) -> BuildSecrets:
        clean = {"HOME": str(home), "XDG_CONFIG_DIRS": str(home), "PIP_CONFIG_FILE": "/dev/null"}
        root = tmp_path / "project"
        root.mkdir(exist_ok=True)
        options = {"platform": "linux/amd64", "python_version": (3, 11), "root": root}
        return BuildSecrets.of({**clean, **environ}, tmp_path, lock, **options)

    return of


def variables(secrets: BuildSecrets) -> dict[str, str]:
    """What the fragment sets, as the shell that sources it sees it."""
    with subprocess.Popen(
        ["env", "-i", "sh", "-c", 'eval "$(cat)"; env -0'],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as shell:
        out, _ = shell.communicate(secrets.files["environment"])
    pairs = (
        entry.split("=", 1) for entry in out.decode("utf-8", "surrogateescape").split("\0") if entry
    )
    return {name: value for name, value in pairs if name not in ("PWD", "SHLVL", "_", "OLDPWD")}


class Index:
    """A package index that asks for a password, and remembers whom it let in."""

    def __init__(self, files: dict[str, bytes], password: str) -> None:
        index = self
        self.users: set[str] = set()
        expected = "Basic " + base64.b64encode(f"me:{password}".encode()).decode()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                given = self.headers.get("Authorization", "")
                index.users.add(base64.b64decode(given.removeprefix("Basic ")).decode())
                name = self.path.rsplit("/", 1)[-1]
                body = files.get(name)
                if given != expected:
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", 'Basic realm="index"')
                    body = b""
                elif body is None:
                    self.send_response(200)
                    self.send_header("Content-Type", "text/html")
                    links = "".join(f'<a href="/files/{file}">{file}</a>' for file in files)
                    body = f"<!DOCTYPE html><html><body>{links}</body></html>".encode()
                else:
                    self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_HEAD = do_GET

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Index:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


def wheel(folder: Path, file_name: str = "demo-1.0-py3-none-any.whl") -> Path:
    name, version = file_name.split("-")[:2]
    info = f"{name}-{version}.dist-info"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / file_name, "w") as archive:
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return folder / file_name


def install(secrets: BuildSecrets, folder: Path, *options: str) -> str:
    """Install with nothing but the secrets, at a place that is not the build's."""
    folder.mkdir()
    for name, content in secrets.files.items():
        Path(f"{folder}/tg_{name}").write_bytes(
            content.replace(SECRETS_PLACE.encode(), f"{folder}/tg_".encode())
        )
    options = ("--python", sys.executable, "--target", f"{folder}/out", *options)
    uv = shlex.join([find_uv(), "pip", "install", "--no-deps", "--no-cache", *options])
    script = f". {folder}/tg_environment; export UV_HTTP_RETRIES=0; {uv}"
    return run(
        ["env", "-i", "HOME=/nonexistent", "PATH=/usr/bin:/bin", "sh", "-c", script], cwd=folder
    ).output


# printable and not: all that an environment variable can hold
values = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


@settings(deadline=None)  # a shell is started, a file written
@given(value=values)
def test_whatever_a_variable_holds_reaches_the_build_unchanged(value):
    environ = {"HTTPS_PROXY": value, "UV_NO_CONFIG": "1", "HOME": "/nonexistent"}
    assert variables(BuildSecrets.of(environ, Path("/nonexistent")))["HTTPS_PROXY"] == value


@settings(deadline=None)
@given(
    password=st.text(
        st.characters(exclude_characters="\0 \t\n\r", exclude_categories=["Cs", "Z", "Cc"]),
        min_size=1,
    )
)
def test_a_password_in_an_index_reaches_the_build_and_is_known_as_a_secret(password):
    url = f"https://me:{quote(password, safe='')}@index.example/simple"
    environ = {"UV_DEFAULT_INDEX": url, "UV_NO_CONFIG": "1", "HOME": "/nonexistent"}
    secrets = BuildSecrets.of(environ, Path("/nonexistent"))
    assert variables(secrets)["UV_DEFAULT_INDEX"] == url
    assert password in secrets.secret_texts
    assert "me" not in secrets.secret_texts or password == "me"


# Python reads a netrc with universal newlines
words = values.filter(lambda text: "\r" not in text)


@settings(deadline=None)
@given(password=words, user=words)
def test_a_password_in_a_netrc_reaches_the_build_unchanged(tmp_path_factory, password, user):
    path = tmp_path_factory.mktemp("netrc") / "netrc"
    path.write_bytes(netrc_of({"index.example": (user, password)}))
    assert netrc.netrc(str(path)).hosts["index.example"] == (user, "", password)
    found = find_credentials(["https://index.example/simple"], {"NETRC": str(path)})
    assert found == {"index.example": (user, password)}


def test_no_password_is_shown(gather):
    secrets = gather(
        UV_DEFAULT_INDEX="https://me:hidden@a.example", HTTPS_PROXY="me:masked@proxy:1"
    )
    assert "hidden" not in repr(secrets) + str(secrets)
    assert set(secrets.secret_texts) == {"hidden", "masked"}


def test_pips_settings_are_uvs_in_the_build(gather, home):
    config = home / "pip.conf"
    config.write_text(
        "[global]\nindex-url = https://a.example/simple\ntimeout = 77\n"
        "extra-index-url = https://token@b.example/simple\n    https://c.example/simple\n"
        "trusted-host = c.example\n"
    )
    secrets = gather(PIP_CONFIG_FILE=str(config))
    expected = {
        "UV_DEFAULT_INDEX": "https://a.example/simple",
        "UV_INDEX": "https://token@b.example/simple https://c.example/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_INSECURE_HOST": "c.example",
        "UV_HTTP_TIMEOUT": "77",
        "UV_KEYRING_PROVIDER": "disabled",
    }
    # the system's own pip.conf counts as well, as it does for pip
    assert variables(secrets).items() >= expected.items()
    assert secrets.secret_texts == ("token",)


def test_nothing_else_of_the_environment_is_in_the_build(gather):
    secrets = gather(
        AWS_SECRET_ACCESS_KEY="x",
        UV_CACHE_DIR="/mine",
        UV_PUBLISH_TOKEN="x",
        UV_INDEX_OTHER_PASSWORD="x",
        UV_PYTHON="3.9",
    )
    assert variables(secrets) == {"UV_KEYRING_PROVIDER": "disabled"}
    assert set(secrets.files) == {"environment"}


def test_proxies_in_both_cases_are_in_the_build(gather):
    given = {"http_proxy": "http://a:1", "HTTPS_PROXY": "http://b:1", "no_proxy": "localhost"}
    assert variables(gather(**given)).items() >= given.items()


def test_credentials_of_a_named_index_go_with_it(gather):
    secrets = gather(
        UV_INDEX="my-index=https://a.example/simple https://b.example/simple",
        UV_INDEX_MY_INDEX_USERNAME="me",
        UV_INDEX_MY_INDEX_PASSWORD="it's",
        UV_INDEX_OTHER_PASSWORD="other",
    )
    found = variables(secrets)
    assert found["UV_INDEX_MY_INDEX_PASSWORD"] == "it's"
    assert "UV_INDEX_OTHER_PASSWORD" not in found
    assert secrets.secret_texts == ("it's",)


def test_only_the_hosts_of_the_indexes_are_in_the_netrc(gather, home):
    (home / ".netrc").write_text(
        "machine A.example login me password one\n"
        "machine bank.example login me password two\n"
        "machine files.example login me password three\n"
    )
    secrets = gather(
        "demo @ https://files.example/demo.zip", UV_INDEX="https://a.example:8443/simple"
    )
    text = secrets.files["netrc"].decode()
    assert "one" in text
    assert "three" in text
    assert "bank" not in text
    assert "two" not in text
    assert secrets.secret_texts == ("one", "three")
    assert variables(secrets)["NETRC"] == "/run/secrets/tg_netrc"


def test_a_user_whose_password_is_kept_elsewhere_is_no_secret(gather, home):
    """Every mention of the name would be taken out of the build's output."""
    (home / ".netrc").write_text("machine a.example login me password hidden\n")
    index = "https://me@a.example/simple https://token@b.example/simple"
    assert gather(UV_INDEX=index).secret_texts == ("hidden", "token")


def test_an_index_or_proxy_that_means_the_container_itself_is_known(gather):
    secrets = gather(
        UV_INDEX="http://localhost:3141/simple https://a.example/simple",
        https_proxy="127.0.0.1:3128",
        NO_PROXY="localhost",
    )
    assert secrets.loopback_hosts == ("127.0.0.1", "localhost")


def test_a_damaged_netrc_is_told_and_left_out(gather, home, caplog):
    (home / ".netrc").write_text("machine a.example password hidden\nnonsense")
    secrets = gather(UV_INDEX="https://a.example/simple")
    assert "netrc" not in secrets.files
    assert ".netrc" in caplog.text
    assert "hidden" not in caplog.text


def test_the_store_of_uv_auth_login_counts(gather, home):
    run(
        [
            find_uv(),
            "auth",
            "login",
            "https://a.example/simple",
            "--username",
            "me",
            "--password",
            'p"w',
        ],
        env={"HOME": str(home), "XDG_DATA_HOME": None, "UV_KEYRING_PROVIDER": None},
    )
    secrets = gather(UV_INDEX="https://a.example/simple")
    assert secrets.secret_texts == ('p"w',)
    assert "netrc" in secrets.files


def test_the_keyring_is_asked_here_as_the_container_has_none(gather, tmp_path, monkeypatch):
    program = tmp_path / "bin" / "keyring"
    program.parent.mkdir()
    lines = (
        "#!/bin/sh",
        '[ "$1 $3" = "get me" ] && [ "$2" = https://a.example/simple ] && echo from-keyring',
    )
    program.write_text("\n".join(lines))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    index = {"UV_INDEX": "https://me@a.example/simple https://me@b.example"}
    assert "from-keyring" not in gather(**index).secret_texts
    secrets = gather(**index, UV_KEYRING_PROVIDER="subprocess")
    assert "from-keyring" in secrets.secret_texts
    assert b"b.example" not in secrets.files["netrc"]


@pytest.mark.parametrize(
    "password", ["plain", 'q"uote', "back\\slash", "with space", "#hash'", "pä€"]
)
def test_uv_gets_into_a_private_index_by_the_netrc_alone(gather, home, tmp_path, password):
    content = wheel(tmp_path / "wheels").read_bytes()
    with Index({"demo-1.0-py3-none-any.whl": content}, password) as index:
        (home / ".netrc").write_bytes(netrc_of({"127.0.0.1": ("me", password)}))
        secrets = gather(UV_DEFAULT_INDEX=f"http://{index.host}/simple")
        assert "demo" in install(secrets, tmp_path / "build", "demo==1.0")
    assert index.users == {"", f"me:{password}"}


def test_places_of_links_are_searched_beside_those_of_the_command_line(gather, tmp_path):
    """On the command line, --find-links takes the place of the variable."""
    wheel(tmp_path / "other", "other-1.0-py3-none-any.whl")
    content = wheel(tmp_path / "wheels").read_bytes()
    with Index({"demo-1.0-py3-none-any.whl": content}, "word") as index:
        environ = {"UV_FIND_LINKS": f"http://me:word@{index.host}/links,{tmp_path}/mine"}
        secrets = gather(**environ, UV_DEFAULT_INDEX=tmp_path.joinpath("no").as_uri())
        options = ["--find-links", str(tmp_path / "other"), "demo==1.0", "other==1.0"]
        assert "demo" in install(secrets, tmp_path / "build", *options)
    assert secrets.secret_texts == ("word",)


def test_uvs_files_are_merged_and_reduced_to_what_is_about_indexes(gather, home, tmp_path):
    user = home / ".config" / "uv"
    user.mkdir(parents=True)
    (user / "uv.toml").write_text(
        'cache-dir = "/mine"\nindex-strategy = "first-index"\nnative-tls = false\n'
        'index = [{ url = "https://user.example/simple", default = true }]\n'
    )
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "pyproject.toml").write_text(
        '[tool.uv]\nindex-strategy = "unsafe-best-match"\npackage = true\n'
        '[[tool.uv.index]]\nname = "torch"\nurl = "https://me:pass@project.example/simple"\n'
        "explicit = true\n[tool.uv.pip]\nno-index = false\nsystem = true\n"
    )
    secrets = gather(UV_INDEX_TORCH_PASSWORD="named")
    assert tomllib.loads(secrets.files["uv.toml"].decode()) == {
        "index": [
            {"name": "torch", "url": "https://me:pass@project.example/simple", "explicit": True},
            {"url": "https://user.example/simple", "default": True},
        ],
        "index-strategy": "unsafe-best-match",
        "native-tls": False,
        "pip": {"no-index": False},
    }
    assert secrets.secret_texts == ("named", "pass")
    assert variables(secrets)["UV_CONFIG_FILE"] == "/run/secrets/tg_uv.toml"


def test_uv_reads_the_file_that_is_written(gather, home, tmp_path):
    content = wheel(tmp_path / "wheels").read_bytes()
    with Index({"demo-1.0-py3-none-any.whl": content}, 'w"ord') as index:
        config = tmp_path / "mine.toml"
        url = f"http://me:w%22ord@{index.host}/simple"
        config.write_text(f'[[index]]\nurl = "{url}"\ndefault = true\n[pip]\nno-index = false\n')
        secrets = gather(UV_CONFIG_FILE=str(config))
        assert "demo" in install(secrets, tmp_path / "build", "demo==1.0")


def test_a_file_of_uv_that_is_not_there_or_damaged_is_named(gather, tmp_path):
    with pytest.raises(ConfigError, match="UV_CONFIG_FILE"):
        gather(UV_CONFIG_FILE=str(tmp_path / "absent.toml"))
    (tmp_path / "bad.toml").write_text("index = [")
    with pytest.raises(ConfigError, match=r"bad\.toml"):
        gather(UV_CONFIG_FILE=str(tmp_path / "bad.toml"))


def test_the_bundle_of_certificates_reaches_the_build(gather, tmp_path):
    path = tmp_path / "ca.pem"
    path.write_text("# corporate\n" + PEM.format("a") + "key: secret\n" + PEM.format("b"))
    for environ in (
        {"SSL_CERT_FILE": str(path)},
        {"PIP_CERT": str(path)},
        {"REQUESTS_CA_BUNDLE": str(path)},
    ):
        secrets = gather(**environ)
        assert secrets.files["ca.pem"].decode() == PEM.format("a") + PEM.format("b")
        assert variables(secrets)["SSL_CERT_FILE"] == "/run/secrets/tg_ca.pem"


def test_a_folder_of_certificates_is_joined_to_the_bundle_without_repetition(gather, tmp_path):
    folder = tmp_path / "certs"
    folder.mkdir()
    (folder / "b.pem").write_text(PEM.format("b"))
    (folder / "all.crt").write_text(PEM.format("a") + PEM.format("b"))
    (folder / "README").write_text("no certificate")
    (folder / "gone").symlink_to(tmp_path / "absent")
    (tmp_path / "ca.pem").write_text(PEM.format("c"))
    environ = {"SSL_CERT_DIR": f"{tmp_path}/absent:{folder}", "SSL_CERT_FILE": f"{tmp_path}/ca.pem"}
    assert gather(**environ).files["ca.pem"].decode() == "".join(map(PEM.format, "cab"))


def test_the_systems_certificates_reach_the_build_where_uv_is_told_to_use_them(gather):
    if not ssl.create_default_context().get_ca_certs():
        pytest.skip("this machine has no certificates")
    assert b"BEGIN CERTIFICATE" in gather(UV_SYSTEM_CERTS="true").files["ca.pem"]
    assert "ca.pem" not in gather().files


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        ("SSL_CERT_FILE", "SSL_CERT_FILE"),
        ("PIP_CERT", "'cert'"),
        ("REQUESTS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"),
        ("SSL_CLIENT_CERT", "SSL_CLIENT_CERT"),
        ("PIP_CLIENT_CERT", "'client-cert'"),
    ],
)
def test_a_certificate_that_is_not_there_is_named_before_the_build(
    gather, tmp_path, variable, said
):
    with pytest.raises(ConfigError, match=r"absent\.pem") as caught:
        gather(**{variable: str(tmp_path / "absent.pem")})
    assert said in str(caught.value)


def test_a_bundle_without_a_certificate_is_refused(gather, tmp_path):
    (tmp_path / "ca.der").write_bytes(b"\x30\x82")
    with pytest.raises(ConfigError, match="PEM form"):
        gather(SSL_CERT_FILE=str(tmp_path / "ca.der"))


def test_the_clients_own_certificate_reaches_the_build(gather, tmp_path):
    (tmp_path / "me.pem").write_text("certificate and key")
    secrets = gather(PIP_CLIENT_CERT=str(tmp_path / "me.pem"))
    assert secrets.files["client.pem"] == b"certificate and key"
    assert variables(secrets)["SSL_CLIENT_CERT"] == "/run/secrets/tg_client.pem"


def test_what_only_this_machine_has_is_handed_over_as_files(gather, tmp_path):
    links, index = tmp_path / "links", tmp_path / "simple"
    mine = wheel(links, "Some_Lib-1.0+cpu-py3-none-any.whl")
    wheel(links, "some_lib-2.0-py3-none-any.whl")
    wheel(links, "unasked-1.0-py3-none-any.whl")
    binary = wheel(tmp_path / "files", "demo-1.0-cp311-cp311-manylinux_2_28_x86_64.whl")
    for other in (
        "cp310-cp310-manylinux_2_28_x86_64",
        "cp311-cp311-macosx_11_0_arm64",
        "cp311-cp311-win_amd64",
    ):
        wheel(tmp_path / "files", f"demo-1.0-{other}.whl")
    (index / "demo").mkdir(parents=True)
    listing = "".join(
        f'<a href="../../files/{f.name}#sha256=0">x</a>' for f in (tmp_path / "files").iterdir()
    )
    (index / "demo" / "index.html").write_text(
        f"<html><a>nowhere</a>{listing}<a href='https://x/y.whl'></a>"
    )
    source = index / "source-only" / "source_only-3.0.tar.gz"
    source.parent.mkdir()
    source.write_bytes(b"")
    secrets = gather(
        "some-lib==1.0+cpu",
        "demo==1.0; python_version > '3'",
        "source.only==3.0",
        "absent==1",
        "ranged>=1",
        UV_INDEX=f"{index.as_uri()} https://a.example/simple",
        UV_FIND_LINKS=f"{links},{tmp_path}/absent",
    )
    assert set(secrets.wheels) == {mine, binary, source}
    found = variables(secrets)
    assert found["UV_INDEX"] == "https://a.example/simple"
    assert str(tmp_path) not in secrets.files["environment"].decode()
    assert "uv.toml" not in secrets.files


def test_wheels_are_of_the_images_platform_and_python(tmp_path):
    for tag in (
        "cp311-cp311-linux_x86_64",
        "cp311-cp311-musllinux_1_2_aarch64",
        "cp39-abi3-manylinux2014_aarch64",
    ):
        wheel(tmp_path / "links", f"demo-1.0-{tag}.whl")

    def names(platform, python):
        environ = {
            "UV_FIND_LINKS": str(tmp_path / "links"),
            "UV_NO_CONFIG": "1",
            "HOME": "/nonexistent",
        }
        options = {"platform": platform, "python_version": python}
        found = BuildSecrets.of(environ, tmp_path, ["demo==1.0"], **options).wheels
        return {path.name.split("-", 2)[2].removesuffix(".whl") for path in found}

    assert names("linux/amd64", (3, 11)) == {"cp311-cp311-linux_x86_64"}
    assert names("linux/arm64/v8", (3, 11)) == {
        "cp311-cp311-musllinux_1_2_aarch64",
        "cp39-abi3-manylinux2014_aarch64",
    }
    assert names("linux/arm64", (3, 12)) == {"cp39-abi3-manylinux2014_aarch64"}


@pytest.mark.parametrize("place", ["variable", "file", "flat", "pip"])
def test_without_its_local_index_a_build_does_not_ask_the_public_one(gather, tmp_path, place):
    """A stranger's library of the same name would be installed."""
    folder = tmp_path / "simple"
    mine = wheel(folder / "six", "six-1.16.0-py3-none-any.whl")
    if place == "variable":
        secrets = gather("six==1.16.0", UV_DEFAULT_INDEX=str(folder))
    elif place == "pip":
        secrets = gather("six==1.16.0", PIP_NO_INDEX="1", PIP_FIND_LINKS=str(folder / "six"))
    else:
        kind = '\nformat = "flat"' if place == "flat" else ""
        where = "simple/six" if place == "flat" else "simple"
        (tmp_path / "uv.toml").write_text(f'[[index]]\nurl = "./{where}"\ndefault = true{kind}\n')
        secrets = gather("six==1.16.0", UV_CONFIG_FILE=str(tmp_path / "uv.toml"))
    assert secrets.wheels == (mine,)
    with pytest.raises(CommandError, match=r"no version of six|six was not found"):
        install(secrets, tmp_path / "build", "six==1.16.0")
    assert "six" in install(
        secrets, tmp_path / "with", "--find-links", str(mine.parent), "six==1.16.0"
    )


@pytest.mark.docker
def test_a_container_reaches_the_indexes_of_this_machine(tmp_path):
    """With nothing but the secrets: the addresses, and the authority that signed for them."""
    secrets = BuildSecrets.of(lock=["six==1.16.0"], platform="linux/amd64", root=tmp_path)
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    for path in secrets.wheels:
        shutil.copy(path, wheels)
    mounts = [(uv_for("linux/amd64"), "/uv"), (wheels, "/wheels")]
    for name, content in secrets.files.items():
        (tmp_path / name).write_bytes(content)
        mounts.append((tmp_path / name, f"{SECRETS_PLACE}{name}"))
    options = [f"--mount=type=bind,source={source},target={place}" for source, place in mounts]
    script = (
        f". {SECRETS_PLACE}environment && /uv pip install --quiet --no-cache --target /out "
        "--find-links /wheels six==1.16.0 && cat /out/six.py"
    )
    image = os.environ.get("TG_BASE_IMAGE", "python:3.11-slim")
    shown = run(["docker", "run", "--rm", *options, image, "sh", "-c", script])
    assert '__version__ = "1.16.0"' in shown.output
