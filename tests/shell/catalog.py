"""What a database is made of, as PostgreSQL tells it; only the order of columns is free."""

from django.db import connection

# Of each kind one row a thing. An index, key or default is compared by its whole definition.
_ASKED = {
    "relations": """
        SELECT c.oid::regclass, c.relkind, c.relpersistence, c.relreplident, c.relrowsecurity,
            c.relforcerowsecurity, c.reltablespace, c.reloptions, pg_get_userbyid(c.relowner),
            ARRAY(SELECT one::text FROM unnest(c.relacl) AS one ORDER BY 1),
            pg_get_partkeydef(c.oid), pg_get_expr(c.relpartbound, c.oid), m.amname,
            obj_description(c.oid, 'pg_class'),
            ARRAY(SELECT inhparent::regclass::text FROM pg_inherits WHERE inhrelid = c.oid)
        FROM pg_class c LEFT JOIN pg_am m ON m.oid = c.relam
        WHERE c.relnamespace = 'public'::regnamespace""",
    "columns": """
        SELECT a.attrelid::regclass, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
            a.attidentity, a.attgenerated, pg_get_expr(d.adbin, d.adrelid), a.attstorage,
            a.attcompression, a.attstattarget, a.attcollation::regcollation, a.attoptions,
            a.attacl::text, col_description(a.attrelid, a.attnum)
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind <> 'i'
            AND a.attnum > 0 AND NOT a.attisdropped""",
    "indexes": """
        SELECT pg_get_indexdef(i.indexrelid), i.indisunique, i.indisprimary, i.indisexclusion,
            i.indimmediate, i.indisclustered, i.indisvalid, i.indisreplident, i.indnullsnotdistinct
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        WHERE c.relnamespace = 'public'::regnamespace""",
    "constraints": """
        SELECT conrelid::regclass, conname, pg_get_constraintdef(oid), condeferrable, condeferred,
            convalidated, conislocal, connoinherit, conindid::regclass
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace""",
    "triggers": """
        SELECT pg_get_triggerdef(oid), tgenabled FROM pg_trigger WHERE NOT tgisinternal""",
    "functions": """
        SELECT pg_get_functiondef(oid), pg_get_userbyid(proowner), proacl::text
        FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prokind <> 'a'""",
    "sequences": """
        SELECT s.seqrelid::regclass, s.seqtypid::regtype, s.seqstart, s.seqincrement, s.seqmax,
            s.seqmin, s.seqcache, s.seqcycle, d.deptype, d.refobjid::regclass, a.attname
        FROM pg_sequence s
        LEFT JOIN pg_depend d ON d.objid = s.seqrelid AND d.deptype IN ('a', 'i')
        LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid""",
    "views": """
        SELECT c.oid::regclass, pg_get_viewdef(c.oid) FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('v', 'm')""",
    "types": """
        SELECT t.oid::regtype, t.typtype, pg_get_userbyid(t.typowner), t.typacl::text,
            ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = t.oid
                ORDER BY e.enumsortorder)
        FROM pg_type t WHERE t.typnamespace = 'public'::regnamespace""",
    "policies": "SELECT tablename, policyname, permissive, roles, cmd, qual, with_check"
    " FROM pg_policies",
    "rules": "SELECT pg_get_ruledef(oid) FROM pg_rewrite WHERE ev_class >= 16384",
    "statistics": "SELECT pg_get_statisticsobjdef(oid) FROM pg_statistic_ext",
    "extensions": "SELECT extname, extversion FROM pg_extension",
    "schemas": "SELECT nspname, pg_get_userbyid(nspowner), nspacl::text FROM pg_namespace"
    " WHERE nspname !~ '^pg_'",
    "default rights": "SELECT defaclrole::regrole, defaclobjtype, defaclacl::text"
    " FROM pg_default_acl",
}  # fmt: skip


def described() -> dict[str, list[tuple]]:
    """All of it, by kind."""
    with connection.cursor() as cursor:
        return {kind: _rows(cursor, query) for kind, query in _ASKED.items()}


def _rows(cursor, query):
    cursor.execute(query)
    return sorted(cursor.fetchall(), key=repr)
