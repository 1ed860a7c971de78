"""Status webhooks at the sandbox, and what arrived there."""

HELLO = {"title": "Hello", "body": "There"}


def register_webhook(shop, outside, *events, name="shop", query="", status=201):
    """Create a status webhook to the sandbox, which then knows the secret; the API's answer."""
    url = f"{outside.config['webhook']['base_url']}/{name}{query}"
    made = shop.post("status-webhooks", {"url": url, "events": events}, status=status)
    if "secret" in made:
        outside.client.register_webhook(name, made["secret"])
    return made


def received(outside, name="shop"):
    """The events that the sandbox took under this name, oldest first; each was signed."""
    came = reversed(outside.client.messages(channel="webhook"))
    return [
        message["content"]
        for message in came
        if f"/{name}" in message["address"] and message["status"] == 204
    ]


def notify(shop, *user_ids, **fields):
    """Post a notification to these people; the API's answer."""
    return shop.post("notifications", {"user_ids": user_ids, "content": HELLO, **fields})


def change_events(shop, made, events, status=200):
    """Change which events a status webhook reports; the API's answer."""
    path = f"/v1/status-webhooks/{made['id']}"
    answer = shop.http.patch(path, {"events": events}, format="json")
    assert answer.status_code == status, answer.json()
    return answer.json()
