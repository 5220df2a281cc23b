# Outlives the process that owns a Postgres server, and clears up after it.
#
# $1: the folder that holds everything of the server.
# Standard input: one line each time the server was started (its process id) or stopped (a 0). It is at its end as soon as
# the owner is gone, whichever way it went.
trap '' HUP INT QUIT TERM
pid=
while read -r line; do pid=$line; done

running() {
    [ "${pid:-0}" -gt 0 ] && kill -0 "$pid" 2>/dev/null || return 1
    # Dead, but nobody has collected it yet (a container without an init).
    ! grep -q '^State:[[:space:]]*Z' "/proc/$pid/status" 2>/dev/null
}

# The server writes down who it is. Its id may be somebody else's by now, so what runs under it has to be on this folder.
written() {
    read -r found <"$1/data/postmaster.pid" || return 1
    line=$(tr '\0' ' ' <"/proc/$found/cmdline" || ps -o args= -p "$found") || return 1
    case $line in *"$1/data"*) pid=$found ;; *) return 1 ;; esac
} 2>/dev/null

# The owner was killed after it had started the server, and before it could tell: the server needs a moment to write.
tries=0
while ! running && ! written "$1" && [ -z "$pid" ] && [ -e "$1/server.log" ] && [ "$tries" -lt 10 ]; do
    sleep 0.1
    tries=$((tries + 1))
done

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
