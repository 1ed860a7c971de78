"""A small shop with people, a newsletter, and providers that fail for some of them."""

from datetime import UTC, datetime, timedelta

from notifier_client import (
    Contact,
    Device,
    Draft,
    NotifierClient,
    Preference,
    QuietWindow,
    Recipient,
    Subscriber,
    TemplateContent,
)
from stack.errors import StackError

FIRST = ("ada", "bo", "carla", "dmitri", "elif", "femi", "grace", "hugo", "ines", "jun")
LAST = ("adler", "brandt", "costa", "dubois", "eriksen", "fontana", "garcia", "horvat")
#: One person in so many has a device for which our credentials are refused (a dead letter), has
#: removed the app, has a phone number, refuses marketing.
REFUSED, REMOVED, PHONE, UNINTERESTED = 16, 21, 3, 9
ORDERS = 60
WORKDAYS = ("mon", "tue", "wed", "thu", "fri")
UNBLOCK = {"Unblock it": "https://bank.example.com/cards/7"}
SUBJECT = "Order {{ order }} is on its way"
BODY = "Dear {{ name }}, your order {{ order }} has left us."
HTML = """<body style="font-family: sans-serif"><h1>On its way</h1>
<p>Dear {{ name }}, your order <b>{{ order }}</b> has left us.</p></body>"""


def play(client: NotifierClient, directory: NotifierClient) -> None:
    """Fill the service through its API, and return once everything is sent."""
    people = list(_people())
    for result in directory.upsert_recipients(people):
        if result.problem:
            raise StackError(f"{people[result.index].user_id} was not written: {result.problem}")
    client.create_topic("order-updates", display_name="Order updates", category="service")
    client.create_topic("weekly-offers", display_name="Weekly offers", category="marketing")
    client.create_topic("security", display_name="Security notices", mandatory=True)
    for topic, channels in (
        ("order-updates", ["push", "inbox"]),
        ("weekly-offers", ["email", "inbox"]),
        ("security", ["email", "push"]),
    ):
        subscribers = [Subscriber(user_id=person.user_id, channels=channels) for person in people]
        client.subscribe_many(topic, subscribers)
    client.create_template(
        "order-shipped",
        [TemplateContent(channel="email", locale="en", title=SUBJECT, body=BODY, html=HTML)],
        default_locale="en",
        display_name="Order shipped",
    )
    posted = [
        client.publish("security", title="New sign-in", body="Was it you?", priority="high"),
        client.publish("order-updates", title="Delays", body="Parcels take a day longer."),
        client.publish("weekly-offers", title="Spring sale", body="Everything must go."),
    ]
    drafts = [_order(number, people[number * 7 % len(people)]) for number in range(ORDERS)]
    posted += [result.notification for result in client.notify_batch(drafts) if result.notification]
    with_phone = [person.user_id for person in people if len(person.contacts) > 1]
    posted.append(
        client.notify_users(
            with_phone[:40], body="Your code is 123 456.", priority="high", channels=["sms"]
        )
    )
    for notification in posted:
        client.wait(notification.id, 120)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    client.publish("weekly-offers", title="Tomorrow", body="Soup.", send_at=tomorrow)
    mistaken = client.publish("weekly-offers", title="Oops", body="Soup.", send_at=tomorrow)
    client.cancel(mistaken.id)
    client.publish("weekly-offers", title="Last call", body="Only today.", channels=["email"])


def post_one_of_each(client: NotifierClient, directory: NotifierClient, webhooks: str) -> None:
    """Send a person a message by each channel that leaves the service, and wait for all of them.

    ``webhooks``: the URL below which the sandbox receives webhooks.
    """
    order = {"name": "Ada", "order": 7}
    directory.upsert_recipient(
        "ada",
        devices=[Device("ios", "0a" * 32), Device("android", "token-of-adas-android-phone")],
        contacts=[
            Contact("sms", "+12025550123"),
            Contact("email", "ada@example.com"),
            Contact("webhook", f"{webhooks}/orders"),
        ],
    )
    posted = [
        client.notify_users(["ada"], title="Order 7", body="It is on its way.", channels=["push"]),
        client.notify_users(["ada"], body="Your code is 123 456.", channels=["sms"]),
        client.notify_users(["ada"], template="order-shipped", variables=order, channels=["email"]),
        client.notify_users(["ada"], title="Order 7", data=order, channels=["webhook"]),
    ]
    for notification in posted:
        client.wait(notification.id, 120)


