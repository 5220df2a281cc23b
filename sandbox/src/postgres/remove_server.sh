# Outlives the process that owns a Postgres server, and cleans up after it.
#
# $1: the folder with all of the server's files.
# Standard input: one line each time the server was started (its process id) or stopped (a 0). It ends as soon as the
# owner has ended, for whatever reason.
trap '' HUP INT QUIT TERM
pid=
while read -r line; do pid=$line; done

running() {
    [ "${pid:-0}" -gt 0 ] && kill -0 "$pid" 2>/dev/null || return 1
    # A zombie that no process has waited for (a container without an init).
    ! grep -q '^State:[[:space:]]*Z' "/proc/$pid/status" 2>/dev/null
}

# The server's pid file names its process. Another process may have that id now, so its command line must name this folder.
written() {
    read -r found <"$1/data/postmaster.pid" || return 1
    line=$(tr '\0' ' ' <"/proc/$found/cmdline" || ps -o args= -p "$found") || return 1
    case $line in *"$1/data"*) pid=$found ;; *) return 1 ;; esac
} 2>/dev/null

# If the owner was killed after it started the server and before it sent the id, the server needs a moment to write the file.
tries=0
while ! running && ! written "$1" && [ -z "$pid" ] && [ -e "$1/server.log" ] && [ "$tries" -lt 10 ]; do
    sleep 0.1
    tries=$((tries + 1))
done

if running; then
    kill -QUIT "$pid" # Immediate shutdown: the server ends its children and frees its shared memory.
    tries=0
    while running && [ "$tries" -lt 100 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    running && kill -KILL "$pid"
fi

# A process that was still ending may write into the folder while it is removed, so try again.
tries=0
while [ -e "$1" ] && [ "$tries" -lt 50 ]; do
    rm -rf "$1" 2>/dev/null
    sleep 0.1
    tries=$((tries + 1))
done
