"""Heartbeats, and what the clock did last."""

from django.db import models


class Heartbeat(models.Model):
    """The last sign of life of one long-running process, such as "clock"."""

    name = models.CharField(max_length=60, primary_key=True)
    beat_at = models.DateTimeField()
    # What it was busy with, for whoever looks: {"sweeps": 7, "host": "…"}.
    detail = models.JSONField(default=dict)

    def __str__(self) -> str:
        return self.name


class TaskRun(models.Model):
    """The last run of one of the clock's tasks: when, how long, and what went wrong."""

    name = models.CharField(max_length=80, primary_key=True)
    began_at = models.DateTimeField()
    # None while it runs.
    seconds = models.FloatField(null=True)
    error = models.TextField(blank=True)
    succeeded_at = models.DateTimeField(null=True)
    # How often it is to run; seconds.
    every = models.FloatField()

    def __str__(self) -> str:
        return self.name

    @property
    def is_running(self) -> bool:
        return self.seconds is None