def fill_inbox(client: NotifierClient, directory: NotifierClient, user_id: str) -> None:
    """Put items of every severity into a person's inbox, oldest first."""
    directory.upsert_recipient(user_id)
    for title, body, severity, source in (
        ("Your statement is here", "November, 12 transactions.", "info", "Accounts"),
        ("Salary received", "€ 3,210.00 from Example Ltd.", "success", "Accounts"),
        ("Transfer refused", "The account number has a digit too few.", "error", "Payments"),
    ):
        client.wait(
            client.notify_users(
                [user_id],
                title=title,
                body=body,
                severity=severity,
                source=source,
                channels=["inbox"],
            ).id,
            120,
        )


def name_categories(client: NotifierClient) -> None:
    """Give the categories that the topics have names for people."""
    for name, shown, kind in (
        ("service", "About your orders", "transactional"),
        ("marketing", "Offers", "promotional"),
    ):
        client.put_category(name, kind=kind, display_name={"en": shown})


def greet_in_arabic(client: NotifierClient, directory: NotifierClient, user_id: str) -> None:
    """Put two items in Arabic into a person's inbox, oldest first."""
    directory.upsert_recipient(user_id)
    for title, body, severity in (
        ("كشف حسابك جاهز", "نوفمبر، ١٢ عملية.", "info"),
        ("تم إيداع الراتب", "وصل راتبك إلى حسابك.", "success"),
    ):
        posted = client.notify_users(
            [user_id], title=title, body=body, severity=severity, channels=["inbox"]
        )
        client.wait(posted.id, 120)


def give_choices(client: NotifierClient, directory: NotifierClient, user_id: str) -> None:
    """Give somebody addresses, subscriptions, and quiet hours at night."""
    contacts = [Contact("email", f"{user_id}@example.com"), Contact("sms", "+12025550188")]
    directory.upsert_recipient(user_id, locale="en", time_zone="Europe/Vienna", contacts=contacts)
    for topic in ("order-updates", "weekly-offers"):
        client.subscribe(topic, user_id=user_id, channels=["email", "inbox"])
    directory.set_quiet_hours(user_id, [QuietWindow(WORKDAYS, "22:00", "07:00")])


def pop_up(client: NotifierClient, user_id: str) -> None:
    """Send what is shown beside the inbox: two banners and a dialog."""
    for title, body, severity, display_type in (
        ("Your card was blocked", "We saw three wrong PINs.", "warning", "banner_dismiss"),
        ("Maintenance tonight", "Payments take until midnight.", "info", "banner_nondismiss"),
        ("Your taxi is here", "It waits outside.", "info", "popup"),
    ):
        client.notify_users(
            [user_id],
            title=title,
            body=body,
            severity=severity,
            display_type=display_type,
            actions=UNBLOCK if severity == "warning" else {},
            channels=["inbox"],
        )


def _people() -> "list[Recipient]":
    found = []
    for number, name in enumerate(f"{first}.{last}" for last in LAST for first in FIRST):
        contacts = [Contact("email", f"{name}@example.com")]
        if number % PHONE == 0:
            contacts.append(Contact("sms", f"+1202{2_000_000 + number}"))
        trouble = "dead-" if number % REMOVED == 2 else "401-" if number % REFUSED == 1 else ""
        token = f"screenshots-{f'sandbox-{trouble}' if trouble else ''}{number:08}"
        uninterested = number % UNINTERESTED == 4
        preferences = [Preference(False, category="marketing")] if uninterested else []
        device = Device("android", token)
        found.append(Recipient(name, "en", "Europe/Vienna", [device], contacts, preferences))
    return found


def _order(number: int, person: Recipient) -> Draft:
    return Draft(
        user_ids=[person.user_id],
        title=f"Order {1000 + number}",
        body="It is on its way.",
        channels=["push", "inbox"],
    )
