#!/bin/sh
# watch.sh DIR: waits for the end of its input, which comes when the program that started a service has gone, however it
# went; then ends the daemons that are left, each with the group that it leads, and removes DIR.
set -u
dir=$1
cat >/dev/null
: >"$dir/over"
for file in "$dir"/*.pid; do
    [ -f "$file" ] || continue
    read -r pid started <"$file"
    now=$(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null | cut -d' ' -f20)
    # A number that was given anew belongs to somebody else.
    if [ "$now" = "$started" ]; then
        kill -s KILL -- "-$pid" 2>/dev/null
    fi
done
rm -rf "$dir"
