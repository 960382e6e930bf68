"""People here: outcomes that Meshline itself carries, as notices."""
