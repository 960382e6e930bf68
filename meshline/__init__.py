"""Who we are and what we agreed: people, policy, notices, and the trail of what was done."""
