"""``python -m config.secrets``: print a new installation's secrets as environment lines."""

import base64
import os
import secrets


def fresh() -> dict[str, str]:
    """Return new values for every secret that the settings require."""
    return {
        "NOTIFIER_SECRET_KEY": secrets.token_urlsafe(48),
        "NOTIFIER_ENCRYPTION_KEYS": "1:" + base64.b64encode(os.urandom(32)).decode(),
        "NOTIFIER_BLIND_INDEX_KEY": base64.b64encode(os.urandom(32)).decode(),
    }


if __name__ == "__main__":
    for name, value in fresh().items():
        print(f"{name}={value}")
