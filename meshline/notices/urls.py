from django.urls import path

from meshline.notices import views

app_name = "notices"
urlpatterns = [
    path("notices/", views.list_notices, name="list"),
    path("notices/latest/", views.latest, name="latest"),
    path("notices/bell/", views.bell, name="bell"),
    path("notices/read/", views.read_all, name="read-all"),
    path("notices/read-record/", views.read_record, name="read-record"),
    path("notices/<int:notice_id>/read/", views.read, name="read"),
    path("profile/notices/", views.preferences_page, name="preferences"),
]
