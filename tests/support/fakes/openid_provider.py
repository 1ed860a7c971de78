"""An OpenID provider over HTTP: Authlib's authorization server with people in memory.

It asks for PKCE, gives a code to be used once, and signs ID tokens. Tests spoil its answers.
"""

import json
import secrets
import threading
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Request
from authlib.oauth2.rfc6749.errors import AccessDeniedError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import OpenIDCode
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

CLIENT_ID, CLIENT_SECRET = "notifier", "a secret of the client"


def _key() -> ECKey:
    return ECKey.generate_key("P-256", {"kid": secrets.token_hex(4)})


@dataclass
class Provider:
    """A running provider.

    ``people``: claims by subject. ``spoilt``: claims of every ID token instead of the true ones.
    ``signs``: the key that signs; ``published``: the one that the key set has. ``odd``: what its
    document says instead; ``discoveries``: how often that was asked for. ``sid``: the session that
    ID tokens name. It is not answered while
    ``answers`` is clear, and answered with a failure while ``is_away``.
    """

    issuer: str
    redirect_uris: set[str]
    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    spoilt: dict[str, Any] = field(default_factory=dict)
    published: ECKey = field(default_factory=_key)
    signs: ECKey | None = None
    clock_off: float = 0.0
    only_in_user_info: set[str] = field(default_factory=set)
    odd: dict[str, Any] = field(default_factory=dict)
    discoveries: int = 0
    sid: str = ""
    answers: threading.Event = field(default_factory=threading.Event)
    is_away: bool = False
    codes: dict[str, "_Code"] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    def settings(self, **more: Any) -> dict[str, Any]:
        """The setting ``OIDC`` of a service that uses it."""
        return {
            "issuer": self.issuer,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "scopes": ["openid", "profile", "email"],
            "claim": "groups",
            "roles": {"admins": "superuser", "helpdesk": "support", "runners": "operator"},
            "name": "Acme",
            **more,
        }

    def environment(self) -> dict[str, str]:
        """The same as environment variables."""
        return {
            "NOTIFIER_OIDC_ISSUER": self.issuer,
            "NOTIFIER_OIDC_CLIENT_ID": CLIENT_ID,
            "NOTIFIER_OIDC_CLIENT_SECRET": CLIENT_SECRET,
            "NOTIFIER_OIDC_ROLES": "admins=superuser,helpdesk=support,runners=operator",
            "NOTIFIER_OIDC_NAME": "Acme",
        }

    def log_out_token(self, **claims: Any) -> str:
        """A signed order to log somebody out. ``claims`` instead of the usual, ``None``: none."""
        now = int(time.time())
        said = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 120,
            "jti": secrets.token_hex(8),
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
            **claims,
        }
        kept = {name: value for name, value in said.items() if value is not None}
        header = {"alg": "ES256", "kid": self.published.kid, "typ": "logout+jwt"}
        return jwt.encode(header, kept, self.signs or self.published)

    def document(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256", "none"],
            **self.odd,
        }


@dataclass
class _Code:
    code: str
    subject: str
    data: dict[str, str]

    def __post_init__(self) -> None:
        self.code_challenge = self.data.get("code_challenge")
        self.code_challenge_method = self.data.get("code_challenge_method")

    def get_redirect_uri(self) -> str | None:
        return self.data.get("redirect_uri")

    def get_scope(self) -> str:
        return self.data["scope"]

    def get_nonce(self) -> str | None:
        return self.data.get("nonce")

    def get_auth_time(self) -> int:
        return int(time.time())

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


class _Client:
    id_token_signed_response_alg = "ES256"

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def get_client_id(self) -> str:
        return CLIENT_ID

    def get_default_redirect_uri(self) -> None:
        return None

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri in self._provider.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == CLIENT_SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


class _Request(OAuth2Request):
    def __init__(self, method: str, uri: str, headers: Any, form: dict[str, str]) -> None:
        super().__init__(method, uri, headers=headers)
        self._args, self._form = dict(parse_qsl(urlsplit(uri).query)), form
        self.payload = BasicOAuth2Payload({**self._args, **form})

    @property
    def args(self) -> dict[str, str]:
        return self._args

    @property
    def form(self) -> dict[str, str]:
        return self._form


class _Server(AuthorizationServer):
    def __init__(self, provider: Provider) -> None:
        super().__init__()
        self.provider = provider
        make = lambda *_, **__: secrets.token_urlsafe(32)  # noqa: E731
        self.register_token_generator("default", BearerTokenGenerator(make))
        self.register_grant(_CodeGrant, [CodeChallenge(required=True), _IdToken()])

    def query_client(self, client_id: str) -> _Client | None:
        return _Client(self.provider) if client_id == CLIENT_ID else None

    def save_token(self, token: dict[str, Any], request: Any) -> None:
        self.provider.tokens[token["access_token"]] = request.user

    def create_oauth2_request(self, request: Any) -> Any:
        return request

    def handle_response(self, status: int, body: Any, headers: Any) -> Any:
        return status, json.dumps(body) if isinstance(body, dict) else body, dict(headers)

    def send_signal(self, *_: Any, **__: Any) -> None:
        pass


