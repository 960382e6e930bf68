"""What went wrong, who has it, and by when."""
