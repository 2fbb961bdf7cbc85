"""The entry of `celery -A newsdrop.app worker -B`."""

from worker.app import app

__all__ = ["app"]
