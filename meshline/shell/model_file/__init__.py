"""The operating model as one YAML file: export it, plan a change, apply it."""
