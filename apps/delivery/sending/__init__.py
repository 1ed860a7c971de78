"""Sending: what a worker process does with a queue.

In: claims of ``apps.delivery.outbox``. Out: rows written by ``apps.delivery.state``. A claim
goes one way: claimed → rendered → admitted → sent on the process's event loop → judged → recorded,
together with whatever else ended meanwhile. Imported by tasks and by what starts and stops workers.
"""
