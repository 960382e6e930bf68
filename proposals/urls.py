from django.urls import path

from proposals.views import (
    approvals,
    backtests,
    contract,
    contract_edit,
    contract_trying,
    contracts,
    follow_up_slas,
    proposals,
    routing,
    routing_drafts,
)

app_name = "proposals"
ONE = "operating-model/contracts/<slug:slug>"
urlpatterns = [
    path("proposals/", proposals.proposals, name="list"),
    path("proposals/<int:proposal_id>/", proposals.proposal, name="proposal"),
    path("proposals/<int:proposal_id>/move/", proposals.move, name="move"),
    path("proposals/<int:proposal_id>/assign/", proposals.assign, name="assign"),
    path("proposals/<int:proposal_id>/keep/", proposals.keep, name="keep"),
    path("operating-model/routing/", routing.routing, name="routing"),
    path("operating-model/routing/versions/<int:number>/", routing.version, name="routing-version"),
    path(
        "operating-model/routing/versions/<int:number>/restore/",
        routing.restore,
        name="restore-routing",
    ),
    path("operating-model/routing/draft/", routing_drafts.draft, name="routing-draft"),
    path("operating-model/routing/draft/new/", routing_drafts.add, name="add-routing-rule"),
    path(
        "operating-model/routing/draft/rules/<slug:slug>/",
        routing_drafts.change,
        name="change-routing-rule",
    ),
    path(
        "operating-model/routing/draft/rules/<slug:slug>/move/",
        routing_drafts.move,
        name="move-routing-rule",
    ),
    path(
        "operating-model/routing/draft/rules/<slug:slug>/remove/",
        routing_drafts.remove,
        name="remove-routing-rule",
    ),
    path(
        "operating-model/routing/draft/discard/",
        routing_drafts.discard,
        name="discard-routing-draft",
    ),
    path(
        "operating-model/routing/draft/submit/",
        routing_drafts.submit,
        name="submit-routing-draft",
    ),
    path(
        "operating-model/routing/draft/rebase/",
        routing_drafts.rebase,
        name="rebase-routing-draft",
    ),
    path("operating-model/routing/publish/", routing_drafts.publish, name="publish-routing"),
    path("operating-model/routing/backtest/", backtests.run, name="routing-backtest"),
    path("operating-model/slas/follow-ups/", follow_up_slas.follow_up_slas, name="follow-up-slas"),
    path("approvals/", approvals.inbox, name="approvals"),
    path("approvals/count/", approvals.count, name="approvals-count"),
    path("approvals/<int:approval_id>/", approvals.approval, name="approval"),
    path("approvals/<int:approval_id>/approve/", approvals.approve, name="approve"),
    path("approvals/<int:approval_id>/reject/", approvals.reject, name="reject"),
    path("operating-model/contracts/", contracts.contracts, name="contracts"),
    path("operating-model/contracts/new/", contract_edit.new, name="new-contract"),
    path(f"{ONE}/", contract.contract, name="contract"),
    path(f"{ONE}/edit/", contract_edit.edit, name="edit-contract"),
    path(f"{ONE}/test/", contract_trying.test, name="test-contract"),
    path(f"{ONE}/backtest/", contract_trying.backtest, name="backtest-contract"),
    path(f"{ONE}/submit/", contract.submit, name="submit-contract"),
    path(f"{ONE}/publish/", contract.publish, name="publish-contract"),
    path(f"{ONE}/send-back/", contract.send_back, name="send-back-contract"),
    path(f"{ONE}/discard/", contract.discard, name="discard-contract"),
    path(f"{ONE}/retire/", contract.retire, name="retire-contract"),
    path(f"{ONE}/versions/<int:number>/", contract.version, name="contract-version"),
    path(f"{ONE}/versions/<int:number>/roll-back/", contract.roll_back, name="roll-back-contract"),
]
