"""An identity provider in small: keys, tokens signed with them, and the key set over HTTP."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

_RSA = rsa.generate_private_key(65537, 2048)  # the slow one: made once


class Key:
    """A private key with an id, and the member of a key set that others see of it."""

    def __init__(self, kid: str, algorithm: str = "ES256") -> None:
        self.kid = kid
        self.algorithm = algorithm
        makers: dict[str, Any] = {
            "RS256": (lambda: _RSA, RSAAlgorithm),
            "ES256": (lambda: ec.generate_private_key(ec.SECP256R1()), ECAlgorithm),
            "EdDSA": (ed25519.Ed25519PrivateKey.generate, OKPAlgorithm),
        }
        make, shape = makers[algorithm]
        self.private = make()
        public = shape.to_jwk(self.private.public_key(), as_dict=True)
        self.public = {**public, "kid": kid, "alg": algorithm, "use": "sig"}

    def sign(self, **claims: Any) -> str:
        """A token that lives for a minute, where the claims do not say otherwise."""
        return jwt.encode(lasting(claims), self.private, self.algorithm, headers={"kid": self.kid})


def lasting(claims: dict[str, Any]) -> dict[str, Any]:
    now = int(time.time())
    merged = {"iat": now, "exp": now + 60, **claims}
    return {name: value for name, value in merged.items() if value is not None}


def unsigned(header: dict[str, Any], **claims: Any) -> str:
    """A token with this header and these claims, without a signature."""
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in (header, lasting(claims))
    ]
    return ".".join([*parts, ""])


class JwksServer:
    """A server of a key set: its answer, and the number of requests for it."""

    def __init__(self) -> None:
        self.keys: list[Key] = []
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body: bytes | None = None
        self.asked = 0
        self.answering = threading.Event()  # cleared, it takes requests and hangs
        self.answering.set()
        self.url = ""

    def answer(self) -> bytes:
        self.answering.wait()
        if self.body is not None:
            return self.body
        return json.dumps({"keys": [key.public for key in self.keys]}).encode()


@contextmanager
def serving() -> Iterator[JwksServer]:
    """A server on the loopback."""
    idp = JwksServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            idp.asked += 1
            body = idp.answer()
            self.send_response(idp.status)
            for name, value in {"Content-Length": str(len(body)), **idp.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=[0.05], daemon=True).start()
    idp.url = f"http://127.0.0.1:{server.server_port}/jwks.json"
    try:
        yield idp
    finally:
        idp.answering.set()
        server.shutdown()
        server.server_close()
