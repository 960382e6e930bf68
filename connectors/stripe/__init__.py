"""Stripe: the billing tool. What is signed is invoiced there; its events say what became of it."""
