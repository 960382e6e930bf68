from django.urls import path

from exceptions import views

app_name = "exceptions"
urlpatterns = [
    path("queue/", views.queue, name="queue"),
    path("queue/export/", views.export, name="export"),
    path("queue/<int:ticket_id>/", views.ticket, name="ticket"),
    path("queue/<int:ticket_id>/claim/", views.claim, name="claim"),
    path("queue/<int:ticket_id>/release/", views.release, name="release"),
    path("queue/<int:ticket_id>/acknowledge/", views.acknowledge, name="acknowledge"),
    path("queue/<int:ticket_id>/resolve/", views.resolve, name="resolve"),
    path("queue/<int:ticket_id>/escalate/", views.escalate, name="escalate"),
    path("queue/<int:ticket_id>/note/", views.note, name="note"),
]
