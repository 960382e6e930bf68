"""How a person likes the queue: its columns, its layout, and the views they saved."""

from typing import ClassVar

from django.db import models

from meshline.people.models import User

WORDS_LENGTH = 2000


class SavedViewQuerySet(models.QuerySet):
    def offered_to(self, user: User):
        """A person's own, and what others share; the own ones first."""
        own = models.Case(models.When(owner=user, then=0), default=1)
        offered = models.Q(owner=user) | models.Q(is_shared=True, owner__is_active=True)
        return self.filter(offered).order_by(own, "name", "pk")


class SavedView(models.Model):
    """A tab with a filter and an order, under a name: the words of the URL that ask for it."""

    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="saved_views")
    name = models.CharField(max_length=40)
    words = models.CharField(max_length=WORDS_LENGTH)
    is_shared = models.BooleanField(default=False)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["owner", "name"], name="one_view_per_name")
        ]

    def __str__(self) -> str:
        return self.name


class QueueLook(models.Model):
    """One person's queue: which columns, list beside ticket or a table alone, where it begins."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True)
    columns = models.JSONField()
    is_table = models.BooleanField(default=False)
    begins_with = models.ForeignKey(
        SavedView, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    def __str__(self) -> str:
        return f"The queue of {self.user}"
