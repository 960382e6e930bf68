from django.urls import path

from meshline.rota import shift_views

app_name = "rota"
urlpatterns = [
    path("operating-model/rota/", shift_views.rota, name="rota"),
    path("operating-model/rota/coverage/", shift_views.coverage, name="coverage"),
    path("operating-model/rota/add/", shift_views.add, name="add-shift"),
    path("operating-model/rota/shifts/<int:shift_id>/", shift_views.shift, name="shift"),
    path(
        "operating-model/rota/shifts/<int:shift_id>/remove/",
        shift_views.remove,
        name="remove-shift",
    ),
    path(
        "operating-model/rota/shifts/<int:shift_id>/override/",
        shift_views.override,
        name="override",
    ),
    path("operating-model/rota/shifts/<int:shift_id>/swap/", shift_views.swap, name="swap"),
    path(
        "operating-model/rota/shifts/<int:shift_id>/hand-over/",
        shift_views.hand_over,
        name="hand-over",
    ),
    path(
        "operating-model/rota/overrides/<int:override_id>/remove/",
        shift_views.remove_override,
        name="remove-override",
    ),
]
