"""What people do to deliveries and ask about them: redrive, explain, confirm, resume a topic.

Called by the API, the admin and management commands. Moves deliveries through
``apps.delivery.state`` only.
"""
