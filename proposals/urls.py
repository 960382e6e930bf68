from django.urls import path

from proposals import views

app_name = "proposals"
urlpatterns = [
    path("proposals/", views.proposals, name="list"),
    path("proposals/<int:proposal_id>/", views.proposal, name="proposal"),
    path("proposals/<int:proposal_id>/move/", views.move, name="move"),
    path("proposals/<int:proposal_id>/assign/", views.assign, name="assign"),
    path("operating-model/contracts/", views.contracts, name="contracts"),
]
