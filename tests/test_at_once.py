"""Many tables in one step of a migration."""

from django.db import models
from django.db.migrations import CreateModel
from django.db.migrations.state import ProjectState

from meshline.at_once import CreateModels

STEP = CreateModels(
    [
        CreateModel("Crane", [("id", models.BigAutoField(primary_key=True))]),
        CreateModel(
            "Hook",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("crane", models.ForeignKey("yard.crane", models.CASCADE)),
            ],
        ),
    ]
)


def test_nothing_is_rendered_while_models_are_added():
    state = ProjectState()
    before = state.apps
    STEP.state_forwards("yard", state)
    assert "apps" not in vars(state)
    hook = state.apps.get_model("yard", "Hook")
    assert hook._meta.get_field("crane").related_model is state.apps.get_model("yard", "Crane")
    assert not before.all_models["yard"]


def test_it_says_what_it_makes():
    assert STEP.describe() == "Create models Crane, Hook"
