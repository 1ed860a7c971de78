"""What is done with a notification that was accepted before.

- ``editing``: it is moved or corrected, while it is scheduled.
- ``family``: the notification, and all that send it again.
- ``replaying``: it is sent again to those who did not get it.
- ``undelivered``: who they are, and the deliveries that did not reach them.
- ``unreached``: they are the audience of another one.
"""