class _CodeGrant(AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic"]

    def save_authorization_code(self, code: str, request: Any) -> None:
        self.server.provider.codes[code] = _Code(code, request.user, request.payload.data)

    def query_authorization_code(self, code: str, client: Any) -> _Code | None:
        return self.server.provider.codes.get(code)

    def delete_authorization_code(self, authorization_code: _Code) -> None:
        del self.server.provider.codes[authorization_code.code]

    def authenticate_user(self, authorization_code: _Code) -> str:
        return authorization_code.subject


class _IdToken(OpenIDCode):
    def __call__(self, grant: Any) -> None:
        self.provider = grant.server.provider
        super().__call__(grant)

    def exists_nonce(self, nonce: str, request: Any) -> bool:
        return any(code.get_nonce() == nonce for code in self.provider.codes.values())

    def resolve_client_private_key(self, client: Any) -> ECKey:
        return self.provider.signs or self.provider.published

    def get_encode_header(self, client: Any) -> dict[str, str]:
        return {"alg": "ES256", "kid": self.provider.published.kid}

    def get_client_claims(self, client: Any) -> dict[str, Any]:
        return {"iss": self.provider.issuer, "aud": CLIENT_ID}

    def generate_user_info(self, user: str, scope: str) -> dict[str, Any]:
        claims = self.provider.people[user]
        hidden = self.provider.only_in_user_info
        shown = {name: value for name, value in claims.items() if name not in hidden}
        session = {"sid": self.provider.sid} if self.provider.sid else {}
        return {"sub": user, **session, **shown, **self.provider.spoilt}


class _Handler(BaseHTTPRequestHandler):
    provider: Provider
    oauth: _Server

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/.well-known/openid-configuration":
            self.provider.discoveries += 1
            self.provider.answers.wait(60)
            status = 503 if self.provider.is_away else 200
            self._answer(status, json.dumps(self.provider.document()))
        elif path == "/jwks":
            keys = KeySet([self.provider.published]).as_dict(private=False)
            self._answer(200, json.dumps(keys))
        elif path == "/userinfo":
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            subject = self.provider.tokens[token]
            self._answer(200, json.dumps({"sub": subject, **self.provider.people[subject]}))
        elif path == "/authorize":
            buttons = "".join(
                f'<button name="sub" value="{escape(one)}">{escape(one)}</button>'
                for one in [*self.provider.people, "deny"]
            )
            form = f'<form method="post" action="{escape(self.path)}">{buttons}</form>'
            page = f'<!doctype html><html lang="en"><title>Provider</title><h1>Who?</h1>{form}'
            self._answer(200, page, {"Content-Type": "text/html"})
        else:
            self._answer(404, "")

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length", "0"))
        form = dict(parse_qsl(self.rfile.read(size).decode()))
        url = f"{self.provider.issuer}{self.path}"
        if urlsplit(self.path).path == "/token":
            request = _Request("POST", url, self.headers, form)
            self._answer(*self.oauth.create_token_response(request))
            return
        request = _Request("GET", url, self.headers, {})
        if request.args.get("code_challenge_method") != "S256":
            self._answer(400, "PKCE is needed")
            return
        grant = self.oauth.get_consent_grant(request, form["sub"])
        if form["sub"] == "deny":
            uri = request.args["redirect_uri"]
            error = AccessDeniedError(redirect_uri=uri, state=request.args["state"])
            self._answer(*self.oauth.handle_error_response(request, error))
            return
        self._answer(*self.oauth.create_authorization_response(request, form["sub"], grant))

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string((timestamp or time.time()) + self.provider.clock_off)

    def _answer(self, status: int, body: str, headers: dict[str, str] | None = None) -> None:
        content = (body or "").encode()
        self.send_response(status)
        sent = {"Content-Type": "application/json", "Content-Length": str(len(content))}
        for name, value in {**sent, **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


def with_header(token: str, **header: str) -> str:
    """A token whose header says something else than was signed."""
    said, _, rest = token.partition(".")
    spoilt = json.dumps(json.loads(urlsafe_b64decode(f"{said}==")) | header).encode()
    return f"{urlsafe_b64encode(spoilt).decode().rstrip('=')}.{rest}"


@contextmanager
def serving(*redirect_uris: str) -> Iterator[Provider]:
    """A provider on the loopback, which sends people back to these addresses alone."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    provider = Provider(f"http://127.0.0.1:{server.server_port}", set(redirect_uris))
    provider.answers.set()
    handler = type("Handler", (_Handler,), {"provider": provider, "oauth": _Server(provider)})
    server.RequestHandlerClass = handler
    threading.Thread(target=server.serve_forever, args=[0.05], daemon=True).start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
