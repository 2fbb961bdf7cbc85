"""Celery: the application, its scheduler, a worker's heartbeat, and wake-ups from outside."""
