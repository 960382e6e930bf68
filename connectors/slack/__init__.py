"""Slack: where people talk. Messages go out; nothing comes in."""
