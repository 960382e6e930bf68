"""What we agreed: owners (RACI), SLAs, business calendars, who is the authority for what."""
