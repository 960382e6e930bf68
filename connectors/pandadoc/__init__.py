"""PandaDoc: the quoting tool. Its document states become our signals."""
