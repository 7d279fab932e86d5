"""The certificates that pip and uv are told to use."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ..._core.errors import ConfigError

__all__ = ["ca_bundle", "client_certificate"]

_CERTIFICATE = re.compile(
    rb"-----BEGIN ((?:TRUSTED )?CERTIFICATE)-----\s.*?-----END \1-----", re.DOTALL
)


def ca_bundle(
    environ: Mapping[str, str], pip: Mapping[str, str], *, of_system: bool = False
) -> bytes | None:
    """Join the certificate authorities that are configured.

    Parameters
    ----------
    environ
        The environment variables.
    pip
        pip's settings, as `pip_settings` gives them.
    of_system
        Whether those of this machine's system are meant where no file is named.

    Returns
    -------
    bytes or None
        The certificates in PEM form, each once and nothing else; ``None`` if none are configured.

    Raises
    ------
    ConfigError
        A file that is configured is not there, or holds no certificate.

    Example
    -------
    >>> ca_bundle({}, {}) is None
    True
    """
    settings = {
        "SSL_CERT_FILE": environ.get("SSL_CERT_FILE"),
        "pip's setting 'cert'": pip.get("cert"),
        "REQUESTS_CA_BUNDLE": environ.get("REQUESTS_CA_BUNDLE"),
        "CURL_CA_BUNDLE": environ.get("CURL_CA_BUNDLE"),
    }
    found: dict[bytes, None] = {}
    for setting, value in settings.items():
        if value and value.strip():
            found.update(dict.fromkeys(_of_setting(setting, Path(value.strip()).expanduser())))
            break
    for folder in filter(None, environ.get("SSL_CERT_DIR", "").split(os.pathsep)):
        found.update(dict.fromkeys(_of_folder(Path(folder))))
    if not found and of_system:
        authorities = ssl.create_default_context().get_ca_certs(binary_form=True)
        found.update(dict.fromkeys(ssl.DER_cert_to_PEM_cert(der).encode() for der in authorities))
    return b"".join(block.strip() + b"\n" for block in found) or None


def client_certificate(environ: Mapping[str, str], pip: Mapping[str, str]) -> bytes | None:
    """Read the certificate, with its key, that this user shows to indexes.

    Parameters
    ----------
    environ, pip
        As for `ca_bundle`.

    Raises
    ------
    ConfigError
        It is configured, and not there.

    Example
    -------
    >>> client_certificate({}, {}) is None
    True
    """
    settings = {
        "SSL_CLIENT_CERT": environ.get("SSL_CLIENT_CERT"),
        "pip's setting 'client-cert'": pip.get("client-cert"),
    }
    for setting, value in settings.items():
        if value and value.strip():
            return _content(setting, Path(value.strip()).expanduser())
    return None


def _of_setting(setting: str, path: Path) -> Iterable[bytes]:
    if path.is_dir():  # as `requests` allows
        return list(_of_folder(path))
    found = list(_blocks(_content(setting, path)))
    if not found:
        raise ConfigError(
            f"{setting} names {str(path)!r}, which holds no certificate in PEM form",
            hint="Convert it, such as with `openssl x509 -inform der`, or correct the setting.",
        )
    return found


def _of_folder(folder: Path) -> Iterator[bytes]:
    """Yield a folder's certificates; what else lies there is passed over, as uv does."""
    try:
        paths = sorted(folder.iterdir())
    except OSError:
        return
    for path in paths:
        try:
            content = path.read_bytes() if path.is_file() else b""
        except OSError:
            continue
        yield from _blocks(content)


def _blocks(content: bytes) -> Iterator[bytes]:
    return (match[0].replace(b"\r\n", b"\n") for match in _CERTIFICATE.finditer(content))


def _content(setting: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise ConfigError(
            f"{setting} names {str(path)!r}, which cannot be read: {exc.strerror}",
            hint="Correct or unset the setting: a build needs that file to reach the index.",
        ) from exc
