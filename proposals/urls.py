from django.urls import path

from proposals.views import contracts, proposals

app_name = "proposals"
urlpatterns = [
    path("proposals/", proposals.proposals, name="list"),
    path("proposals/<int:proposal_id>/", proposals.proposal, name="proposal"),
    path("proposals/<int:proposal_id>/move/", proposals.move, name="move"),
    path("proposals/<int:proposal_id>/assign/", proposals.assign, name="assign"),
    path("proposals/<int:proposal_id>/keep/", proposals.keep, name="keep"),
    path("operating-model/contracts/", contracts.contracts, name="contracts"),
]
