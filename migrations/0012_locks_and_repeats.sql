-- A person's row is what giving a standing permission, turning it off and leaving the workspace are ordered by, so
-- there has to be one before anybody has looked the person up.
ALTER TABLE members
    ALTER COLUMN checked_at DROP NOT NULL,
    -- When the person was last found to be no full member.
    ADD COLUMN left_at timestamptz;
