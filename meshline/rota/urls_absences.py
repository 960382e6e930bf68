from django.urls import path

from meshline.rota import absence_views

app_name = "absences"
urlpatterns = [
    path("people/absences/", absence_views.absences, name="absences"),
    path("profile/out/", absence_views.plan_own, name="plan-own"),
    path("people/<int:user_id>/out/", absence_views.plan, name="plan"),
    path("people/absences/<int:absence_id>/", absence_views.absence, name="absence"),
    path("people/absences/<int:absence_id>/end/", absence_views.end, name="end"),
    path("people/absences/<int:absence_id>/cancel/", absence_views.cancel, name="cancel"),
]
