from django.urls import path

from proposals.views import contracts, follow_up_slas, proposals

app_name = "proposals"
urlpatterns = [
    path("proposals/", proposals.proposals, name="list"),
    path("proposals/<int:proposal_id>/", proposals.proposal, name="proposal"),
    path("proposals/<int:proposal_id>/move/", proposals.move, name="move"),
    path("proposals/<int:proposal_id>/assign/", proposals.assign, name="assign"),
    path("operating-model/contracts/", contracts.contracts, name="contracts"),
    path("operating-model/slas/follow-ups/", follow_up_slas.follow_up_slas, name="follow-up-slas"),
]
