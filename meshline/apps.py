from django.apps import AppConfig

from meshline import bell
from meshline.timetable import BELLS


class MeshlineConfig(AppConfig):
    """The shell: tells the bell which job answers, and carries the management commands."""

    name = "meshline"

    def ready(self) -> None:
        bell.answered_by(BELLS)
