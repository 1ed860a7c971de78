"""Tokens that are accepted, and those that are refused."""

import base64
import hmac
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from notifier.security import jwks
from notifier.security.jwks import KeySet
from notifier.security.tokens import ExpiredToken, InvalidToken, KeysUnavailable, Verifier, sign
from stack.supervision.process import PATIENCE
from tests.support.fakes.jwks_server import JwksServer, Key, lasting, serving, unsigned
from tests.support.waiting import until

SECRET = "0123456789abcdef0123456789abcdef"
SOON = time.time() + 3600  # later than these tests run


class Clock:
    """A monotonic clock that stands until it is moved."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def idp() -> Iterator[JwksServer]:
    with serving() as server:
        server.keys = [Key("one")]
        yield server


def verifier(idp: JwksServer, clock: Clock, **options: Any) -> Verifier:
    return Verifier(keys=KeySet(jwks.source(idp.url), clock=clock), **options)


def refused(by: Verifier, token: str) -> str:
    with pytest.raises(InvalidToken) as caught:
        by.verify(token)
    return str(caught.value)


def poll(by: Verifier, key: Key) -> str:
    """Sign a token with the key, and expect that it is accepted."""

    def believed() -> str:
        try:
            by.verify(token := key.sign())
        except (InvalidToken, KeysUnavailable):
            return ""
        return token

    return until(believed)


# -- By a secret ------------------------------------------------------------------------------


def test_a_token_signed_with_the_secret_is_believed() -> None:
    assert Verifier(secret=SECRET).verify(sign(lasting({"sub": "ada"}), SECRET))["sub"] == "ada"


def test_another_secret_a_changed_claim_and_a_cut_token_are_refused() -> None:
    token = sign(lasting({"sub": "ada"}), SECRET)
    head, _, tail = token.split(".")
    changed = ".".join([head, sign(lasting({"sub": "bob"}), SECRET).split(".")[1], tail])
    by = Verifier(secret=SECRET)
    for forged in (sign(lasting({}), "x" * 32), changed):
        assert refused(by, forged) == "The token's signature is not right."
    refused(by, token[:-4])


@pytest.mark.parametrize(
    "text", ["", "a", "a.b", "a.b.c", "ntf_x_y", "é.é.é", "[].{}.x", "9" * 9000]
)
def test_what_is_no_token_is_refused(text: str) -> None:
    assert "oken" in refused(Verifier(secret=SECRET), text)


def test_a_short_secret_is_a_mistake_at_once() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Verifier(secret="x" * 31)


# -- Which algorithm --------------------------------------------------------------------------


def test_a_token_without_a_signature_is_refused(idp: JwksServer, clock: Clock) -> None:
    for by in (Verifier(secret=SECRET), verifier(idp, clock), verifier(idp, clock, secret=SECRET)):
        for name in ("none", "None", "NONE"):
            assert "must be signed by" in refused(by, unsigned({"alg": name}, sub="ada"))


@pytest.mark.parametrize("algorithm", ["HS256", "ES256", "RS256"])
def test_a_public_key_is_never_a_secret(idp: JwksServer, clock: Clock, algorithm: str) -> None:
    key = Key("one", "RS256")
    idp.keys = [key]
    pem = key.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    for secret in (pem, json.dumps(key.public).encode()):
        signed = unsigned({"alg": algorithm, "kid": "one"}, sub="ada")[:-1]
        mac = hmac.digest(secret, signed.encode(), "sha256")
        signature = base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
        for by in (verifier(idp, clock), verifier(idp, clock, secret=SECRET)):
            refused(by, f"{signed}.{signature}")


def test_a_key_verifies_by_its_own_algorithm_only(idp: JwksServer, clock: Clock) -> None:
    key = Key("one", "RS256")
    idp.keys = [key]
    by = verifier(idp, clock)
    for algorithm in ("RS384", "RS512", "PS256"):
        token = jwt.encode(lasting({}), key.private, algorithm, headers={"kid": "one"})
        assert "must be signed by" in refused(by, token)
    assert by.verify(key.sign(sub="ada"))["sub"] == "ada"


@pytest.mark.parametrize(
    "change",
    [
        {"use": "enc"},
        {"alg": "ES384"},
        {"key_ops": ["sign"]},
        {"d": "AAAA"},
        {"crv": "P-384"},
        {"kty": "oct", "k": "c2VjcmV0LXRoYXQtaXMtMzItYnl0ZXMtbG9uZyEhIQ"},
        {"x": "AAAA"},
        {"kty": None},
        {"crv": ["P-256"]},
    ],
)
def test_a_member_that_does_not_verify_signatures_is_left_out(change: dict[str, Any]) -> None:
    good, bad = Key("good"), Key("bad")
    found = jwks.parse(
        json.dumps({"keys": [{**bad.public, **change}, "text", good.public]}).encode()
    )
    assert [key.key_id for key in found] == ["good"]


# -- Key sets ---------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_a_token_signed_with_a_key_of_the_set_is_believed(
    idp: JwksServer, clock: Clock, algorithm: str
) -> None:
    idp.keys = [Key("one", algorithm), Key("two", algorithm)]
    by = verifier(idp, clock)
    for key in idp.keys:
        assert by.verify(key.sign(sub="ada"))["sub"] == "ada"
    assert idp.asked == 1


def test_a_token_without_a_key_id_is_believed_where_only_one_key_fits(
    idp: JwksServer, clock: Clock
) -> None:
    [key] = idp.keys
    token = jwt.encode(lasting({"sub": "ada"}), key.private, "ES256")
    idp.keys = [key, Key("other", "EdDSA")]
    assert verifier(idp, clock).verify(token)["sub"] == "ada"
    idp.keys = [key, Key("other")]
    assert "not known" in refused(verifier(idp, clock), token)


def test_a_new_key_is_found_when_its_first_token_comes(idp: JwksServer, clock: Clock) -> None:
    by = verifier(idp, clock)
    by.verify(idp.keys[0].sign())
    idp.keys = [Key("two")]
    clock.now += jwks.PAUSE
    by.verify(idp.keys[0].sign())
    assert idp.asked == 2


def test_made_up_key_ids_do_not_flood_the_identity_provider(idp: JwksServer, clock: Clock) -> None:
    by = verifier(idp, clock)
    by.verify(idp.keys[0].sign())
    for n in range(20):
        clock.now += jwks.PAUSE / 10
        assert "not known" in refused(by, Key(f"made-up-{n}").sign())
    assert idp.asked == 3


def test_made_up_key_ids_hold_up_one_thread_while_the_identity_provider_hangs(
    idp: JwksServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    by, [key] = verifier(idp, clock), idp.keys
    by.verify(key.sign())
    clock.now += jwks.PAUSE
    idp.answering.clear()
    monkeypatch.setattr(jwks, "TIMEOUT", PATIENCE)
    with ThreadPoolExecutor() as threads:
        new = Key("new")
        idp.keys = [key, new]
        waiting = threads.submit(by.verify, new.sign(sub="ada"))
        until(lambda: idp.asked == 2)
        for n in range(20):
            with pytest.raises(KeysUnavailable):
                by.verify(Key(f"made-up-{n}").sign())
        by.verify(key.sign())
        assert not waiting.done(), "nobody waited for as long as the first one does"
        idp.answering.set()
        assert waiting.result()["sub"] == "ada"


def test_a_key_with_a_known_id_but_not_that_key_is_refused(idp: JwksServer, clock: Clock) -> None:
    assert "signature" in refused(verifier(idp, clock), Key("one").sign())


def test_a_key_that_was_withdrawn_is_refused_once_the_set_was_read_again(
    idp: JwksServer, clock: Clock
) -> None:
    by, old = verifier(idp, clock), idp.keys[0]
    by.verify(old.sign())
    idp.keys = [Key("two")]
    clock.now += jwks.FRESH
    by.verify(old.sign())  # nobody waits for the set: it is read behind this one's back
    by.verify(poll(by, idp.keys[0]))
    assert "not known" in refused(by, old.sign())


def test_known_keys_stay_good_while_the_set_cannot_be_had(idp: JwksServer, clock: Clock) -> None:
    by, [key] = verifier(idp, clock), idp.keys
    by.verify(key.sign())
    idp.status = 500
    for _ in range(3):
        clock.now += jwks.FRESH
        by.verify(key.sign(sub="ada"))
    new = Key("new")
    clock.now += jwks.PAUSE
    with pytest.raises(KeysUnavailable):  # who can say that it is not one of theirs?
        by.verify(new.sign())
    idp.status, idp.keys = 200, [new]
    clock.now += jwks.PAUSE
    by.verify(poll(by, new))


@pytest.mark.parametrize("body", [b"", b"[]", b'{"keys": 1}', b"<html>", b" " * (jwks.LONGEST + 1)])
def test_what_is_no_key_set_is_none(idp: JwksServer, clock: Clock, body: bytes) -> None:
    idp.body = body
    with pytest.raises(KeysUnavailable):
        verifier(idp, clock).verify(idp.keys[0].sign())


def test_a_redirect_is_not_followed(idp: JwksServer, clock: Clock) -> None:
    with serving() as elsewhere:
        elsewhere.keys = [Key("one")]
        idp.status, idp.headers = 302, {"Location": elsewhere.url}
        with pytest.raises(KeysUnavailable):
            verifier(idp, clock).verify(elsewhere.keys[0].sign())
        assert elsewhere.asked == 0


def test_a_set_is_read_from_a_file(tmp_path: Path, clock: Clock) -> None:
    key, path = Key("one"), tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [key.public]}))
    by = Verifier(keys=KeySet(jwks.source(path.as_uri()), clock=clock))
    assert by.verify(key.sign(sub="ada"))["sub"] == "ada"


@pytest.mark.parametrize("url", ["", "ftp://a/b", "https://", "keys.json"])
def test_a_url_that_leads_to_no_key_set_is_a_mistake_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="https://"):
        jwks.source(url)


# -- Claims -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        ({"exp": None}, "must say when it expires"),
        ({"exp": "soon"}, "exp must be a number"),
        ({"exp": True}, "exp must be a number"),
        ({"exp": [1]}, "exp must be a number"),
        ({"exp": 1e300}, "exp must be a number"),
        ({"nbf": "9"}, "nbf must be a number"),
        ({"nbf": SOON}, "not valid yet"),
        ({"iat": SOON}, "not valid yet"),
    ],
)
def test_times_that_do_not_hold_are_refused(claims: dict[str, Any], says: str) -> None:
    assert says in refused(Verifier(secret=SECRET), sign(lasting(claims), SECRET))


def test_half_a_minute_between_two_clocks_is_forgiven_and_no_more() -> None:
    now = time.time()
    by = Verifier(secret=SECRET, clock=lambda: now)
    by.verify(sign({"exp": now - 29, "nbf": now + 29, "iat": now + 29}, SECRET))
    with pytest.raises(ExpiredToken):
        by.verify(sign({"exp": now - 31}, SECRET))


def test_issuer_and_audience_are_held_to_what_is_configured() -> None:
    by = Verifier(secret=SECRET, issuer="https://id.example.com", audience="notifier")
    good = {"iss": "https://id.example.com", "aud": "notifier"}
    by.verify(sign(lasting(good), SECRET))
    by.verify(sign(lasting({**good, "aud": ["shop", "notifier"]}), SECRET))
    for iss in (None, "https://id.example.com/", "https://evil.example.com"):
        assert "iss" in refused(by, sign(lasting({**good, "iss": iss}), SECRET))
    for aud in (None, "shop", [], ["notifiers"], {"notifier": 1}, "notifier-2"):
        assert "aud" in refused(by, sign(lasting({**good, "aud": aud}), SECRET))


def test_a_token_that_lives_too_long_is_refused() -> None:
    by, now = Verifier(secret=SECRET, longest=600), time.time()
    by.verify(sign({"iat": now - 300, "exp": now + 300}, SECRET))
    for claims in ({"iat": now - 600, "exp": now + 300}, {"exp": now + 900}):
        assert "600 seconds" in refused(by, sign(claims, SECRET))
