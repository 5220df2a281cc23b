# Outlives the process that owns a Postgres server, and clears up after it.
#
# $1: the folder that holds everything of the server.
# Standard input: one line each time the server was started (its process id) or stopped (a 0). It is at its end as soon as
# the owner is gone, whichever way it went.
trap '' HUP INT QUIT TERM
pid=0
while read -r line; do pid=$line; done

running() {
    [ "$pid" -gt 0 ] && kill -0 "$pid" 2>/dev/null || return 1
    # Dead, but nobody has collected it yet (a container without an init).
    ! grep -q '^State:[[:space:]]*Z' "/proc/$pid/status" 2>/dev/null
}

if running; then
    kill -QUIT "$pid" # Immediate shutdown: the server ends its children and gives its shared memory back.
    tries=0
    while running && [ "$tries" -lt 100 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    running && kill -KILL "$pid"
fi

# Again, if something that was still ending wrote into the folder meanwhile.
tries=0
while [ -e "$1" ] && [ "$tries" -lt 50 ]; do
    rm -rf "$1" 2>/dev/null
    sleep 0.1
    tries=$((tries + 1))
done
