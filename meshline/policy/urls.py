from django.urls import path

from meshline.policy import views

app_name = "policy"
urlpatterns = [
    path("operating-model/calendars/regions/", views.regions, name="regions"),
    path("operating-model/calendars/<int:calendar_id>/", views.calendar, name="calendar"),
]
