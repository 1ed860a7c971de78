"""Traffic of a service to its providers, sent to a sandbox: one request a message."""

import json
import smtplib
import ssl
import time
from collections.abc import Mapping
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import jwt
from pyreqwest.client import SyncClient, SyncClientBuilder

from notifier.security.signing import signature

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
IPHONE = "0a" * 32
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"


class Traffic:
    """``config`` is a parsed ``sandbox.json``. Every call returns the answer's status."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = config
        self._token = ""
        pem = Path(config["ca_file"]).read_bytes()
        builder = SyncClientBuilder().no_proxy().timeout(timedelta(seconds=10))
        builder = builder.add_root_certificate_pem(pem).http2_prior_knowledge()
        self._http: SyncClient = builder.build()

    def android(self, token: str, title: str, body: str, *, web: bool = False) -> int:
        fcm = self._config["fcm"]
        message = {
            "token": token,
            "notification": {"title": title, "body": body},
            "data": {"delivery_id": f"d-{time.time_ns()}", "order": "1007"},
            "webpush" if web else "android": {},
        }
        url = f"{fcm['base_url']}/v1/projects/{fcm['project_id']}/messages:send"
        request = self._http.post(url).bearer_auth(self._access_token())
        return request.body_json({"message": message}).build().send().status

    def iphone(self, title: str, body: str, token: str = IPHONE) -> int:
        apns = self._config["apns"]
        claims = {"iss": apns["team_id"], "iat": int(time.time())}
        key = Path(apns["key_file"]).read_text()
        bearer = jwt.encode(claims, key, "ES256", {"kid": apns["key_id"]})
        request = self._http.post(f"{apns['base_url']}/3/device/{token}")
        request = request.header("authorization", f"bearer {bearer}")
        payload = {"aps": {"alert": {"title": title, "body": body}}, "delivery_id": "d-ios"}
        request = request.header("apns-topic", apns["topic"])
        return request.body_json(payload).build().send().status

    def sms(self, number: str, body: str) -> int:
        twilio = self._config["twilio"]
        sid = twilio["account_sid"]
        url = f"{twilio['base_url']}/2010-04-01/Accounts/{sid}/Messages.json"
        request = self._http.post(url).basic_auth(sid, twilio["auth_token"])
        form = {"To": number, "From": twilio["from_number"], "Body": body}
        return request.form(form).build().send().status

    def mail(self, address: str, subject: str, text: str, html: str) -> int:
        """Through SendGrid."""
        sendgrid = self._config["sendgrid"]
        mail = {
            "from": {"email": sendgrid["from_email"]},
            "subject": subject,
            "content": [
                {"type": "text/plain", "value": text},
                {"type": "text/html", "value": html},
            ],
            "personalizations": [{"to": [{"email": address}]}],
        }
        request = self._http.post(f"{sendgrid['base_url']}/v3/mail/send")
        return request.bearer_auth(sendgrid["api_key"]).body_json(mail).build().send().status

    def mail_by_smtp(self, address: str, subject: str, text: str, html: str) -> int:
        smtp = self._config["smtp"]
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = smtp["from_email"], address, subject
        mail.set_content(text)
        mail.add_alternative(html, subtype="html")
        with smtplib.SMTP(smtp["host"], smtp["port"], timeout=10) as server:
            server.starttls(context=ssl.create_default_context(cafile=self._config["ca_file"]))
            server.login(smtp["username"], smtp["password"])
            server.send_message(mail)
        return 250

    def webhook(self, name: str, data: Mapping[str, Any]) -> int:
        now, body = int(time.time()), json.dumps({"type": "notification", "data": data}).encode()
        headers = {
            "content-type": "application/json",
            "webhook-id": f"d-{name}",
            "webhook-timestamp": str(now),
            "webhook-signature": signature(SECRET, f"d-{name}", now, body),
        }
        request = self._http.post(f"{self._config['webhook']['base_url']}/{name}")
        return request.headers(headers).body_bytes(body).build().send().status

    def _access_token(self) -> str:
        if not self._token:
            fcm = self._config["fcm"]
            account = json.loads(Path(fcm["service_account_file"]).read_text())
            now = int(time.time())
            claims = {
                "iss": account["client_email"],
                "aud": fcm["token_uri"],
                "scope": SCOPE,
                "iat": now,
                "exp": now + 3600,
            }
            form = {
                "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
                "assertion": jwt.encode(claims, account["private_key"], "RS256"),
            }
            answer = self._http.post(fcm["token_uri"]).form(form).build().send()
            self._token = answer.json()["access_token"]
        return self._token
