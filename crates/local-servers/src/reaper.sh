# Ends processes and removes directories when standard input closes: its owner is dead then,
# however it died. Lines: `watch PID SIGNAL`, `forget PID`, `remove DIR`.
# Portable sh; it must survive what ends its owner.
trap '' HUP INT TERM QUIT

newline='
'
watched=''
directories=''

while IFS=' ' read -r verb rest; do
    case $verb in
        watch)
            watched="$watched $(printf '%s' "$rest" | tr ' ' ':')"
            ;;
        forget)
            kept=''
            for entry in $watched; do
                if [ "${entry%%:*}" != "$rest" ]; then kept="$kept $entry"; fi
            done
            watched=$kept
            ;;
        remove)
            directories="$directories$rest$newline"
            ;;
    esac
done

# A process that nobody collects (a zombie under an init that does not reap) has ended too.
is_running() {
    kill -0 "$1" 2>/dev/null || return 1
    case $(ps -o stat= -p "$1" 2>/dev/null) in
        Z*) return 1 ;;
    esac
}

any_runs() {
    for entry in $watched; do
        if is_running "${entry%%:*}"; then return 0; fi
    done
    return 1
}

# A paused process hears nothing but this and KILL, and a paused child would outlive its parent.
resume() {
    kill -CONT "$1" 2>/dev/null
    ps -A -o pid=,ppid= 2>/dev/null | while read -r child parent; do
        if [ "$parent" = "$1" ]; then kill -CONT "$child" 2>/dev/null; fi
    done
}

for entry in $watched; do
    kill -"${entry##*:}" "${entry%%:*}" 2>/dev/null
    resume "${entry%%:*}"
done

tries=30
while [ "$tries" -gt 0 ] && any_runs; do
    sleep 0.1
    tries=$((tries - 1))
done

for entry in $watched; do
    if is_running "${entry%%:*}"; then kill -KILL "${entry%%:*}" 2>/dev/null; fi
done

# A server's children may write for a moment after it, which makes one rm fail.
printf '%s' "$directories" | while IFS= read -r directory; do
    tries=20
    while [ "$tries" -gt 0 ] && [ -e "$directory" ]; do
        rm -rf -- "$directory" 2>/dev/null || sleep 0.1
        tries=$((tries - 1))
    done
done
