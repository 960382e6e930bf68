"""Heartbeats."""

from django.db import models


class Heartbeat(models.Model):
    """The last sign of life of one long-running process, such as "clock"."""

    name = models.CharField(max_length=60, primary_key=True)
    beat_at = models.DateTimeField()
    # What it was busy with, for whoever looks: {"sweeps": 7, "host": "…"}.
    detail = models.JSONField(default=dict)

    def __str__(self) -> str:
        return self.name
