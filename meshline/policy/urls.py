from django.urls import path

from meshline.policy import views

app_name = "policy"
urlpatterns = [
    path("operating-model/calendars/new/", views.new_calendar, name="new-calendar"),
    path("operating-model/calendars/regions/", views.regions, name="regions"),
    path("operating-model/calendars/<int:calendar_id>/", views.calendar, name="calendar"),
    path(
        "operating-model/calendars/<int:calendar_id>/change/",
        views.change_calendar,
        name="change-calendar",
    ),
    path(
        "operating-model/calendars/<int:calendar_id>/remove/",
        views.remove_calendar,
        name="remove-calendar",
    ),
]
