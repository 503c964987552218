#!/bin/sh
# daemon.sh DIR NAME COMMAND...: becomes the command, once DIR/NAME.pid says which process it is and since when.
#
# Whoever ends the service first leaves DIR/over and then reads the numbers. Here the number is written first and then the
# mark looked for: one of the two sees the other, and no daemon is left behind.
set -eu
dir=$1 name=$2
shift 2
started=$(sed 's/.*) //' "/proc/$$/stat" 2>/dev/null | cut -d' ' -f20) || started=
echo "$$ $started" >"$dir/$name.new"
mv "$dir/$name.new" "$dir/$name.pid"
[ ! -e "$dir/over" ] || exit 1
exec "$@"
