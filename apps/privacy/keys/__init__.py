"""Encryption keys: what is encrypted, under which of them, since when; and changing them.

- In: ``manage.py rotate_keys``, a task that notes which key is in use, and Prometheus.
- Out: ciphertexts of all apps, encrypted anew under the first key; nothing else of a row changes.
- Imported by ``apps.privacy`` and ``apps.doctor``.

A ciphertext names its key, and every process reads those of all keys that it is configured with. So
a key is changed beside running processes: all get the new one, first behind the old one, then
before it; then rows are encrypted anew, in batches; then the old key goes. What is done is seen by
the rows themselves, and an interrupted run is simply started again.

Keyed hashes (blind indexes) have a key of their own and stay as they are: see
docs/decisions/0078-hashes-keep-their-key.md.
"""
