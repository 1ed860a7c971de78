import time
from faults.line import Line, until, push_token


def test_speed(line: Line):
    line.call(
        "PUT",
        "/v1/recipients/speedy",
        {"devices": [{"platform": "android", "token": push_token("speedy")}]},
    )
    for key in ({"ordering_key": "k"}, {}, {"ordering_key": "l"}):
        items = [
            {"user_id": "speedy", "channels": ["push"], "content": {"title": str(n)}, **key}
            for n in range(100)
        ]
        since = max((row["seq"] for row in line.sandbox.messages(limit=1)), default=0)
        began = time.time()
        line.call("POST", "/v1/notifications/batch", {"notifications": items})
        until(lambda: len(line.sandbox.messages("push", since=since, limit=1000)) >= 100, 100, "x")
        took = time.time() - began
        titles = [
            int(r["content"]["message"]["notification"]["title"])
            for r in line.sandbox.messages("push", since=since, limit=1000)
        ]
        print("SPEED", key, took, titles == sorted(titles))
