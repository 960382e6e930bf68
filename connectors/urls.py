from django.urls import path

from connectors.views import connections, desk, hooks, messages, outcomes, posts, systems

app_name = "connectors"
urlpatterns = [
    path("hooks/<slug:slug>/", hooks.receive, name="hook"),
    path("connections/", connections.connections, name="connections"),
    path("connections/new/", connections.new, name="new-connection"),
    path("connections/<slug:slug>/", connections.connection, name="connection"),
    path("connections/<slug:slug>/change/", connections.change, name="change-connection"),
    path("connections/<slug:slug>/secret/", connections.secret, name="enter-secret"),
    path("connections/<slug:slug>/end-older/", connections.end_older, name="end-older-secrets"),
    path("connections/<slug:slug>/status/", connections.status, name="connection-status"),
    path("connections/<slug:slug>/test/", connections.test, name="test-connection"),
    path("operating-model/systems/", systems.systems, name="systems"),
    path("operating-model/systems/parts/<str:name>/", systems.part, name="part"),
    path("operating-model/systems/of/<slug:slug>/", systems.agree, name="agree"),
    path("operating-model/systems/health/", systems.health_owners, name="health-owners"),
    path("messages/", desk.messages, name="messages"),
    path("messages/posts/", desk.posts, name="posts"),
    path("messages/posts/<int:post_id>/", posts.post, name="post"),
    path("messages/posts/<int:post_id>/raw/", posts.post_raw, name="post-raw"),
    path("messages/refused/", desk.refused, name="refused"),
    path("messages/refused/<int:refused_id>/", posts.refused_post, name="refused-post"),
    path("messages/refused/<int:refused_id>/raw/", posts.refused_raw, name="refused-raw"),
    path("messages/<int:message_id>/", messages.message, name="message"),
    path("messages/<int:message_id>/raw/", messages.message_raw, name="message-raw"),
    path("messages/<int:message_id>/release/", messages.release, name="release-message"),
    path("messages/<int:message_id>/replay/", messages.replay, name="replay-message"),
    path("outcomes/", outcomes.outcomes, name="outcomes"),
    path("outcomes/<int:outcome_id>/", outcomes.outcome, name="outcome"),
    path("outcomes/<int:outcome_id>/retry/", outcomes.retry, name="retry-outcome"),
    path("outcomes/<int:outcome_id>/cancel/", outcomes.cancel, name="cancel-outcome"),
    # A ticket's buttons.
    path("queue/<int:ticket_id>/retry/", outcomes.retry_ticket, name="retry-ticket"),
    path("queue/<int:ticket_id>/release-held/", messages.release_ticket, name="release-ticket"),
    # Where this record is in the other systems; a part other rooms show by its URL name.
    path("records/<str:record>/links/", outcomes.links, name="links"),
]
