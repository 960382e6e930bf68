"""How others ask in SQL whether somebody is here; the hand-over has a minute's time."""

# Seconds between somebody's leave and the hand-over of their work, at most.
GRACE = 60

_OUT = """
EXISTS (
    SELECT 1 FROM people_absence a WHERE a.user_id = {person}.id
      AND a.starts_at <= {begun} AND a.ends_at > {over}
)
"""
_AGO = f"now() - {GRACE} * interval '1 second'"

# As people's can_be_given_work has it.
_WORKS = "({person}.is_active AND {person}.role <> 'viewer')"

# Can be given work and is not out, or gone for less than a minute.
HERE_OR_JUST_GONE = f"""
(({_WORKS} OR {{person}}.deactivated_at > {_AGO})
  AND NOT {_OUT.format(person="{person}", begun=_AGO, over="now()")})
"""
# Can be given work and is not out for a minute already.
HERE_FOR_A_WHILE = f"""
({_WORKS} AND NOT {_OUT.format(person="{person}", begun="now()", over=_AGO)})
"""
# With nobody here who could be given work, it stays where it is until somebody is.
SOMEBODY_IS_HERE = f"""
EXISTS (
    SELECT 1 FROM people_user one WHERE one.role IN ('manager', 'operator', 'admin')
      AND {HERE_FOR_A_WHILE.format(person="one")}
)
"""
