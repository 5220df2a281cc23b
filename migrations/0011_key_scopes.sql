-- What an API key may be used for, and when it was last used.
--
-- Existing keys keep all rights, and so do those that an older program makes while instances are being upgraded: it
-- names no scopes. A newer program always names them.
ALTER TABLE api_keys
    ADD COLUMN scopes       text[] NOT NULL DEFAULT '{ask,catalog,connections,read,audit}'
        CONSTRAINT api_keys_scopes_known CHECK
            (cardinality(scopes) > 0 AND scopes <@ '{ask,catalog,connections,read,audit}'::text[]),
    -- Written once a minute at most.
    ADD COLUMN last_used_at timestamptz,
    -- An operator revoked it. Unlike expires_at, this does not depend on any clock. Whoever sets it sets expires_at as
    -- well, which is what an older program looks at.
    ADD COLUMN revoked_at   timestamptz,
    ADD CONSTRAINT api_keys_revoked_expire CHECK (revoked_at IS NULL OR expires_at IS NOT NULL);
