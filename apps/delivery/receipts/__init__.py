"""Receipts: reports that providers send later about messages they accepted.

- In: signed requests of providers, stored as they come.
- Out: state changes of deliveries through ``apps.delivery.state``, suppressions, rows of events.
- Imported by the API, tasks and maintenance.

``processing`` stores receipts and reads them in batches, ``attribution`` decides whether an event
is about a message of this installation, and ``events`` applies it.
"""
