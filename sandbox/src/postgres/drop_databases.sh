# Outlives the process that created databases on an existing server, and drops them if `psql` is installed.
#
# $1: the prefix of the names of that process's databases.
# PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE, PGSSLMODE: the server.
# Standard input: ends as soon as the owner has ended, for whatever reason.
trap '' HUP INT QUIT TERM
while read -r _; do :; done

psql -X -q -A -t -c "select datname from pg_database where starts_with(datname, '$1')" 2>/dev/null |
    while read -r name; do
        psql -X -q -c "drop database if exists \"$name\" with (force)" </dev/null >/dev/null 2>&1
    done
