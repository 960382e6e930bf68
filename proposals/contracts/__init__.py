"""What must follow from a state: contracts in versions, their gates, and what they promise."""
