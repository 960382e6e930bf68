"""Who works here: people, teams, roles and what each may do, absences, shifts."""
