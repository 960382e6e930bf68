from django.urls import path

from exceptions import calendar_views, sla_views, views

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
    path("queue/<int:ticket_id>/keep/", views.keep, name="keep"),
    path("queue/<int:ticket_id>/note/", views.note, name="note"),
    path("operating-model/slas/", sla_views.slas, name="slas"),
    path("operating-model/slas/add/", sla_views.add, name="add-sla"),
    path("operating-model/slas/preview/", sla_views.preview, name="sla-preview"),
    path("operating-model/slas/<int:sla_id>/", sla_views.change, name="change-sla"),
    path("operating-model/slas/<int:sla_id>/remove/", sla_views.remove, name="remove-sla"),
    path("operating-model/calendars/new/", calendar_views.new, name="new-calendar"),
    path("operating-model/calendars/preview/", calendar_views.preview, name="calendar-preview"),
    path(
        "operating-model/calendars/<int:calendar_id>/change/",
        calendar_views.change,
        name="change-calendar",
    ),
    path(
        "operating-model/calendars/<int:calendar_id>/remove/",
        calendar_views.remove,
        name="remove-calendar",
    ),
]
