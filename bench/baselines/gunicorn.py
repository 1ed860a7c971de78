"""Gunicorn's settings for the bare view: the API's, without what reads the API's own settings when
it starts."""

from config.gunicorn import post_worker_init, reuse_port, sendfile, worker_class

__all__ = ["post_worker_init", "reuse_port", "sendfile", "worker_class"]
