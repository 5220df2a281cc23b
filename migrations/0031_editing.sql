-- A user may change arguments before approving, if the backend says that it runs changed ones.

-- New columns: nothing is rewritten, and the previous version of the program goes on reading and writing the columns that
-- it knows.
ALTER TABLE approvals
    ADD COLUMN editable boolean NOT NULL DEFAULT false,
    -- What was approved instead of `arguments`, which stay as they were asked. Emptied together with them.
    --
    -- Such an approval has no decision_scope, although its scope is 'once'. Version 0.1.0 can't read an approval without
    -- one, so it never tells a backend to run the arguments that were asked.
    ADD COLUMN edited_arguments json,
    ADD COLUMN edited_digest bytea,
    -- Not validated, because no row has these columns yet, and Postgres would read the whole table.
    ADD CONSTRAINT approvals_edited CHECK (edited_digest IS NULL OR (octet_length(edited_digest) = 32
        AND status = 'approved' AND decided_by = 'user' AND decision_scope IS NULL AND edited_arguments IS NOT NULL))
        NOT VALID;

-- The functions that empty arguments learn of the new column, and stay as they are otherwise: settings and privileges too.
DO $$
DECLARE
    one text[];
    was text;
    becomes text;
BEGIN
    FOREACH one SLICE 1 IN ARRAY ARRAY[
        ['keep_ended_approval', 'AND NEW.reason IS NULL AND NEW.metadata IS NULL THEN',
            'AND NEW.reason IS NULL AND NEW.metadata IS NULL
        AND coalesce(NEW.edited_arguments::text, ''{}'') = ''{}''
        AND (NEW.edited_arguments IS NULL) = (OLD.edited_arguments IS NULL) THEN
        OLD.edited_arguments := NEW.edited_arguments;'],
        ['delete_contents', 'SET arguments = ''{}'',',
            'SET arguments = ''{}'',
        edited_arguments = CASE WHEN p.edited_arguments IS NOT NULL THEN ''{}''::json END,']
    ] LOOP
        was := pg_get_functiondef(one[1]::regproc);
        becomes := replace(was, one[2], one[3]);
        IF becomes = was THEN
            RAISE EXCEPTION 'The function % is not the one that this migration changes.', one[1];
        END IF;
        EXECUTE becomes;
    END LOOP;
END $$;
