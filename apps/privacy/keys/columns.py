"""Every encrypted column of every table, and the context of its values.

A test fails where a model has a column of bytes that is neither here nor known to be a hash.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import Model

from apps.delivery import sealed_content
from apps.delivery.models import Notification, Receipt
from apps.delivery.receipts import processing
from apps.inbox import services as inbox
from apps.inbox.models import InboxItem
from apps.operators.signin import second_factor
from apps.operators.signin.models import SecondFactor
from apps.preferences import profiles, vault
from apps.preferences.models import Contact, Recipient
from apps.privacy import erasure
from apps.privacy.models import Erasure
from apps.schedules import notifications
from apps.schedules.models import Schedule


@dataclass(frozen=True, slots=True)
class EncryptedColumn:
    """A column of ciphertexts, or of lists of them; what is empty is no ciphertext.

    ``context``: returns the context of a row's values from the row's column ``made_from``. Fields
    and columns of these models have the same names.
    """

    model: type[Model]
    name: str
    made_from: str
    context: Callable[[Any], bytes]

    @property
    def is_list(self) -> bool:
        """True if each row has a list of ciphertexts."""
        return isinstance(self.model._meta.get_field(self.name), ArrayField)

    def __str__(self) -> str:
        return f"{self.model._meta.db_table}.{self.name}"


COLUMNS = (
    EncryptedColumn(Contact, "address", "address_index", vault.address_context),
    EncryptedColumn(Contact, "secret", "address_index", vault.secret_context),
    EncryptedColumn(Contact, "former_secrets", "address_index", vault.secret_context),
    EncryptedColumn(Recipient, "name", "user_id", profiles.name_context),
    EncryptedColumn(Recipient, "attributes", "user_id", profiles.attributes_context),
    EncryptedColumn(Notification, "content", "id", sealed_content.context),
    EncryptedColumn(Receipt, "body", "provider", processing.context),
    EncryptedColumn(InboxItem, "content", "delivery_id", inbox.context),
    EncryptedColumn(Schedule, "notification", "id", notifications.context),
    EncryptedColumn(Erasure, "user_id", "id", erasure.context),
    EncryptedColumn(Erasure, "numbers", "id", erasure.numbers_context),
    EncryptedColumn(SecondFactor, "secret", "user_id", second_factor.context),
)
