# Runs a scenario in user-mode Linux: a kernel with all tunnels as an ordinary process, on the machine's own files, which
# it may only read. Sourced.

GUEST_MEMORY_MB=384

# The machine's end of the guest's mirror ports; sensors on the machine listen there.
outside_ports() { # outside_ports PORT...
  local port
  for port; do
    in_namespace sensor tuntap add dev "$port" mode tap
    listening_end "$port"
  done
}

run_guest() { # run_guest SECONDS SCENARIO NETWORK SENSORS PORT...: SENSORS is `inside` or `outside`
  local seconds=$1 devices=() index=0 port memory_in=/dev/shm
  shift
  {
    printf 'export LAB=%q OUT=%q LAB_QUICK=%q LAB_RECORDER=%q LAB_SENSOR=%q\n' \
      "$LAB" "$OUT" "${LAB_QUICK:-}" "$LAB_RECORDER" "$LAB_SENSOR"
    printf 'set --'
    printf ' %q' "$@"
    printf '\n'
  } >"$RUN/guest"
  if [ "$3" = outside ]; then
    for port in "${@:4}"; do
      devices+=("vec$index:transport=tap,ifname=$port,depth=64,gro=0,mtu=9000")
      index=$((index + 1))
    done
  fi
  # The guest's memory is a file; a container's /dev/shm may be smaller than it.
  if [ "$(df --output=avail -m /dev/shm 2>/dev/null | tail -n 1)" -lt $((GUEST_MEMORY_MB * 2)) ] 2>/dev/null; then
    memory_in=$RUN
  fi
  serve guest sensor env "TMPDIR=$memory_in" timeout --kill-after=5 "$seconds" linux.uml "mem=${GUEST_MEMORY_MB}M" \
    root=/dev/root rootfstype=hostfs rootflags=/ ro "init=$LAB/guest-init" con=null con0=null,fd:1 quiet \
    umid=guest "uml_dir=$RUN/uml/" "LAB_GUEST=$RUN/guest" "${devices[@]}"
  wait "$LAST_PID" || true # how it went stands in its status file
  local status
  status=$(cat "$OUT/log/guest-status" 2>/dev/null) || status="no status: it did not start, or took longer than $seconds s"
  [ "$status" = 0 ] || {
    echo "lab: the scenario failed in user-mode Linux ($status); see log/guest and log/guest-play" >&2
    return 1
  }
}
