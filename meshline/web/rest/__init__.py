"""What every room's api.py is made with: words that are checked, pages, refusals, the bearer."""
