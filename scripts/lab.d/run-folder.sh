# A run of the lab: a folder that names all that the run made, so that any later process can take it away again.
# Sourced. RUN is the folder, PREFIX begins the names of the run's namespaces.

RUNS=${LAB_RUNS:-/tmp/copperhull-lab} # begins the names of the folders

new_run() { # new_run OWNER_PID: the run ends with its owner; 0 for one that stays until `down`
  RUN=$(mktemp -d "$RUNS.XXXXXXXX")
  PREFIX=chl-${RUN##*.}-
  mkdir "$RUN/log" "$RUN/www"
  : >"$RUN/namespaces" >"$RUN/processes"
  echo "$1 $(start_time "$1")" >"$RUN/owner"
  export RUN PREFIX
}

use_run() { # use_run FOLDER
  RUN=$1
  PREFIX=chl-${RUN##*.}-
  export RUN PREFIX
}

# Clock ticks since boot at which a process started: with the pid, a name that is never given twice.
start_time() {
  local stat
  read -r stat 2>/dev/null <"/proc/$1/stat" || { echo 0; return; }
  set -- ${stat##*) }
  echo "${20}"
}

is_alive() { # is_alive PID START_TIME
  [ "$1" != 0 ] && [ "$(start_time "$1")" = "$2" ] && ! grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null
}

start_process() { # start_process NAME COMMAND...: in a process group of its own, its output in log/NAME
  local name=$1
  shift
  setsid "$@" >"$RUN/log/$name" 2>&1 </dev/null &
  LAST_PID=$!
  echo "$name $LAST_PID $(start_time $LAST_PID)" >>"$RUN/processes"
}

# Processes are ended by the ids that were noted when they were started, never by name.
signal_group() { # signal_group SIGNAL PID
  kill "-$1" -- "-$2" 2>/dev/null || kill "-$1" "$2" 2>/dev/null || true
}

wait_for_end() { # wait_for_end TENTHS PID START_TIME
  local i
  for ((i = 0; i < $1; i++)); do
    is_alive "$2" "$3" || return 0
    sleep 0.1
  done
  return 1
}

stop_process() { # stop_process NAME [SIGNAL [TENTHS]]: waits, and kills what does not end
  local name pid started
  while read -r name pid started; do
    [ "$name" = "$1" ] && is_alive "$pid" "$started" || continue
    signal_group "${2:-TERM}" "$pid"
    wait_for_end "${3:-30}" "$pid" "$started" || signal_group KILL "$pid"
  done <"$RUN/processes"
}

is_running() { # is_running NAME
  local name pid started
  while read -r name pid started; do
    if [ "$name" = "$1" ] && is_alive "$pid" "$started"; then return 0; fi
  done <"$RUN/processes"
  return 1
}

signal_process() { # signal_process NAME SIGNAL: the process alone, as a service manager does, not what it started
  local name pid started
  while read -r name pid started; do
    if [ "$name" = "$1" ] && is_alive "$pid" "$started"; then kill "-$2" "$pid"; fi
  done <"$RUN/processes"
}

end_of_process() { # end_of_process NAME TENTHS: its exit code; one that does not end is killed
  local name pid started status=0
  while read -r name pid started; do
    [ "$name" = "$1" ] || continue
    wait_for_end "$2" "$pid" "$started" || signal_group KILL "$pid"
    wait "$pid" || status=$?
  done <"$RUN/processes"
  return "$status"
}

clean_up() { # takes away all that the run at hand made; may be called twice
  local name pid started namespace
  [ -d "$RUN" ] || return 0
  while read -r name pid started; do
    if is_alive "$pid" "$started"; then signal_group TERM "$pid"; fi
  done <"$RUN/processes"
  while read -r name pid started; do
    wait_for_end 30 "$pid" "$started" || signal_group KILL "$pid"
  done <"$RUN/processes"
  while read -r namespace; do
    ip netns del "$namespace" 2>/dev/null || true
  done <"$RUN/namespaces"
  rm -rf "$RUN"
}

# Runs whose owner was killed before it could clean up, and those that `up` left standing.
clean_up_leftovers() {
  local folder pid started count=0
  for folder in "$RUNS".*; do
    [ -O "$folder" ] && [ ! -L "$folder" ] && read -r pid started 2>/dev/null <"$folder/owner" || continue
    if is_alive "$pid" "$started"; then continue; fi
    use_run "$folder"
    clean_up
    count=$((count + 1))
  done
  echo "lab: $count runs taken down"
}
