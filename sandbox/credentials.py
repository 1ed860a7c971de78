"""The keys, certificates and ``sandbox.json`` that a sandbox creates in its directory.

They are created once and reused, so that configured clients still work after a restart.
"""

import base64
import datetime
import ipaddress
import json
import os
import secrets
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sandbox.settings import as_shell

PROJECT_ID = "sandbox-project"
SERVICE_ACCOUNT = f"sandbox@{PROJECT_ID}.iam.gserviceaccount.com"
TOPIC = "com.example.app"
FROM_NUMBER = "+15005550006"  # the sender of Twilio's own test credentials
FROM_EMAIL = "notifier@sandbox.example"
CERTIFICATE_LIFE = datetime.timedelta(days=3650)  # longer than anyone keeps a directory


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports that the sandbox listens on, all on ``host``."""

    host: str
    http: int
    https: int
    apns: int
    smtp: int


class Credentials:
    """The credentials that the sandbox shares with its clients, as files in ``directory``.

    ``address``: what the server's certificate is for, beside loopback addresses. Raises ``OSError``
    where the directory cannot be created or written.
    """

    def __init__(self, directory: Path, address: str = "127.0.0.1") -> None:
        self.directory = directory
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
        if not (directory / "secrets.json").exists():
            self._make(address)
        kept = json.loads((directory / "secrets.json").read_text())
        self.apns_key_id: str = kept["apns_key_id"]
        self.apns_team_id: str = kept["apns_team_id"]
        self.twilio_sid: str = kept["twilio_sid"]
        self.twilio_token: str = kept["twilio_token"]
        self.sendgrid_key: str = kept["sendgrid_key"]
        self.smtp_password: str = kept["smtp_password"]
        self.oauth_secret: str = kept["oauth_secret"]
        self.service_account_key_id: str = kept["service_account_key_id"]
        self.service_account_public = self._public_key("service-account-key.pem")
        self.apns_public = self._public_key("apns-key.p8")
        self.sendgrid_webhook_key = self._webhook_key()

    def server_context(self, *, ask_for_client_certificate: bool = False) -> ssl.SSLContext:
        """Return the TLS context of a listener that offers HTTP/2 and HTTP/1.1."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.directory / "server.pem")
        context.set_alpn_protocols(["h2", "http/1.1"])
        if ask_for_client_certificate:
            context.verify_mode = ssl.CERT_OPTIONAL
            context.load_verify_locations(self.directory / "ca.pem")
        return context

    def token_uri(self, ports: Ports) -> str:
        """Return the URL of access tokens, which is the audience of assertions."""
        return f"https://{ports.host}:{ports.https}/token"

    def write_config(self, ports: Ports) -> None:
        """Write ``service-account.json``, ``settings.env`` and ``sandbox.json`` for the ports.

        In this order: once ``sandbox.json`` is there, so are the others.
        """
        https = f"https://{ports.host}:{ports.https}"
        account = {
            "type": "service_account",
            "project_id": PROJECT_ID,
            "private_key_id": self.service_account_key_id,
            "private_key": (self.directory / "service-account-key.pem").read_text(),
            "client_email": SERVICE_ACCOUNT,
            "client_id": "100000000000000000000",
            "token_uri": self.token_uri(ports),
        }
        self._write("service-account.json", json.dumps(account, indent=2))
        config: dict[str, Any] = {
            "pid": os.getpid(),
            "ca_file": str(self.directory / "ca.pem"),
            "control_url": f"http://{ports.host}:{ports.http}",
            "https_url": https,
            "fcm": {
                "base_url": https,
                "token_uri": self.token_uri(ports),
                "project_id": PROJECT_ID,
                "service_account_file": str(self.directory / "service-account.json"),
            },
            "apns": {
                "base_url": f"https://{ports.host}:{ports.apns}",
                "key_file": str(self.directory / "apns-key.p8"),
                "key_id": self.apns_key_id,
                "team_id": self.apns_team_id,
                "topic": TOPIC,
                "client_cert_file": str(self.directory / "apns-client.pem"),
            },
            "twilio": {
                "base_url": https,
                "account_sid": self.twilio_sid,
                "auth_token": self.twilio_token,
                "from_number": FROM_NUMBER,
            },
            "sendgrid": {
                "base_url": https,
                "api_key": self.sendgrid_key,
                "from_email": FROM_EMAIL,
                "webhook_public_key": self._webhook_public_key(),
            },
            "smtp": {
                "host": ports.host,
                "port": ports.smtp,
                "username": "sandbox",
                "password": self.smtp_password,
                "from_email": FROM_EMAIL,
            },
            "webhook": {"base_url": f"{https}/webhook"},
        }
        self._write("settings.env", as_shell(config))
        self._write("sandbox.json", json.dumps(config, indent=2))

    def _make(self, address: str) -> None:
        ca_key = ec.generate_private_key(ec.SECP256R1())
        ca = _certificate("Notifier sandbox CA", ca_key.public_key(), None, ca_key)
        self._write("ca.pem", _pem(ca))
        server_key = ec.generate_private_key(ec.SECP256R1())
        server = _certificate("localhost", server_key.public_key(), ca, ca_key, address=address)
        self._write("server.pem", _pem(server) + _private_pem(server_key))
        client_key = ec.generate_private_key(ec.SECP256R1())
        client = _certificate(
            f"Apple Push Services: {TOPIC}", client_key.public_key(), ca, ca_key, user_id=TOPIC
        )
        self._write("apns-client.pem", _pem(client) + _private_pem(client_key))
        self._write("apns-key.p8", _private_pem(ec.generate_private_key(ec.SECP256R1())))
        account_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._write("service-account-key.pem", _private_pem(account_key))
        kept = {
            "apns_key_id": secrets.token_hex(5).upper(),
            "apns_team_id": secrets.token_hex(5).upper(),
            "twilio_sid": f"AC{secrets.token_hex(16)}",
            "twilio_token": secrets.token_hex(16),
            "sendgrid_key": f"SG.{secrets.token_urlsafe(16)}.{secrets.token_urlsafe(32)}",
            "smtp_password": secrets.token_urlsafe(16),
            "oauth_secret": secrets.token_hex(32),
            "service_account_key_id": secrets.token_hex(20),
        }
        # Last: its presence means that everything else is there.
        self._write("secrets.json", json.dumps(kept, indent=2))

    def _write(self, name: str, text: str) -> None:
        """Write a file atomically, so that nobody reads half of it."""
        half = self.directory / f".{name}.new"
        half.touch(mode=0o600)
        half.write_text(text)
        half.replace(self.directory / name)

    def _webhook_key(self) -> ec.EllipticCurvePrivateKey:
        """Return the key that signs SendGrid's events, created where an older sandbox had none."""
        path = self.directory / "sendgrid-webhook-key.pem"
        if not path.exists():
            self._write(path.name, _private_pem(ec.generate_private_key(ec.SECP256R1())))
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return key

    def _webhook_public_key(self) -> str:
        """Return the public key as SendGrid shows it: base64 of DER."""
        der = self.sendgrid_webhook_key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return base64.b64encode(der).decode()

    def _public_key(self, name: str) -> Any:
        pem = (self.directory / name).read_bytes()
        return serialization.load_pem_private_key(pem, password=None).public_key()


def _certificate(
    name: str,
    public_key: ec.EllipticCurvePublicKey,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey,
    user_id: str | None = None,
    address: str = "127.0.0.1",
) -> x509.Certificate:
    """Create the certificate of a CA (no ``issuer``), a server or an APNs client (``user_id``)."""
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    if user_id:
        attributes.append(x509.NameAttribute(NameOID.USER_ID, user_id))
    subject = x509.Name(attributes)
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + CERTIFICATE_LIFE)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
    )
    if issuer is None:
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        builder = builder.add_extension(usage, critical=True)
    elif user_id:
        builder = builder.add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
    else:
        names: list[x509.GeneralName] = [
            x509.DNSName("localhost"),
            *(
                x509.IPAddress(ipaddress.ip_address(one))
                for one in sorted({"127.0.0.1", "::1", address})
            ),
        ]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        builder = builder.add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
        )
    return builder.sign(issuer_key, hashes.SHA256())


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _private_pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
