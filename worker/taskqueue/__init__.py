"""Celery: the application, its scheduler, a worker's heartbeat, and wake-ups from outside.

==============  ==================================================================
``celery_app``  the application: queues, schedule, settings with their reasons
``scheduler``   beat's ticks, bounded; cron schedules in a time zone
``heartbeat``   a worker checks itself at start and reports that it is alive
``client``      wake-up messages from the command line and from programs
==============  ==================================================================
"""
