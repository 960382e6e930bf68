"""Who is alive: a row per long-running process, beaten by the database's clock."""
