"""What is true, and what must follow from it."""
