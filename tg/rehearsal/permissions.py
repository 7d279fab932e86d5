"""What users and roles of the account may do, by their policies."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from .account import ACCOUNT
from .gateway import Application, StartResponse
from .operation_name import service_of
from .policy import ALLOWED, DENIED, NEUTRAL, verdict
from .s3_uri import split_s3_uri

__all__ = ["PolicySimulator", "decision", "may_store"]

_ACTION = "SimulatePrincipalPolicy"
_FORM = "application/x-www-form-urlencoded"
# who asks without a user of its own, as this account's administrator does here
_ALMIGHTY = {
    f"arn:aws:iam::{ACCOUNT}:root",
    f"arn:aws:iam::{ACCOUNT}:user/moto",
    f"arn:aws:sts::{ACCOUNT}:user/moto",
}
_NAMESPACE = "https://iam.amazonaws.com/doc/2010-05-08/"


def decision(arn: str, action: str, resource: str, context: Mapping[str, str] | None = None) -> str:
    """Tell whether a user or role may do something, by the policies that are attached to it.

    Parameters
    ----------
    arn
        The user or role.
    action
        Such as ``s3:PutObject``.
    resource
        What it would be done to.
    context
        Key to value, for conditions.

    Returns
    -------
    str
        ``allowed``, ``explicitDeny`` or ``implicitDeny``.

    Raises
    ------
    KeyError
        There is no such user or role.
    """
    if arn in _ALMIGHTY:
        return ALLOWED
    found = {verdict(document, action, resource, context) for document in _documents(arn)}
    if DENIED in found:
        return DENIED
    return ALLOWED if ALLOWED in found else NEUTRAL


def may_store(role: str, uri: str) -> bool:
    """Whether a role may store objects below an address."""
    bucket, key = split_s3_uri(f"{uri.rstrip('/')}/x")
    return decision(role, "s3:PutObject", f"arn:aws:s3:::{bucket}/{key}") == ALLOWED


def _documents(arn: str) -> Iterator[str]:
    """Give all policies of a user or role, and of a user's groups."""
    from moto.backends import get_backend  # noqa: PLC0415 an optional library

    backend = get_backend("iam")[ACCOUNT]["aws"]
    owners: dict[str, Any] = {role.arn: role for role in backend.roles.values()}
    owners |= {user.arn: user for user in backend.users.values()}
    owner = owners[arn]
    groups = [group for group in backend.groups.values() if owner in group.users]
    for holder in (owner, *groups):
        for document in holder.policies.values():
            yield document if isinstance(document, str) else json.dumps(document)
        for policy in holder.managed_policies.values():
            yield next(version.document for version in policy.versions if version.is_default)


class PolicySimulator:
    """A WSGI application before another one: answers ``SimulatePrincipalPolicy``.

    After the API reference of IAM. Policies of resources are not looked at.

    Parameters
    ----------
    services
        Answers all else.
    """

    def __init__(self, services: Application) -> None:
        self._services = services

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        is_form = str(environ.get("CONTENT_TYPE", "")).startswith(_FORM)
        if not is_form or service_of(environ) != "iam":
            return self._services(environ, start_response)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        request = dict(parse_qsl(body.decode()))
        if request.get("Action") != _ACTION:
            return self._services(environ, start_response)
        status, text = _answer(request)
        headers = [("Content-Type", "text/xml"), ("Content-Length", str(len(text)))]
        start_response(status, headers)
        return [text]


def _answer(request: Mapping[str, str]) -> tuple[str, bytes]:
    arn = request.get("PolicySourceArn", "")
    resources = _members(request, "ResourceArns") or ["*"]
    context = _context(request)
    try:
        results = [
            (action, resource, decision(arn, action, resource, context))
            for action in _members(request, "ActionNames")
            for resource in resources
        ]
    except KeyError:
        said = f"<Code>NoSuchEntity</Code><Message>Entity {escape(arn)} does not exist.</Message>"
        text = f"<ErrorResponse><Error><Type>Sender</Type>{said}</Error></ErrorResponse>"
        return "404 Not Found", text.encode()
    entries = "".join(
        f"<member><EvalActionName>{escape(action)}</EvalActionName>"
        f"<EvalResourceName>{escape(resource)}</EvalResourceName>"
        f"<EvalDecision>{verdict}</EvalDecision><MatchedStatements/><MissingContextValues/>"
        "</member>"
        for action, resource, verdict in results
    )
    text = (
        f'<{_ACTION}Response xmlns="{_NAMESPACE}"><{_ACTION}Result>'
        f"<EvaluationResults>{entries}</EvaluationResults><IsTruncated>false</IsTruncated>"
        f"</{_ACTION}Result></{_ACTION}Response>"
    )
    return "200 OK", text.encode()


def _context(request: Mapping[str, str]) -> dict[str, str]:
    """Give the first value of each context entry."""
    found = {}
    number = 1
    while (key := f"ContextEntries.member.{number}.ContextKeyName") in request:
        values = f"ContextEntries.member.{number}.ContextKeyValues.member.1"
        found[request[key]] = request.get(values, "")
        number += 1
    return found


def _members(request: Mapping[str, str], name: str) -> list[str]:
    """Give a list of a request (AWS query protocol): ``NAME.member.1`` and so on."""
    found: list[str] = []
    while (key := f"{name}.member.{len(found) + 1}") in request:
        found.append(request[key])
    return found
