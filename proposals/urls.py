from django.urls import path

from proposals.views import (
    approvals,
    contract,
    contract_edit,
    contract_trying,
    contracts,
    holds,
    proposals,
)  # fmt: skip

app_name = "proposals"
ONE = "operating-model/contracts/<slug:slug>"
urlpatterns = [
    path("proposals/", proposals.proposals, name="list"),
    path("proposals/<int:proposal_id>/", proposals.proposal, name="proposal"),
    path("proposals/<int:proposal_id>/move/", proposals.move, name="move"),
    path("proposals/<int:proposal_id>/assign/", proposals.assign, name="assign"),
    path("proposals/<int:proposal_id>/hold/", holds.hold, name="hold"),
    path("proposals/<int:proposal_id>/lift/", holds.lift, name="lift"),
    path("operating-model/holds/", holds.thresholds, name="hold-thresholds"),
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
