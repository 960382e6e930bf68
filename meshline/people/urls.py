from django.urls import path

from meshline.people import team_views, views

app_name = "people"
urlpatterns = [
    path("sign-in/", views.sign_in, name="sign-in"),
    path("sign-in/invitation/<str:token>/", views.invitation, name="invitation"),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("profile/", views.profile, name="profile"),
    path("profile/password/", views.password, name="password"),
    path("profile/theme/", views.theme, name="theme"),
    path("profile/keys/", views.keys, name="keys"),
    path("profile/tokens/", views.make_token, name="make-token"),
    path("profile/tokens/<int:token_id>/revoke/", views.revoke_token, name="revoke-token"),
    path("people/", views.people, name="people"),
    path("people/invite/", views.invite, name="invite"),
    path("people/teams/", team_views.teams, name="teams"),
    path("people/teams/add/", team_views.add, name="add-team"),
    path("people/teams/<slug:slug>/", team_views.team, name="team"),
    path("people/teams/<slug:slug>/remove/", team_views.remove, name="remove-team"),
    path("people/<int:user_id>/", views.person, name="person"),
    path("people/<int:user_id>/invite/", views.invite_again, name="invite-again"),
    path(
        "people/<int:user_id>/tokens/<int:token_id>/revoke/",
        views.revoke_their_token,
        name="revoke-their-token",
    ),
]
