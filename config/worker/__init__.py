"""The part of a worker that talks to the broker: URLs, queues, consumer, control, stopping."""
