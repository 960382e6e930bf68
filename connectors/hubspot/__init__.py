"""HubSpot: the CRM. Deals mirror proposals; follow-ups are tasks there."""
