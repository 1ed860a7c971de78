"""Tables of people: addresses, choices, groups, and the trail of their changes.

Import models from here and not from the modules.
"""

from apps.preferences.models.categories import Category
from apps.preferences.models.contacts import Contact, ContactState
from apps.preferences.models.digest_choices import DigestChoice
from apps.preferences.models.directory_changes import DirectoryChange
from apps.preferences.models.frequency_caps import FrequencyCap
from apps.preferences.models.groups import Group, Membership
from apps.preferences.models.preferences import Preference
from apps.preferences.models.recipients import Recipient
from apps.preferences.models.suppressions import OptOut, Suppression, SuppressionReason

__all__ = [
    "Category",
    "Contact",
    "ContactState",
    "DigestChoice",
    "DirectoryChange",
    "FrequencyCap",
    "Group",
    "Membership",
    "OptOut",
    "Preference",
    "Recipient",
    "Suppression",
    "SuppressionReason",
]
