-- Who reads only: the group `hydrants_reader`, which cannot log in and may SELECT what is published, nothing else.
-- Run by the owner of the tables, again and again without harm: `hydrants accounts reader-role`. Which rows a member
-- sees is a matter of row-level security (migration 0003); give it a login with
--   CREATE ROLE portal LOGIN PASSWORD '...' IN ROLE hydrants_reader;
-- A login for the portal says in each transaction what it may see. One for a person, who can say anything, is a member
-- of the roles of his gemeenten instead, and sees those and no others:
--   CREATE ROLE gis_ieper LOGIN PASSWORD '...' IN ROLE hydrants_nis_33011;

DO $$
DECLARE
  of_gemeente text;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'hydrants_reader') THEN
    CREATE ROLE hydrants_reader NOLOGIN NOINHERIT;
  END IF;
  FOR of_gemeente IN SELECT 'hydrants_nis_' || nis FROM gemeente LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = of_gemeente) THEN
      EXECUTE 'CREATE ROLE ' || quote_ident(of_gemeente) || ' NOLOGIN IN ROLE hydrants_reader';
    END IF;
  END LOOP;
END
$$;

-- the portal, where it has no login of its own, takes this role in each transaction
GRANT hydrants_reader TO CURRENT_USER;

-- hydrants_reader holds exactly this, whatever it was given before
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM hydrants_reader;
REVOKE CREATE ON SCHEMA public FROM hydrants_reader;
GRANT USAGE ON SCHEMA public TO hydrants_reader;
GRANT SELECT ON
  current_snapshot, snapshot, gemeente, operator, -- of no gemeente in particular
  snapshot_hydrant, snapshot_progress, plan_stop, hydrant_state, -- by gemeente
  current_hydrant, current_progress
TO hydrants_reader;
