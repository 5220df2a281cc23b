# Outlives the process that made databases on somebody else's server, and drops them where `psql` is there to do it.
#
# $1: what the names of the databases of that process begin with.
# PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE, PGSSLMODE: the server.
# Standard input: at its end as soon as the owner is gone, whichever way it went.
trap '' HUP INT QUIT TERM
while read -r _; do :; done

psql -X -q -A -t -c "select datname from pg_database where starts_with(datname, '$1')" 2>/dev/null |
    while read -r name; do
        psql -X -q -c "drop database if exists \"$name\" with (force)" </dev/null >/dev/null 2>&1
    done
