"""Who is on call and who is out: the rota, its gaps, absences, and who has the work meanwhile."""
